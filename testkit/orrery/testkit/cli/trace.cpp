// trace.cpp: orrery trace: the events of a run, filtered, as text, as lines of JSON or drawn; and two runs side by side.
#include "orrery/testkit/cli/commands.hpp"
#include "orrery/testkit/cli/programs.hpp"
#include "orrery/testkit/json.hpp"
#include "orrery/testkit/record.hpp"
#include "orrery/testkit/scenario_skeleton.hpp"
#include "orrery/testkit/short_log.hpp"
#include "orrery/testkit/trace_drawing.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

namespace orrery::cli {

namespace {

struct Line {
  testkit::Json json;
  std::string text;  ///< as it was read

  [[nodiscard]] std::string_view field(std::string_view key) const { return json[key].text(); }
  [[nodiscard]] std::uint64_t step() const { return json["step"].number(); }
};

/// Returns: the event in one line, whatever names and messages say.
std::string print(const Line& line) {
  const std::uint64_t nanoseconds = line.json["t_ns"].number();
  std::string out = fmt::format("{:>5} {:>10}  {:<14} {}", line.step(),
                                nanoseconds == 0 ? "" : fmt::format("{}us", nanoseconds / 1'000), line.field("kind"),
                                line.field("from"));
  if (!line.field("to").empty()) out += fmt::format(" -> {}", line.field("to"));
  if (!line.field("message").empty()) out += fmt::format("  {}", line.field("message"));
  if (!line.field("reply").empty()) out += fmt::format(" = {}", line.field("reply"));
  if (!line.field("file").empty()) {
    const std::string_view file = line.field("file");
    out += fmt::format("   {}:{}", file.substr(file.rfind('/') + 1), line.field("line"));
  }
  return testkit::plain_line(out);
}

std::vector<Line> parse_lines(const std::string& path, const std::string& text) {
  std::vector<Line> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    at = end + 1;
    auto json = testkit::parse_json(line);
    if (!json) refuse(fmt::format("{}: line {}: {}", path, lines.size() + 1, json.error()));
    lines.push_back({std::move(*json), std::move(line)});
  }
  return lines;
}

/// Reads a trace.jsonl, or makes the run of a record or a token again.
std::vector<Line> read_trace(const Arguments& arguments, const std::string& word) {
  if (word.ends_with(".jsonl")) {
    const auto text = testkit::read_file(word);
    if (!text) refuse(text.error());
    return parse_lines(word, *text);
  }
  const NamedRun run = find_run(arguments, word);
  const std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("orrery-trace-{}.jsonl", getpid())).string();
  Variables variables = arguments.variables;
  variables.insert(variables.end(),
                   {{"ORRERY_REPLAY", run.text}, {"ORRERY_MODE", "trace"}, {"ORRERY_TRACE_FILE", path}});
  const int code = run_program({run.program, "--gtest_filter=" + run.test}, variables, Output::dropped).code;
  const auto text = testkit::read_file(path);
  std::error_code error;
  std::filesystem::remove(path, error);
  if (code == exit_diverged) std::_Exit(exit_diverged);  // the program has said why
  if (!text) refuse(fmt::format("{} cannot be traced: the program ends with exit code {}", word, code));
  return parse_lines(word, *text);
}

/// Returns: the steps that may have led to `step`, by cause and effect: what its actor did before, what the sender of its
/// message had done, who answered what it waited for; and what those need in turn. Nothing that matters is left out; a step
/// of a sender that came after the send may be in it, since a trace does not hold when a message was sent.
std::set<std::uint64_t> causes_of(const std::vector<Line>& lines, std::uint64_t step) {
  std::map<std::string_view, std::uint64_t> latest;    // the step in which somebody was last
  std::map<std::string_view, std::uint64_t> answered;  // the step in which a message of somebody was handled last
  std::map<std::uint64_t, std::set<std::uint64_t>> causes;
  for (const Line& line : lines) {
    const std::string_view kind = line.field("kind");
    const std::string_view from = line.field("from");
    const std::string_view who = line.field("to").empty() ? from : line.field("to");
    if (kind != "take" && kind != "resume" && kind != "finish") continue;
    std::set<std::uint64_t>& mine = causes[line.step()];
    mine.insert(latest[who]);
    mine.insert(kind == "take" ? latest[from] : answered[who]);
    if (kind == "take") answered[from] = line.step();
    latest[who] = line.step();
  }
  std::set<std::uint64_t> past{step};
  std::vector<std::uint64_t> open{step};
  while (!open.empty()) {
    const std::uint64_t at = open.back();
    open.pop_back();
    for (const std::uint64_t cause : causes[at]) {
      if (cause != 0 && past.insert(cause).second) open.push_back(cause);
    }
  }
  return past;
}

using Draw = std::string (*)(const testkit::Drawing&);

/// Returns: what draws in that format; none for text, jsonl and short, which are lines, and for a scenario.
Draw drawing_in(std::string_view format) {
  if (format == "mermaid") return testkit::draw_mermaid;
  if (format == "perfetto") return testkit::draw_perfetto;
  if (format == "shiviz") return testkit::draw_shiviz;
  if (format == "svg") return testkit::draw_svg;
  if (format != "text" && format != "jsonl" && format != "short" && format != "scenario")
    refuse(fmt::format("--to {} is not known: text, jsonl, short, mermaid, perfetto, shiviz, svg or scenario", format));
  return nullptr;
}

int show(const Arguments& arguments) {
  const std::string format = arguments.value("--to", "text");
  const Draw draw = drawing_in(format);
  const std::vector<Line> lines = read_trace(arguments, arguments.words.front());
  const std::string actor = arguments.value("--actor");
  const std::string message = arguments.value("--msg");
  const auto is_of = [&](const Line& line) { return line.field("from") == actor || line.field("to") == actor; };
  const auto is_such = [&](const Line& line) {
    return line.field("message").substr(0, line.field("message").find('{')) == message;
  };
  if (!actor.empty() && std::ranges::none_of(lines, is_of)) refuse(fmt::format("--actor {}: there is none", actor));
  if (!message.empty() && std::ranges::none_of(lines, is_such)) refuse(fmt::format("--msg {}: there is none", message));
  std::optional<std::set<std::uint64_t>> past;
  if (arguments.has("--causes-of")) {
    const std::string text = arguments.value("--causes-of");
    std::uint64_t step = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
    const bool exists = std::ranges::any_of(lines, [&](const Line& line) { return line.step() == step; });
    if (error != std::errc{} || *end != '\0' || !exists)
      refuse(fmt::format("--causes-of {}: there is no such step", text));
    past = causes_of(lines, step);
  }
  std::size_t shown = 0;
  std::vector<testkit::TraceEvent> events;
  std::vector<testkit::Json> scenario;
  for (const Line& line : lines) {
    if (!actor.empty() && !is_of(line)) continue;
    if (!message.empty() && !is_such(line)) continue;
    if (past && !past->contains(line.step())) continue;
    ++shown;
    if (draw != nullptr || format == "short") {
      events.push_back(testkit::trace_event(line.json));
    } else if (format == "scenario") {
      scenario.push_back(line.json);
    } else {
      fmt::print("{}\n", format == "jsonl" ? line.text : print(line));
    }
  }
  if (format == "short") fmt::print("{}", testkit::short_log(events));
  if (format == "scenario") fmt::print("{}", testkit::scenario_skeleton(scenario, arguments.words.front()));
  if (draw != nullptr) {
    const testkit::Drawing drawing = testkit::make_drawing(std::move(events));
    fmt::print("{}", draw(drawing));
    if (drawing.left_out != 0)
      fmt::print(stderr, "only the last {} events are drawn, {} before them are not\n", drawing.events.size(),
                 drawing.left_out);
  }
  fmt::print(stderr, "{} of {} events\n", shown, lines.size());
  return exit_held;
}

int diff(const Arguments& arguments) {
  if (arguments.words.size() != 3) refuse("trace diff needs two runs");
  const std::vector<Line> a = read_trace(arguments, arguments.words[1]);
  const std::vector<Line> b = read_trace(arguments, arguments.words[2]);
  std::size_t same = 0;
  while (same < a.size() && same < b.size() && print(a[same]) == print(b[same])) ++same;
  if (same == a.size() && same == b.size()) {
    fmt::print("{} events, all equal\n", same);
    return exit_held;
  }
  fmt::print("{} events equal, then they differ:\n", same);
  for (std::size_t i = same - std::min<std::size_t>(same, 3); i < same; ++i) fmt::print("  {}\n", print(a[i]));
  const auto side = [&](char mark, const std::vector<Line>& lines) {
    for (std::size_t i = same; i < std::min(lines.size(), same + 3); ++i) fmt::print("{} {}\n", mark, print(lines[i]));
    if (lines.size() == same) fmt::print("{} (nothing more)\n", mark);
  };
  side('<', a);
  side('>', b);
  return exit_falsified;
}

}  // namespace

int trace_run(const Arguments& arguments) {
  if (arguments.words.empty()) refuse("trace needs a record, a token or a trace.jsonl");
  if (arguments.words.front() == "diff") return diff(arguments);
  if (arguments.words.size() > 1) refuse("trace takes one run, or diff and two");
  return show(arguments);
}

}  // namespace orrery::cli
