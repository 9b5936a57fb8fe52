// both_worlds.hpp: one body for both worlds, and what is checked after every run of it.
// Always checked:  no finding; nobody lives after the stop; the account of all messages adds up with nothing queued; and
//                  (on threads) no block of the message pools is left over.
#pragma once
#include "orrery/core/block_pool.hpp"
#include "orrery/sim/run.hpp"
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
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::test_support {

using namespace std::chrono_literals;

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

[[nodiscard]] inline std::string text_of(const Lines& lines) { return fmt::format("{}", fmt::join(lines, ", ")); }

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
    options.slow_handler = options.blocked_worker = {};  // alarms that a busy machine can set off
    options.mail_age = options.mailbox_growth = {};
    options.restarts_per_minute = 0;
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
#define ORRERY_IN_BOTH_WORLDS(Suite)                                                                      \
  INSTANTIATE_TEST_SUITE_P(                                                                               \
      , Suite,                                                                                            \
      ::testing::Values(::orrery::test_support::Arm::simulated, ::orrery::test_support::Arm::two_threads, \
                        ::orrery::test_support::Arm::eight_threads),                                      \
      [](const auto& arm) { return ::orrery::test_support::name_of(arm.param); })

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

}  // namespace orrery::test_support
