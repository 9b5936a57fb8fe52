// run.cpp: orrery run and orrery explore: test programs, one after the other, and one exit code for all of them.
#include "orrery/testkit/cli/commands.hpp"
#include "orrery/testkit/cli/programs.hpp"
#include "orrery/testkit/cli/scratch.hpp"
#include "orrery/testkit/json.hpp"
#include "orrery/testkit/record.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace orrery::cli {

namespace {

/// What the events of one program come to.
struct Told {
  std::uint64_t failures = 0;
  std::uint64_t non_determinism = 0;
  std::uint64_t no_progress = 0;
  std::uint64_t never_happened = 0;
  std::uint64_t groups = 0;  ///< different failures
  std::uint64_t properties = 0;
  std::uint64_t runs = 0;
  std::uint64_t tests = 0;
  std::uint64_t skipped = 0;
};

Told read_events(const std::string& text) {
  Told told;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const auto line = testkit::parse_json(std::string_view{text}.substr(at, end - at));
    at = end + 1;
    if (!line) continue;
    const testkit::Json& event = *line;
    const std::string_view name = event["event"].text();
    if (name == "failure") {
      ++told.failures;
      told.non_determinism += event["kind"].text() == "non_determinism" ? 1 : 0;
      told.no_progress += event["kind"].text() == "no_progress" ? 1 : 0;
    } else if (name == "property_done") {
      ++told.properties;
      told.runs += event["runs"].number();
      told.groups += event["failures"].elements().size();
      for (const testkit::Json& one : event["sometimes"].elements())
        told.never_happened += one["runs"].number() == 0 ? 1 : 0;
    } else if (name == "summary") {
      told.tests += event["tests"].number();
      told.skipped += event["skipped"].number();
    }
  }
  return told;
}

int code_of(int code, const Told& told, bool strict) {
  if (code == exit_held) return told.tests != 0 && told.tests == told.skipped ? exit_skipped : exit_held;
  if (code != exit_falsified) return code > 128 && code != exit_interrupted ? exit_falsified : code;
  if (told.failures == 0) return strict && told.never_happened != 0 ? exit_inconclusive : exit_falsified;
  if (told.failures == told.non_determinism) return exit_non_deterministic;
  if (told.failures == told.no_progress) return exit_inconclusive;
  return exit_falsified;
}

/// Returns: the code that says more about all of them.
int worse(int a, int b) {
  constexpr std::array order{exit_held,     exit_skipped,   exit_inconclusive,
                             exit_diverged, exit_falsified, exit_non_deterministic,
                             exit_usage,    exit_internal,  exit_interrupted};
  const auto rank = [&](int code) { return std::ranges::find(order, code) - order.begin(); };
  return rank(a) >= rank(b) ? a : b;
}

/// One document of several of GoogleTest's, by the counts in their first lines.
std::string merge_junit(const std::vector<std::string>& documents) {
  std::array<std::uint64_t, 4> counts{};
  constexpr std::array<std::string_view, 4> names{"tests", "failures", "disabled", "errors"};
  std::string body;
  for (const std::string& document : documents) {
    const auto begin = document.find("<testsuites");
    const auto head_end = document.find('>', begin);
    const auto end = document.rfind("</testsuites>");
    if (begin == std::string::npos || end == std::string::npos || head_end > end) continue;
    const std::string head = document.substr(begin, head_end - begin);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto at = head.find(fmt::format(" {}=\"", names[i]));
      if (at != std::string::npos) counts[i] += std::strtoull(head.c_str() + at + names[i].size() + 3, nullptr, 10);
    }
    body += document.substr(head_end + 1, end - head_end - 1);
  }
  std::string head = "<testsuites name=\"orrery\"";
  for (std::size_t i = 0; i < names.size(); ++i) head += fmt::format(" {}=\"{}\"", names[i], counts[i]);
  return fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}>{}</testsuites>\n", head, body);
}

}  // namespace

int run_tests(const Arguments& arguments) {
  const std::string filter = filter_of(arguments.words.empty() ? "" : arguments.words.front());
  const std::vector<TestProgram> programs = find_programs(arguments, filter);
  Variables variables = arguments.variables;
  if (arguments.command->name == "explore") {
    variables.emplace_back("ORRERY_EXPLORE", "1");
    const bool has_end = arguments.has("--time") || arguments.has("--runs") || is_given("time") || is_given("runs");
    if (!has_end) variables.emplace_back("ORRERY_TIME", "1m");
  }
  if (!arguments.has("--jobs") && !is_given("jobs")) {
    variables.emplace_back("ORRERY_JOBS", std::to_string(std::clamp(std::thread::hardware_concurrency(), 1U, 256U)));
  }
  if (effective(arguments, "swarm", "0") == "1" && effective(arguments, "strategy", "portfolio") != "portfolio")
    refuse("a swarm draws the strategy of each run: swarm and strategy exclude each other");
  const auto write = [&](const std::string& flag, const std::string& text) {
    if (!arguments.has(flag)) return;
    if (const auto written = testkit::write_file(arguments.value(flag), text); !written) refuse(written.error());
  };
  for (const char* const flag : {"--json", "--junit"})
    write(flag, "");  // what cannot be written is said before the tests
  const Scratch scratch;
  variables.emplace_back("ORRERY_JSON", scratch.path("events"));
  const bool wants_junit = arguments.has("--junit");
  int code = exit_held;
  std::string events;
  std::vector<std::string> documents;
  Told all;
  for (const TestProgram& program : programs) {
    std::vector<std::string> words{program.path, "--gtest_filter=" + filter};
    if (wants_junit) words.push_back("--gtest_output=xml:" + scratch.path("junit.xml"));
    std::error_code error;
    std::filesystem::remove(scratch.path("events"), error);
    const Ran ran = run_program(words, variables);
    const std::string told = testkit::read_file(scratch.path("events")).value_or("");
    events += told;
    const Told one = read_events(told);
    all.properties += one.properties;
    all.runs += one.runs;
    all.groups += std::max(one.groups, one.failures);
    code = worse(code, code_of(ran.code, one, arguments.has("--strict")));
    if (wants_junit) documents.push_back(testkit::read_file(scratch.path("junit.xml")).value_or(""));
    if (ran.code == exit_interrupted || ran.code == exit_usage) break;
  }
  write("--json", events);
  write("--junit", merge_junit(documents));
  fmt::print("orrery: programs {}, properties {}, runs {}, different failures {}, exit code {}\n", programs.size(),
             all.properties, all.runs, all.groups, code);
  return code;
}

}  // namespace orrery::cli
