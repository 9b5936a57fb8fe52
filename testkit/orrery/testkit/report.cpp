#include "orrery/testkit/report.hpp"

#include "orrery/testkit/events.hpp"
#include "orrery/testkit/failure_folder.hpp"
#include "orrery/testkit/report_html.hpp"
#include "orrery/testkit/settings.hpp"
#include "orrery/testkit/story.hpp"
#include "orrery/testkit/text.hpp"
#include "orrery/testkit/trace_drawing.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

namespace orrery::testkit {

namespace {

constexpr std::uint64_t few_runs = 100;  ///< with fewer, it says little that something never happened

std::string this_program() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return "<this test>";
  const auto relative = std::filesystem::proximate(path, error);
  return error ? path.string() : (relative.string().starts_with("..") ? path.string() : "./" + relative.string());
}

/// Points orrery-out/latest at the folder of the newest failure.
void link_latest(const std::string& folder) {
  const std::filesystem::path link = std::filesystem::path{settings().out} / "latest";
  std::error_code error;
  std::filesystem::remove(link, error);
  std::filesystem::create_directory_symlink(std::filesystem::proximate(folder, settings().out, error), link, error);
}

void emit_failure(const Failure& failure, const Reproduction& reproduction) {
  const sim::Finding& finding = failure.finding;
  emit(event_object("failure")
           .add("test", failure.record.test)
           .add("run", failure.run)
           .add("token", reproduction.token)
           .add("kind", key_of(finding.kind))
           .add("name", finding.name)
           .add("detail", finding.detail)
           .add("file", finding.file)
           .add("line", std::uint64_t{finding.line})
           .add("step", finding.step)
           .add("command", reproduction.command));
  if (failure.shrink_runs == 0) return;
  emit(event_object("shrunk")
           .add("test", failure.record.test)
           .add("token", reproduction.token)
           .add("steps", failure.outcome.steps)
           .add("choices", count_choices(failure.outcome.decisions).schedule)
           .add("choices_before", failure.original_choices)
           .add("input", failure.input)
           .add("runs", failure.shrink_runs)
           .add("record", reproduction.record_path)
           .add("report", reproduction.report_path));
}

}  // namespace

void say(const std::string& text) {
  fmt::print("[   SIM    ] {}\n", text);
  std::fflush(stdout);
}

namespace {

/// What a token does not hold.
std::string variables_for() {
  return settings().max_steps ? fmt::format("ORRERY_MAX_STEPS={} ", *settings().max_steps) : "";
}

std::expected<void, std::string> write_repro(const std::string& folder, const Failure& failure, bool has_record) {
  std::error_code error;
  const ReproCommand command{.program = std::filesystem::read_symlink("/proc/self/exe", error).string(),
                             .working_folder = std::filesystem::current_path(error).string(),
                             .variables = variables_for(),
                             .has_record = has_record};
  return write_program(folder + "/repro.sh", repro_script(failure, command));
}

/// Writes all that a failure leaves behind. What a campaign has written of the same run is left as it is by a replay, which
/// knows neither what was shrunk nor how.
std::expected<void, std::string> write_folder(const std::string& folder, const Failure& failure,
                                              const Reproduction& reproduction) {
  const auto is_there = [](const std::string& path, std::string_view text) {
    const auto there = read_file(path);
    return there && *there == text;
  };
  const std::string record = to_text(failure.record);
  const std::string trace = trace_lines(failure.outcome);
  const std::string trace_path = folder + "/trace.jsonl";
  const std::string report = read_file(reproduction.report_path).value_or("");
  const bool has_more = read_file(reproduction.picture_path).value_or("").contains("\"stages\":[") &&
                        (failure.explanation.flips.empty() || report.contains("\nWHAT MATTERS  ")) &&
                        !report.contains("not tried: what matters");
  if (failure.history.empty() && has_more && is_there(reproduction.record_path, record) &&
      is_there(trace_path, trace)) {
    return write_repro(folder, failure, true);
  }
  std::expected<void, std::string> written;
  if (!reproduction.record_path.empty()) written = write_file(reproduction.record_path, record);
  if (written) written = write_file(reproduction.report_path, tell_story(failure, reproduction, StoryLength::whole));
  if (written) written = write_file(trace_path, trace);
  const Drawing drawing = make_drawing(trace_events(failure.outcome));
  if (written) written = write_file(folder + "/perfetto.json", draw_perfetto(drawing));
  if (written) written = write_file(reproduction.picture_path, report_page(report_json(failure, reproduction)));
  if (written) written = write_repro(folder, failure, !reproduction.record_path.empty());
  return written;
}

/// Where GitHub's runner shows Markdown, also the sequence of a run that is small enough to be drawn there.
void add_to_summary(const Failure& failure, const Reproduction& reproduction) {
  const char* const path = std::getenv("GITHUB_STEP_SUMMARY");
  if (path == nullptr) return;
  std::ofstream{path, std::ios::app} << summary_markdown(failure, reproduction.command);
}

}  // namespace

