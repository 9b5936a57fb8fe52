// diverged.hpp: where a program that has changed leaves the run of a record, told by step and message.
// Why:  "decision 13 has 3 options instead of 2" says that a record does not fit; "step 6: recorded GetBalance{} from
//       teller#1; program now: Withdraw{}" says what to look at.
// How:  a record tells in words what each step did; the run that was to follow it tells the same of itself, and the first
//       step that differs is where they part. What cannot be followed is answered calmly from there on, so a step that comes
//       after the decision which did not fit may differ in its order only: the decision is told too.
// Not so:  what a handler sends shows when it is handled; a state that differs shows in a reply, or not at all.
// Source:  UX section 2.
#pragma once
#include "orrery/sim/run.hpp"
#include "orrery/testkit/record.hpp"

#include <string>
#include <vector>

namespace orrery::testkit {

/// Returns: what the steps of a run did, the first told_max of them; nothing when its events were not recorded.
[[nodiscard]] std::vector<std::string> tell_each_step(const sim::Outcome& outcome);

/// Returns: whether `outcome` is the run of `record`.
[[nodiscard]] bool is_run_of(const sim::Outcome& outcome, const Record& record) noexcept;

/// Returns: where `outcome`, which was to follow `record` and is another run, leaves it: the step and both messages, as far as
/// the record tells them, and the decision that did not fit.
[[nodiscard]] std::string where_it_diverged(const Record& record, const sim::Outcome& outcome);

}  // namespace orrery::testkit
