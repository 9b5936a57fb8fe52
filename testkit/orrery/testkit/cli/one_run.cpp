// one_run.cpp: the commands that take one run: replay, shrink, step, keep.
#include "orrery/testkit/cli/commands.hpp"
#include "orrery/testkit/cli/programs.hpp"
#include "orrery/testkit/record.hpp"
#include "orrery/testkit/replay_words.hpp"

#include <fmt/core.h>

#include <cstdlib>
#include <filesystem>

namespace orrery::cli {

namespace {

const std::string& the_word(const Arguments& arguments, std::string_view what) {
  if (arguments.words.empty()) refuse(fmt::format("{} needs {}", arguments.command->name, what));
  return arguments.words.front();
}

testkit::Record read_record(const std::string& path) {
  const auto text = testkit::read_file(path);
  if (!text) refuse(text.error());
  auto record = testkit::parse_record(*text);
  if (!record) refuse(fmt::format("{}: {}", path, record.error()));
  return std::move(*record);
}

/// A test program fails with 1 when the run fails, which is what was wanted.
int code_of_replay(int code) { return code > 128 && code != exit_interrupted ? exit_falsified : code; }

/// Returns: where gdb's commands for actors are: installed beside the tool, or in the tree that it was built in; or empty.
std::string gdb_script() {
  namespace files = std::filesystem;
  std::error_code error;
  const files::path own = own_folder();
  if (const auto installed = own.parent_path() / "share/orrery/gdb/orrery.py"; files::exists(installed, error))
    return installed.string();
  for (files::path up = own; up != up.root_path(); up = up.parent_path()) {
    if (const auto in_tree = up / "testkit/gdb/orrery.py"; files::exists(in_tree, error)) return in_tree.string();
  }
  return {};
}

std::string line_of_replay(const std::string& output) {
  const auto at = output.find("[   SIM    ] replay ");
  if (at == std::string::npos) return {};
  return output.substr(at, output.find('\n', at) - at);
}

}  // namespace

int replay_run(const Arguments& arguments) {
  const NamedRun run = find_run(arguments, the_word(arguments, "a token or the path of a record"));
  Variables variables = arguments.variables;
  std::vector<std::string> words{run.program, "--gtest_filter=" + run.test};
  if (arguments.has("--loose")) variables.emplace_back("ORRERY_MODE", "loose");
  if (arguments.has("--gdb") && arguments.has("--twice")) refuse("--gdb and --twice exclude each other");
  if (arguments.has("--gdb")) {
    const std::string path = record_of(arguments, run);
    const testkit::Record record = read_record(path);
    variables.emplace_back("ORRERY_REPLAY", path);
    variables.emplace_back("ORRERY_BREAK",
                           arguments.value("--until", std::to_string(std::max<std::uint64_t>(record.steps, 1))));
    const char* const debugger = std::getenv("GDB");
    std::vector<std::string> gdb{debugger == nullptr ? "gdb" : debugger, "-q", "-ex", "run"};
    if (const std::string script = gdb_script(); !script.empty()) {
      gdb.insert(gdb.begin() + 2, {"-ex", "source " + script});
      gdb.insert(gdb.end(), {"-ex", "replay-enter"});  // from the stop before the step into its handler
    }
    gdb.emplace_back("--args");
    words.insert(words.begin(), gdb.begin(), gdb.end());
    become(words, variables);
    refuse(fmt::format("cannot start {}: is it installed?", words.front()));
  }
  if (arguments.has("--until")) variables.emplace_back("ORRERY_UNTIL", arguments.value("--until"));
  variables.emplace_back("ORRERY_REPLAY", run.text);
  if (!arguments.has("--twice")) return code_of_replay(run_program(words, variables).code);
  const Ran first = run_program(words, variables, Output::kept);
  const Ran second = run_program(words, variables, Output::kept);
  fmt::print("{}", first.output);
  const std::string line = line_of_replay(first.output);
  const bool is_same = first.code == second.code && line == line_of_replay(second.output);
  if (is_same && line.contains(testkit::does_not_repeat_itself)) {
    // Neither an address nor a clock is the same in two processes; what one run leaves to the next is.
    fmt::print(
        "orrery: twice, in two processes: the same two executions differ in both: look for what a run leaves to the "
        "next, as a static variable does\n");
    return exit_non_deterministic;
  }
  if (is_same) {
    fmt::print("orrery: twice, in two processes: identical\n");
    return code_of_replay(first.code);
  }
  fmt::print("NON-DETERMINISM  two processes differ\n  first : {}\n  second: {}\n", line,
             line_of_replay(second.output));
  return exit_non_deterministic;
}

int shrink_record(const Arguments& arguments) {
  const NamedRun run = find_run(arguments, the_word(arguments, "the path of a record"));
  Variables variables = arguments.variables;
  variables.emplace_back("ORRERY_REPLAY", record_of(arguments, run));
  variables.emplace_back("ORRERY_MODE", "shrink");
  const int code = run_program({run.program, "--gtest_filter=" + run.test}, variables).code;
  return code == exit_falsified ? exit_held : code;  // it fails still, as it should
}

int step_run(const Arguments& arguments) {
  const std::string& word = the_word(arguments, "the path of a record, a token, or the name of a test");
  Variables variables = arguments.variables;
  variables.emplace_back("ORRERY_MODE", arguments.has("--json") ? "step-json" : "step");
  const bool is_token = testkit::parse_token(word).has_value();
  if (is_token || word.ends_with(".orrery")) {
    const NamedRun run = find_run(arguments, word);
    variables.emplace_back("ORRERY_REPLAY", run.text);
    return code_of_replay(run_program({run.program, "--gtest_filter=" + run.test}, variables).code);
  }
  const std::vector<TestProgram> programs = find_programs(arguments, word);
  if (programs.size() != 1 || programs.front().tests.size() != 1) {
    refuse(fmt::format("\"{}\" names more than one test: {} and others", word, programs.front().tests.front()));
  }
  return code_of_replay(
      run_program({programs.front().path, "--gtest_filter=" + programs.front().tests.front()}, variables).code);
}

int keep_run(const Arguments& arguments) {
  const std::string& word = the_word(arguments, "a token or the path of a record");
  const bool is_file = word.contains('/') || word.ends_with(".orrery");
  const std::string path = is_file ? word : record_of(arguments, find_run(arguments, word));
  const testkit::Record record = read_record(path);
  const std::string folder = effective(arguments, "regressions", "orrery-regressions");
  const std::string kept = fmt::format("{}/{}/{}.orrery", folder, record.test, to_string(record.token));
  if (const auto written = testkit::write_file(kept, testkit::to_text(record)); !written) refuse(written.error());
  fmt::print("kept as {}: {} is replayed first from now on\n", kept, record.test);
  return exit_held;
}

}  // namespace orrery::cli
