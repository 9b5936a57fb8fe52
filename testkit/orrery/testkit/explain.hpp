// explain.hpp: what a shrunk failure depends on, found out by changing one thing of it at a time.
// Why:  a small failing run still does not say which of its steps are the bug: that the check comes before the other's
//       withdrawal is, that one teller is asked first is not.
// How:  each order of two steps that could have been the other way round is turned, each fault left out, each draw and each
//       simple part of the input given another value: one run (for values a few) for each, all else as it was. Then all
//       schedules of the input are counted, where they are few.
// Always true:  (W1) a flip says what came of a run that was made and in which the flip took place; what cannot be flipped
//                    (the second step follows from the first) is not listed
//               (W2) a function of the failure alone: the budget counts runs and operations; what it leaves out is said
// Not so:       what passes when it alone is flipped may fail together with another flip.
// Source:  the explain phase of Hypothesis, for values; UX section 2.
#pragma once
#include "orrery/sim/run.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace orrery::testkit {

struct CheckOptions;
struct Failure;
struct Property;

/// One thing that was changed about a failing run, and what came of it.
struct Flip {
  enum class What : std::uint8_t { order, fault, draw, input };
  enum class Became : std::uint8_t { passes, same, otherwise };
  What what = What::order;
  std::vector<std::uint64_t> steps;  ///< those involved, of the failing run
  std::string words;                 ///< of what was flipped: "step 5 happens before step 7", "input[1].amount = 100"
  std::uint64_t tried = 1;           ///< how many runs were made for it: other values of a part of the input
  /// `passes` and `same`: all of those runs. `otherwise`: one of them shows another failure, or some pass and some do not.
  Became became = Became::passes;
  std::uint64_t passed = 0;  ///< of those that were tried
  std::string finding;       ///< of the first that shows another failure
};

struct Explanation {
  std::vector<Flip> flips;  ///< by kind, then in the order of the run
  /// Of the schedules of the shrunk input without faults; schedules that differ only in the order of independent operations
  /// are one. `all` is 0 when nobody has counted: a fault is needed, or values are drawn.
  std::uint64_t failing = 0;
  std::uint64_t passing = 0;  ///< the others show another failure
  std::uint64_t all = 0;
  bool all_counted = false;       ///< false: there are more than `all`
  bool are_orders_tried = false;  ///< each that can be turned by itself
  /// A run of the same input that differs by one flip and passes, with its events.
  std::optional<sim::Outcome> nearest_passing;
  std::string nearest_words;  ///< what was flipped, as in `flips`
  std::uint64_t runs = 0;     ///< how many were made for all this
  /// What was not tried, and why, in words: a report that is silent about something has looked at it.
  std::vector<std::string> left_out;
};

/// Fills `failure.explanation`, by runs in a process of its own: one of them may crash.
///
/// Pre:    `failure` was shrunk, or its record was replayed, and it is neither a crash nor non-determinism.
/// Cost:   at most some hundreds of runs for the flips and two thousand to count schedules; fewer when they are long.
void explain_failure(Failure& failure, const Property& property, const CheckOptions& options);

}  // namespace orrery::testkit
