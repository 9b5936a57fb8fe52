#include "orrery/testkit/second_process.hpp"

#include "orrery/core/entropy.hpp"
#include "orrery/core/signal_safe.hpp"
#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

namespace orrery::testkit {

namespace {

constexpr const char* variable = "ORRERY_CHILD_RUN";
constexpr int answer_file = 3;  ///< in the child
constexpr std::string_view ended_well = "end of answer";

// ---- the question: "seed run operations_max faults strategy grain Suite.Test#2" -------------------------------------------------------

struct Question {
  std::uint64_t seed = 0;
  std::uint64_t run = 0;
  std::uint64_t operations_max = 0;
  std::uint64_t faults = 0;
  std::uint64_t strategy = 0;
  std::uint64_t grain = 0;
  std::string property;
};

std::optional<Question> read_question() {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  std::string_view rest = text;
  Question question;
  for (std::uint64_t* const number : {&question.seed, &question.run, &question.operations_max, &question.faults,
                                      &question.strategy, &question.grain}) {
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), *number);
    if (error != std::errc{} || end == rest.data() + rest.size()) std::_Exit(1);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
  }
  question.property = rest;
  return question;
}

const std::optional<Question>& question() {
  static const std::optional<Question> asked = read_question();
  return asked;
}

// ---- the child ------------------------------------------------------------------------------------------------------------

/// Leaves the heap's free lists full of blocks in a shuffled order, and something in them that is neither zero nor what the
/// parent's blocks hold. Blocks of one size come out in another order than that of their addresses.
void shuffle_heap() {
  constexpr std::size_t sizes = 64, step = 16, each = 128;
  Entropy entropy{0x5ec0'4d, 1};
  std::vector<char*> blocks(each);
  for (std::size_t size = 1; size <= sizes; ++size) {
    for (char*& block : blocks) {
      block = static_cast<char*>(std::malloc(size * step - 8));  // with its header: a whole step
      if (block == nullptr) return;
      std::memset(block, static_cast<int>(entropy.below(255)) + 1, size * step - 8);
    }
    for (std::size_t left = each; left > 1; --left) std::swap(blocks[left - 1], blocks[entropy.below(left)]);
    for (char* const block : blocks) {
      // NOLINTNEXTLINE: the compiler must not take the writes away, and the pair of calls with them.
      __asm__ volatile("" ::"r"(block) : "memory");
      std::free(block);
    }
  }
}

std::string to_text(const RunAnswer& answer) {
  std::string text = fmt::format("{:016x} {:016x} {}\n{}\n", answer.trace_hash.hi, answer.trace_hash.lo, answer.steps,
                                 in_one_line(answer.finding));
  for (const std::string& event : answer.events) text += event + '\n';
  return text.append(ended_well) + '\n';
}

// ---- the parent -----------------------------------------------------------------------------------------------------------

std::expected<RunAnswer, NoAnswer> parse_answer(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) break;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  if (lines.size() < 3 || lines.back() != ended_well || lines[0].size() < 35) {
    return std::unexpected(NoAnswer{"it did not reach the check"});
  }
  RunAnswer answer;
  const std::string_view numbers = lines[0];
  std::from_chars(numbers.data(), numbers.data() + 16, answer.trace_hash.hi, 16);
  std::from_chars(numbers.data() + 17, numbers.data() + 33, answer.trace_hash.lo, 16);
  std::from_chars(numbers.data() + 34, numbers.data() + numbers.size(), answer.steps);
  answer.finding = lines[1];
  for (std::size_t i = 2; i + 1 < lines.size(); ++i) answer.events.emplace_back(lines[i]);
  return answer;
}

bool starts_with_one_of(std::string_view text, std::initializer_list<std::string_view> beginnings) {
  return std::ranges::any_of(beginnings, [&](std::string_view one) { return text.starts_with(one); });
}

