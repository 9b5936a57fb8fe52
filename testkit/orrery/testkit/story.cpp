#include "orrery/testkit/story.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace orrery::testkit {

namespace {

using sim::Event;
using sim::EventKind;

constexpr std::size_t columns = 110;
constexpr std::size_t steps_shown = 20;
constexpr std::size_t steps_first = 5;
constexpr std::size_t steps_last = 12;

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string cut(std::string text, std::size_t width) {
  if (text.size() > width) text = text.substr(0, width - 3) + "...";
  return text;
}

/// Which fields the handler changed, as "balance=100 => balance=99".
std::string change_of(const Event& event) {
  std::string before;
  std::string after;
  for (std::size_t i = 0; i < event.after.size() && i < event.before.size(); ++i) {
    if (event.before[i].second == event.after[i].second) continue;
    before += fmt::format("{}{}={}", before.empty() ? "" : ", ", event.before[i].first, event.before[i].second);
    after += fmt::format("{}{}={}", after.empty() ? "" : ", ", event.after[i].first, event.after[i].second);
  }
  return before.empty() ? std::string{} : before + " => " + after;
}

bool is_told(const Event& event) {
  switch (event.kind) {
    case EventKind::take:
    case EventKind::refuse:
    case EventKind::wait_for_place:
    case EventKind::late_reply:
    case EventKind::fire:
    case EventKind::restart:
    case EventKind::exit:
    case EventKind::dead_letter:
    case EventKind::signal:
    case EventKind::stall: return true;
    default: return false;
  }
}

std::vector<const Event*> told_events(const sim::Outcome& outcome) {
  std::vector<const Event*> events;
  for (const Event& event : outcome.events) {
    if (is_told(event)) events.push_back(&event);
  }
  return events;
}

std::string time_of(const Event& event) { return format_duration(event.at.time_since_epoch()); }

struct Widths {
  std::size_t from = 4;
  std::size_t to = 4;
  std::size_t message = 8;
};

std::string what_of(const Event& event) {
  switch (event.kind) {
    case EventKind::take: return event.reply.empty() ? event.message : event.message + " = " + event.reply;
    case EventKind::refuse: return event.message + " refused: " + event.reply;
    case EventKind::wait_for_place: return event.message + " waits for a place";
    case EventKind::late_reply: return "late reply to " + event.message;
    case EventKind::restart: return "restarted, " + event.message;
    case EventKind::exit: return "ends: " + event.message;
    default: return event.message;
  }
}

std::string step_line(const Event& event, const Widths& widths, bool is_failing) {
  const std::string number = event.kind == EventKind::take ? fmt::format("{}", event.step) : std::string{};
  const std::string where = event.line == 0 ? std::string{} : fmt::format("{}:{}", base_name(event.file), event.line);
  std::string line = fmt::format(" {}{:>3} {:>7}  {:<{}} -> {:<{}}  {:<{}}", is_failing ? 'X' : ' ', number, time_of(event),
                                 event.from, widths.from, event.to, widths.to, cut(what_of(event), 60), widths.message);
  if (const std::string change = change_of(event); !change.empty()) line += "  " + cut(change, 40);
  if (!where.empty()) {
    line += "  ";
    if (line.size() + where.size() < columns) line.resize(columns - where.size(), ' ');
    line += where;
  }
  while (line.ends_with(' ')) line.pop_back();
  return line + "\n";
}

}  // namespace

std::string tell_steps(const sim::Outcome& outcome) {
  const std::vector<const Event*> events = told_events(outcome);
  Widths widths;
  for (const Event* event : events) {
    widths.from = std::max(widths.from, event->from.size());
    widths.to = std::max(widths.to, event->to.size());
    widths.message = std::max(widths.message, std::min<std::size_t>(what_of(*event).size(), 60));
  }
  // The step after which the run was stopped.
  const Event* failing = nullptr;
  for (const Event* event : events) {
    if (outcome.finding && event->kind == EventKind::take) failing = event;
  }
  std::string out;
  const bool too_many = events.size() > steps_shown;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (too_many && i == steps_first) {
      out += fmt::format("     ... {} more ...\n", events.size() - steps_first - steps_last);
      i = events.size() - steps_last;
    }
    out += step_line(*events[i], widths, events[i] == failing);
  }
  return out;
}

