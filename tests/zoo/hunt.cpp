#include "tests/zoo/hunt.hpp"

#include "orrery/core/entropy.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

namespace orrery::zoo {

sim::Outcome Campaign::next() {
  const std::uint64_t run = run_++;
  const sim::Plan plan = sim::plan_of_run(strategy_, sim::GrainSetting::automatic, run);
  sim::RunOptions options = program_.options;
  options.grain = plan.grain;
  const std::uint64_t run_seed = draw(seed_, 0, run);
  if (run >= sim::calibration_runs) {
    return sim::execute(program_.body, [&] { return sim::make_strategy(plan.strategy, run_seed, learned_); }, options);
  }
  sim::Learned seen;
  sim::Outcome outcome = sim::execute(
      program_.body, [&] { return sim::make_watched_strategy(plan.strategy, run_seed, learned_, seen); }, options);
  learned_ = std::move(seen);
  return outcome;
}

Hunt hunt(const Program& program, sim::StrategyKind strategy, std::uint64_t seeds, std::uint64_t runs_max) {
  Hunt result;
  result.runs_max = runs_max;
  std::vector<std::uint64_t> needed;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Campaign campaign{program, strategy, mix64(seed + 1)};
    for (std::uint64_t run = 1; run <= runs_max; ++run) {
      const sim::Outcome outcome = campaign.next();
      if (!outcome.finding) continue;
      if (outcome.finding->name.starts_with(program.found)) {
        needed.push_back(run);
        ++result.found;
        break;
      }
      result.other = to_string(*outcome.finding);
    }
  }
  std::ranges::sort(needed);
  // The middle one of all seeds, the lower of two: those that have not found it stand at the end.
  const std::uint64_t middle = (seeds - 1) / 2;
  if (middle < needed.size()) result.median = needed[middle];
  return result;
}

std::optional<std::string> watch_control(const Program& program, sim::StrategyKind strategy, std::uint64_t runs) {
  Campaign campaign{program, strategy, 1};
  for (std::uint64_t run = 0; run < runs; ++run) {
    const sim::Outcome outcome = campaign.next();
    if (outcome.finding) {
      return fmt::format("{} in run {}", to_string(*outcome.finding), run);
    }
  }
  return std::nullopt;
}

}  // namespace orrery::zoo
