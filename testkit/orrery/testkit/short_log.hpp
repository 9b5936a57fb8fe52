// short_log.hpp: a run as narrow lines: one actor is one column.
// Why:  in a run of thousands of steps nobody reads sentences. Where a letter stands says whose it is, so that the eye
//       follows one actor down the page and sees at once who is down, who waits, and since when.
// How:  a line per event of the run: step, time, what happened, then the status of everybody, then the event in words.
//       `.` idle  `*` running  `?` waiting  `#` down  `F` its mailbox is full, at the actor's column, and
//       `>` handles  `<` goes on  `o` offloaded work is done  `F` refused for want of a place  `!` crash  `-` ends  `^` restart
//       `x` an answer comes too late  `%` dropped  `~` delayed or slowed  `T` timer  `s` signal  `X` the step that failed
// Source:       the log of TigerBeetle's simulator, whose letters stand at their replica's column.
#pragma once
#include "orrery/testkit/trace_drawing.hpp"

#include <span>
#include <string>

namespace orrery::testkit {

/// Returns: the log with its head; nothing is left out. Equal events make equal logs.
[[nodiscard]] std::string short_log(std::span<const TraceEvent> events);

}  // namespace orrery::testkit