/// The arguments of this process, as far as they do not say which tests run, how often and what is printed.
std::vector<std::string> arguments_of_child(const std::string& test) {
  std::ifstream file{"/proc/self/cmdline", std::ios::binary};
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');) {
    if (!arguments.empty() &&
        starts_with_one_of(argument, {"--gtest_filter", "--gtest_repeat", "--gtest_shuffle", "--gtest_output",
                                      "--gtest_fail_fast", "--gtest_internal", "--orrery_replay", "--orrery_mode",
                                      "--orrery_json", "--orrery_ci", "--orrery_break", "--orrery_trace_file"})) {
      continue;
    }
    arguments.push_back(std::move(argument));
  }
  arguments.push_back("--gtest_filter=" + test);
  return arguments;
}

/// Other addresses come by themselves with a new process; another filling is asked for.
std::vector<std::string> environment_of_child(const std::string& asked) {
  std::string tunables = "glibc.malloc.perturb=165:glibc.malloc.tcache_count=256";
  std::string asan =
      "malloc_fill_byte=90:max_malloc_fill_size=1048576:quarantine_size_mb=0:thread_local_quarantine_size_kb=0:"
      "detect_leaks=0";
  std::vector<std::string> environment;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view entry = *at;
    if (starts_with_one_of(entry, {"ORRERY_CHILD_RUN=", "ORRERY_REPLAY=", "ORRERY_MODE=", "ORRERY_JSON=", "ORRERY_CI=",
                                   "ORRERY_BREAK=", "ORRERY_TRACE_FILE=", "GTEST_FILTER=", "GTEST_REPEAT=",
                                   "GTEST_SHUFFLE=", "GTEST_OUTPUT=", "GTEST_TOTAL_SHARDS=", "GTEST_SHARD_INDEX=",
                                   "GTEST_SHARD_STATUS_FILE=", "XML_OUTPUT_FILE=", "MALLOC_PERTURB_="})) {
      continue;
    }
    if (entry.starts_with("GLIBC_TUNABLES=")) {
      tunables.insert(0, std::string{entry.substr(entry.find('=') + 1)} + ':');
    } else if (entry.starts_with("ASAN_OPTIONS=")) {
      asan.insert(0, std::string{entry.substr(entry.find('=') + 1)} + ':');
    } else {
      environment.emplace_back(entry);
    }
  }
  environment.push_back("GLIBC_TUNABLES=" + tunables);
  environment.push_back("ASAN_OPTIONS=" + asan);
  environment.push_back(fmt::format("{}={}", variable, asked));
  return environment;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Returns: the child's id, or the error.
