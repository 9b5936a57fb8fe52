// shrink_zoo_test.cpp: bugs of the zoo become small, at a small cost; the long form is bin/zoo_shrink.
#include "tests/zoo/shrinking.hpp"

#include "orrery/core/entropy.hpp"

#include <gtest/gtest.h>

namespace orrery::zoo {
namespace {

/// What the best of 50 seeds came to, and a quarter more.
struct Goal {
  std::string_view program;
  std::uint64_t steps_max;
};
constexpr Goal goals[] = {
    {"raft_duplicate_votes_5", 13},
    {"raft_duplicate_votes_7", 18},
    {"raft_figure_8", 25},
    {"raft_stale_leader", 13},
    {"paxos_small_quorum", 22},
    {"paxos_forgotten_promise", 22},
    {"commit_counts_late_votes", 21},
    {"chain_retried_write", 6},
    {"failure_detector_starved_node", 23},
    {"token_ring_duplicate", 13},
    {"ben_or_decides_on_one", 50},
    {"reorder_3", 6},
    {"reorder_20", 6},
    {"twostage_20", 9},
    {"restart_intensity", 12},
};

TEST(ShrinkZoo, the_median_failure_is_at_most_a_quarter_larger_than_the_best_known) {
  for (const auto& [name, steps_max] : goals) {
    const Program* const program = find(name);
    ASSERT_NE(program, nullptr) << name;
    std::vector<std::uint64_t> steps;
    for (std::uint64_t seed = 1; seed <= 9; ++seed) {
      const auto found = failing_run(*program, mix64(seed));
      if (!found) continue;
      const auto result = shrink(*program, *found);
      ASSERT_FALSE(result.unstable) << name;
      EXPECT_LE(result.runs, 500U) << name;
      ASSERT_TRUE(result.outcome.finding) << name;
      EXPECT_TRUE(testkit::is_same_failure(*result.outcome.finding, *found->outcome.finding)) << name;
      EXPECT_LE(result.outcome.steps, found->outcome.steps) << name;
      EXPECT_EQ(result.deviations.held.size(), result.held_names.size()) << name;
      steps.push_back(result.outcome.steps);
    }
    ASSERT_FALSE(steps.empty()) << name;
    EXPECT_LE(median_of(steps), steps_max) << name;
  }
}

TEST(ShrinkZoo, comes_to_the_same_result_every_time) {
  const Program* const program = find("paxos_small_quorum");
  const auto found = failing_run(*program, 7);
  ASSERT_TRUE(found);
  const auto first = shrink(*program, *found);
  const auto second = shrink(*program, *found);
  EXPECT_EQ(first.outcome.trace_hash, second.outcome.trace_hash);
  EXPECT_EQ(first.deviations, second.deviations);
  EXPECT_EQ(first.runs, second.runs);
}

}  // namespace
}  // namespace orrery::zoo
