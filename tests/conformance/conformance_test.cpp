// Goal:   both worlds keep the same promises, and the simulator misses nothing that threads can do.
// Method: every program is searched exhaustively in the simulator; then it is run on threads, again and again and under
//         load, and every outcome seen there must be in the simulator's set. Random runs must stay in it too, and each
//         run's account of messages must add up (a finding in the simulator, a check in System's destructor).
#include "tests/conformance/programs.hpp"
#include "tests/support/scale.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <orrery/core/entropy.hpp>
#include <orrery/sim/run.hpp>
#include <orrery/system.hpp>
#include <atomic>
#include <cstdlib>
#include <map>
#include <set>
#include <string_view>
#include <thread>

namespace {

using namespace orrery;
using conformance::Program;
using namespace std::chrono_literals;

using test_support::is_short;

/// What fails is handled again soon, and in a search without a jitter, of which nobody could try every value.
DeliveryOptions soon(std::uint32_t jitter_percent) {
  return {.backoff_first = 100us, .jitter_percent = jitter_percent};
}
sim::RunOptions without_faults(std::uint32_t jitter_percent) {
  sim::RunOptions options;
  options.faults = sim::FaultProfile::none;
  options.runtime.delivery = soon(jitter_percent);
  return options;
}

class Conformance : public testing::TestWithParam<Program> {
 protected:
  static constexpr std::uint64_t searched_max = 200'000;

  /// Every outcome that the simulator can produce without faults.
  static const std::set<std::string>& possible(const Program& program) {
    static std::map<std::string, std::set<std::string>> cache;
    const auto [at, is_new] = cache.try_emplace(program.name);
    if (!is_new) return at->second;
    std::string outcome;
    const auto searched = sim::search_all(
        [&](sim::World& world) {
          outcome.clear();
          outcome = program.run(world, [&] { world.run(); });
        },
        without_faults(0), searched_max,
        [&](const sim::Outcome& run) {
          EXPECT_FALSE(run.finding.has_value()) << program.name << ": " << sim::headline(run.finding->kind) << " "
                                                << run.finding->name << " " << run.finding->detail;
          at->second.insert(outcome);
        });
    EXPECT_TRUE(searched.complete) << program.name << " has more than " << searched_max << " schedules";
    fmt::print("[ SEARCHED ] {}: {} schedules, {} outcomes\n", program.name, searched.runs, at->second.size());
    return at->second;
  }
};

TEST_P(Conformance, exhaustive_search_finds_the_outcomes_counted_on_paper) {
  const Program& program = GetParam();
  const auto& outcomes = possible(program);
  EXPECT_FALSE(outcomes.empty());
  if (program.outcomes_known == 0) return;
  EXPECT_EQ(outcomes.size(), program.outcomes_known) << testing::PrintToString(outcomes);
}

TEST_P(Conformance, random_runs_stay_within_the_search) {
  const Program& program = GetParam();
  const auto& outcomes = possible(program);
  const std::uint64_t runs = is_short() ? 200 : 2'000;
  for (std::uint64_t seed = 0; seed < runs; ++seed) {
    std::string outcome;
    const auto run = sim::execute(
        [&](sim::World& world) {
          outcome.clear();
          outcome = program.run(world, [&] { world.run(); });
        },
        [&] { return std::make_unique<sim::RandomWalk>(seed); }, without_faults(20));
    ASSERT_FALSE(run.finding.has_value()) << program.name << " seed " << seed << ": " << run.finding->name;
    ASSERT_TRUE(outcomes.contains(outcome)) << program.name << " seed " << seed << ": " << outcome;
    ASSERT_TRUE(run.ledger.adds_up() && run.ledger.queued == 0) << orrery_describe(run.ledger);
  }
}

/// Anything from nothing to some microseconds, and now and then a yield.
void random_pause() {
  static thread_local Entropy entropy{std::hash<std::thread::id>{}(std::this_thread::get_id()), 1};
  switch (entropy.below(8)) {
    case 0:
      std::this_thread::yield();
      break;
    case 1:
    case 2: {
      const std::uint64_t rounds = entropy.below(4'000);
      for (std::uint64_t i = 0; i < rounds; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
      break;
    }
    default:
      break;
  }
}

void run_on_threads(const Program& program, const std::set<std::string>& outcomes, unsigned threads) {
  System system{{.threads = threads, .runtime = {.delivery = soon(20)}}};
  conformance::set_pause(&random_pause);
  const int repeats = is_short() ? 100 : 1'500;
  std::map<std::string, int> seen;
  for (int i = 0; i < repeats; ++i) {
    const std::string outcome = program.run(system, [&] { ASSERT_TRUE(system.await_quiescence(30s)); });
    ++seen[outcome];
    ASSERT_TRUE(outcomes.contains(outcome)) << program.name << " on " << threads << " threads: \"" << outcome
                                            << "\" is not among " << testing::PrintToString(outcomes);
  }
  conformance::set_pause(nullptr);
  fmt::print("[ THREADS  ] {} on {}: {} of {} possible outcomes seen\n", program.name, threads, seen.size(),
             outcomes.size());
}

TEST_P(Conformance, two_threads_stay_within_the_search) { run_on_threads(GetParam(), possible(GetParam()), 2); }
TEST_P(Conformance, eight_threads_stay_within_the_search) { run_on_threads(GetParam(), possible(GetParam()), 8); }

INSTANTIATE_TEST_SUITE_P(Programs, Conformance, testing::ValuesIn(conformance::programs()),
                         [](const auto& tested) { return std::string{tested.param.name}; });

}  // namespace
