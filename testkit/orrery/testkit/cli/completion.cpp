// completion.cpp: orrery completion bash|zsh: what a shell may offer next.
// How:  the script that is printed asks the tool again, at every press of the key (`orrery --complete INDEX WORD...`), so that
//       it knows the flags of the version that is installed and the tests of what is built, and need not be renewed.
#include "orrery/sim/strategies/portfolio.hpp"
#include "orrery/testkit/cli/commands.hpp"
#include "orrery/testkit/cli/programs.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

namespace orrery::cli {

namespace {

namespace files = std::filesystem;
using Candidates = std::set<std::string>;

// With -o default a shell offers files where the tool knows nothing.
constexpr std::string_view bash_script =
    R"(# orrery: completion for bash. Put into ~/.bashrc:  source <(orrery completion bash)
_orrery() {
  local IFS=$'\n'
  COMPREPLY=($("${COMP_WORDS[0]}" --complete "$COMP_CWORD" "${COMP_WORDS[@]}" 2>/dev/null))
}
complete -o default -F _orrery orrery
)";
constexpr std::string_view zsh_script = R"(#compdef orrery
# orrery: completion for zsh. Put into ~/.zshrc, after compinit:  source <(orrery completion zsh)
_orrery() {
  local -a candidates
  candidates=("${(@f)$("${words[1]}" --complete $((CURRENT - 1)) "${words[@]}" 2>/dev/null)}")
  if [[ -n ${candidates[1]} ]]; then
    compadd -a candidates
  else
    _files
  fi
}
compdef _orrery orrery
)";

Candidates command_names() {
  Candidates names{"help"};
  for (const Command& command : commands()) names.emplace(command.name);
  return names;
}

Candidates values_of(std::string_view flag) {
  if (flag == "--strategy") {
    const auto names = sim::strategy_names();
    return {names.begin(), names.end()};
  }
  if (flag == "--faults") return {"none", "local", "heavy"};
  if (flag == "--grain") return {"auto", "fine", "coarse"};
  if (flag == "--to") return {"text", "jsonl", "short", "mermaid", "perfetto", "shiviz", "svg", "scenario"};
  return {};
}

/// Of the programs that the words name, or of the newest build.
void add_tests(Candidates& all, const Arguments& arguments) {
  for (const TestProgram& program : find_programs(arguments, ""))
    all.insert(program.tests.begin(), program.tests.end());
}

/// Of the failures in the output folder; of those that were followed loosely or by hand, the record's path is needed.
void add_tokens(Candidates& all, const Arguments& arguments) {
  std::error_code error;
  for (const auto& test : files::directory_iterator{effective(arguments, "out", "orrery-out"), error}) {
    if (test.is_symlink(error) || !test.is_directory(error)) continue;
    for (const auto& failure : files::directory_iterator{test.path(), error}) {
      const std::string name = failure.path().filename().string();
      if (failure.is_directory(error) && !name.ends_with("-loose") && !name.ends_with("-by-hand")) all.insert(name);
    }
  }
}

Candidates candidates_for(std::span<const std::string> words, std::size_t index) {
  const std::string current = index < words.size() ? words[index] : "";
  if (index <= 1) return command_names();
  const std::string& name = words[1];
  if (name == "help") return command_names();
  if (name == "completion") return {"bash", "zsh"};
  const auto command = std::ranges::find(commands(), name, &Command::name);
  if (command == commands().end()) return {};
  // bash makes three words of --faults=n.
  const std::size_t back = words[index - 1] == "=" && index > 2 ? 2 : 1;
  const std::string& before = current == "=" ? words[index - 1] : words[index - back];
  const auto flag = std::ranges::find(command->flags, before, &Flag::name);
  if (flag != command->flags.end() && flag->has_value) return values_of(before);
  Candidates all;
  if (current.starts_with("-")) {
    for (const Flag& one : command->flags) all.emplace(one.name);
    return all;
  }
  Arguments arguments;
  arguments.command = &*command;
  for (std::size_t i = 2; i + 1 < index; ++i) {
    const std::size_t value = words[i + 1] == "=" ? i + 2 : i + 1;
    if (words[i].starts_with("--") && value < words.size()) arguments.flags[words[i]].push_back(words[value]);
  }
  if (name == "trace") all.insert("diff");
  if (name == "replay" || name == "keep" || name == "trace" || name == "step" || name == "shrink")
    add_tokens(all, arguments);
  if (name == "run" || name == "explore" || name == "step") add_tests(all, arguments);
  return all;
}

}  // namespace

int print_completion(const Arguments& arguments) {
  const std::string shell = arguments.words.empty() ? "" : arguments.words.front();
  if (shell != "bash" && shell != "zsh") refuse("completion is for bash or for zsh");
  fmt::print("{}", shell == "bash" ? bash_script : zsh_script);
  return exit_held;
}

int complete(std::span<char* const> words) {
  if (words.size() < 2) refuse("--complete needs an index and the words of a command line");
  const std::size_t index = std::strtoull(words[0], nullptr, 10);
  const std::vector<std::string> line{words.begin() + 1, words.end()};
  if (index > line.size()) return exit_usage;
  const std::string current = index < line.size() && line[index] != "=" ? line[index] : "";
  for (const std::string& one : candidates_for(line, index)) {
    if (one.starts_with(current)) fmt::print("{}\n", one);
  }
  return exit_held;
}

}  // namespace orrery::cli
