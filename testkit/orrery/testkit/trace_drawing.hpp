// trace_drawing.hpp: the events of a run as other programs want them: a Mermaid sequenceDiagram, a trace for Perfetto, a log
// for ShiViz, an SVG picture.
// Why:  what a story of twenty lines cannot hold is looked at in a viewer, and a picture fits into an issue.
// How:  a Drawing is what all formats share: the lanes, and where each reply arrives. A trace does not hold when a message was
//       sent or answered, only when it was handled and who went on; so a send is drawn where its message is handled, and a reply
//       where its asker goes on next, or at once when nobody was seen to.
// Always true:  (W1) equal events make equal texts
//               (W2) whatever a name or a message says, it is text in the drawing: never markup, never another line
//               (W3) what is left out is said in the drawing itself
// Source:       Mermaid's sequence diagrams; the Trace Event Format of Chromium; ShiViz (Beschastnikh et al., "Debugging
//               distributed systems", ACM Queue 2016), whose clocks are those of Fidge and Mattern.
#pragma once
#include "orrery/sim/run.hpp"
#include "orrery/testkit/json.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::testkit {

/// So many are drawn, the last ones: that is where a failure is.
inline constexpr std::size_t events_drawn_max = 5'000;

/// An event, as a line of trace.jsonl has it.
struct TraceEvent {
  std::uint64_t step = 0;
  std::uint64_t nanoseconds = 0;
  std::string kind;
  std::string from;
  std::string to;
  std::string message;
  std::string reply;
  std::string file;
  std::uint64_t line = 0;
  std::string finding;  ///< not empty in the step that failed
};

[[nodiscard]] TraceEvent trace_event(const Json& line);
[[nodiscard]] std::vector<TraceEvent> trace_events(const sim::Outcome& outcome);

enum class Shape : std::uint8_t {
  handled,      ///< `to` handles what `from` has sent
  going_on,     ///< a handler goes on after a wait
  caused,       ///< `from` has done something to `to`: spawned it, stopped it, let its timer fire
  undelivered,  ///< `from` has sent, and `to` does not notice
  moment,       ///< something happened to `from` alone
};
[[nodiscard]] Shape shape_of(const TraceEvent& event);

struct Drawing {
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  std::vector<TraceEvent> events;
  std::vector<std::string> actors;  ///< in the order of their first appearance
  std::vector<std::size_t> from;    ///< of each event, the index in `actors`
  std::vector<std::size_t> to;      ///< the same as `from` when the event has one end only
  std::vector<std::size_t>
      reply_arrives;  ///< the event with which the reply to this one arrives: itself when none was seen
  std::vector<std::vector<std::size_t>> replies;  ///< that arrive with this event, and were given before
  std::size_t left_out = 0;
};
[[nodiscard]] Drawing make_drawing(std::vector<TraceEvent> events);

/// Returns: what happens, in a few words: "Withdraw{amount=5}", "Transfer goes on", "ends: killed".
[[nodiscard]] std::string what_happens(const Drawing& drawing, std::size_t event);

/// A sequenceDiagram: solid what was told, dashed what was replied; a red block around the step that failed.
[[nodiscard]] std::string draw_mermaid(const Drawing& drawing);
/// JSON for ui.perfetto.dev and chrome://tracing: a thread for each actor, a slice for each handler, flows for messages.
/// Units:   microseconds of virtual time; what happens at one instant is put side by side, a microsecond each, and
///          args.t_ns is the exact time.
[[nodiscard]] std::string draw_perfetto(const Drawing& drawing);
/// Two lines for each event, which ShiViz reads with its first regular expression, `shiviz_pattern`.
[[nodiscard]] std::string draw_shiviz(const Drawing& drawing);
inline constexpr std::string_view shiviz_pattern = R"((?<host>\S*) (?<clock>{.*})\n(?<event>.*))";
/// A picture that needs nothing else: lanes from left to right, time downwards, without the time in which nothing happens.
[[nodiscard]] std::string draw_svg(const Drawing& drawing);

/// Returns: `text` in one line of valid UTF-8, without control characters.
[[nodiscard]] std::string plain_line(std::string_view text);

}  // namespace orrery::testkit
