// fixture.hpp: one body for both worlds, what is checked after every run of it, and the actors that many tests use.
// Always checked:  no finding; nobody lives after the stop; the account of all messages adds up with nothing queued; and
//                  (on threads) no block of the message pools is left over.
#pragma once
#include "orrery/core/block_pool.hpp"
#include "orrery/sim/run.hpp"
#include "orrery/supervision/supervisor.hpp"
#include "orrery/system.hpp"

#include "tests/support/scale.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::supervision_tests {

using namespace std::chrono_literals;
using test_support::is_short;

/// Longer than anything here takes; a test that needs it has failed.
inline constexpr Duration patience = 120s;

using Lines = std::vector<std::string>;

/// What happened, in order. Threads: any.
class Journal {
 public:
  void add(std::string line) {
    const std::lock_guard guard{mutex_};
    lines_.push_back(std::move(line));
  }
  [[nodiscard]] Lines lines() const {
    const std::lock_guard guard{mutex_};
    return lines_;
  }
  /// Returns: the lines, in order, and forgets them.
  [[nodiscard]] Lines take() {
    const std::lock_guard guard{mutex_};
    return std::exchange(lines_, {});
  }
  [[nodiscard]] std::size_t count(std::string_view beginning) const {
    const std::lock_guard guard{mutex_};
    return static_cast<std::size_t>(
        std::ranges::count_if(lines_, [&](const std::string& line) { return line.starts_with(beginning); }));
  }

 private:
  mutable std::mutex mutex_;
  Lines lines_;
};
using Log = std::shared_ptr<Journal>;

/// The reports of one or several supervisors, as "child_terminated a: failed: x", in a journal.
class Reports final : public SupervisorListener {
 public:
  explicit Reports(Log log) : log_{std::move(log)} {}
  void started(const ActorId&) override {}
  void report(const SupervisorReport& report) override {
    log_->add(fmt::format("{} {}: {}", to_string(report.kind), report.child, to_string(report.reason)));
  }
  void init_failed(const ExitReason& reason) override { log_->add("init failed: " + to_string(reason)); }
  void ended(const ExitReason& reason) override { log_->add("ended: " + to_string(reason)); }

 private:
  Log log_;
};
[[nodiscard]] inline std::shared_ptr<SupervisorListener> reports_to(Log log) {
  return std::make_shared<Reports>(std::move(log));
}

// ---- one body, two worlds ---------------------------------------------------------------------------------------------

/// What a body can do besides sending.
struct Stage {
  Runtime& rt;
  Log log;  ///< fresh for each run
  bool is_simulated = false;
  std::uint64_t seed = 0;
  /// Waits until nothing is left to do; handlers may wait for what does not come.
  std::function<void()> settle;
  /// Shuts the world down. Returns: who has not ended then, and on threads what it does.
  std::function<Lines(Duration)> shut_down;
};
using Body = std::function<void(Stage&)>;

enum class Arm : std::uint8_t { simulated, two_threads, eight_threads };
[[nodiscard]] inline std::string name_of(Arm arm) {
  return arm == Arm::simulated ? "simulated" : arm == Arm::two_threads ? "two_threads" : "eight_threads";
}

/// The simulated world where time passes only when nothing else can happen.
inline const sim::RunOptions punctual{.faults = sim::FaultProfile::none};

struct Repeats {
  std::uint64_t seeds = 60;
  std::uint64_t rounds = 8;
};

/// Runs `body` under one seed.
inline sim::Outcome simulate(const Body& body, std::uint64_t seed, sim::RunOptions options = punctual) {
  return sim::execute(
      [&](sim::World& world) {
        Stage stage{.rt = world,
                    .log = std::make_shared<Journal>(),
                    .is_simulated = true,
                    .seed = seed,
                    .settle = [&world] { (void)world.run_until([] { return false; }); },
                    .shut_down = [&world](Duration limit) { return world.shutdown(limit); }};
        body(stage);
        const Lines left = world.shutdown(10min);
        EXPECT_EQ(left, Lines{}) << "still there at the end";
      },
      [seed] { return std::make_unique<sim::RandomWalk>(seed); }, options);
}

inline void run_simulated(const Body& body, std::uint64_t seeds, sim::RunOptions options = punctual) {
  for (std::uint64_t seed = 0; seed < seeds && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const sim::Outcome run = simulate(body, seed, options);
    if (run.finding) {
      ADD_FAILURE() << sim::headline(run.finding->kind) << ": " << run.finding->name << "; " << run.finding->detail;
    }
    EXPECT_TRUE(run.ledger.adds_up() && run.ledger.queued == 0) << orrery_describe(run.ledger);
  }
}

