// trace_monitor.hpp: what must hold of a canonical trace whoever made it.
// Why:  two implementations can agree and both be wrong. These rules are about traces alone and know no supervisor's code.
// Always true of a trace:
//   (W1) the attempts of an id are numbered 1, 2, 3, ... by start, fail and ignore
//   (W2) who stops was started and has not stopped; who handles a message is alive
//   (W3) the tree shows exactly the living (with killed supervisors: perhaps fewer, orphans outlive their parents)
//   (W4) stop of the root ends everybody, children before and in reverse order, depth first
//   (W5) within any period a supervisor restarts at most `intensity` times, and gives up exactly at the next (only
//        where every attempt can be seen: without batches)
//   (W6) a temporary child that died of itself is not started again, nor is a transient one after a normal end, unless
//        somebody asked for it or the whole group restarts
#pragma once
#include "orrery/testkit/scenario/scenario.hpp"

#include <string>
#include <string_view>

namespace orrery::scenario {

/// Pre: `trace` has its `rep` lines. Returns: the first rule that is broken and where, or nothing.
[[nodiscard]] std::string broken_rule(const Scenario& scenario, std::string_view trace);

}  // namespace orrery::scenario
