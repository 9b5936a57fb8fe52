// reports.cpp: orrery triage, doctor and config: what there is, and what the machine is like.
#include "orrery/testkit/cli/commands.hpp"
#include "orrery/testkit/cli/programs.hpp"
#include "orrery/testkit/record.hpp"
#include "orrery/testkit/settings.hpp"

#include <fmt/core.h>

#include <sys/personality.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

namespace orrery::cli {

namespace {

namespace files = std::filesystem;

struct Found {
  std::string path;
  testkit::Record record;
};

std::string first_line_of(const std::string& path) {
  std::ifstream file{path};
  std::string line;
  std::getline(file, line);
  return line;
}

/// Returns: the part of CMakeCache.txt behind "NAME:TYPE=".
std::string cached(const std::string& folder, const std::string& name) {
  std::ifstream file{folder + "/CMakeCache.txt"};
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return line.substr(line.find('=') + 1);
  }
  return {};
}

int warnings = 0;
void check(bool is_good, std::string_view what, const std::string& is, std::string_view advice) {
  fmt::print("{:<5} {:<18} {}{}{}\n", is_good ? "ok" : "WARN", what, is, is_good || advice.empty() ? "" : ": ",
             is_good ? "" : advice);
  warnings += is_good ? 0 : 1;
}

/// Lets each program look at itself. Returns: whether all of them are sealed.
bool check_programs(const std::vector<TestProgram>& programs) {
  bool all_good = true;
  for (const TestProgram& program : programs) {
    const Ran ran = run_program({program.path, "--orrery_self_test"}, {}, Output::kept);
    std::size_t lines = 0;
    std::istringstream text{ran.output};
    for (std::string line; std::getline(text, line);) {
      const auto first = line.find('\t');
      const auto second = line.find('\t', first + 1);
      if (second == std::string::npos) continue;
      ++lines;
      const bool is_good = line.starts_with("ok\t");
      all_good = all_good && is_good;
      const std::string what = line.substr(first + 1, second - first - 1);
      // A good program is told once; of one that is not, which one it is.
      if (!is_good) fmt::print("BAD   {:<18} {}: {}\n", what, program.path, line.substr(second + 1));
      if (is_good && &program == &programs.front()) fmt::print("ok    {:<18} {}\n", what, line.substr(second + 1));
    }
    if (lines != 0 && (ran.code == exit_held || ran.code == exit_falsified)) continue;
    all_good = false;
    fmt::print("BAD   {:<18} {}: no answer, exit code {}; build it again\n", "self-test", program.path, ran.code);
  }
  return all_good;
}

}  // namespace

int triage_folder(const Arguments& arguments) {
  const std::string folder =
      arguments.words.empty() ? effective(arguments, "out", "orrery-out") : arguments.words.front();
  std::map<std::pair<std::string, std::string>, std::vector<Found>> groups;  // by test and finding
  std::error_code error;
  std::size_t unreadable = 0;
  for (const auto& entry : files::recursive_directory_iterator{folder, error}) {
    if (entry.path().extension() != ".orrery") continue;
    const auto text = testkit::read_file(entry.path().string());
    auto record = text ? testkit::parse_record(*text) : std::unexpected(text.error());
    if (!record) {
      ++unreadable;
      continue;
    }
    const std::pair key{record->test, record->finding};
    groups[key].push_back({entry.path().string(), std::move(*record)});
  }
  if (error) refuse(fmt::format("cannot read {}", folder));
  fmt::print("# {} in {}\n", groups.size() == 1 ? "1 failure" : fmt::format("{} failures", groups.size()), folder);
  for (auto& [key, members] : groups) {
    std::ranges::sort(members, {}, [](const Found& one) { return std::pair{one.record.steps, one.path}; });
    const Found& best = members.front();
    fmt::print("\n## {}: {}\n\n", key.first, key.second);
    fmt::print("{} with this failure; the shortest has {} steps.\n\n",
               members.size() == 1 ? "1 record" : fmt::format("{} records", members.size()), best.record.steps);
    fmt::print("```sh\norrery replay {}\norrery keep {}\n```\n", best.path, best.path);
    const auto report = testkit::read_file((files::path{best.path}.parent_path() / "report.txt").string());
    if (report) fmt::print("\n<details><summary>the whole story</summary>\n\n```\n{}```\n</details>\n", *report);
  }
  if (unreadable != 0) fmt::print(stderr, "orrery: {} files are no records of this version\n", unreadable);
  return exit_held;
}

