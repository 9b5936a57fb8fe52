#include "orrery/testkit/story.hpp"

#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace orrery::testkit {

namespace {

using sim::Event;
using sim::EventKind;

constexpr std::size_t steps_shown = 20;
constexpr std::size_t steps_first = 5;
constexpr std::size_t steps_last = 12;
constexpr std::size_t timeline_rows_max = 200;  // of the report's file
constexpr std::size_t name_columns = 20;
constexpr std::size_t what_columns = 44;
constexpr std::size_t where_columns = 30;

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
    case EventKind::stall:
    case EventKind::finish:
    case EventKind::fault:
      return true;
    default:
      return false;
  }
}

/// One line of STEPS: an event, or the end of a handler that went on after a wait and did the damage there.
struct Line {
  const Event* event = nullptr;
  bool is_failing = false;
  std::string what;
};

std::string what_of(const Event& event) {
  switch (event.kind) {
    case EventKind::take:
      return event.reply.empty() ? event.message : event.message + " = " + event.reply;
    case EventKind::refuse:
      return event.message + " refused: " + event.reply;
    case EventKind::wait_for_place:
      return event.message + " waits for a place";
    case EventKind::late_reply:
      return "late reply to " + event.message;
    case EventKind::restart:
      return "restarted, " + event.message;
    case EventKind::exit:
      return "ends: " + event.message;
    case EventKind::finish:
      return event.reply.empty() ? event.message : event.message + " " + event.reply;
    default:
      return event.message;
  }
}

/// Whether the last step of the run did something wrong, rather than being the last one before something was noticed.
bool last_step_is_guilty(const sim::Outcome& outcome) {
  if (!outcome.finding || outcome.finding->step == 0) return false;
  if (outcome.finding->kind == sim::FindingKind::invariant_violated) return true;
  return outcome.finding->kind == sim::FindingKind::assertion_failed && outcome.finding->detail.starts_with("in ") &&
         !outcome.finding->detail.starts_with("in the body of the test");
}

std::vector<Line> lines_of(const sim::Outcome& outcome) {
  const bool has_guilty = last_step_is_guilty(outcome);
  std::vector<Line> lines;
  for (const Event& event : outcome.events) {
    const bool is_guilty = has_guilty && event.step == outcome.finding->step;
    if (is_told(event)) {
      const bool is_step = event.kind == EventKind::take || event.kind == EventKind::finish;
      lines.push_back({&event, is_guilty && is_step, what_of(event)});
    } else if (is_guilty && event.kind == EventKind::resume) {
      const auto taken = std::ranges::find_if(lines.rbegin(), lines.rend(), [&](const Line& line) {
        return line.event->kind == EventKind::take && line.event->to == event.to;
      });
      lines.push_back({&event, true, taken == lines.rend() ? "goes on" : "goes on with " + taken->event->message});
    }
  }
  return lines;
}

struct Widths {
  std::size_t number = 3;
  bool has_time = false;  ///< a run in which no time passes needs no column for it
  std::size_t from = 4;
  std::size_t to = 4;
  std::size_t what = 8;
};

std::string time_of(const Event& event) {
  const auto since_start = event.at.time_since_epoch();
  return since_start == Duration{} ? std::string{} : format_duration(since_start);
}

std::string step_line(const Line& line, const Widths& widths) {
  const Event& event = *line.event;
  const bool has_number =
      event.kind == EventKind::take || event.kind == EventKind::resume || event.kind == EventKind::finish;
  std::string out = fmt::format(" {}{:>{}} ", line.is_failing ? 'X' : ' ',
                                has_number ? fmt::format("{}", event.step) : "", widths.number);
  if (widths.has_time) out += fmt::format("{:>8} ", time_of(event));
  const bool is_alone = event.kind == EventKind::resume || event.kind == EventKind::exit ||
                        event.kind == EventKind::restart || event.kind == EventKind::finish ||
                        event.kind == EventKind::fault || event.to.empty();
  const std::string who = is_alone
                              ? cut(event.from, name_columns)
                              : pad(cut(event.from, name_columns), widths.from) + " -> " + cut(event.to, name_columns);
  out += " " + pad(who, widths.from + 4 + widths.to) + "  ";
  const std::size_t indent = columns_of(out);
  out += pad(cut(line.what, what_columns), widths.what);

  const std::string where =
      event.line == 0 ? std::string{} : cut(fmt::format("{}:{}", base_name(event.file), event.line), where_columns);
  const std::string change = change_of(event);
  const std::size_t place = report_columns - columns_of(where);
  const bool change_fits = columns_of(out) + 2 + columns_of(change) + 2 <= place;
  if (!change.empty() && change_fits) out += "  " + change;
  while (out.ends_with(' ')) out.pop_back();
  if (!where.empty() && columns_of(out) + 2 <= place) out = pad(out, place) + where;
  out += '\n';
  if (!change.empty() && !change_fits) out += wrap(change, indent);
  return out;
}

