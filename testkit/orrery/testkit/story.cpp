#include "orrery/testkit/story.hpp"

#include "orrery/testkit/text.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <ranges>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::testkit {

namespace {

using sim::Event;
using sim::EventKind;

constexpr std::size_t steps_shown = 20;
constexpr std::size_t steps_first = 5;
constexpr std::size_t steps_last = 12;
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
    case EventKind::log:
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

/// A rare race, or plain logic?
std::string schedules_counted(const Explanation& explanation) {
  const auto [failing, all] = std::pair{explanation.failing, explanation.all};
  if (all == 0) return {};
  if (!explanation.all_counted)
    return fmt::format("  fails in {} of the first {} schedules that were tried; there are more\n", grouped(failing),
                       grouped(all));
  if (all == 1) return "  fails in its only possible schedule\n";
  return fmt::format("  fails in {} of its {} possible schedules\n", failing == all ? "each" : grouped(failing),
                     grouped(all));
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
  if (!failure.input.empty()) {
    out += wrap("input = " + failure.input, 2);
    if (failure.original_input != failure.input)
      out += "  was     " + cut(failure.original_input, report_columns - 10) + "\n";
  }
  return out + schedules_counted(failure.explanation);
}

// ---- what matters -----------------------------------------------------------------------------------------------------

std::string what_came_of(const Flip& flip) {
  const std::string_view done = flip.what == Flip::What::order   ? "swapped"
                                : flip.what == Flip::What::fault ? "left out"
                                                                 : "";
  if (!done.empty()) {
    return fmt::format("{}: {}", done, flip.became == Flip::Became::passes ? "passes" : "shows " + flip.finding);
  }
  if (flip.became == Flip::Became::passes) {
    return fmt::format("{}: {}", count_of(flip.tried, "other value"), flip.tried == 1 ? "passes" : "all pass");
  }
  std::string text = fmt::format("{}: {} pass", count_of(flip.tried, "other value"), flip.passed);
  if (!flip.finding.empty()) text += ", one shows " + flip.finding;
  return text;
}

std::string what_matters(const Explanation& explanation) {
  constexpr std::string_view title = "WHAT MATTERS  ";
  constexpr std::size_t lines_max = 8;
  if (explanation.flips.empty() && explanation.left_out.empty()) return {};
  std::vector<std::string> matters;
  bool is_one_swap_enough = false;
  std::string not_orders;
  std::string not_values;
  std::size_t not_faults = 0;
  for (const Flip& flip : explanation.flips) {
    is_one_swap_enough |= flip.what == Flip::What::order && flip.became == Flip::Became::passes;
    if (flip.became != Flip::Became::same) {
      matters.push_back(fmt::format("{} ({})", flip.words, what_came_of(flip)));
    } else if (flip.what == Flip::What::order) {
      not_orders += fmt::format("{}{}", not_orders.empty() ? "" : ", ", fmt::join(flip.steps, " and "));
    } else if (flip.what == Flip::What::fault) {
      ++not_faults;
    } else {
      not_values += fmt::format("{}{} ({} tried)", not_values.empty() ? "" : ", ",
                                flip.words.substr(0, flip.words.find(" = ")), count_of(flip.tried, "other"));
    }
  }
  std::string out = "\n";
  const auto add = [&](const std::string& text) {
    out += std::string(out.size() == 1 ? title : std::string_view{}) +
           wrap(text, title.size()).substr(out.size() == 1 ? title.size() : 0);
  };
  for (std::size_t i = 0; i < matters.size() && i < lines_max; ++i) add(matters[i]);
  if (matters.size() > lines_max) add(fmt::format("... {} more like these", matters.size() - lines_max));
  if (matters.empty() && !explanation.flips.empty()) add("nothing that was changed alone: it fails all the same");
  if (!is_one_swap_enough && explanation.are_orders_tried && explanation.passing != 0) {
    add(fmt::format(
        "the order of several steps together: {}{} of its schedules pass, but none that differs by one swap",
        explanation.all_counted ? "" : "at least ", grouped(explanation.passing)));
  }
  if (!not_orders.empty()) add("in any order: steps " + not_orders);
  if (!not_values.empty()) add("may be another value: " + not_values);
  if (not_faults != 0) add(fmt::format("may be left out: {}", count_of(not_faults, "fault")));
  for (const std::string& what : explanation.left_out) add("not tried: " + what);
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

namespace {

/// Of a run without end: between whom most of it happens.
std::string who_is_busy(const sim::Outcome& outcome) {
  struct Pair {
    std::string one;
    std::string other;
    std::uint64_t count = 0;
    std::vector<std::pair<std::string, std::uint64_t>> messages;
  };
  std::vector<Pair> pairs;  // in the order of their first message
  for (const Event& event : outcome.events) {
    if (event.kind != EventKind::take) continue;
    const auto [one, other] = std::minmax(event.from, event.to);
    auto pair =
        std::ranges::find_if(pairs, [&](const Pair& known) { return known.one == one && known.other == other; });
    if (pair == pairs.end()) pair = pairs.insert(pair, {.one = one, .other = other, .count = 0, .messages = {}});
    ++pair->count;
    const std::string name = event.message.substr(0, event.message.find('{'));
    auto message = std::ranges::find(pair->messages, name, &std::pair<std::string, std::uint64_t>::first);
    if (message == pair->messages.end()) message = pair->messages.insert(message, {name, 0});
    ++message->second;
  }
  std::string out =
      fmt::format("  {}, virtual {}", count_of(outcome.steps, "step"), format_duration(outcome.virtual_time));
  if (pairs.empty()) return out + "\n";
  const Pair& busiest = *std::ranges::max_element(pairs, {}, &Pair::count);
  std::string messages;
  for (const auto& [name, count] : busiest.messages)
    messages += fmt::format("{}{} x {}", messages.empty() ? "" : ", ", grouped(count), name);
  out += busiest.one == busiest.other ? fmt::format("; busiest: {} with itself, {}", busiest.one, messages)
                                      : fmt::format("; busiest: {} <-> {}, {}", busiest.one, busiest.other, messages);
  const std::string text = out.substr(2) + "   (a livelock? ORRERY_MAX_STEPS allows longer runs)";
  return wrap(text, 2);
}

/// Of two executions of one run: what they have in common says what is not to blame.
std::string how_far_equal(const Failure& failure) {
  if (!failure.other) return {};
  const auto draws = [](const sim::Outcome& outcome) {
    sim::Decisions drawn;
    std::ranges::copy_if(outcome.decisions, std::back_inserter(drawn),
                         [](const sim::Decision& one) { return one.kind == sim::DecisionKind::draw; });
    return drawn;
  };
  const sim::Decisions first = draws(*failure.other);
  const sim::Decisions second = draws(failure.outcome);
  const auto equal = std::ranges::mismatch(first, second).in1 - first.begin();
  const bool same_time = failure.other->virtual_time == failure.outcome.virtual_time;
  const std::string drawn = first.empty() && second.empty()
                                ? "none"
                                : fmt::format("{} of {} equal", equal, std::max(first.size(), second.size()));
  return fmt::format("  draws: {}; virtual time: {}\n", drawn,
                     same_time ? "equal"
                               : fmt::format("{} and {}", format_duration(failure.other->virtual_time),
                                             format_duration(failure.outcome.virtual_time)));
}

/// Returns: whose step the debugger stops before, which is the last one.
std::string last_actor(const sim::Outcome& outcome) {
  for (const Event& event : std::views::reverse(outcome.events)) {
    if (event.step != outcome.steps) continue;
    if (event.kind == EventKind::take) return event.to;
    if (event.kind == EventKind::resume || event.kind == EventKind::finish) return event.from;
  }
  return {};
}

std::string how_to_go_on(const Failure& failure, const Reproduction& reproduction) {
  std::string out;
  if (!reproduction.command.empty()) out += fmt::format("\nREPRODUCE  {}\n", reproduction.command);
  if (!reproduction.record_path.empty()) out += fmt::format("RECORD     {}\n", reproduction.record_path);
  // Without a record there is nothing that could be followed step by step.
  const bool can_go_on = !reproduction.command.empty() && !reproduction.record_path.empty();
  const std::string what = reproduction.is_by_token ? reproduction.token : reproduction.record_path;
  if (can_go_on && failure.outcome.steps != 0) {
    const std::string who = cut(last_actor(failure.outcome), name_columns);
    const std::string command = fmt::format("DEBUG      orrery replay {} --gdb", what);
    const std::string where = fmt::format("   (stops before step {}{})", failure.outcome.steps,
                                          who.empty() ? "" : fmt::format(", on {}'s fiber", who));
    const bool fits = columns_of(command) + columns_of(where) <= report_columns;
    out += command + (fits ? where : "") + "\n";
  }
  if (failure.finding.kind == sim::FindingKind::non_determinism && reproduction.is_by_token &&
      !reproduction.command.empty())
    out += fmt::format("NEXT       orrery replay {} --twice   (tells a static variable from addresses and clocks)\n",
                       what);
  if (!reproduction.picture_path.empty()) out += fmt::format("PICTURE    {}\n", reproduction.picture_path);
  if (can_go_on) out += fmt::format("KEEP       orrery keep {}\n", what);
  return out;
}

}  // namespace

std::string tell_story(const Failure& failure, const Reproduction& reproduction, StoryLength length) {
  const sim::Finding& finding = failure.finding;
  std::string out = wrap(fmt::format("{}  \"{}\"", sim::headline(finding.kind), finding.name), 0);
  if (!finding.detail.empty()) out += wrap(finding.detail, 2);
  if (finding.kind == sim::FindingKind::no_progress) out += who_is_busy(failure.outcome);
  if (finding.kind == sim::FindingKind::non_determinism) {
    out += "  suspect: a static variable, iteration over an unordered container, an address as key, a clock,\n";
    out += "           memory that was never written (no shrinking was attempted)\n";
    out += how_far_equal(failure);
    if (!failure.input.empty()) out += wrap("input = " + failure.input, 2);
  } else {
    out += smallest_case(failure);
    out += "\nSTEPS\n" + tell_steps(failure.outcome, length, reproduction.report_path);
    if (const std::string timeline = draw_timeline(failure.outcome, length); !timeline.empty()) out += "\n" + timeline;
    out += what_matters(failure.explanation);
  }
  return out + how_to_go_on(failure, reproduction);
}

}  // namespace orrery::testkit
