// statements.hpp: one line of a scenario as words, and what an event's words mean.
#pragma once
#include "orrery/testkit/scenario/scenario.hpp"

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::scenario::detail {

using Words = std::span<const std::string_view>;

/// Returns: the words of a line without its comment, or what is wrong with a byte of it.
[[nodiscard]] std::expected<std::vector<std::string_view>, std::string> split_words(std::string_view line);

/// Returns: the words with one blank between them.
[[nodiscard]] std::string join_words(Words words);

/// Reads the words of an event. A batch comes without operations; `operations_expected` says how many lines of it follow.
///
/// Pre: `words` is not empty.
[[nodiscard]] std::expected<Action, std::string> read_action(Words words, std::int64_t& operations_expected);

/// Returns: the line and sentence of the first event that asks something of an id that is always something else, or a
/// line of 0. See T3 of parse.hpp.
struct Misuse {
  int line = 0;
  std::string reason;
};
[[nodiscard]] Misuse find_misuse(const Scenario& scenario);

}  // namespace orrery::scenario::detail
