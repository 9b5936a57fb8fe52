// Goal:   real supervisors do what OTP's do, in both worlds, whatever the order of everything that has none.
// Method: the examples, whose traces are those of Erlang/OTP 25, and random scenarios, whose traces come from the model that
//         was compared with it. The simulated world runs each example under many seeds.
#include "orrery/testkit/scenario/parse.hpp"
#include "orrery/testkit/scenario/print.hpp"
#include "orrery/testkit/scenario/run.hpp"
#include "tests/scenario/generate.hpp"
#include "tests/scenario/model.hpp"
#include "tests/support/scale.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace orrery::scenario {
namespace {

using test_support::is_short;

std::string read(const std::filesystem::path& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

struct Example {
  std::string name;
  Scenario scenario;
  std::string expected;
};

const std::vector<Example>& examples() {
  static const std::vector<Example> all = [] {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator{"tests/scenario/examples"}) {
      if (entry.path().extension() == ".scn") paths.push_back(entry.path());
    }
    std::ranges::sort(paths);
    std::vector<Example> found;
    for (std::filesystem::path path : paths) {
      auto scenario = parse(read(path));
      EXPECT_TRUE(scenario) << path;
      if (!scenario) continue;
      std::string name = path.stem();
      found.push_back({std::move(name), std::move(*scenario), read(path.replace_extension(".expected"))});
    }
    return found;
  }();
  return all;
}

/// How often, unless the environment says otherwise (a campaign).
std::uint64_t times(const char* variable, std::uint64_t usual, std::uint64_t in_short) {
  const char* const wanted = std::getenv(variable);
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : is_short() ? in_short : usual;
}

/// Returns: the scenario with all its milliseconds that many times as long. A trace tells of none.
Scenario stretched(Scenario scenario, std::int64_t factor) {
  const auto stretch = [factor](Declaration& one) {
    one.slow *= factor;
    if (one.given.has(Attribute::shutdown)) one.shutdown.ms *= factor;
  };
  std::ranges::for_each(scenario.declarations, stretch);
  const auto stretch_events = [&](const auto& self, std::vector<Event>& events) -> void {
    for (Event& event : events) {
      if (auto* const add = std::get_if<AddChild>(&event.action)) stretch(add->child);
      if (auto* const batch = std::get_if<Batch>(&event.action)) self(self, batch->operations);
    }
  };
  stretch_events(stretch_events, scenario.events);
  return scenario;
}

/// Returns: its trace on threads, at a speed at which their machine can follow: where a child's shutdown has a deadline of some
/// milliseconds, a thread that was not let run for as long is a child that was late, so that is tried again with longer ones.
std::string at_leisure(const Scenario& scenario, unsigned threads, const std::string& expected) {
  std::string trace = run_on_threads(scenario, threads);
  for (const std::int64_t factor : {10, 40}) {
    const Scenario slower = stretched(scenario, factor);
    if (trace == expected || slower == scenario) break;
    trace = run_on_threads(slower, threads, {}, 300);
  }
  return trace;
}

TEST(Runtime, every_example_gives_otps_trace_in_the_simulated_world_under_every_seed) {
  ASSERT_GE(examples().size(), 106U);
  const std::uint64_t seeds = times("ORRERY_SCENARIO_SEEDS", 100, 10);
  for (const Example& example : examples()) {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      ASSERT_EQ(run_simulated(example.scenario, seed), example.expected) << example.name << " seed " << seed;
    }
  }
}

TEST(Runtime, every_example_gives_otps_trace_on_threads) {
  const std::uint64_t rounds = times("ORRERY_SCENARIO_ROUNDS", 2, 1);
  for (const Example& example : examples()) {
    for (std::uint64_t round = 0; round < rounds; ++round) {
      for (const unsigned threads : {2U, 8U}) {
        ASSERT_EQ(at_leisure(example.scenario, threads, example.expected), example.expected)
            << example.name << " on " << threads << " threads";
      }
    }
  }
}

TEST(Runtime, random_scenarios_agree_with_the_model_in_the_simulated_world) {
  const std::uint64_t count = times("ORRERY_SCENARIO_COUNT", 3'000, 300);
  for (std::uint64_t seed = 0; seed < count; ++seed) {
    const Scenario scenario = generate_scenario(seed, static_cast<int>(seed % 101), {.supkill = seed % 4 == 0});
    ASSERT_EQ(run_simulated(scenario, seed), model_trace(scenario, true)) << print(scenario) << "seed " << seed;
  }
}

TEST(Runtime, random_scenarios_agree_with_the_model_on_threads) {
  const std::uint64_t count = times("ORRERY_SCENARIO_THREADS_COUNT", 60, 20);
  for (std::uint64_t seed = 0; seed < count; ++seed) {
    const Scenario scenario = generate_scenario(1'000'000 + seed, static_cast<int>(seed % 101),
                                                {.supkill = seed % 4 == 0, .long_stops = seed % 5 == 0});
    const std::string expected = model_trace(scenario, true);
    for (const unsigned threads : {2U, 8U}) {
      ASSERT_EQ(at_leisure(scenario, threads, expected), expected)
          << print(scenario) << "seed " << seed << " on " << threads << " threads";
    }
  }
}

}  // namespace
}  // namespace orrery::scenario
