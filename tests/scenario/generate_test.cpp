#include "tests/scenario/generate.hpp"

#include "orrery/core/hash.hpp"
#include "orrery/testkit/scenario/parse.hpp"
#include "orrery/testkit/scenario/print.hpp"
#include "tests/scenario/model.hpp"
#include "tests/scenario/situation.hpp"
#include "tests/support/scale.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace orrery::scenario {
namespace {

Scenario generated(int seed, const GenerateOptions& options = {}) {
  return generate_scenario(static_cast<std::uint64_t>(seed), seed % 101, options);
}

// Goal:   G1, also on another compiler.
TEST(Generate, is_a_function_of_its_seed) {
  std::uint64_t hash = 0;
  for (int seed = 0; seed < 50; ++seed) {
    EXPECT_EQ(generated(seed), generated(seed));
    hash = hash * 31 + hash_text(print(generated(seed)));
  }
  EXPECT_EQ(hash, 18009618894044648865U) << "the draws have changed: a new number belongs here";
}

TEST(Generate, gives_only_what_is_defined) {
  for (int seed = 0; seed < 1'000; ++seed) {
    for (const bool supkill : {false, true}) {
      const Scenario scenario = generated(seed, {.supkill = supkill});
      const ModelRun run = run_model(scenario, true);
      ASSERT_TRUE(run.undefined.empty()) << run.undefined.front() << "\n" << print(scenario);
    }
  }
}

TEST(Generate, grows_with_its_size) {
  std::size_t actors = 0;
  std::size_t events = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    EXPECT_LE(generate_scenario(seed, 0, {.bad_specs = false}).declarations.size(), 4U);
    const Scenario large = generate_scenario(seed, 100);
    actors = std::max(actors, large.declarations.size());
    events = std::max(events, large.events.size());
  }
  EXPECT_GE(actors, 10U);
  EXPECT_GE(events, 20U);
}

// Goal:   everything the format can say is said often enough that a campaign of a thousand tries it.
TEST(Generate, reaches_everything) {
  std::map<std::string, int> seen;
  const std::vector<std::string> wanted = {
      "  fail ",
      "  ignore ",
      "  handled ",
      "reached_max_restart_intensity",
      ":restarting",
      "?:restarting",
      "error restarting",
      "error running",
      "error not_found",
      "error already_pres",
      "error already_star",
      "error simple_one_for_one",
      "error start_error",
      "error start_crash",
      "error shutdown:fai",
      " down\n",
      "noproc",
      "ok undefined",
      "start_error ",
      "child_terminated ",
      "shutdown_error ",
      "*2 killed",
      "root failed",
      "tree dead",
      "failed_to_start(",
      "bad_combination",
      "invalid_period",
      "invalid_intensity",
      "duplicate_child",
      "bad_start_spec",
      ":- ",
      "count specs=",
      "which [",
      "> batch ",
      "> signal ",
      "> spawn ",
      "strategy=one_for_a",
      "strategy=rest_for",
      "auto=any",
      "auto=all",
      "stubborn=1",
      "brutal_kill",
      "infinity",
      "plan=",
      "  orphans ",
  };
  const int runs = 1'000;
  for (int seed = 0; seed < runs; ++seed) {
    const Scenario scenario = generated(seed, {.supkill = seed % 4 == 0});
    const std::string text = print(scenario) + model_trace(scenario, true);
    for (const std::string& piece : wanted) seen[piece] += text.find(piece) == std::string::npos ? 0 : 1;
  }
  for (const std::string& piece : wanted) EXPECT_GE(seen[piece], 2) << piece;
  EXPECT_GE(seen["reached_max_restart_intensity"], runs / 10);
  EXPECT_LE(seen["tree dead"], runs / 2) << "a scenario ends with its root";
  EXPECT_LE(seen["root failed"], runs / 10);
}

// Goal:   G3.
TEST(Generate, uses_an_id_for_one_place) {
  for (int seed = 0; seed < test_support::scaled(500); ++seed) {
    const Scenario scenario = generated(seed);
    std::map<std::string, std::string> parents;
    const auto meet = [&](const Declaration& declaration) {
      const auto [known, fresh] = parents.try_emplace(declaration.id, declaration.parent);
      EXPECT_EQ(known->second, declaration.parent) << declaration.id << " in\n" << print(scenario);
    };
    for (const Declaration& declaration : scenario.declarations) meet(declaration);
    for (const Event& event : scenario.events) {
      if (const auto* const add = std::get_if<AddChild>(&event.action)) meet(add->child);
    }
  }
}

TEST(Simplify, offers_less_that_is_still_a_scenario) {
  for (int seed = 0; seed < test_support::scaled(60); ++seed) {
    const Scenario scenario = generated(seed);
    for (const Scenario& simpler : simpler_scenarios(scenario)) {
      EXPECT_NE(simpler, scenario);
      const auto again = parse(print(simpler));
      ASSERT_TRUE(again) << to_string(again.error());
      EXPECT_EQ(*again, simpler);
      EXPECT_TRUE(run_model(simpler, false).undefined.empty());
    }
  }
}

/// What rapidcheck makes of a failure: the first simpler value that fails too, again and again.
Scenario smallest(const rc::Shrinkable<Scenario>& from, const std::function<bool(const Scenario&)>& fails) {
  rc::Shrinkable<Scenario> now = from;
  for (bool found = true; found;) {
    found = false;
    for (auto simpler = now.shrinks(); auto next = simpler.next();) {
      if (!fails(next->value())) continue;
      now = *next;
      found = true;
      break;
    }
  }
  return now.value();
}

// Goal:   who looks at a failure sees only what it needs.
TEST(AnyScenario, shrinks_to_what_a_failure_needs) {
  const auto gives_up = [](const Scenario& scenario) {
    return model_trace(scenario, true).find("reached_max_restart_intensity") != std::string::npos;
  };
  const rc::Gen<Scenario> gen = any_scenario();
  int found = 0;
  for (std::uint64_t seed = 0; seed < 100 && found < 5; ++seed) {
    const rc::Shrinkable<Scenario> sample = gen(rc::Random{seed}, 60);
    if (!gives_up(sample.value())) continue;
    ++found;
    const Scenario small = smallest(sample, gives_up);
    EXPECT_LE(small.declarations.size(), 4U) << print(small);
    EXPECT_LE(small.events.size(), 5U) << print(small);
  }
  EXPECT_EQ(found, 5);
}

TEST(Situation, reads_the_last_tree) {
  const Situation seen = situation_after(
      "trace x\n> init\n  tree root#1[a#1]\n> x\n  tree root#1[a#2 b:- s#1[] u#3[t.1#2 c:-] d#1]\nend\n");
  std::string text;
  for (const Situation::Place& place : seen.places) {
    text += fmt::format("{}<{}{}{} ", place.id, place.parent, place.running ? "+" : "-", place.supervisor ? "s" : "");
  }
  EXPECT_EQ(text, "root<+s a<root+ b<root- s<root+s u<root+s t.1<u+ c<u- d<root+ ");
  EXPECT_FALSE(situation_after("trace x\n> init\n  root failed x\nend\n").root_alive());
  EXPECT_FALSE(situation_after("trace x\n> init\n  tree root#1[]\n> stop root x\n  tree dead\nend\n").root_alive());
}

}  // namespace
}  // namespace orrery::scenario