inline void run_on_threads(const Body& body, unsigned threads, std::uint64_t rounds) {
  const std::uint64_t blocks_before = BlockPool::live_blocks();
  for (std::uint64_t round = 0; round < rounds && !::testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE(fmt::format("{} threads, round {}", threads, round));
    const auto log = std::make_shared<Journal>();
    SystemOptions options{.threads = threads, .read_environment = false};
    options.report_to = [log](std::string_view kind, const std::string& text) {
      // What died is on record in both worlds, but told to the operator on threads only.
      if (!kind.starts_with("supervisor") && kind != "dead letter") log->add(fmt::format("report {}: {}", kind, text));
    };
    {
      System system{options};
      Stage stage{.rt = system,
                  .log = log,
                  .seed = round,
                  .settle = [&] { ASSERT_TRUE(system.await_quiescence(patience)); },
                  .shut_down =
                      [&](Duration limit) {
                        Lines left;
                        for (const Activity& one : system.shutdown(limit).activity) {
                          left.push_back(one.actor + ": " + one.doing);
                        }
                        return left;
                      }};
      body(stage);
      const StopReport report = system.shutdown(patience);
      EXPECT_TRUE(report.is_complete) << orrery_describe(report);
      EXPECT_EQ(system.living(), 0U);
      const Ledger account = system.ledger();
      EXPECT_TRUE(account.adds_up() && account.queued == 0) << orrery_describe(account);
    }
    EXPECT_EQ(BlockPool::live_blocks(), blocks_before);
  }
}

/// A test whose body runs in the simulated world under many seeds, and on threads several times.
class BothWorlds : public ::testing::TestWithParam<Arm> {
 protected:
  void run(const Body& body, Repeats repeats = {}, sim::RunOptions options = punctual) {
    if (is_short()) repeats = {.seeds = repeats.seeds / 4 + 5, .rounds = repeats.rounds / 4 + 1};
    if (GetParam() == Arm::simulated) {
      run_simulated(body, repeats.seeds, options);
    } else {
      run_on_threads(body, GetParam() == Arm::two_threads ? 2 : 8, repeats.rounds);
    }
  }
};
#define ORRERY_IN_BOTH_WORLDS(Suite)                                                                                \
  INSTANTIATE_TEST_SUITE_P(                                                                                         \
      , Suite,                                                                                                      \
      ::testing::Values(::orrery::supervision_tests::Arm::simulated, ::orrery::supervision_tests::Arm::two_threads, \
                        ::orrery::supervision_tests::Arm::eight_threads),                                           \
      [](const auto& arm) { return ::orrery::supervision_tests::name_of(arm.param); })

// ---- actors ---------------------------------------------------------------------------------------------------------

struct Open {};
struct Pass {
  using Reply = void;
};
/// Lets pass who asks it when it is open, or else later.
struct Door {
  bool is_open = false;
  void handle(Pass pass, Context& context) {
    if (!is_open) context.stash(pass);
  }
  void handle(Open, Context& context) {
    is_open = true;
    context.unstash_all();
  }
};

/// Fails the handler.
struct Crash {
  std::string why = "boom";
};
struct Leave {
  ExitReason with;
  bool by_throwing = false;
};
/// Waits in the handler until the door opens.
struct WaitAt {
  Ref<Door> door;
};
struct Note {
  int value = 0;
};
struct Sum {
  using Reply = int;
};

/// Writes its life into the journal.
struct Worker {
  Log log;
  std::string name;
  int sum = 0;

  void on_start(Context&) { log->add("start " + name); }
  void on_restart(Context&, const ExitReason& why) { log->add(fmt::format("restart {}: {}", name, to_string(why))); }
  void on_stop(Context&, const ExitReason& why) { log->add(fmt::format("stop {}: {}", name, to_string(why))); }
  void handle(Crash m) { throw std::runtime_error{m.why}; }
  void handle(Leave m, Context& context) {
    if (m.by_throwing) throw ExitWith{m.with};
    context.stop(m.with);
  }
  void handle(WaitAt m) { (void)m.door.ask(Pass{}, no_timeout); }
  void handle(Note m) {
    sum += m.value;
    log->add(fmt::format("{} {}", name, m.value));
  }
  int handle(Sum) const { return sum; }
};

/// Traps exits, ends when it is told to, and writes down what it hears.
struct Trapper {
  Log log;
  std::string name;
  void on_start(Context& context) {
    context.trap_exits(*this);
    log->add("start " + name);
  }
  void on_stop(Context&, const ExitReason& why) { log->add(fmt::format("stop {}: {}", name, to_string(why))); }
  void handle(Exit exit, Context& context) {
    static constexpr const char* kinds[] = {"stop", "linked", "sent"};
    log->add(fmt::format("{} hears {} {}", name, kinds[static_cast<int>(exit.kind)], to_string(exit.reason)));
    if (exit.kind == Exit::Kind::stop) context.stop(exit.reason);
  }
  void handle(Crash m) { throw std::runtime_error{m.why}; }
  void handle(WaitAt m) { (void)m.door.ask(Pass{}, no_timeout); }
  void handle(Note m) { log->add(fmt::format("{} {}", name, m.value)); }
};

template <class A>
[[nodiscard]] Ref<A> child_of(Runtime& rt, std::string_view path) {
  const auto found = rt.find<A>(path);
  EXPECT_TRUE(found.has_value()) << path << " is not there";
  return found.value_or(Ref<A>{});
}
/// Starts a supervisor that can. Returns: it.
inline Ref<Supervisor> started(Runtime& rt, std::string name, SupervisorSpec spec) {
  auto up = start_supervisor(rt, std::move(name), std::move(spec));
  EXPECT_TRUE(up.has_value()) << to_string(up.error());
  return up.value_or(Ref<Supervisor>{});
}

[[nodiscard]] inline std::string text_of(const Lines& lines) { return fmt::format("{}", fmt::join(lines, ", ")); }

}  // namespace orrery::supervision_tests