std::string summary_markdown(const Failure& failure, const std::string& command) {
  constexpr std::size_t events_max = 150;  // Mermaid refuses what is longer than 50,000 characters
  std::vector<TraceEvent> events = trace_events(failure.outcome);
  const std::size_t left_out = events.size() - std::min(events.size(), events_max);
  events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(left_out));
  Drawing drawing = make_drawing(std::move(events));
  drawing.left_out = left_out;
  // Four spaces make code of what is said, whatever it says.
  std::string text = fmt::format("{}  \"{}\"\n{}\nREPRODUCE  {}\n", sim::headline(failure.finding.kind),
                                 failure.finding.name, failure.finding.detail, command);
  std::string quoted;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    quoted += "    " + text.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return fmt::format("### {}\n\n{}\n```mermaid\n{}```\n\n", failure.record.test, quoted, draw_mermaid(drawing));
}

std::string command_for(const std::string& test) {
  return variables_for() + shell_word(this_program()) + " " +
         shell_word("--gtest_filter=" + test.substr(0, test.find('#')));
}

void report_failure(const Failure& failure, std::source_location where, std::string_view variant) {
  const StoryLength length = settings().verbose ? StoryLength::whole : StoryLength::terminal;
  Reproduction reproduction;
  reproduction.token = to_string(failure.record.token);
  const std::string folder =
      fmt::format("{}/{}/{}{}", settings().out, failure.record.test, reproduction.token, variant);
  const std::string record_path = folder + "/failure.orrery";
  reproduction.command = fmt::format("ORRERY_REPLAY={} {}", variant.empty() ? reproduction.token : record_path,
                                     command_for(failure.record.test));
  reproduction.report_path = folder + "/report.txt";
  reproduction.picture_path = folder + "/report.html";
  reproduction.is_by_token = variant.empty();
  if (failure.finding.kind != sim::FindingKind::non_determinism) reproduction.record_path = record_path;
  if (const auto written = write_folder(folder, failure, reproduction); written) {
    link_latest(folder);
    prune_failures(fmt::format("{}/{}", settings().out, failure.record.test), folder,
                   fmt::format("{}/{}", settings().regressions, failure.record.test));
  } else {
    say(written.error());
    reproduction.record_path.clear();
    reproduction.report_path.clear();
    reproduction.picture_path.clear();
  }
  emit_failure(failure, reproduction);
  const bool has_line = !failure.finding.file.empty();
  const char* const file = has_line ? failure.finding.file.c_str() : where.file_name();
  const std::uint32_t line = has_line ? failure.finding.line : where.line();
  if (settings().github) {
    static std::string annotated;  // one for each property, and the first: the others are in the log
    if (annotated != failure.record.test) {
      annotated = failure.record.test;
      fmt::print("{}\n", github_annotation(failure.record.test, failure.finding, file, line, reproduction.command));
      add_to_summary(failure, reproduction);
    }
  }
  // ADD_FAILURE_AT without its word "Failed" between the place and the story.
  GTEST_MESSAGE_AT_(file, static_cast<int>(line), "", ::testing::TestPartResult::kNonFatalFailure)
      << tell_story(failure, reproduction, length);
}

/// A fault that was planned again and again and never happened, or never made a difference, tests nothing, though it looks
/// as if it did. A stall needs a timer, which not every program has; all others were asked for.
void report_dead_faults(const Progress& progress, std::source_location where) {
  constexpr std::uint64_t armed_often = 20;
  constexpr std::uint64_t fired_often = 100;  // of stalls, one in a few comes when what waits goes first
  for (const sim::FaultCount& fault : progress.faults) {
    const bool never_happened = fault.name != "stall" && fault.armed >= armed_often && fault.fired == 0;
    const bool never_mattered = fault.fired >= fired_often && fault.effects == 0;
    if (!never_happened && !never_mattered) continue;
    GTEST_MESSAGE_AT_(where.file_name(), static_cast<int>(where.line()), "",
                      ::testing::TestPartResult::kNonFatalFailure)
        << fmt::format("DEAD FAULT  \"{}\" was planned {} times in {} and never {}\n", fault.name, fault.armed,
                       count_of(progress.next_run, "run"), never_happened ? "happened" : "had an effect");
  }
}

/// Returns: how often each fault was planned, happened and had an effect; nothing when there were only stalls, which every
/// campaign has.
std::string fault_counts(const std::vector<sim::FaultCount>& faults) {
  std::string text;
  bool is_worth_telling = false;
  for (const auto& [name, armed, fired, effects] : faults) {
    text += fmt::format("{}\"{}\" planned {}, happened {}, had an effect {}", text.empty() ? "" : "; ", name, armed,
                        fired, effects);
    is_worth_telling = is_worth_telling || name != "stall";
  }
  return is_worth_telling ? text : std::string{};
}

