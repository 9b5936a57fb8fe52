// apart.cpp: the second half of workers.hpp: one thing, made in a process of its own.
#include "orrery/core/check.hpp"
#include "orrery/core/signal_safe.hpp"
#include "orrery/testkit/assertions.hpp"
#include "orrery/testkit/crash.hpp"
#include "orrery/testkit/wire.hpp"
#include "orrery/testkit/workers.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace orrery::testkit {

namespace {

// What comes through the pipe: frames of a letter, a length and bytes.
constexpr char frame_result = '=';
constexpr char frame_signal = '!';
constexpr char frame_last_words = '.';

void put_frame(int file, char letter, std::string_view bytes) {
  const std::uint64_t size = bytes.size();
  std::array<char, 1 + sizeof size> head{letter};
  std::memcpy(head.data() + 1, &size, sizeof size);
  write_all(file, {head.data(), head.size()});
  write_all(file, bytes);
}

void take_frames(std::string_view bytes, Made& made) {
  constexpr std::size_t head_bytes = 1 + sizeof(std::uint64_t);
  while (bytes.size() >= head_bytes) {
    const char letter = bytes.front();
    std::uint64_t size = 0;
    std::memcpy(&size, bytes.data() + 1, sizeof size);
    bytes.remove_prefix(head_bytes);
    if (bytes.size() < size) return;  // died while it wrote
    const std::string text{bytes.substr(0, size)};
    bytes.remove_prefix(size);
    if (letter == frame_result) made.result = text;
    if (letter == frame_signal) made.died_of = text;
    if (letter == frame_last_words) made.last_words = text;
  }
}

struct Dying {
  int file;
  const std::function<std::string(std::string_view)>* on_crash;
};

void on_death(int signal, void* argument) {
  const Dying& dying = *static_cast<Dying*>(argument);
  put_frame(dying.file, frame_signal, signal_name(signal));
  alarm(2);  // what follows allocates, and the heap may be locked or broken
  put_frame(dying.file, frame_last_words, (*dying.on_crash)(signal_name(signal)));
}

std::string read_to_end(int file) {
  std::string bytes;
  std::array<char, 65'536> buffer{};
  for (;;) {
    const ssize_t count = read(file, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return bytes;
    bytes.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

/// What an outcome is in the middle of a run that has just crashed.
void tell_where(sim::Outcome& outcome, sim::World* world, std::string_view signal) {
  outcome = {};
  outcome.finding = {.kind = sim::FindingKind::crash, .name = std::string{signal}, .detail = {}, .file = {}};
  if (world == nullptr) {
    outcome.finding->detail = "outside of the body of the test";
    return;
  }
  sim::Engine& engine = world->internals();
  outcome.finding->name += " " + place_of(*world, false);
  outcome.finding->step = engine.steps();
  outcome.finding->detail = fmt::format("{} {}, step {}", signal, place_of(*world), engine.steps());
  outcome.steps = engine.steps();
  outcome.operations = engine.operations();
  outcome.decisions = engine.decisions();
  outcome.trace_hash = engine.trace_hash();
  outcome.events = engine.events();
  outcome.reduced = engine.options().reduce;
}

/// Puts a run that was not shrunk into the failure.
void put_run(Failure& failure, sim::Outcome outcome) {
  failure.original_choices = count_choices(outcome.decisions).schedule;
  put_outcome(failure.record, outcome);
  failure.outcome = std::move(outcome);
}

std::string bytes_of(const Failure& failure) {
  WireWriter out;
  write(out, failure);
  return out.bytes();
}

}  // namespace

Made make_in_a_process(const std::function<std::string()>& make,
                       const std::function<std::string(std::string_view)>& on_crash, ApartOptions options) {
  std::array<int, 2> ends{};
  ORRERY_CHECK(pipe(ends.data()) == 0);
  std::fflush(nullptr);
  const pid_t parent = getpid();
  const pid_t process = fork();
  ORRERY_CHECK(process >= 0, "fork: {}", std::strerror(errno));
  if (process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
    std::signal(SIGINT, SIG_IGN);
    const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
    setrlimit(RLIMIT_CORE, &no_core);
    close(ends[0]);
    if (options.is_quiet) {
      const int nowhere = open("/dev/null", O_WRONLY);
      dup2(nowhere, STDOUT_FILENO);
      dup2(nowhere, STDERR_FILENO);
    }
    alarm(options.seconds_max);
    Dying dying{.file = ends[1], .on_crash = &on_crash};
    const CrashWatch watch{on_death, &dying};
    put_frame(ends[1], frame_result, make());
    std::fflush(nullptr);
    _exit(0);
  }
  close(ends[1]);
  Made made;
  take_frames(read_to_end(ends[0]), made);
  close(ends[0]);
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (made.result) return made;
  if (made.died_of.empty()) {
    made.died_of = WIFSIGNALED(status) ? std::string{signal_name(WTERMSIG(status))}
                                       : fmt::format("exit code {}", WEXITSTATUS(status));
  }
  return made;
}

std::optional<Failure> investigate_apart(const Property& property, const CheckOptions& options,
                                         std::uint64_t campaign_seed, Runs& runs, const RunNote& note) {
  const Made made = make_in_a_process(
      [&]() -> std::string {
        const auto failure = investigate(property, options, campaign_seed, runs, note);
        return failure ? bytes_of(*failure) : std::string{};
      },
      [](std::string_view) {
        sim::World* const world = world_of_this_run();
        return world == nullptr ? std::string{} : place_of(*world);
      });
  if (made.result) return made.result->empty() ? std::nullopt : read_failure(*made.result);
  Failure failure = failure_of_run(property, options, campaign_seed, note.run);
  failure.finding = note.finding.value_or(sim::Finding{.kind = sim::FindingKind::non_determinism,
                                                       .name = fmt::format("two executions of run {} differ", note.run),
                                                       .detail = note.differs,
                                                       .file = {}});
  failure.finding.detail += fmt::format("{}not shrunk: a run that was made for that died of {} {}",
                                        failure.finding.detail.empty() ? "" : "\n", made.died_of, made.last_words);
  put_run(failure, runs.make(note.run, true));
  failure.input = failure.original_input = property.make_input(failure.record.origin)->describe();
  failure.record.finding = to_string(failure.finding);
  return failure;
}

MadeRun execute_apart(const Property& property, const Input& input, const sim::MakeStrategy& make_strategy,
                      const sim::RunOptions& options, bool wants_labels) {
  constexpr unsigned seconds_max = 5;
  const auto bytes_of_run = [](const MadeRun& made) {
    WireWriter out;
    write(out, made);
    return out.bytes();
  };
  MadeRun dying;  // not handed over by execute_here() when it dies in the middle of it
  const Made made = make_in_a_process(
      [&] {
        const sim::Body body = [&](sim::World& world) { property.body(world, input); };
        const auto noting = [&] { return std::make_unique<sim::Noting>(make_strategy(), dying.notes, wants_labels); };
        dying.outcome = run_once(body, noting, options);
        return bytes_of_run(dying);
      },
      [&](std::string_view signal) {
        tell_where(dying.outcome, world_of_this_run(), signal);
        return bytes_of_run(dying);
      },
      {.is_quiet = true, .seconds_max = seconds_max});
  if (auto told = read_made_run(made.result ? *made.result : made.last_words)) return std::move(*told);
  MadeRun silent;
  silent.outcome.finding = {.kind = sim::FindingKind::crash, .name = made.died_of, .detail = {}, .file = {}};
  return silent;
}

namespace {

/// Shrinks a crash that has told where it was.
void shrink_crash(Failure& failure, const Property& property, const CheckOptions& options) {
  constexpr std::chrono::seconds time_max{10};
  const Failure before = failure;
  sim::Outcome first = failure.outcome;
  shrink_failure(failure, property, options, property.make_input(failure.record.origin), std::move(first),
                 execute_apart, std::chrono::steady_clock::now() + time_max);
  if (failure.finding.kind == sim::FindingKind::crash) return;
  const std::string why = failure.finding.name;
  failure = before;
  failure.finding.detail += "\nnot shrunk: " + why;
}

}  // namespace

Failure investigate_crash(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed,
                          Runs& runs, const RunNote& note) {
  Failure failure = failure_of_run(property, options, campaign_seed, note.run);
  const Made made = make_in_a_process(
      [&] {
        failure.input = failure.original_input = property.make_input(failure.record.origin)->describe();
        put_run(failure, runs.make(note.run, true));
        return bytes_of(failure);
      },
      [&](std::string_view signal) {
        sim::Outcome outcome;
        tell_where(outcome, world_of_this_run(), signal);
        put_run(failure, std::move(outcome));
        failure.finding = *failure.outcome.finding;
        return bytes_of(failure);
      });
  const std::string& bytes = made.result ? *made.result : made.last_words;
  if (auto told = read_failure(bytes)) failure = std::move(*told);
  if (made.result) {
    failure.finding = *note.finding;
    failure.finding.detail =
        "made again alone it does not crash: what ran before it in the same process matters, or an address";
  } else if (failure.finding.kind != sim::FindingKind::crash || failure.finding.name.empty()) {
    failure.finding = *note.finding;  // it could say nothing any more
    failure.finding.detail = fmt::format("made again it dies of {}, too", made.died_of);
  } else if (failure.finding.name.contains(' ')) {  // it knew its place, so it was in the middle of a run
    shrink_crash(failure, property, options);
  }
  failure.record.finding = to_string(failure.finding);
  return failure;
}

}  // namespace orrery::testkit
