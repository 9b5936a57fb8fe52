// What the command line and the environment say about a system in production. Input as that of settings.cpp.
#include "orrery/threads/system_options.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <map>

namespace orrery::fuzz {

namespace {

/// Returns: the options as flags: a name and a number each.
std::vector<std::string> as_flags(const SystemOptions& options) {
  std::vector<std::string> flags;
  std::string text = describe(options);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    const std::size_t number = line.find("= ") + 2;
    flags.push_back("--orrery_" + line.substr(0, line.find(' ')) + "=" +
                    line.substr(number, line.find(' ', number) - number));
  }
  return flags;
}

void check(std::string_view input) {
  std::map<std::string, std::string, std::less<>> variables;
  std::vector<std::string> words;
  while (!input.empty()) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    std::string word{input.substr(0, end)};
    input.remove_prefix(std::min(end + 1, input.size()));
    std::ranges::replace(word, '\0', '\n');
    if (const std::size_t equals = word.find('='); word.starts_with("ORRERY_") && equals != std::string::npos) {
      variables[word.substr(0, equals)] = word.substr(equals + 1);
    } else {
      words.push_back(std::move(word));
    }
  }
  const std::vector<std::string_view> arguments{words.begin(), words.end()};
  const auto resolved = resolve_options(SystemOptions{}, arguments, [&](const char* name) -> const char* {
    const auto found = variables.find(std::string_view{name});
    return found == variables.end() ? nullptr : found->second.c_str();
  });
  if (!resolved) return require_clear_line(resolved.error());
  require(std::ranges::is_sorted(resolved->used), "what was ours is told in order");
  for (std::size_t i = 0, used = 0; i < words.size() && words[i] != "--"; ++i) {
    const bool is_used = used < resolved->used.size() && resolved->used[used] == i;
    used += is_used ? 1 : 0;
    require(is_used || !words[i].starts_with("--orrery"), "no word of ours is passed over");
  }
  const std::vector<std::string> flags = as_flags(resolved->options);
  const std::vector<std::string_view> again_words{flags.begin(), flags.end()};
  const auto again = resolve_options(SystemOptions{}, again_words, [](const char*) -> const char* { return nullptr; });
  require(again.has_value(), "options that are printed can be given");
  require(describe(again->options) == describe(resolved->options), "options that are printed and given are the same");
}

std::vector<std::string> seeds() {
  std::string all;
  for (const std::string& flag : as_flags(SystemOptions{})) all += flag + "\n";
  return {"--threads 4\n",
          "--threads\n4\n--config\n",
          "ORRERY_THREADS=8\nORRERY_BATCH=100\nORRERY_DRAW_SEED=18446744073709551615\n",
          "--orrery_stack_kb=16\n--\n--orrery_nothing\n",
          "--orrery_ask_timeout_ms=9223372036854\nfile.txt\n",
          all,
          "--threads=" + repeated("9", many),
          "ORRERY_THREADS=" + repeated("9", many),
          "--orrery_" + repeated("x", many),
          repeated("--threads=1\n", 10'000)};
}

const Registered registered{{"options", check, seeds}};

}  // namespace

}  // namespace orrery::fuzz