std::string timeline_row(const Event& event, const std::vector<std::string>& lanes, std::size_t margin,
                         std::size_t lane_width) {
  std::string line(margin + lanes.size() * lane_width, ' ');
  line.replace(0, 8, fmt::format("{:>8}", event.step));
  for (std::size_t i = 0; i < lanes.size(); ++i) line[margin + i * lane_width] = '|';
  const auto column = [&](const std::string& who) {
    return margin + static_cast<std::size_t>(std::ranges::find(lanes, who) - lanes.begin()) * lane_width;
  };
  const std::size_t from = column(event.from);
  const std::size_t to = column(event.to);
  line[to] = '*';
  if (from != to) {
    const auto [left, right] = std::minmax(from, to);
    for (std::size_t at = left + 1; at < right; ++at) line[at] = '-';
    line[to > from ? to - 1 : to + 1] = to > from ? '>' : '<';
    const std::size_t room = right - left - 3;
    std::string label = event.message.substr(0, event.message.find('{')).substr(0, room);
    for (char& c : label) {
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';  // one byte is one column here
    }
    line.replace(left + 2 + (room - label.size()) / 2, label.size(), label);
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

std::string smallest_case(const Failure& failure) {
  const ChoiceCounts counts = count_choices(failure.outcome.decisions);
  std::uint64_t stalls = 0;
  std::uint64_t others = 0;
  for (const Event& event : failure.outcome.events) {
    stalls += event.kind == EventKind::stall ? 1 : 0;
    others += event.kind == EventKind::fault ? 1 : 0;
  }
  std::string faults = stalls == 0 ? "" : count_of(stalls, "stall");
  if (others != 0) faults += stalls == 0 ? count_of(others, "fault") : " and " + count_of(others, "other fault");
  std::string choices = "no scheduling choices";
  if (failure.original_choices + counts.schedule != 0) {
    choices = fmt::format("scheduling choices {} -> {} ({} not first come, first served)", failure.original_choices,
                          counts.schedule, counts.schedule_uncalm);
  }
  std::string out = fmt::format("\nSMALLEST CASE  {}, faults needed: {}\n", choices, faults.empty() ? "none" : faults);
  if (failure.input.empty()) return out;
  out += wrap("input = " + failure.input, 2);
  if (failure.original_input != failure.input)
    out += "  was     " + cut(failure.original_input, report_columns - 10) + "\n";
  return out;
}

}  // namespace

std::string tell_steps(const sim::Outcome& outcome, StoryLength length, const std::string& where_the_rest_is) {
  const std::vector<Line> lines = lines_of(outcome);
  Widths widths;
  for (const Line& line : lines) {
    widths.number = std::max(widths.number, fmt::formatted_size("{}", line.event->step));
    widths.has_time = widths.has_time || !time_of(*line.event).empty();
    widths.from = std::max(widths.from, columns_of(cut(line.event->from, name_columns)));
    widths.to = std::max(widths.to, columns_of(cut(line.event->to, name_columns)));
    widths.what = std::max(widths.what, columns_of(cut(line.what, what_columns)));
  }
  std::string out;
  const bool too_many = length == StoryLength::terminal && lines.size() > steps_shown;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (too_many && i == steps_first) {
      out += fmt::format("     ... {} more{}\n", lines.size() - steps_first - steps_last,
                         where_the_rest_is.empty() ? "" : " in " + where_the_rest_is);
      i = lines.size() - steps_last;
    }
    out += step_line(lines[i], widths);
  }
  return out;
}

bool is_guilty(const sim::Outcome& outcome, const sim::Event& event) {
  const bool is_step =
      event.kind == EventKind::take || event.kind == EventKind::resume || event.kind == EventKind::finish;
  return is_step && last_step_is_guilty(outcome) && event.step == outcome.finding->step;
}

std::string draw_timeline(const sim::Outcome& outcome, StoryLength length) {
  std::vector<const Event*> takes;
  std::vector<std::string> lanes;
  for (const Event& event : outcome.events) {
    if (event.kind != EventKind::take) continue;
    takes.push_back(&event);
    for (const std::string& who : {event.from, event.to}) {
      if (std::ranges::find(lanes, who) == lanes.end()) lanes.push_back(who);
    }
  }
  std::size_t lane_width = 12;
  for (const std::string& lane : lanes) lane_width = std::max(lane_width, columns_of(lane) + 2);
  constexpr std::size_t margin = 10;
  const std::size_t rows_max = length == StoryLength::terminal ? steps_shown : timeline_rows_max;
  if (takes.empty() || takes.size() > rows_max || margin + lanes.size() * lane_width > report_columns) return {};

  std::string out = "TIMELINE  ";
  for (const std::string& lane : lanes) out += pad(lane, lane_width);
  while (out.ends_with(' ')) out.pop_back();
  out += '\n';
  const bool has_guilty = last_step_is_guilty(outcome);
  for (const Event* event : takes) {
    out += timeline_row(*event, lanes, margin, lane_width);
    out += has_guilty && event->step == outcome.finding->step ? "  X\n" : "\n";
  }
  return out;
}

std::string tell_story(const Failure& failure, const Reproduction& reproduction, StoryLength length) {
  const sim::Finding& finding = failure.finding;
  std::string out = wrap(fmt::format("{}  \"{}\"", sim::headline(finding.kind), finding.name), 0);
  if (!finding.detail.empty()) out += wrap(finding.detail, 2);
  if (finding.kind == sim::FindingKind::non_determinism) {
    out += "  suspect: a static variable, iteration over an unordered container, an address as key, a clock,\n";
    out += "           memory that was never written (no shrinking was attempted)\n";
    if (!failure.input.empty()) out += wrap("input = " + failure.input, 2);
  } else {
    out += smallest_case(failure);
    out += "\nSTEPS\n" + tell_steps(failure.outcome, length, reproduction.report_path);
    if (const std::string timeline = draw_timeline(failure.outcome, length); !timeline.empty()) out += "\n" + timeline;
  }
  if (!reproduction.command.empty()) out += fmt::format("\nREPRODUCE  {}\n", reproduction.command);
  if (!reproduction.record_path.empty()) out += fmt::format("RECORD     {}\n", reproduction.record_path);
  return out;
}

}  // namespace orrery::testkit
