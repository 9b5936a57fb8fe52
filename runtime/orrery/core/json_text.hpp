// json_text.hpp: text as JSON has it, byte by byte into whatever takes bytes.
// Why:  reports, logs and what a dying process writes need the same escapes; the last of them may not allocate.
// How:  a function of the text and a sink, which appends to a string or to a buffer on the stack.
// Always true:  (J1) what comes out is valid UTF-8 on one line, whatever went in
// Source:       RFC 8259; the well-formed sequences of Unicode 15, table 3-7.
#pragma once
#include <cstddef>
#include <string_view>

namespace orrery {

/// Returns: how many bytes the character at the beginning of `text` has, or 0 when it is no UTF-8.
[[nodiscard]] constexpr std::size_t character_bytes(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0 && follows(1)) return 2;
  if (first >= 0xe0 && first < 0xf0 && follows(1) && follows(2) && (first != 0xe0 || byte(1) >= 0xa0) &&
      (first != 0xed || byte(1) < 0xa0)) {
    return 3;
  }
  if (first >= 0xf0 && first < 0xf5 && follows(1) && follows(2) && follows(3) && (first != 0xf0 || byte(1) >= 0x90) &&
      (first != 0xf4 || byte(1) < 0x90)) {
    return 4;
  }
  return 0;
}

/// Gives `sink` the pieces (std::string_view) of `text` in quotes. Bytes that are no UTF-8 become U+FFFD.
///
/// Threads: any; allocates nothing, so a signal handler may call it if its sink allows that.    Cost: O(bytes).
template <class Sink>
constexpr void write_json_text(std::string_view text, Sink&& sink) {
  constexpr std::string_view digits = "0123456789abcdef";
  sink(std::string_view{"\""});
  std::size_t plain = 0;  // text[plain, at) goes out as it is
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const std::size_t bytes = character_bytes(text.substr(at));
    if (bytes > 1 || (bytes == 1 && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '"' && c != '\\')) {
      at += bytes;
      continue;
    }
    sink(text.substr(plain, at - plain));
    plain = ++at;
    if (bytes == 0) {
      sink(std::string_view{"\xef\xbf\xbd"});
    } else if (c == '"' || c == '\\') {
      const char escaped[2]{'\\', c};
      sink(std::string_view{escaped, 2});
    } else if (c == '\n') {
      sink(std::string_view{"\\n"});
    } else {
      const auto code = static_cast<unsigned char>(c);
      const char escaped[6]{'\\', 'u', '0', '0', digits[code >> 4], digits[code & 0xf]};
      sink(std::string_view{escaped, 6});
    }
  }
  sink(text.substr(plain));
  sink(std::string_view{"\""});
}

}  // namespace orrery
