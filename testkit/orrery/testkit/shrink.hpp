// shrink.hpp: from a failing run to the smallest one that fails in the same way.
// How:  passes over input and schedule, each candidate run again from scratch: a simpler input under the old run's order
//       of operations (recognised by what they are, not where they stood), calmly, or under a few random schedules; then
//       fewer and smaller choices that differ from first-come-first-served; then fewer steps; then short inputs made
//       afresh, since a failure that needs one large number cannot be reached from many small ones by making things
//       smaller; last, inputs two steps simpler, past one that does not fail. A candidate is taken only if it shows the
//       same failure (P2). What is taken is re-recorded, so that the result replays exactly. Deterministic: the budget
//       counts runs and operations, not seconds.
// Not so:  the result is small, not smallest: no simpler input that was tried fails, and no calmer choice.
// Source:  Zeller and Hildebrandt's delta debugging, for the choices; Hypothesis, for one stream of everything.
#pragma once
#include "orrery/testkit/campaign.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace orrery::testkit {

struct ShrinkResult {
  std::unique_ptr<Input> input;
  InputOrigin origin;  ///< with `path`: where the input comes from
  std::vector<std::size_t> path;
  sim::Outcome outcome;                 ///< with events
  sim::Grain grain = sim::Grain::fine;  ///< in which it was made
  std::uint64_t runs = 0;               ///< candidates
  std::uint64_t steps = 0;              ///< those that were taken
  /// Two executions of one candidate that differ: the program is not deterministic, and shrinking was given up.
  std::optional<std::pair<sim::Outcome, sim::Outcome>> unstable;
};

/// What shrinking may cost: some tenths of a second.
struct ShrinkBudget {
  std::uint64_t runs = 6'000;
  std::uint64_t operations = 3'000'000;
};

/// Pre: `outcome` is a failing run of `input`, with events recorded; `input` comes from `origin`.
[[nodiscard]] ShrinkResult shrink(const Property& property, const CheckOptions& options, InputOrigin origin,
                                  std::unique_ptr<Input> input, sim::Outcome outcome, ShrinkBudget budget = {});

/// Returns: how many decisions are not the calm one.
[[nodiscard]] std::uint64_t uncalm_choices(const sim::Decisions& decisions) noexcept;

}  // namespace orrery::testkit
