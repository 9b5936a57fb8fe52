// timeline.cpp: draw_timeline() of story.hpp: a lane for everybody, time from top to bottom, an arrow per message.
#include "orrery/testkit/story.hpp"
#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

namespace orrery::testkit {

namespace {

using sim::Event;
using sim::EventKind;

constexpr std::size_t takes_max = 20;  // on a terminal
constexpr std::size_t rows_max = 48;   // the same
constexpr std::size_t rows_max_whole = 400;
constexpr std::size_t lane_width_min = 12;

/// What one line of the drawing shows.
struct Row {
  enum class Kind : std::uint8_t { message, reply, late_reply, mark };
  Kind kind = Kind::message;
  const Event* event = nullptr;  ///< of a reply: the one with which the handler ended
  std::string from;
  std::string to;
  std::string label;
  char mark = ' ';
};

bool is_reply(const Event& take) {
  if (take.reply.empty() || take.from == take.to) return false;
  constexpr std::string_view others[] = {"stashed", "passed on", "failed", "unwound"};
  return std::ranges::find(others, take.reply) == std::end(others);
}

std::string in_ascii(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) == 0x80U) continue;  // one byte is one column here
    out += byte >= 0x80 ? '?' : c;
  }
  return out;
}

/// Returns: a letter for what happened to one actor, or a space when that is not drawn.
char mark_of(const Event& event) {
  switch (event.kind) {
    case EventKind::fire:
      return 'T';
    case EventKind::exit:
      return '#';
    case EventKind::restart:
      return '^';
    case EventKind::fault:
      return '!';
    case EventKind::finish:
      return '*';
    default:
      return ' ';
  }
}

/// Returns: for each event, the takes whose handlers reply when it is over. A handler that went on after a wait replies at
/// the end of what it last went on with.
std::map<std::size_t, std::vector<std::size_t>> ends_of_replies(const std::vector<Event>& events) {
  std::map<std::size_t, std::vector<std::size_t>> ends;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events[i].kind != EventKind::take || !is_reply(events[i])) continue;
    std::size_t end = i;
    for (std::size_t j = i + 1; j < events.size(); ++j) {
      if (events[j].kind == EventKind::take && events[j].to == events[i].to) break;
      const bool goes_on = events[j].kind == EventKind::resume && events[j].from == events[i].to;
      // A clock that ends a wait lets the handler go on without a step of its own.
      const bool is_woken = events[j].kind == EventKind::fire && events[j].to == events[i].to &&
                            (events[j].message == "ask deadline" || events[j].message == "sleep ends");
      if (goes_on || is_woken) end = j;
    }
    const std::string name = events[i].message.substr(0, events[i].message.find('{'));
    const auto is_its_late_reply = [&](const Event& event) {
      return event.kind == EventKind::late_reply && event.from == events[i].to && event.to == events[i].from &&
             event.message == name;
    };
    // What nobody waited for any more is drawn as that.
    if (std::none_of(events.begin() + static_cast<std::ptrdiff_t>(i), events.end(), is_its_late_reply))
      ends[end].push_back(i);
  }
  return ends;
}

std::vector<Row> rows_of(const sim::Outcome& outcome) {
  std::vector<Row> rows;
  const std::vector<Event>& events = outcome.events;
  const auto ends = ends_of_replies(events);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    const std::string name = event.message.substr(0, event.message.find('{'));
    if (event.kind == EventKind::take) {
      rows.push_back({.kind = Row::Kind::message, .event = &event, .from = event.from, .to = event.to, .label = name});
    } else if (event.kind == EventKind::late_reply) {
      rows.push_back(
          {.kind = Row::Kind::late_reply, .event = &event, .from = event.from, .to = event.to, .label = "late"});
    } else if (event.kind == EventKind::stall) {
      rows.push_back({.kind = Row::Kind::mark, .event = &event, .from = {}, .to = {}, .label = event.message});
    } else if (const char mark = mark_of(event); mark != ' ') {
      const std::string& who = event.kind == EventKind::fire ? event.to : event.from;
      rows.push_back(
          {.kind = Row::Kind::mark, .event = &event, .from = who, .to = who, .label = event.message, .mark = mark});
    }
    const auto replied = ends.find(i);
    if (replied == ends.end()) continue;
    for (const std::size_t take : replied->second) {
      rows.push_back({.kind = Row::Kind::reply,
                      .event = &event,
                      .from = events[take].to,
                      .to = events[take].from,
                      .label = events[take].reply});
    }
  }
  return rows;
}