std::string draw_timeline(const sim::Outcome& outcome) {
  std::vector<const Event*> takes;
  std::vector<std::string> lanes;
  for (const Event& event : outcome.events) {
    if (event.kind != EventKind::take) continue;
    takes.push_back(&event);
    for (const std::string& who : {event.from, event.to}) {
      if (std::ranges::find(lanes, who) == lanes.end()) lanes.push_back(who);
    }
  }
  if (takes.empty() || takes.size() > steps_shown) return {};
  std::size_t lane_width = 12;
  for (const std::string& lane : lanes) lane_width = std::max(lane_width, lane.size() + 2);
  constexpr std::size_t margin = 10;
  if (margin + lanes.size() * lane_width > columns) return {};

  std::string out = "TIMELINE  ";
  for (const std::string& lane : lanes) out += fmt::format("{:<{}}", lane, lane_width);
  while (out.ends_with(' ')) out.pop_back();
  out += '\n';
  const auto column = [&](const std::string& who) {
    return margin + static_cast<std::size_t>(std::ranges::find(lanes, who) - lanes.begin()) * lane_width;
  };
  for (const Event* event : takes) {
    std::string line(margin + lanes.size() * lane_width, ' ');
    line.replace(0, 8, fmt::format("{:>8}", event->step));
    for (std::size_t i = 0; i < lanes.size(); ++i) line[margin + i * lane_width] = '|';
    const std::size_t from = column(event->from);
    const std::size_t to = column(event->to);
    if (from == to) {
      line[to] = '*';
    } else {
      const auto [left, right] = std::minmax(from, to);
      for (std::size_t at = left + 1; at < right; ++at) line[at] = '-';
      line[to] = '*';
      line[to > from ? to - 1 : to + 1] = to > from ? '>' : '<';
      const std::string name = event->message.substr(0, event->message.find('{'));
      const std::size_t room = right - left - 3;
      const std::string label = name.substr(0, room);
      line.replace(left + 2 + (room - label.size()) / 2, label.size(), label);
    }
    while (line.ends_with(' ')) line.pop_back();
    out += line + '\n';
  }
  return out;
}

std::string tell_story(const Failure& failure, const Reproduction& reproduction) {
  const sim::Finding& finding = failure.finding;
  std::string out = fmt::format("{}  \"{}\"\n", sim::headline(finding.kind), finding.name);
  if (!finding.detail.empty()) out += "  " + finding.detail + "\n";
  if (finding.kind == sim::FindingKind::non_determinism) {
    out += "  suspect: iteration over unordered containers, addresses as keys, clocks, uninitialised memory\n";
    out += fmt::format("  no shrinking was attempted; token {}\n", reproduction.token);
    return out;
  }
  out += fmt::format("\nSMALLEST CASE  {}, scheduling choices {} -> {} ({} differ{} from first-come-first-served)\n",
                     failure.shrink_steps == 0 ? "found as it is" : fmt::format("shrunk in {} steps, {} runs", failure.shrink_steps, failure.shrink_runs),
                     failure.original_choices, failure.outcome.decisions.size(), failure.uncalm,
                     failure.uncalm == 1 ? "s" : "");
  if (!failure.input.empty()) {
    out += fmt::format("  input = {}\n", cut(failure.input, 400));
    if (failure.original_input != failure.input) out += fmt::format("  was     {}\n", cut(failure.original_input, 98));
  }
  out += "\nSTEPS\n" + tell_steps(failure.outcome);
  if (const std::string timeline = draw_timeline(failure.outcome); !timeline.empty()) out += "\n" + timeline;
  out += fmt::format("\nREPRODUCE  {}\n", reproduction.command);
  if (!reproduction.record_path.empty()) out += fmt::format("RECORD     {}\n", reproduction.record_path);
  return out;
}

}  // namespace orrery::testkit
