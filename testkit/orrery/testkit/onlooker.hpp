// onlooker.hpp: looking into a run that is made again: every event as it happens, what all actors are before a step, and a
// stop in the debugger there.
// Why:  a story is told when the run is over. Of a run that never ends, or takes the process along, only what was told while
//       it went on is left; and what an actor holds in the middle of a run stands in no story.
// How:  strategies around the one that follows the record: they are asked before every operation, and change nothing.
#pragma once
#include "orrery/testkit/campaign.hpp"

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>

/// Where a replay stops before a step, and whose step that is: for debuggers, which find it by this name
/// (testkit/gdb/orrery.py). Not inlined, so that a breakpoint can be set on it.
extern "C" void orrery_replay_breakpoint(std::uint64_t step, const char* actor);

namespace orrery::testkit {

/// Follows `inner`, and calls orrery_replay_breakpoint, then stops by SIGTRAP, before that step.
[[nodiscard]] std::unique_ptr<sim::Strategy> break_before(std::unique_ptr<sim::Strategy> inner, std::uint64_t step);

/// Makes the run of `record` again and writes each event to `out` before the next operation begins.
void tell_as_it_happens(const Property& property, const CheckOptions& options, const Record& record, std::ostream& out);

/// Makes the run of `record` again up to that step. Returns: a line for each living actor: its fields, what it waits for, how
/// much mail it has; or, when the run has no such step, that of its end.
[[nodiscard]] std::string actors_before(const Property& property, const CheckOptions& options, const Record& record,
                                        std::uint64_t step);

}  // namespace orrery::testkit
