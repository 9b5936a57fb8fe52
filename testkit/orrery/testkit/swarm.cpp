#include "orrery/testkit/swarm.hpp"

#include "orrery/core/entropy.hpp"
#include "orrery/core/hash.hpp"

#include <array>

namespace orrery::testkit {

namespace {

/// A stream of its own for each of both: they may grow without changing each other.
Entropy stream_of(std::string_view name, std::uint64_t campaign_seed, std::uint64_t run) {
  return {seed_of_run(campaign_seed, run), hash_text(name)};
}

/// From an eighth of what is usual to sixteen times that: short runs and long ones.
std::uint64_t reach_near(std::uint64_t usual, Entropy& entropy) {
  constexpr std::array<std::uint64_t, 5> eighths{1, 4, 8, 32, 128};
  const std::uint64_t reach = usual / 8 * eighths[entropy.below(eighths.size())];
  return reach == 0 ? usual : reach;
}

/// From none to twice as many as usual.
int count_near(int usual, Entropy& entropy) {
  return usual <= 0 ? usual : static_cast<int>(entropy.below(2 * static_cast<std::uint64_t>(usual) + 1));
}

}  // namespace

sim::Plan swarm_plan(const CheckOptions& options, std::uint64_t campaign_seed, std::uint64_t run) noexcept {
  sim::Plan plan = sim::plan_of_run(sim::StrategyKind::portfolio, options.grain, run);
  if (run < sim::calibration_runs) return plan;
  Entropy entropy = stream_of("swarm plan", campaign_seed, run);
  plan.strategy = static_cast<sim::StrategyKind>(1 + entropy.below(sim::strategy_kinds - 1));  // all but the portfolio
  const bool is_coarse = entropy.below(2) != 0;
  if (options.grain == sim::GrainSetting::automatic) plan.grain = is_coarse ? sim::Grain::coarse : sim::Grain::fine;
  return plan;
}

sim::RunOptions swarm_options(const CheckOptions& options, std::uint64_t campaign_seed, std::uint64_t run) noexcept {
  sim::RunOptions drawn = options.run;
  Entropy entropy = stream_of("swarm options", campaign_seed, run);
  const auto ceiling = static_cast<std::uint64_t>(options.run.faults);
  drawn.faults = static_cast<sim::FaultProfile>(entropy.below(ceiling + 1));
  drawn.stalls_max = count_near(drawn.stalls_max, entropy);
  drawn.stall_reach = reach_near(drawn.stall_reach, entropy);
  constexpr std::array<Duration::rep, 3> parts{1, 10, 1'000};
  drawn.stall_max /= parts[entropy.below(parts.size())];
  drawn.crashes_max = count_near(drawn.crashes_max, entropy);
  drawn.crash_reach = reach_near(drawn.crash_reach, entropy);
  drawn.refusals_max = count_near(drawn.refusals_max, entropy);
  drawn.refusal_reach = reach_near(drawn.refusal_reach, entropy);
  drawn.allocations_max = count_near(drawn.allocations_max, entropy);
  drawn.allocation_reach = reach_near(drawn.allocation_reach, entropy);
  drawn.slows_max = count_near(drawn.slows_max, entropy);
  drawn.slow_reach = reach_near(drawn.slow_reach, entropy);
  return drawn;
}

}  // namespace orrery::testkit
