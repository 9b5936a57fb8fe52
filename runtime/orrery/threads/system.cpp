#include "orrery/threads/system.hpp"

#include "orrery/actor/prometheus.hpp"
#include "orrery/core/check.hpp"
#include "orrery/threads/dump_signal.hpp"
#include "orrery/threads/glimpse.hpp"
#include "orrery/threads/metrics_port.hpp"
#include "orrery/threads/stop_signals.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <utility>

namespace orrery {

namespace {

using Clock = ThreadedWorld::Clock;
using namespace std::chrono_literals;

Clock::time_point in(Duration limit) {
  const auto present = Clock::now();
  return limit > Clock::time_point::max() - present ? Clock::time_point::max() : present + limit;
}

SystemOptions resolve_or_exit(const SystemOptions& given, int* argc, char** argv) {
  std::vector<std::string_view> words;
  for (int i = 1; argc != nullptr && i < *argc; ++i) words.emplace_back(argv[i]);
  const auto resolved = resolve_options(given, words, [](const char* name) { return std::getenv(name); });
  if (!resolved) {
    fmt::print(stderr, "orrery: {}\n", resolved.error());
    std::exit(2);
  }
  if (resolved->config_wanted) {
    fmt::print("{}", describe(*resolved));
    std::exit(0);
  }
  if (argc != nullptr) {
    int kept = 1;
    for (int i = 1; i < *argc; ++i) {
      const bool is_ours = std::ranges::find(resolved->used, static_cast<std::size_t>(i - 1)) != resolved->used.end();
      if (!is_ours) argv[kept++] = argv[i];
    }
    argv[kept] = nullptr;
    *argc = kept;
  }
  return resolved->options;
}

}  // namespace

std::string orrery_describe(const StopReport& report) {
  std::string text = fmt::format("{} actor{} still live{}", report.living, report.living == 1 ? "" : "s",
                                 report.living == 1 ? "s" : "");
  for (const Activity& one : report.activity) text += fmt::format("; {}: {}", one.actor, one.doing);
  return text;
}

namespace {

/// Warnings as entries of the log, where the program wants those and has no other place for warnings.
SystemOptions with_alarms_in_log(SystemOptions options) {
  const LogOptions& log = options.runtime.log;
  if (options.report_to || !log.runtime_events || log.level > LogLevel::warning) return options;
  options.report_to = [sink = log.sink, level = log.level](std::string_view kind, const std::string& text) {
    if (kind == "dead letter" && level <= LogLevel::info) return;  // has an entry of its own
    using std::chrono::system_clock;
    LogEntry entry;
    entry.level = LogLevel::warning;
    entry.kind = "alarm";
    entry.unix_nanoseconds = std::chrono::duration_cast<Duration>(system_clock::now().time_since_epoch()).count();
    entry.actor = "runtime";
    const std::string sentence = fmt::format("{}: {}", kind, text);
    entry.text = sentence;
    sink ? sink(entry) : write_log(entry);
  };
  return options;
}

}  // namespace

detail::SystemParts::SystemParts(SystemOptions options)
    : settings_{with_alarms_in_log(std::move(options))}, threads_{settings_} {}

System::System(SystemOptions options)
    : SystemParts{resolve_or_exit(options, nullptr, nullptr)}, Runtime{threads_, settings_.runtime, nullptr} {
  begin();
}

System::System(int& argc, char** argv, SystemOptions options)
    : SystemParts{resolve_or_exit(options, &argc, argv)}, Runtime{threads_, settings_.runtime, nullptr} {
  begin();
}

void System::begin() {
  for (const auto& worker : threads_.workers()) add_execution(*worker);
  if (settings_.flight.entries != 0) {
    flight_ = std::make_unique<FlightRecorder>(settings_.flight, *this, threads_.workers().size());
    record_flights();
    for (const auto& worker : threads_.workers()) worker->flight = &flight_->ring(worker->index);
  }
  threads_.start(*this);
  if (settings_.metrics_port != SystemOptions::no_port) {
    metrics_port_ = std::make_unique<MetricsPort>(static_cast<std::uint16_t>(settings_.metrics_port), [this] {
      MetricList list;
      append_metrics(list);
      return prometheus_text(list);
    });
    if (!metrics_port_->problem().empty()) threads_.report("metrics port", metrics_port_->problem());
  }
  if (settings_.dump_on_sigusr1) {
    dump_signal_ = std::make_unique<DumpSignal>([this] {
      const std::string all = describe_actors();
      (void)std::fwrite(all.data(), 1, all.size(), stderr);  // a closed stderr is no reason to end
    });
  }
}

std::uint16_t System::metrics_port() const noexcept { return metrics_port_ == nullptr ? 0 : metrics_port_->port(); }

System::~System() {
  dump_signal_.reset();  // both look at what ends now
  metrics_port_.reset();
  bool was_asked = false;  // all have been, when the first deadline has passed
  for (StopReport report = shutdown(settings_.stop_timeout); !report.is_complete;) {
    threads_.report("stop", orrery_describe(report) + (was_asked ? "; killing them" : "; waiting for them"));
    if (std::exchange(was_asked, true)) kill_all();  // ends who only refuses to; a running handler is waited for
    report = shutdown(std::max<Duration>(settings_.stop_timeout, 1s));
  }
  dead_letters().close();
  threads_.stop();
  tell_held_back_logs();
}

StopReport System::shutdown(Duration deadline) {
  ORRERY_CHECK(!threads_.is_worker(), "a handler cannot wait for all handlers to end; use run_until_signal or main");
  const auto until = in(deadline);
  // The trees first, the last started before the others: each ends from its leaves to its root.
  const std::vector<Handle> trees = leading_supervisors();
  for (auto tree = trees.rbegin(); tree != trees.rend(); ++tree) {
    (void)signal(*tree, Signal::stop, ExitReason::shutdown(), {});
    for (auto patience = 10us; living_cell(*tree) != nullptr;
         patience = std::min<std::chrono::microseconds>(patience * 2, 5ms)) {
      if (Clock::now() >= until) break;
      std::this_thread::sleep_for(patience);
    }
  }
  refuse_spawns();
  if (Clock::now() >= until) {  // nobody shall be killed later who was never asked
    StopReport report = report_living();
    for (const Handle tree : trees) (void)signal(tree, Signal::stop, ExitReason::shutdown(), {});
    stop_all();
    return report;
  }
  // Once is enough, except for an actor that was being spawned meanwhile: so again when nothing moves, or
  // after a while.
  for (auto patience = 100ms; true; patience *= 2) {
    stop_all();
    const auto next_stop = std::min<Clock::time_point>(until, Clock::now() + patience);
    do {
      const bool is_idle = threads_.await_idle(next_stop);
      if (is_idle && living() == 0 && threads_.offloads().await_none(next_stop)) {
        check_account();
        return {};
      }
      if (is_idle) std::this_thread::sleep_for(1ms);  // somebody waits for a clock
    } while (Clock::now() < next_stop);
    if (Clock::now() >= until) return report_living();
  }
}

/// Who has not ended: what those in a handler do, and who has nothing to do but has not obeyed.
StopReport System::report_living() {
  StopReport report{false, living(), activity()};
  constexpr std::size_t idle_named_max = 20;
  std::size_t idle_named = 0;
  for_each_cell([&](Cell& cell) {
    const Handle who = cell.handle();
    if (idle_named == idle_named_max || !cell.is(Cell::traps_exits) || living_cell(who) == nullptr) return;
    std::string path = path_of(who);
    if (std::ranges::find(report.activity, path, &Activity::actor) != report.activity.end()) return;
    ++idle_named;
    report.activity.push_back({std::move(path), "traps exits and has not ended"});
  });
  return report;
}

/// Y1. A thread that is just being refused has counted its offer and not yet the refusal, so this looks more
/// than once.
void System::check_account() {
  const auto until = in(1s);
  Ledger account = ledger();
  while ((!account.adds_up() || account.queued != 0) && Clock::now() < until) {
    std::this_thread::sleep_for(1ms);
    account = ledger();
  }
  ORRERY_CHECK(account.adds_up() && account.queued == 0, "messages were lost or invented: {}",
               orrery_describe(account));
}

int System::run_until_signal() {
  ORRERY_CHECK(!threads_.is_worker(), "a handler cannot wait for the process to be stopped");
  StopSignals signals;
  (void)signals.wait();
  const StopReport report = shutdown(settings_.stop_timeout);
  if (report.is_complete) return 0;
  fmt::print(stderr, "orrery: stop: {}\n", orrery_describe(report));
  return 1;
}

std::expected<void, std::string> System::dump_flight_recorder(const std::string& path) const {
  if (flight_ == nullptr)
    return std::unexpected("the flight recorder is off: SystemOptions::flight, or ORRERY_FLIGHT_RECORDER");
  return flight_->dump(path);
}

bool System::await_quiescence(Duration limit) { return threads_.await_quiescence(in(limit)); }

std::vector<Activity> System::activity() {
  ORRERY_CHECK(!threads_.is_worker());
  std::vector<Activity> found;
  for (const auto& worker : threads_.workers()) {
    const Cell* const cell = worker->running.load(std::memory_order_acquire);
    if (cell == nullptr) continue;
    const std::uint32_t turn = worker->turns.load(std::memory_order_acquire);
    std::this_thread::sleep_for(1ms);
    if (worker->turns.load(std::memory_order_acquire) != turn) continue;  // busy, but not stuck
    const MessageInfo* const message = worker->message.identity() == nullptr ? nullptr : worker->message.type();
    found.push_back({path_of(cell->handle()),
                     message == nullptr ? "in a lifecycle hook" : fmt::format("in handler {}", message->name)});
  }
  const auto alone = threads_.look_alone();
  for_each_cell([&](Cell& cell) {
    // Taking the bit is taking the right to run the cell (C1), as a waker does; so the wait stays where it is
    // meanwhile.
    if (!cell.attention.claim_parked()) return;
    found.push_back({path_of(cell.handle()), describe_wait(*this, *cell.wait)});
    parked(cell);
  });
  for (const OffloadPool::Unfinished& work : threads_.offloads().list_unfinished()) {
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(work.since);
    found.push_back({work.actor, work.runs ? fmt::format("its work offloaded at {} has run for {}", work.where,
                                                         format_duration(since))
                                           : fmt::format("its work offloaded at {} waits for a thread", work.where)});
  }
  return found;
}

}  // namespace orrery
