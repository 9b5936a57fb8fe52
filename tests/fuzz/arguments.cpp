// The words of the tool's command line. Input: words, one per line.
#include "orrery/testkit/cli/arguments.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <array>

namespace orrery::fuzz {

namespace {

const cli::Command command{.name = "explore",
                           .arguments = "[FILTER]",
                           .summary = "",
                           .details = "",
                           .flags = {{.name = "--runs", .has_value = true, .variable = "ORRERY_RUNS"},
                                     {.name = "--jobs", .has_value = true, .variable = "ORRERY_JOBS"},
                                     {.name = "--json", .has_value = false, .variable = ""},
                                     {.name = "--resume", .has_value = false, .variable = "ORRERY_RESUME"}},
                           .words_max = 2};

void check(std::string_view input) {
  std::vector<std::string> words;
  while (!input.empty()) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    words.emplace_back(input.substr(0, end));
    input.remove_prefix(std::min(end + 1, input.size()));
    std::ranges::replace(words.back(), '\0', '\n');
  }
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  const auto read = cli::parse_arguments(command, pointers);
  if (!read) return require_clear_line(read.error());
  require(read->words.size() <= command.words_max, "there are not more words than the command takes");
  // Every word of the line is a word, a flag, the value behind one, or the first `--`.
  std::size_t flags = 0;
  std::size_t values = 0;
  for (const auto& [name, given] : read->flags) {
    const auto known = std::ranges::find(command.flags, name, &cli::Flag::name);
    require(known != command.flags.end(), "a flag is one of the command's");
    flags += given.size();
    if (known->has_value) values += given.size();
  }
  const bool has_end = std::ranges::find(words, "--") != words.end();
  const std::size_t least = read->words.size() + flags;
  require(words.size() >= least && words.size() <= least + values + (has_end ? 1 : 0), "no word is passed over");
  for (const auto& [name, value] : read->variables) {
    const bool is_ours =
        std::ranges::any_of(command.flags, [&](const cli::Flag& flag) { return flag.variable == name; });
    require(is_ours, "a variable belongs to a flag");
  }
}

std::vector<std::string> seeds() {
  return {"--runs=10\nBank.*\n",
          "--runs\n10\n-j4\n-j\n8\n--json\n",
          "--\n--runs\n-\n",
          "--rums=1\n",
          "a\nb\nc\n",
          "--json=1\n",
          "--" + repeated("r", many),
          repeated("--runs=1\n", 10'000),
          "--runs=" + repeated("1", many)};
}

const Registered registered{{"arguments", check, seeds}};

}  // namespace

}  // namespace orrery::fuzz
