// page.cpp: orrery report: the page to look at a run, made again from what was kept of it.
#include "orrery/testkit/cli/commands.hpp"
#include "orrery/testkit/record.hpp"
#include "orrery/testkit/report_html.hpp"
#include "orrery/testkit/token.hpp"

#include <fmt/core.h>

#include <filesystem>

namespace orrery::cli {

namespace {

namespace files = std::filesystem;

std::string text_of(const files::path& path) {
  auto text = testkit::read_file(path.string());
  if (!text) refuse(text.error());
  return std::move(*text);
}

/// Returns: what the record beside a trace knows of it; little, when there is none.
testkit::TraceFacts facts_beside(const files::path& trace) {
  testkit::TraceFacts facts;
  facts.title = trace.filename().string();
  const files::path path = trace.parent_path() / "failure.orrery";
  const auto text = testkit::read_file(path.string());
  const auto record = text ? testkit::parse_record(*text) : std::unexpected(std::string{});
  if (!record) return facts;
  facts.title = record->test;
  facts.headline = record->finding.substr(0, record->finding.find(" \""));
  const auto name = record->finding.find('"');
  facts.name = name == std::string::npos ? "" : record->finding.substr(name + 1, record->finding.rfind('"') - name - 1);
  facts.command = fmt::format("orrery replay {}", path.string());
  facts.facts = {{"test", record->test}, {"token", to_string(record->token)}, {"build", record->build.substr(0, 16)}};
  return facts;
}

/// Returns: the page around what is in `source`.
std::string page_of(const files::path& source) {
  const std::string text = text_of(source);
  if (source.extension() == ".html") {
    const auto json = testkit::json_of_page(text);
    if (!json) refuse(fmt::format("{}: {}", source.string(), json.error()));
    return testkit::report_page(*json);
  }
  const testkit::TraceReport report = testkit::report_json_of_trace(text, facts_beside(source));
  if (report.events == 0) refuse(fmt::format("{}: none of its lines is a JSON object", source.string()));
  fmt::print(stderr, "{} events\n", report.events);
  if (report.left_out != 0) fmt::print(stderr, "{} lines are no JSON objects and are left out\n", report.left_out);
  return testkit::report_page(report.json);
}

}  // namespace

int make_report(const Arguments& arguments) {
  if (arguments.words.empty()) refuse("report needs the folder of a failure, a report.html or a trace.jsonl");
  files::path source = arguments.words.front();
  files::path target = files::path{source}.replace_extension(".html");
  std::error_code error;
  if (files::is_directory(source, error)) {
    const files::path folder = source;
    target = folder / "report.html";
    source = files::exists(target, error) ? target : folder / "trace.jsonl";
  }
  const std::string path = arguments.value("--output", target.string());
  const auto written = testkit::write_file(path, page_of(source));
  if (!written) refuse(written.error());
  fmt::print("{}\n", path);
  return exit_held;
}

}  // namespace orrery::cli
