// candidates.hpp: runs the programs that shrinking tries, each of them once.
// How:  a candidate is an input and a plan: whom the schedule follows, the draws, the faults. What has been tried is known
//       by the hash of both. The budget counts runs and operations, so that it is the same on every machine.
// Always true:  (C1) no candidate is executed twice
//               (C2) what run() returns shows the failure that was asked for
#pragma once
#include "orrery/core/hash.hpp"
#include "orrery/sim/run.hpp"
#include "orrery/sim/strategies/follow.hpp"
#include "orrery/testkit/campaign.hpp"
#include "orrery/testkit/shrink.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace orrery::testkit::detail {

/// By what a candidate is scheduled; draws and faults are those of `deviations`, but for a random walk.
struct SchedulePlan {
  enum class Kind : std::uint8_t { deviations, script, random };
  Kind kind = Kind::deviations;
  sim::Deviations deviations;         ///< of a script: its draws and faults only
  std::vector<std::uint64_t> script;  ///< operations by name, in order
  sim::FollowScript::AtOnce at_once{};
  std::uint64_t seed = 0;
};

using Tried = MadeRun;  ///< without events

class Candidates {
 public:
  /// `property` outlives it.
  Candidates(const Property& property, const sim::RunOptions& options, sim::Finding wanted, ShrinkBudget budget,
             Execute execute = execute_here)
      : property_{property},
        options_{options},
        wanted_{std::move(wanted)},
        budget_{budget},
        execute_{std::move(execute)} {}

  [[nodiscard]] bool is_over() const noexcept {
    return runs_ >= budget_.runs || operations_ >= budget_.operations || is_late();
  }
  [[nodiscard]] bool is_late() const noexcept {
    return budget_.until && std::chrono::steady_clock::now() >= *budget_.until;
  }
  /// Returns: how many runs the budget has left.
  [[nodiscard]] std::uint64_t left() const noexcept { return budget_.runs - runs_; }
  /// Returns: how many candidates have been executed.
  [[nodiscard]] std::uint64_t runs() const noexcept { return runs_; }
  [[nodiscard]] sim::Grain grain() const noexcept { return options_.grain; }
  void set_grain(sim::Grain grain) noexcept { options_.grain = grain; }
  [[nodiscard]] sim::Mode mode() const noexcept { return options_.mode; }
  [[nodiscard]] bool reduces() const noexcept { return options_.reduce; }
  /// Whether what makes no difference to the outcome is left out of the choices.
  void set_reduce(bool reduce) noexcept { options_.reduce = reduce; }

  /// Runs `input`, whose value is known by `identity`. Returns: what happened if that is the wanted failure; nothing when
  /// it is not, when this was tried before, or when the budget is used up.
  [[nodiscard]] std::optional<Tried> run(const Input& input, std::uint64_t identity, const SchedulePlan& plan);

  /// Makes a run again that is known already, and is not counted. Pre: `outcome` is one of `input` with this grain.
  [[nodiscard]] Tried repeat(const Input& input, const sim::Outcome& outcome, bool record_events);

 private:
  const Property& property_;
  sim::RunOptions options_;
  sim::Finding wanted_;
  ShrinkBudget budget_;
  Execute execute_;
  std::uint64_t runs_ = 0;
  std::uint64_t operations_ = 0;
  std::set<Hash128> tried_;
};

}  // namespace orrery::testkit::detail