class Timeline {
 public:
  Timeline(const sim::Outcome& outcome, std::vector<Row> rows) : outcome_{outcome}, rows_{std::move(rows)} {
    for (const Row& row : rows_) {
      for (const std::string& who : {row.from, row.to}) {
        if (!who.empty() && std::ranges::find(lanes_, who) == lanes_.end()) lanes_.push_back(who);
      }
      has_time_ = has_time_ || row.event->at.time_since_epoch() != Duration{};
    }
    margin_ = has_time_ ? 18 : 10;
    std::size_t lane_min = lane_width_min;
    for (const std::string& lane : lanes_) lane_min = std::max(lane_min, columns_of(lane) + 2);
    std::size_t lane_best = lane_min;
    for (const Row& row : rows_) {
      if (row.kind == Row::Kind::mark ||
          std::max(column(row.from), column(row.to)) - std::min(column(row.from), column(row.to)) != 1) {
        continue;
      }
      lane_best = std::max(lane_best, in_ascii(row.label).size() + 4);
    }
    lane_width_ = lane_min;
    while (lane_width_ < lane_best && margin_ + lanes_.size() * (lane_width_ + 1) <= report_columns - 4) ++lane_width_;
  }

  [[nodiscard]] bool fits() const { return margin_ + lanes_.size() * lane_width_ <= report_columns; }

  [[nodiscard]] std::string draw() {
    std::string out = pad("TIMELINE", margin_);
    for (const std::string& lane : lanes_) out += pad(lane, lane_width_);
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
    std::string last_time;
    for (const Row& row : rows_) {
      std::string line = draw(row);
      std::string head = row.event->step == 0 ? "" : fmt::format("{:>8}", row.event->step);
      if (has_time_) {
        const auto time = row.event->at.time_since_epoch();
        const std::string text = time == Duration{} ? "" : format_duration(time);
        head = fmt::format("{:>7} {:>8}", row.event->step, std::exchange(last_time, text) == text ? "" : text);
      }
      line.replace(0, std::min(head.size(), margin_ - 1), head);
      while (line.ends_with(' ')) line.pop_back();
      if (row.kind == Row::Kind::message && is_guilty(outcome_, *row.event)) line += "  X";
      if (row.kind == Row::Kind::mark) {
        const std::string label = row.event->kind == EventKind::stall ? "= " + row.label : row.label;
        const std::size_t used = columns_of(line) + 2;
        if (used + 8 < report_columns) line += "  " + cut(label, report_columns - used);
      }
      out += line + '\n';
    }
    return out;
  }

 private:
  [[nodiscard]] std::size_t column(const std::string& who) const {
    return static_cast<std::size_t>(std::ranges::find(lanes_, who) - lanes_.begin());
  }
  [[nodiscard]] std::string draw(const Row& row) {
    std::string line(margin_ + lanes_.size() * lane_width_, ' ');
    for (std::size_t i = 0; i < lanes_.size(); ++i) line[margin_ + i * lane_width_] = waits_[i] != 0 ? ':' : '|';
    if (row.from.empty()) return line;
    const std::size_t from_lane = column(row.from);
    const std::size_t to_lane = column(row.to);
    const std::size_t from = margin_ + from_lane * lane_width_;
    const std::size_t to = margin_ + to_lane * lane_width_;
    if (row.kind == Row::Kind::mark) {
      line[to] = row.mark;
      return line;
    }
    const bool is_back = row.kind != Row::Kind::message;
    if (row.kind == Row::Kind::message && is_reply(*row.event)) ++waits_[from_lane];
    if (row.kind == Row::Kind::reply && waits_[to_lane] != 0) --waits_[to_lane];
    line[to] = is_back ? 'o' : '*';
    if (from == to) return line;
    const auto [left, right] = std::minmax(from, to);
    for (std::size_t at = left + 1; at < right; ++at) line[at] = is_back ? '.' : '-';
    line[to > from ? to - 1 : to + 1] = to > from ? '>' : '<';
    const std::size_t room = right - left - 3;
    const std::string label = in_ascii(row.label);
    const std::string shown = label.size() <= room || !is_back ? label.substr(0, room) : cut(label, room);
    line.replace(left + 2 + (room - shown.size()) / 2, shown.size(), shown);
    return line;
  }

  const sim::Outcome& outcome_;
  std::vector<Row> rows_;
  std::vector<std::string> lanes_;
  std::map<std::size_t, std::uint64_t> waits_;  ///< by lane: for how many replies it waits
  bool has_time_ = false;
  std::size_t margin_ = 10;
  std::size_t lane_width_ = lane_width_min;
};

}  // namespace

std::string draw_timeline(const sim::Outcome& outcome, StoryLength length) {
  std::vector<Row> rows = rows_of(outcome);
  const auto takes = std::ranges::count(rows, Row::Kind::message, &Row::kind);
  const bool is_short = length == StoryLength::terminal;
  if (takes == 0 || (is_short && static_cast<std::size_t>(takes) > takes_max)) return {};
  if (rows.size() > (is_short ? rows_max : rows_max_whole)) return {};
  Timeline timeline{outcome, std::move(rows)};
  return timeline.fits() ? timeline.draw() : std::string{};
}

}  // namespace orrery::testkit
