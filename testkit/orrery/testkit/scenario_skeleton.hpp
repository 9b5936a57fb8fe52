// scenario_skeleton.hpp: a trace as the beginning of a test in the simulator.
// Why:  what a flight recorder wrote down when a process died is the best description of a test that is missing.
// How:  a C++ file that compiles as it is: a struct for each type of message and of actor, each with handlers for what it has
//       handled, and one test that sends what came from outside. What handlers sent stands beside them as a comment: that is
//       for the program's own handlers, which take the place of these.
// Always true:  (K1) equal traces give equal texts
//               (K2) whatever names and messages say, it is an identifier or a comment of one line: the text compiles
// Source:       SPEC O5.
#pragma once
#include "orrery/testkit/json.hpp"

#include <span>
#include <string>
#include <string_view>

namespace orrery::testkit {

/// So many messages from outside are sent, the last ones.
inline constexpr std::size_t scenario_sends_max = 200;

/// Returns: the text of a file. `lines`: those of a trace.jsonl or of a flight recorder; `source`: the name it had.
[[nodiscard]] std::string scenario_skeleton(std::span<const Json> lines, std::string_view source);

}  // namespace orrery::testkit
