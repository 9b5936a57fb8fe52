#include "orrery/sim/strategies/portfolio.hpp"

#include "orrery/core/check.hpp"
#include "orrery/sim/strategies/priority.hpp"

#include <array>

namespace orrery::sim {

namespace {

constexpr std::array<std::string_view, strategy_kinds> names = {
    "portfolio", "random", "pct3", "pct10", "pctcp3", "pctcp10", "pos", "urw", "surw", "delay10", "sticky"};

/// Who takes turns in the portfolio.
constexpr std::array rotation = {
    StrategyKind::random, StrategyKind::pos,    StrategyKind::pctcp10, StrategyKind::urw,  StrategyKind::pct10,
    StrategyKind::surw,   StrategyKind::sticky, StrategyKind::pctcp3,  StrategyKind::pct3, StrategyKind::delay10};

}  // namespace

std::string_view name_of(StrategyKind kind) noexcept { return names[static_cast<std::size_t>(kind)]; }

std::span<const std::string_view> strategy_names() noexcept { return names; }

std::optional<StrategyKind> parse_strategy(std::string_view name) noexcept {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<StrategyKind>(i);
  }
  return std::nullopt;
}

static_assert(plans_period == 2 * rotation.size(), "every strategy in two grains");

Plan plan_of_run(StrategyKind wanted, GrainSetting grain, std::uint64_t run) noexcept {
  Plan plan;
  const bool is_calibrating = run < calibration_runs;
  const std::uint64_t turn = is_calibrating ? run : run - calibration_runs;
  if (wanted == StrategyKind::portfolio) {
    plan.strategy =
        is_calibrating ? (turn % 2 == 0 ? StrategyKind::random : StrategyKind::pos) : rotation[turn % rotation.size()];
  } else {
    plan.strategy = is_calibrating ? StrategyKind::random : wanted;
  }
  // Each strategy in both grains: the grain changes once a round.
  const std::uint64_t round = wanted == StrategyKind::portfolio ? turn / (is_calibrating ? 2 : rotation.size()) : turn;
  const bool is_coarse = is_calibrating
                             ? grain == GrainSetting::coarse
                             : grain == GrainSetting::coarse || (grain == GrainSetting::automatic && round % 2 == 1);
  plan.grain = is_coarse ? Grain::coarse : Grain::fine;
  return plan;
}

std::unique_ptr<Strategy> make_strategy(StrategyKind kind, std::uint64_t seed, const Learned& learned) {
  const std::uint64_t choices = std::max<std::uint64_t>(learned.choices_max, 2);
  switch (kind) {
    case StrategyKind::portfolio:
    case StrategyKind::random:
      return std::make_unique<RandomWalk>(seed);
    case StrategyKind::pct3:
      return std::make_unique<Pct>(seed, 3, choices);
    case StrategyKind::pct10:
      return std::make_unique<Pct>(seed, 10, choices);
    case StrategyKind::pctcp3:
      return std::make_unique<Pctcp>(seed, 3, choices);
    case StrategyKind::pctcp10:
      return std::make_unique<Pctcp>(seed, 10, choices);
    case StrategyKind::pos:
      return std::make_unique<Pos>(seed);
    case StrategyKind::urw:
      return std::make_unique<Urw>(seed, learned);
    case StrategyKind::surw:
      return std::make_unique<Surw>(seed, learned);
    case StrategyKind::delay10:
      return std::make_unique<Delays>(seed, 10, choices);
    case StrategyKind::sticky:
      return std::make_unique<Sticky>(seed, 8);
  }
  ORRERY_CHECK(false, "there is no strategy number {}", static_cast<int>(kind));
  return nullptr;
}

std::unique_ptr<Strategy> make_watched_strategy(StrategyKind kind, std::uint64_t seed, const Learned& learned,
                                                Learned& seen) {
  seen = learned;
  return std::make_unique<Learning>(make_strategy(kind, seed, learned), seen);
}

}  // namespace orrery::sim
