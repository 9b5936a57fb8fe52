// shrink.hpp: from a failing run to the smallest one that fails in the same way.
// How:  passes over input, faults, draws and schedule, each candidate run again from scratch. A schedule is what it holds
//       back, by name (sim/strategies/follow.hpp), so that it still means something for a simpler input or without a fault.
//       In turn, until nothing gets smaller: everything calm; simpler inputs; fewer messages (only some of the operations
//       are done as long as they can, the others wait); no faults, fewer and earlier ones; fewer operations held back;
//       smaller draws; messages of one actor side by side. When nothing helps: random schedules, short inputs made afresh
//       (a failure that needs one large number cannot be reached from many small ones by making things smaller), inputs
//       two steps simpler, past one that does not fail. What is taken is re-recorded, so that the result replays exactly.
//       Deterministic: the budget counts runs and operations, not seconds.
// Always true:  (H1) the result shows the same failure as the run that came in, and has been executed
//               (H2) no candidate is executed twice
// Not so:       the result is small, not smallest.
// Source:       Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (TSE 2002), for taking away;
//               Hypothesis, for one stream of everything; Scott et al., "Minimizing Faulty Executions of Distributed
//               Systems" (NSDI 2016), for schedules of messages that may be absent.
#pragma once
#include "orrery/sim/strategies/follow.hpp"
#include "orrery/testkit/campaign.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace orrery::testkit {

struct ShrinkResult {
  std::unique_ptr<Input> input;
  InputOrigin origin;  ///< with `path`: where the input comes from
  std::vector<std::size_t> path;
  sim::Outcome outcome;                 ///< with events
  sim::Grain grain = sim::Grain::fine;  ///< in which it was made
  sim::Deviations deviations;           ///< from the calm run, by name
  std::vector<std::string> held_names;  ///< what these hold back, for people, in the same order
  std::uint64_t runs = 0;               ///< candidates; three more executions and those of `history` come on top
  std::uint64_t steps = 0;              ///< those that were taken
  std::vector<ShrinkStage> history;     ///< from the run that came in to `outcome`; empty when it was given up
  /// Two executions of one run that differ: the program is not deterministic, and shrinking was given up.
  std::optional<std::pair<sim::Outcome, sim::Outcome>> unstable;
};

/// What shrinking may cost: milliseconds for a program of some tens of messages.
struct ShrinkBudget {
  std::uint64_t runs = 500;
  std::uint64_t operations = 1'000'000;
  /// For runs that may hang: what is found by then is the result, and depends on the machine.
  std::optional<std::chrono::steady_clock::time_point> until{};
};

/// So many stages are kept, evenly chosen, the first and the last always.
inline constexpr std::size_t history_stages_max = 12;
void thin_out(std::vector<ShrinkStage>& history);

/// Writes a shrunk run into the record, all but where its input comes from.
void put_shrunk(Record& record, ShrinkResult& shrunk);

/// `execute` makes the runs.
/// Pre: `outcome` is a failing run of `input`, with events recorded; `input` comes from `origin`.
[[nodiscard]] ShrinkResult shrink(const Property& property, const CheckOptions& options, InputOrigin origin,
                                  std::unique_ptr<Input> input, sim::Outcome outcome, ShrinkBudget budget = {},
                                  const Execute& execute = execute_here);

/// Returns: how many decisions are not the calm one.
[[nodiscard]] std::uint64_t uncalm_choices(const sim::Decisions& decisions) noexcept;

}  // namespace orrery::testkit
