#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace orrery::testkit {

namespace {

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }

/// Returns: how many bytes the first `width` characters take.
std::size_t bytes_of(std::string_view text, std::size_t width) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (!begins_character(text[at])) continue;
    if (width == 0) return at;
    --width;
  }
  return at;
}

}  // namespace

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  for (const char byte : text) columns += begins_character(byte) ? 1 : 0;
  return columns;
}

std::string cut(std::string_view text, std::size_t width) {
  if (columns_of(text) <= width) return std::string{text};
  return std::string{text.substr(0, bytes_of(text, width - 3))} + "...";
}

std::string pad(std::string_view text, std::size_t width) {
  std::string out{text};
  const std::size_t columns = columns_of(text);
  if (columns < width) out.append(width - columns, ' ');
  return out;
}

std::string wrap(std::string_view text, std::size_t indent) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    std::size_t here = indent;
    do {
      std::string_view piece = line.substr(0, bytes_of(line, report_columns - here));
      if (piece.size() < line.size()) {
        const std::size_t space = piece.rfind(' ');
        if (space != std::string_view::npos && space > piece.size() / 2) piece = piece.substr(0, space + 1);
      }
      line.remove_prefix(piece.size());
      while (piece.ends_with(' ')) piece.remove_suffix(1);
      if (!piece.empty()) out.append(here, ' ').append(piece);
      out += '\n';
      here = indent + 2;  // what goes on stands further in
    } while (!line.empty());
  }
  return out;
}

std::string in_one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

std::string error_line(std::string_view sentence) {
  constexpr std::size_t bytes_max = 400;
  std::size_t size = std::min(sentence.size(), bytes_max);
  while (size < sentence.size() && size != 0 && !begins_character(sentence[size])) --size;
  std::string out{sentence.substr(0, size)};
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return size < sentence.size() ? out + "..." : out;
}

std::string shell_word(std::string_view text) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos) return std::string{text};
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string grouped(std::uint64_t number) {
  std::string digits = fmt::format("{}", number);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, " ");
  }
  return digits;
}

std::string count_of(std::uint64_t number, std::string_view what) {
  return fmt::format("{} {}{}", grouped(number), what, number == 1 ? "" : "s");
}

}  // namespace orrery::testkit