std::expected<pid_t, int> start(std::vector<std::string> arguments, std::vector<std::string> environment, int answer) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, answer, answer_file);  // also takes close-on-exec off
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int error = ::posix_spawn(&child, "/proc/self/exe", &actions, nullptr, pointers_to(arguments).data(),
                                  pointers_to(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return std::unexpected(error);
  return child;
}

/// Returns: whether the pipe was closed by its writer before the time was over.
bool read_all(int file, std::string& text, std::chrono::seconds time_max) {
  const auto end = std::chrono::steady_clock::now() + time_max;
  std::array<char, 16'384> buffer;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd wanted{.fd = file, .events = POLLIN, .revents = 0};
    const int ready = left.count() <= 0 ? 0 : ::poll(&wanted, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const ssize_t got = ::read(file, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

std::string at_or_nothing(const std::vector<std::string>& lines, std::size_t at) {
  return at < lines.size() ? lines[at] : "(nothing more)";
}

std::string summary(const RunAnswer& answer) {
  return fmt::format("{}, {}, trace {:016x}", count_of(answer.steps, "step"),
                     answer.finding.empty() ? "nothing found" : answer.finding, answer.trace_hash.hi);
}

sim::Finding difference(std::uint64_t run, std::string detail) {
  sim::Finding finding;
  finding.kind = sim::FindingKind::non_determinism;
  finding.name = fmt::format("run {} differs in another process", run);
  finding.detail = std::move(detail) +
                   "\nthe second was made in a process of its own, whose heap has other addresses and "
                   "another filling";
  return finding;
}

}  // namespace

RunAnswer answer_of(const sim::Outcome& outcome) {
  RunAnswer answer{.trace_hash = outcome.trace_hash, .steps = outcome.steps, .finding = {}, .events = {}};
  if (outcome.finding) {
    answer.finding = in_one_line(to_string(*outcome.finding));
  }
  for (const sim::Event& event : outcome.events) answer.events.push_back(in_one_line(sim::to_string(event)));
  return answer;
}

bool is_second_process() { return question().has_value(); }

void answer_from_second_process(const Property& property, const CheckOptions& options) {
  if (!question() || question()->property != property.name) return;
  CheckOptions asked = options;
  asked.run.operations_max = question()->operations_max;
  (void)put_plan(asked, {.profile = static_cast<std::uint8_t>(question()->faults),
                         .strategy = static_cast<std::uint8_t>(question()->strategy),
                         .grain = static_cast<std::uint8_t>(question()->grain)});
  shuffle_heap();
  const sim::Outcome outcome = make_run(property, asked, question()->seed, question()->run, true);
  write_all(answer_file, to_text(answer_of(outcome)));
  std::_Exit(0);
}

std::expected<RunAnswer, NoAnswer> run_in_second_process(const Property& property, const CheckOptions& options,
                                                         std::uint64_t seed, std::uint64_t run,
                                                         std::chrono::seconds time_max) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::unexpected(NoAnswer{fmt::format("no pipe: {}", std::strerror(errno))});
  const Token token = token_of_run(property, options, seed, run);
  const std::string asked = fmt::format("{} {} {} {} {} {} {}", seed, run, options.run.operations_max, token.profile,
                                        token.strategy, token.grain, property.name);
  const auto child =
      start(arguments_of_child(property.name.substr(0, property.name.find('#'))), environment_of_child(asked), ends[1]);
  ::close(ends[1]);
  if (!child) {
    ::close(ends[0]);
    return std::unexpected(NoAnswer{fmt::format("it cannot be started: {}", std::strerror(child.error()))});
  }
  std::string text;
  const bool in_time = read_all(ends[0], text, time_max);
  ::close(ends[0]);
  if (!in_time) ::kill(*child, SIGKILL);
  int status = 0;
  while (::waitpid(*child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) return std::unexpected(NoAnswer{fmt::format("no answer within {} s", time_max.count())});
  if (WIFSIGNALED(status)) {
    return std::unexpected(NoAnswer{fmt::format("it was killed by signal {}", WTERMSIG(status)), true});
  }
  return parse_answer(text);
}

std::optional<sim::Finding> compare_with_second_process(const Property& property, const CheckOptions& options,
                                                        std::uint64_t seed, std::uint64_t run,
                                                        const sim::Outcome& here) {
  const RunAnswer first = answer_of(here);
  const auto answered = run_in_second_process(property, options, seed, run);
  if (!answered && answered.error().killed) {
    return difference(run, fmt::format("first : {}\nsecond: {}", summary(first), answered.error().why));
  }
  if (!answered) {
    fmt::print("[   SIM    ] run {} was not repeated in another process: {}\n", run, answered.error().why);
    std::fflush(stdout);
    return std::nullopt;
  }
  const RunAnswer& second = *answered;
  if (first.trace_hash == second.trace_hash && first.steps == second.steps && first.finding == second.finding) {
    return std::nullopt;
  }
  const auto at =
      static_cast<std::size_t>(std::ranges::mismatch(first.events, second.events).in1 - first.events.begin());
  if (at == first.events.size() && at == second.events.size()) {
    return difference(run, fmt::format("first : {}\nsecond: {}", summary(first), summary(second)));
  }
  return difference(run, fmt::format("{} equal, then they differ:\nfirst : {}\nsecond: {}", count_of(at, "event"),
                                     at_or_nothing(first.events, at), at_or_nothing(second.events, at)));
}

}  // namespace orrery::testkit
