// Goal:   every bug of the zoo is found by the portfolio, and no control is ever reported.
// Method: a few seeds here; ./dev zoo is the long form, with twenty seeds and a million runs of each control.
#include "tests/zoo/zoo.hpp"

#include "tests/support/scale.hpp"
#include "tests/zoo/hunt.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace orrery::zoo {
namespace {

TEST(Zoo, has_enough_of_both_kinds_and_names_them_once) {
  std::set<std::string_view> names;
  for (const Program& program : programs()) {
    EXPECT_TRUE(names.insert(program.name).second) << program.name;
    EXPECT_FALSE(program.source.empty()) << program.name;
    EXPECT_EQ(program.bug.empty(), program.found.empty()) << program.name;
  }
  const auto bugs = std::ranges::count_if(programs(), [](const Program& program) { return !program.bug.empty(); });
  EXPECT_GE(bugs, 40);
  EXPECT_GE(std::ssize(programs()) - bugs, 15);
}

TEST(Zoo, bugs_are_all_found_by_the_portfolio) {
  const auto seeds = static_cast<std::uint64_t>(std::max(1, test_support::scaled(3)));
  for (const Program& program : programs()) {
    if (program.bug.empty()) continue;
    const Hunt result = hunt(program, sim::StrategyKind::portfolio, seeds, program.runs_max);
    EXPECT_EQ(result.found, seeds) << program.name << " within " << program.runs_max << " runs";
    EXPECT_EQ(result.other, "") << program.name;
  }
}

TEST(Zoo, controls_are_never_reported) {
  const auto runs = static_cast<std::uint64_t>(test_support::scaled(3'000));
  for (const Program& program : programs()) {
    if (!program.bug.empty()) continue;
    const auto report = watch_control(program, sim::StrategyKind::portfolio, runs);
    EXPECT_FALSE(report) << program.name << ": " << report.value_or("");
  }
}

// A run is a function of the seed and its number: whoever makes it alone, after the first ones, comes to the same.
TEST(Zoo, runs_repeat_themselves) {
  for (const Program& program : programs()) {
    Campaign first{program, sim::StrategyKind::portfolio, 7};
    Campaign second{program, sim::StrategyKind::portfolio, 7};
    for (int run = 0; run < 60; ++run) {
      ASSERT_EQ(first.next().trace_hash, second.next().trace_hash) << program.name << ", run " << run;
    }
  }
}

}  // namespace
}  // namespace orrery::zoo
