#include "orrery/testkit/cli/arguments.hpp"

#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <numeric>

namespace orrery::cli {

void refuse(const std::string& sentence) {
  std::fflush(stdout);
  fmt::print(stderr, "orrery: {}\n", sentence);
  std::fflush(stderr);
  std::_Exit(exit_usage);
}

std::string Arguments::value(const std::string& flag, std::string otherwise) const {
  const auto found = flags.find(flag);
  return found == flags.end() ? otherwise : found->second.back();
}

const std::vector<testkit::GivenSetting>& given_settings() {
  static const std::vector<testkit::GivenSetting> all = [] {
    std::vector<testkit::GivenSetting> given;
    if (const auto read = testkit::settings_from_environment(&given); !read) refuse(read.error());
    return given;
  }();
  return all;
}

bool is_given(std::string_view key) {
  return std::ranges::find(given_settings(), key, &testkit::GivenSetting::key) != given_settings().end();
}

std::string effective(const Arguments& arguments, const std::string& key, std::string otherwise) {
  const auto given = std::ranges::find(given_settings(), key, &testkit::GivenSetting::key);
  return arguments.value("--" + key, given == given_settings().end() ? std::move(otherwise) : given->value);
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t least = 3;  // Levenshtein's distance
  for (const std::string_view candidate : candidates) {
    if (word.size() >= candidate.size() + least) continue;
    std::vector<std::size_t> row(candidate.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < word.size(); ++i) {
      std::size_t diagonal = std::exchange(row[0], i + 1);
      for (std::size_t j = 0; j < candidate.size(); ++j) {
        const std::size_t above = row[j + 1];
        row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (word[i] == candidate[j] ? 0 : 1)});
        diagonal = above;
      }
    }
    if (row.back() >= least) continue;
    least = row.back();
    best = candidate;
  }
  return best;
}

std::expected<Arguments, std::string> parse_arguments(const Command& command, std::span<char* const> words) {
  const auto wrong = [](std::string_view sentence) { return std::unexpected(testkit::error_line(sentence)); };
  Arguments arguments;
  arguments.command = &command;
  bool only_words = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string word = words[i];
    if (only_words || !word.starts_with("-") || word == "-") {
      arguments.words.push_back(word);
      continue;
    }
    if (word == "--") {
      only_words = true;
      continue;
    }
    if (!command.passes.empty() && word.starts_with(command.passes)) {
      arguments.passed.push_back(word);
      continue;
    }
    std::optional<std::string> value;
    if (word.starts_with("-j") && word.size() > 2) {  // -j4
      value = word.substr(2);
      word = "-j";
    } else if (const auto equals = word.find('='); equals != std::string::npos) {
      value = word.substr(equals + 1);
      word.resize(equals);
    }
    if (word == "-j") word = "--jobs";
    const auto flag = std::ranges::find(command.flags, word, &Flag::name);
    if (flag == command.flags.end()) {
      std::vector<std::string_view> names;
      for (const Flag& one : command.flags) names.push_back(one.name);
      const std::string_view meant = nearest(word, names);
      return wrong(fmt::format("unknown flag {} for {}{}", word, command.name,
                               meant.empty() ? fmt::format(" (orrery help {} lists them)", command.name)
                                             : fmt::format("; is {} meant?", meant)));
    }
    if (flag->has_value && !value) {
      if (++i == words.size()) return wrong(fmt::format("{} needs a value", word));
      value = words[i];
    }
    if (!flag->has_value && value) return wrong(fmt::format("{} takes no value", word));
    arguments.flags[word].push_back(value.value_or("1"));
    if (!flag->variable.empty()) arguments.variables.emplace_back(flag->variable, value.value_or("1"));
  }
  if (arguments.words.size() > command.words_max) {
    return wrong(fmt::format("{} takes {} (orrery help {} says more)", command.name,
                             command.arguments.empty() ? "no argument" : command.arguments, command.name));
  }
  return arguments;
}

Arguments read_arguments(const Command& command, std::span<char* const> words) {
  auto arguments = parse_arguments(command, words);
  if (!arguments) refuse(arguments.error());
  return std::move(*arguments);
}

}  // namespace orrery::cli
