#include "orrery/testkit/cli/programs.hpp"

#include "orrery/testkit/json.hpp"
#include "orrery/testkit/record.hpp"
#include "orrery/testkit/token.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace orrery::cli {

namespace files = std::filesystem;

std::string build_folder(const Arguments& arguments) {
  if (arguments.has("--build")) return arguments.value("--build");
  std::string newest;
  files::file_time_type newest_time;
  std::error_code error;
  for (const auto& entry : files::directory_iterator{"build", error}) {
    const files::path cache = entry.path() / "CTestTestfile.cmake";
    if (!files::exists(cache, error)) continue;
    // What was built last, not what was configured last.
    const files::path log = entry.path() / ".ninja_log";
    const auto time = files::last_write_time(files::exists(log, error) ? log : cache, error);
    if (newest.empty() || time > newest_time) {
      newest = entry.path().string();
      newest_time = time;
    }
  }
  if (newest.empty())
    refuse("there is no build directory in build/: name one with --build, or a program with --binary");
  return newest;
}

namespace {

/// Whether orrery::gtest_main is in the file.
bool is_test_program(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream bytes;
  bytes << file.rdbuf();
  // In two pieces: the tool itself must not hold it.
  return std::move(bytes).str().contains(std::string{"orrery test"} + " program 1");
}

std::vector<std::string> programs_of_build(const std::string& folder) {
  const Ran ran = run_program({"ctest", "--test-dir", folder, "--show-only=json-v1"}, {}, Output::kept);
  const auto json = testkit::parse_json(ran.output);
  if (ran.code != 0 || !json) refuse(fmt::format("ctest knows no tests in {} (is it built?)", folder));
  std::vector<std::string> paths;
  for (const testkit::Json& test : (*json)["tests"].elements()) {
    const auto& command = test["command"].elements();
    if (command.empty()) continue;
    std::string path{command.front().text()};
    std::error_code error;
    if (!files::is_regular_file(path, error) || std::ranges::find(paths, path) != paths.end()) continue;
    if (is_test_program(path)) paths.push_back(std::move(path));
  }
  if (paths.empty()) refuse(fmt::format("{} has no test program of Orrery that is built", folder));
  return paths;
}

std::vector<std::string> all_programs(const Arguments& arguments) {
  const auto named = arguments.flags.find("--binary");
  if (named == arguments.flags.end()) return programs_of_build(build_folder(arguments));
  for (const std::string& path : named->second) {
    std::error_code error;
    if (!files::is_regular_file(path, error)) refuse(fmt::format("--binary: there is no file {}", path));
    if (!is_test_program(path)) refuse(fmt::format("--binary: {} is not linked with orrery::gtest_main", path));
  }
  return named->second;
}

/// Reads what --gtest_list_tests prints: suites at the margin, their tests indented, comments behind '#'.
std::vector<std::string> tests_of(const std::string& program, const std::string& filter) {
  const Ran ran = run_program({program, "--gtest_list_tests", "--gtest_filter=" + filter}, {}, Output::kept);
  if (ran.code != 0) refuse(fmt::format("{} --gtest_list_tests ends with exit code {}", program, ran.code));
  std::vector<std::string> tests;
  std::istringstream lines{ran.output};
  std::string suite;
  for (std::string line; std::getline(lines, line);) {
    line.resize(std::min(line.find("  #"), line.size()));
    if (line.empty()) continue;
    if (line.starts_with("  ")) {
      if (!line.contains("DISABLED_")) tests.push_back(suite + line.substr(2));
    } else if (line.ends_with('.')) {
      suite = line;
    }
  }
  return tests;
}

/// Returns: the program that has a test for which `matches` holds.
std::optional<std::pair<std::string, std::string>> find_test(const Arguments& arguments, const auto& matches) {
  for (const std::string& program : all_programs(arguments)) {
    for (const std::string& test : tests_of(program, "*")) {
      if (matches(test)) return std::pair{program, test};
    }
  }
  return std::nullopt;
}

}  // namespace

std::string filter_of(const std::string& text) {
  if (text.empty()) return "*";
  return text.find_first_of("*?:.") == std::string::npos ? fmt::format("*{}*", text) : text;
}

std::vector<TestProgram> find_programs(const Arguments& arguments, std::string filter) {
  std::vector<TestProgram> found;
  filter = filter_of(filter);
  std::vector<std::string> known;
  const std::vector<std::string> programs = all_programs(arguments);
  for (const std::string& program : programs) {
    std::vector<std::string> tests = tests_of(program, filter);
    if (!tests.empty()) found.push_back({.path = program, .tests = std::move(tests)});
  }
  if (!found.empty()) return found;
  for (const std::string& program : programs) std::ranges::move(tests_of(program, "*"), std::back_inserter(known));
  const std::vector<std::string_view> names{known.begin(), known.end()};
  const std::string_view meant = nearest(filter, names);
  refuse(fmt::format("no test matches \"{}\" in {} program{}{}", filter, programs.size(),
                     programs.size() == 1 ? "" : "s", meant.empty() ? "" : fmt::format("; is {} meant?", meant)));
}

NamedRun find_run(const Arguments& arguments, const std::string& token_or_file) {
  NamedRun run;
  run.text = token_or_file;
  run.is_record = token_or_file.contains('/') || token_or_file.ends_with(".orrery");
  if (run.is_record) {
    const auto text = testkit::read_file(token_or_file);
    if (!text) refuse(text.error());
    const auto record = testkit::parse_record(*text);
    if (!record) refuse(fmt::format("{}: {}", token_or_file, record.error()));
    const std::string test = record->test.substr(0, record->test.find('#'));
    const auto found = find_test(arguments, [&](const std::string& one) { return one == test; });
    if (!found) refuse(fmt::format("{} is of {}, which no program here has", token_or_file, test));
    run.program = found->first;
    run.test = test;
    return run;
  }
  const auto token = testkit::parse_token(token_or_file);
  if (!token) refuse(token.error());
  const auto found =
      find_test(arguments, [&](const std::string& one) { return testkit::hash_of_test(one) == token->test_hash; });
  if (!found) refuse(fmt::format("the token {} belongs to no test here", token_or_file));
  run.program = found->first;
  run.test = found->second;
  return run;
}

std::string record_of(const Arguments& arguments, const NamedRun& run) {
  if (run.is_record) return run.text;
  const std::string out = effective(arguments, "out", "orrery-out");
  const auto find = [&]() -> std::string {
    std::error_code error;
    for (const auto& entry : files::recursive_directory_iterator{out, error}) {
      if (entry.path().filename() == "failure.orrery" && entry.path().parent_path().filename() == run.text) {
        return entry.path().string();
      }
    }
    return {};
  };
  if (std::string path = find(); !path.empty()) return path;
  Variables variables = arguments.variables;
  variables.emplace_back("ORRERY_REPLAY", run.text);
  (void)run_program({run.program, "--gtest_filter=" + run.test}, variables, Output::dropped);
  std::string path = find();
  if (path.empty())
    refuse(fmt::format("the run {} leaves no record: it does not fail, or not twice in the same way", run.text));
  return path;
}

}  // namespace orrery::cli