int look_at_machine(const Arguments& arguments) {
  warnings = 0;
  const std::vector<TestProgram> programs = find_programs(arguments, "*");
  std::string folder = files::path{programs.front().path}.parent_path().string();
  while (folder.size() > 1 && !files::exists(folder + "/CMakeCache.txt"))
    folder = files::path{folder}.parent_path().string();
  if (const std::string compiler = cached(folder, "CMAKE_CXX_COMPILER"); !compiler.empty()) {
    const Ran version = run_program({compiler, "--version"}, {}, Output::kept);
    check(version.code == 0, "compiler", version.output.substr(0, version.output.find('\n')),
          "it does not run any more");
    check(true, "build", fmt::format("{}, {}", folder, cached(folder, "CMAKE_BUILD_TYPE")), "");
  }
  std::size_t tests = 0;
  for (const TestProgram& program : programs) tests += program.tests.size();
  check(true, "tests", fmt::format("{} in {} programs", tests, programs.size()), "");
  const std::string bytes = testkit::read_file(programs.front().path).value_or("");
  check(bytes.contains(".debug_info"), "debug information",
        fmt::format("{} {}", programs.front().path, bytes.contains(".debug_info") ? "has it" : "has none"),
        "configure with the preset dev before replay --gdb");
  const bool is_random = first_line_of("/proc/sys/kernel/randomize_va_space") != "0" &&
                         (static_cast<unsigned>(personality(0xffffffff)) & ADDR_NO_RANDOMIZE) == 0;
  check(is_random, "addresses", is_random ? "random in every process" : "the same in every process",
        "a test that depends on addresses cannot be seen by two processes: switch ASLR on");
  check(true, "processors", std::to_string(std::thread::hardware_concurrency()), "");
  rlimit core{};
  getrlimit(RLIMIT_CORE, &core);
  check(
      true, "core dumps",
      fmt::format("{}, pattern {}", core.rlim_cur == 0 ? "off" : "on", first_line_of("/proc/sys/kernel/core_pattern")),
      "");
  const Ran debugger = run_program({"sh", "-c", "gdb --version 2>/dev/null | head -n 1"}, {}, Output::kept);
  check(!debugger.output.empty(), "gdb", debugger.output.substr(0, debugger.output.find('\n')),
        "replay --gdb needs it");
  const auto good = testkit::settings_from_environment();
  check(good.has_value(), "environment", good ? "every ORRERY_ variable is good" : good.error(), "");
  const bool is_sealed = check_programs(programs);
  if (!is_sealed) fmt::print("runs of that program cannot be repeated: what it reads goes past the simulated world\n");
  if (warnings != 0) fmt::print("{} to look at\n", warnings == 1 ? "1 thing" : fmt::format("{} things", warnings));
  return is_sealed ? exit_held : exit_falsified;
}

int print_configuration(const Arguments& arguments) {
  fmt::print("{:<24} {:<24} {}\n", "variable", "value", "from");
  for (const testkit::SettingName& setting : testkit::setting_names()) {
    const auto flag = std::ranges::find(arguments.variables, setting.variable, &Variables::value_type::first);
    const auto given = std::ranges::find(given_settings(), setting.key, &testkit::GivenSetting::key);
    if (flag != arguments.variables.end()) {
      fmt::print("{:<24} {:<24} command line\n", setting.variable, flag->second);
    } else if (given != given_settings().end()) {
      fmt::print("{:<24} {:<24} {}\n", setting.variable, given->value, given->from);
    } else {
      fmt::print("{:<24} {:<24} default\n", setting.variable, setting.otherwise);
    }
  }
  return exit_held;
}

}  // namespace orrery::cli
