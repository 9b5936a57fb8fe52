// sim_fixture.hpp: what the tests of the simulated world share.
#pragma once
#include "orrery/sim/run.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace orrery::testing {

using namespace std::chrono_literals;
using sim::FindingKind;
using sim::World;
using Texts = std::set<std::string>;

/// No stalls: time passes only when nothing else can happen.
inline sim::RunOptions no_faults() {
  sim::RunOptions options;
  options.faults = sim::FaultProfile::none;
  return options;
}
inline sim::RunOptions one_stall() {
  sim::RunOptions options;
  options.stalls_max = 1;
  options.stall_reach = 12;
  return options;
}

/// A body that says in a text what came of it.
using TextBody = std::function<void(World&, std::string&)>;

/// Returns: the texts of all schedules; a finding's is its headline and name.
inline Texts all_texts(const TextBody& body, sim::RunOptions options = no_faults(), std::uint64_t runs_max = 200'000) {
  Texts texts;
  std::string text;
  const auto searched = sim::search_all(
      [&](World& world) {
        text.clear();
        body(world, text);
      },
      options, runs_max,
      [&](const sim::Outcome& outcome) {
        texts.insert(outcome.finding
                         ? fmt::format("{}: {}", sim::headline(outcome.finding->kind), outcome.finding->name)
                         : text);
      });
  EXPECT_TRUE(searched.complete) << "more than " << runs_max << " runs";
  return texts;
}

inline sim::MakeStrategy random_walk(std::uint64_t seed) {
  return [seed] { return std::make_unique<sim::RandomWalk>(seed); };
}
inline sim::MakeStrategy calm() {
  return [] { return std::make_unique<sim::Calm>(); };
}
inline sim::MakeStrategy strict_replay(const sim::Decisions& decisions) {
  return [decisions] { return std::make_unique<sim::Replay>(decisions, sim::Replay::Mode::strict); };
}

/// One run in which the calm option is always taken; fails when there is a finding.
inline sim::Outcome run_calmly(const sim::Body& body, sim::RunOptions options = no_faults()) {
  sim::Outcome outcome = sim::execute(body, calm(), options);
  if (outcome.finding) {
    ADD_FAILURE() << sim::headline(outcome.finding->kind) << ": " << outcome.finding->name << "; "
                  << outcome.finding->detail;
  }
  return outcome;
}

/// Returns: the finding of the calm run, or of the first of `seeds` random runs that has one.
inline std::optional<sim::Finding> find(const sim::Body& body, sim::RunOptions options = no_faults(),
                                        std::uint64_t seeds = 200) {
  if (auto outcome = sim::execute(body, calm(), options); outcome.finding) return outcome.finding;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    if (auto outcome = sim::execute(body, random_walk(seed), options); outcome.finding) return outcome.finding;
  }
  return std::nullopt;
}

inline std::int64_t seconds_of(Instant instant) { return instant.time_since_epoch() / 1s; }
inline std::int64_t milliseconds_of(Instant instant) { return instant.time_since_epoch() / 1ms; }

template <class R>
std::string text_of(const R& result) {
  if (!result) return std::string{to_string(result.error())};
  if constexpr (std::is_void_v<typename R::value_type>) {
    return "ok";
  } else {
    return fmt::format("{}", *result);
  }
}

}  // namespace orrery::testing
