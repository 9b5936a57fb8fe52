// text.hpp: lines of a report that fit into a terminal.
// Always true:  (X1) widths count characters, not bytes, and no character is cut in two
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace orrery::testkit {

inline constexpr std::size_t report_columns = 110;

/// Returns: the part behind the last slash.
[[nodiscard]] std::string_view base_name(std::string_view path);
/// Returns: how many characters the UTF-8 text has.
[[nodiscard]] std::size_t columns_of(std::string_view text);
/// Returns: `text`, or its beginning and "..." in `width` columns. Pre: `width` >= 3.
[[nodiscard]] std::string cut(std::string_view text, std::size_t width);
/// Returns: `text` filled up with spaces to `width` columns.
[[nodiscard]] std::string pad(std::string_view text, std::size_t width);
/// Returns: the lines of `text`, each indented, broken where they would pass report_columns, at a space where there is one;
/// ends with a newline unless it is empty.
[[nodiscard]] std::string wrap(std::string_view text, std::size_t indent);
/// Returns: `text` with spaces for what would end the line.
[[nodiscard]] std::string in_one_line(std::string text);
/// Returns: `sentence`, which may quote what somebody has written, as a line that any terminal shows: `?` for control
/// characters, and its beginning and "..." when it is longer than 400 bytes.
[[nodiscard]] std::string error_line(std::string_view sentence);
/// Returns: `text` as one word of a shell.
[[nodiscard]] std::string shell_word(std::string_view text);
/// Returns: 1234567 as "1 234 567".
[[nodiscard]] std::string grouped(std::uint64_t number);
/// Returns: "1 run", "2 runs".
[[nodiscard]] std::string count_of(std::uint64_t number, std::string_view what);

}  // namespace orrery::testkit
