#include "tests/scenario/trace_monitor.hpp"

#include "orrery/testkit/scenario/parse.hpp"
#include "orrery/testkit/scenario/print.hpp"
#include "tests/scenario/generate.hpp"
#include "tests/scenario/model.hpp"
#include "tests/support/scale.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace orrery::scenario {
namespace {

// Goal:   the model keeps the rules that hold for every trace, whatever the scenario.
TEST(Model, keeps_the_rules_of_every_trace) {
  for (int seed = 0; seed < test_support::scaled(3'000); ++seed) {
    const Scenario scenario =
        generate_scenario(static_cast<std::uint64_t>(seed), seed % 101, {.supkill = seed % 3 == 0});
    const std::string trace = model_trace(scenario, true);
    ASSERT_EQ(broken_rule(scenario, trace), "") << print(scenario) << trace;
  }
}

struct Forgery {
  std::string_view from;
  std::string_view to;
  std::string_view rule;
};

// Goal:   each rule can be broken.
// Method: one line of a good trace is changed.
TEST(TraceMonitor, sees_a_changed_line) {
  const auto scenario = parse(
      "scenario x\n"
      "sup root parent=- intensity=2 period=10\n"
      "work a parent=root\n"
      "work b parent=root restart=temporary\n"
      "run\nexit a crash\npost a m1\nexit b normal\nadvance 3\nexit a crash\nadvance 9\nexit a crash\nstop root "
      "normal\n"
      "end\n");
  ASSERT_TRUE(scenario);
  const std::string good = model_trace(*scenario, true);
  ASSERT_EQ(broken_rule(*scenario, good), "") << good;
  for (const Forgery& forgery : {
           Forgery{"  start a#2\n", "  start a#3\n", "> exit a crash: W1"},
           Forgery{"  start a#2\n", "", "> exit a crash: W3"},
           Forgery{"  stop a#1 crash\n", "", "> exit a crash: W3"},
           Forgery{"  stop a#1 crash\n", "  stop a#1 crash\n  stop a#1 crash\n", "> exit a crash: W2"},
           Forgery{"  handled a#2 m1\n", "  handled a#1 m1\n", "> post a m1: W2"},
           Forgery{"  stop b#1 normal\n", "  stop b#1 normal\n  start b#2\n", "> exit b normal: W6"},
           Forgery{"  stop a#4 shutdown\n  stop root#1 normal\n", "  stop root#1 normal\n  stop a#4 shutdown\n",
                   "> stop root normal: W4"},
           Forgery{"  rep root#1 child_terminated a crash\n", "  rep root#1 shutdown a reached_max_restart_intensity\n",
                   "> exit a crash: W5"},
           Forgery{"> advance 9\n", "> advance 7\n", "> exit a crash: W5"},
       }) {
    std::string forged = good;
    const std::size_t at = forged.find(forgery.from);
    ASSERT_NE(at, std::string::npos) << forgery.from << good;
    forged.replace(at, forgery.from.size(), forgery.to);
    const std::string verdict = broken_rule(*scenario, forged);
    EXPECT_EQ(verdict.substr(0, forgery.rule.size()), forgery.rule) << verdict << "\n" << forged;
  }
}

}  // namespace
}  // namespace orrery::scenario