/// A message that a fault has lost in runs that hold: either it does not matter, or no check has looked for what it does.
void report_lost(const Progress& progress) {
  constexpr std::size_t kinds_max = 10;
  constexpr std::size_t text_columns = 50;
  for (std::size_t i = 0; i < std::min(progress.lost.size(), kinds_max); ++i) {
    const auto& [first, first_run, count, runs, last_run] = progress.lost[i];
    say(fmt::format(
        "LOST MESSAGE     {} {} -> {}, dropped by fault \"{}\" at t={} of run {}; not sent again, and every check "
        "held: {} in {} of {} (warning)",
        cut(in_one_line(first.text), text_columns), first.from, first.to, first.fault,
        format_duration(first.at.time_since_epoch()), first_run, grouped(count), grouped(runs),
        count_of(progress.next_run, "run")));
  }
  if (progress.lost.size() > kinds_max)
    say(fmt::format("LOST MESSAGE     {} more of other types, senders, receivers or faults (warning)",
                    progress.lost.size() - kinds_max));
}

void report_held(const std::string& test, const LoopResult& result, std::source_location where) {
  const Progress& progress = result.progress;
  std::string coverage;
  for (const auto& [name, hits] : progress.sometimes) {
    if (hits != 0) {
      coverage += fmt::format("; sometimes \"{}\" in {}", name, count_of(hits, "run"));
    } else if (settings().strict) {
      GTEST_MESSAGE_AT_(where.file_name(), static_cast<int>(where.line()), "",
                        ::testing::TestPartResult::kNonFatalFailure)
          << fmt::format("NEVER HAPPENED   sometimes \"{}\": 0 of {}\n", name, count_of(progress.next_run, "run"));
    } else if (progress.next_run < few_runs) {
      say(fmt::format("NEVER HAPPENED   sometimes \"{}\": 0 of {}, which are few", name,
                      count_of(progress.next_run, "run")));
    } else {
      say(fmt::format("NEVER HAPPENED   sometimes \"{}\": 0 of {} (warning)", name,
                      count_of(progress.next_run, "run")));
    }
  }
  report_lost(progress);
  report_dead_faults(progress, where);
  std::string time;
  if (progress.virtual_time != Duration{}) time = fmt::format(", {} virtual", format_duration(progress.virtual_time));
  say(fmt::format("{} held, {}{}{}", count_of(progress.next_run, "run"), count_of(progress.steps, "step"), time,
                  coverage));
  if (const std::string counts = fault_counts(progress.faults); !counts.empty()) say("faults: " + counts);
  if (result.ended != Ended::interrupted) return;
  GTEST_MESSAGE_AT_(where.file_name(), static_cast<int>(where.line()), "", ::testing::TestPartResult::kNonFatalFailure)
      << "interrupted: " << test << " was checked by fewer runs than were wanted\n";
}

void report_explored(const std::string& test, const LoopResult& result, std::uint64_t seed,
                     std::source_location where) {
  const auto& groups = result.progress.groups;
  if (groups.empty()) return report_held(test, result, where);
  std::string text = fmt::format("{} explored, {}: failures in {}\n", count_of(result.progress.next_run, "run"),
                                 count_of(result.progress.steps, "step"), count_of(groups.size(), "group"));
  for (const Group& group : groups) {
    text += fmt::format("  {:>8} x {}  first in run {} of seed {:#x}\n", group.count, to_string(group.finding),
                        group.first_run, seed);
  }
  GTEST_MESSAGE_AT_(where.file_name(), static_cast<int>(where.line()), "", ::testing::TestPartResult::kNonFatalFailure)
      << text;
}

std::string trace_line(const sim::Event& event, std::string_view finding) {
  const auto fields = [](const ActorType::Fields& all) {
    JsonObject object;
    for (const auto& [name, value] : all) object.add(name, value);
    return object.text();
  };
  JsonObject object;
  object.add("schema", std::uint64_t{1})
      .add("step", event.step)
      .add("t_ns", static_cast<std::uint64_t>(event.at.time_since_epoch().count()))
      .add("kind", sim::to_string(event.kind))
      .add("from", event.from)
      .add("to", event.to)
      .add("message", event.message);
  if (!event.reply.empty()) object.add("reply", event.reply);
  if (!event.before.empty()) object.add_raw("before", fields(event.before));
  if (!event.after.empty()) object.add_raw("after", fields(event.after));
  if (event.line != 0) object.add("file", event.file).add("line", std::uint64_t{event.line});
  if (event.sent) {
    object.add("sent_step", event.sent->step)
        .add("sent_ns", static_cast<std::uint64_t>(event.sent->at.time_since_epoch().count()));
  }
  if (event.rivals_count != 0) {
    std::string names;
    for (const std::string& rival : event.rivals) names += (names.empty() ? "" : ",") + json_text(rival);
    object.add_raw("rivals", "[" + names + "]").add("rivals_count", event.rivals_count);
  }
  if (!finding.empty()) object.add("finding", finding);
  return object.text();
}

std::string trace_lines(const sim::Outcome& outcome) {
  std::string out;
  for (const sim::Event& event : outcome.events) {
    out += trace_line(event, is_guilty(outcome, event) ? std::string_view{outcome.finding->name} : "") + "\n";
  }
  return out;
}

}  // namespace orrery::testkit
