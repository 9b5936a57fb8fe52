// arguments.hpp: the words of the command line.
#pragma once
#include "orrery/testkit/cli/process.hpp"
#include "orrery/testkit/settings.hpp"

#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::cli {

inline constexpr int exit_held = 0;
inline constexpr int exit_falsified = 1;
using testkit::exit_usage;
inline constexpr int exit_non_deterministic = 3;
inline constexpr int exit_inconclusive = 4;
using testkit::exit_diverged;
inline constexpr int exit_internal = 70;
inline constexpr int exit_skipped = 77;
using testkit::exit_interrupted;

/// Prints "orrery: <sentence>" on stderr and exits with code 2.
[[noreturn]] void refuse(const std::string& sentence);

/// A flag of a command. `variable`: the environment variable of the test program that it sets, or empty.
struct Flag {
  std::string_view name;  ///< "--runs"
  bool has_value = true;
  std::string_view variable;
};

struct Command {
  std::string_view name;
  std::string_view arguments;  ///< "[FILTER]", for help
  std::string_view summary;
  std::string_view details;  ///< what `orrery help NAME` adds
  std::vector<Flag> flags;
  std::size_t words_max = 1;
  std::string_view passes{};  ///< flags that begin so go to the programs as they are
};

struct Arguments {
  const Command* command = nullptr;
  std::vector<std::string> words;
  std::map<std::string, std::vector<std::string>> flags;
  Variables variables;              ///< for the test programs
  std::vector<std::string> passed;  ///< as Command::passes has it

  [[nodiscard]] bool has(const std::string& flag) const { return flags.contains(flag); }
  /// Returns: the last value of the flag, or `otherwise`.
  [[nodiscard]] std::string value(const std::string& flag, std::string otherwise = {}) const;
};

/// Reads what follows the command's name. Errors: a sentence.
[[nodiscard]] std::expected<Arguments, std::string> parse_arguments(const Command& command,
                                                                    std::span<char* const> words);
/// The same. Errors: end the tool with exit code 2 and one line.
[[nodiscard]] Arguments read_arguments(const Command& command, std::span<char* const> words);

/// What orrery.toml and the environment say. Errors: end the tool with exit code 2 and one line.
[[nodiscard]] const std::vector<testkit::GivenSetting>& given_settings();
/// Returns: whether orrery.toml or the environment sets `key`.
[[nodiscard]] bool is_given(std::string_view key);
/// Returns: the value of the setting `key`: that of the flag --key, or what is given, or `otherwise`.
[[nodiscard]] std::string effective(const Arguments& arguments, const std::string& key, std::string otherwise);

/// Returns: the candidate that is spelled most like `word`, or empty when none is near.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace orrery::cli
