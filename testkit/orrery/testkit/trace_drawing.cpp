#include "orrery/testkit/trace_drawing.hpp"

#include "orrery/testkit/story.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace orrery::testkit {

namespace {

std::string name_of(std::string_view message) { return std::string{message.substr(0, message.find('{'))}; }

bool has_two_ends(const TraceEvent& event) {
  switch (shape_of(event)) {
    case Shape::handled:
    case Shape::caused:
    case Shape::undelivered:
      return true;
    default:
      return false;
  }
}

/// Finds the lanes, and of each event its ends.
void find_actors(Drawing& drawing) {
  std::map<std::string, std::size_t> known;
  const auto index_of = [&](const std::string& name) {
    const auto [at, is_new] = known.emplace(name, drawing.actors.size());
    if (is_new) drawing.actors.push_back(name);
    return at->second;
  };
  for (const TraceEvent& event : drawing.events) {
    const std::size_t from = index_of(event.from);
    drawing.from.push_back(from);
    drawing.to.push_back(has_two_ends(event) ? index_of(event.to) : from);
  }
}

/// Backwards, so that who goes on next is known; a reply that came too late is told by an event of its own.
void find_replies(Drawing& drawing) {
  const std::size_t count = drawing.events.size();
  drawing.reply_arrives.assign(count, Drawing::nowhere);
  drawing.replies.resize(count);
  std::map<std::size_t, std::size_t> goes_on;                                    // who: with which event
  std::map<std::pair<std::size_t, std::size_t>, std::vector<std::size_t>> late;  // from whom, to whom: the events
  for (std::size_t i = count; i-- > 0;) {
    const TraceEvent& event = drawing.events[i];
    const std::size_t from = drawing.from[i];
    const std::size_t to = drawing.to[i];
    if (event.kind == "resume") goes_on[from] = i;
    if (event.kind == "late reply") late[{from, to}].push_back(i);
    if (event.kind != "take" || event.reply.empty()) continue;
    drawing.reply_arrives[i] = i;
    std::vector<std::size_t>& too_late = late[{to, from}];
    const auto mine = std::ranges::find_if(
        too_late, [&](std::size_t other) { return drawing.events[other].message == name_of(event.message); });
    if (mine != too_late.end()) {
      drawing.reply_arrives[i] = *mine;
      too_late.erase(mine);
    } else if (const auto next = goes_on.find(from); next != goes_on.end()) {
      drawing.reply_arrives[i] = next->second;
      drawing.replies[next->second].insert(drawing.replies[next->second].begin(), i);
    }
  }
}

}  // namespace

TraceEvent trace_event(const Json& line) {
  return {.step = line["step"].number(),
          .nanoseconds = line["t_ns"].number(),
          .kind = std::string{line["kind"].text()},
          .from = std::string{line["from"].text()},
          .to = std::string{line["to"].text()},
          .message = std::string{line["message"].text()},
          .reply = std::string{line["reply"].text()},
          .file = std::string{line["file"].text()},
          .line = line["line"].number(),
          .finding = std::string{line["finding"].text()}};
}

std::vector<TraceEvent> trace_events(const sim::Outcome& outcome) {
  std::vector<TraceEvent> events;
  for (const sim::Event& event : outcome.events) {
    events.push_back({.step = event.step,
                      .nanoseconds = static_cast<std::uint64_t>(event.at.time_since_epoch().count()),
                      .kind = std::string{sim::to_string(event.kind)},
                      .from = event.from,
                      .to = event.to,
                      .message = event.message,
                      .reply = event.reply,
                      .file = event.file,
                      .line = event.line,
                      .finding = is_guilty(outcome, event) ? outcome.finding->name : std::string{}});
  }
  return events;
}

Shape shape_of(const TraceEvent& event) {
  if (event.kind == "take") return Shape::handled;
  if (event.kind == "resume") return Shape::going_on;
  if (event.to.empty()) return Shape::moment;
  if (event.kind == "spawn" || event.kind == "fire") return Shape::caused;
  if (event.kind == "signal") return event.from == "runtime" ? Shape::moment : Shape::caused;
  const bool is_undelivered = event.kind == "refuse" || event.kind == "wait for place" || event.kind == "late reply";
  return is_undelivered ? Shape::undelivered : Shape::moment;
}

Drawing make_drawing(std::vector<TraceEvent> events) {
  Drawing drawing;
  if (events.size() > events_drawn_max) {
    drawing.left_out = events.size() - events_drawn_max;
    events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(events_drawn_max));
  }
  drawing.events = std::move(events);
  find_actors(drawing);
  find_replies(drawing);
  return drawing;
}

std::string what_happens(const Drawing& drawing, std::size_t index) {
  const TraceEvent& event = drawing.events[index];
  if (event.kind == "resume") {
    for (std::size_t i = index; i-- > 0;) {
      if (drawing.to[i] == drawing.from[index] && drawing.events[i].kind == "take")
        return name_of(drawing.events[i].message) + " goes on";
    }
    return "goes on";
  }
  if (event.kind == "spawn") return "begins";
  if (event.kind == "refuse") return event.message + " refused: " + event.reply;
  if (event.kind == "wait for place") return event.message + " waits for a place";
  if (event.kind == "late reply") return "late reply to " + event.message;
  if (event.kind == "restart") return "restarted, " + event.message;
  if (event.kind == "exit") return "ends: " + event.message;
  if (event.kind == "dead letter") return "dead letter: " + event.message;
  if (event.kind == "finish" && !event.reply.empty()) return event.message + " " + event.reply;
  if (event.kind == "signal" && event.from == "runtime") return event.to + ": " + event.message;
  return event.message;
}

std::string plain_line(std::string_view text) {
  const auto decoded = parse_json(json_text(text));
  std::string out{decoded ? decoded->text() : std::string_view{}};
  // What ends a line in JavaScript, and what XML has no place for.
  for (const std::string_view bad : {"\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbf\xbe", "\xef\xbf\xbf"}) {
    for (std::size_t at = out.find(bad); at != std::string::npos; at = out.find(bad, at)) out.replace(at, 3, " ");
  }
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

}  // namespace orrery::testkit
