// portfolio.hpp: the strategies by name, and which of them makes which run.
// Why:  no single strategy finds everything: what a walk finds at once, priorities never do, and the other way round.
// How:  the first runs of a campaign are made by strategies that need to know nothing, and watched; from then on the
//       strategies take turns, each with a seed of its own. Run i is a function of (campaign seed, i) and of what the
//       first runs have shown, which is a function of the campaign's seed.
// Source:  SPEC X1, X2; Coyote's portfolio for the idea; figures in docs/exploration.md.
#pragma once
#include "orrery/sim/options.hpp"
#include "orrery/sim/strategies/weighted.hpp"
#include "orrery/sim/strategy.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace orrery::sim {

/// In a token by number: append only.
enum class StrategyKind : std::uint8_t {
  portfolio,
  random,
  pct3,
  pct10,
  pctcp3,
  pctcp10,
  pos,
  urw,
  surw,
  delay10,
  sticky
};
inline constexpr std::uint8_t strategy_kinds = 11;
[[nodiscard]] std::string_view name_of(StrategyKind kind) noexcept;
/// Returns: all names, by number.
[[nodiscard]] std::span<const std::string_view> strategy_names() noexcept;
[[nodiscard]] std::optional<StrategyKind> parse_strategy(std::string_view name) noexcept;

/// `automatic`: a campaign alternates.
enum class GrainSetting : std::uint8_t { automatic, fine, coarse };

/// So many runs of a campaign are watched before it chooses by what they have shown.
inline constexpr std::uint64_t calibration_runs = 32;

/// Who makes a run, and how finely.
struct Plan {
  StrategyKind strategy = StrategyKind::random;  ///< never portfolio
  Grain grain = Grain::fine;
};
/// After the calibration the portfolio's plans come again after so many runs.
inline constexpr std::uint64_t plans_period = 20;
/// Returns: the plan of run `run`. Of the first runs: one of those that need to know nothing.
[[nodiscard]] Plan plan_of_run(StrategyKind wanted, GrainSetting grain, std::uint64_t run) noexcept;

/// Returns: a strategy of that kind. `learned` outlives it.
[[nodiscard]] std::unique_ptr<Strategy> make_strategy(StrategyKind kind, std::uint64_t seed, const Learned& learned);
/// The same, and when its run is over, `seen` is `learned` and what that run has shown. Made again for another attempt at the
/// run, it begins again, so that the run counts once.
[[nodiscard]] std::unique_ptr<Strategy> make_watched_strategy(StrategyKind kind, std::uint64_t seed,
                                                              const Learned& learned, Learned& seen);

}  // namespace orrery::sim
