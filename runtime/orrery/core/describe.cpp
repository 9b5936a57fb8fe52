#include "orrery/core/describe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace orrery::detail {
namespace {
/// The bytes of the UTF-8 character at `at`, 0 when there is none: a stray or cut sequence, an overlong form,
/// a surrogate or more than U+10FFFF (RFC 3629, section 4).
std::size_t utf8_bytes(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
  };
  const auto is_tail = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned lead = byte(0);
  const unsigned second = byte(1);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return is_tail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool overlong = lead == 0xe0 && second < 0xa0;
    const bool surrogate = lead == 0xed && second > 0x9f;
    return is_tail(1) && is_tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool overlong = lead == 0xf0 && second < 0x90;
    const bool too_large = lead == 0xf4 && second > 0x8f;
    return is_tail(1) && is_tail(2) && is_tail(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

/// Appends the character at `at`, escaped if it would not print; returns the bytes it took.
std::size_t append_escaped(std::string& out, std::string_view text, std::size_t at, char quote) {
  const char c = text[at];
  const std::size_t bytes = utf8_bytes(text, at);
  if (c == quote || c == '\\') {
    out += '\\';
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else if (bytes == 0 || (bytes == 1 && (c < ' ' || c == '\x7f'))) {
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    return 1;
  } else {
    out += text.substr(at, bytes);
  }
  return bytes;
}

/// The item number `index` of a list that ends at its closing bracket; commas in brackets do not count.
std::string_view list_item(std::string_view list, std::size_t index) {
  std::size_t depth = 0;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < list.size(); ++at) {
    const char c = list[at];
    const bool closes = c == ')' || c == '>' || c == '}';
    if (c == '(' || c == '<' || c == '{') ++depth;
    if (depth == 0 && (closes || c == ',')) {
      if (index == 0) return list.substr(begin, at - begin);
      if (closes) return {};
      --index;
      begin = at + 1;
    } else if (closes) {
      --depth;
    }
  }
  return {};
}

/// The enumerator in "app::Color::red" or "(anonymous namespace)::Color::red"; empty for "(app::Color)7",
/// which is how a value without a name is printed.
std::string_view enumerator_in(std::string_view item) {
  while (item.starts_with(' ')) item.remove_prefix(1);
  if (item.starts_with('(')) {
    std::size_t depth = 0;
    std::size_t at = 0;
    do {
      if (item[at] == '(') ++depth;
      if (item[at] == ')') --depth;
    } while (++at < item.size() && depth > 0);
    if (!item.substr(at).starts_with("::")) return {};
  }
  std::size_t begin = item.size();
  while (begin > 0 && is_identifier_byte(item[begin - 1])) --begin;
  return item.substr(begin);
}
}  // namespace

bool Description::enter() {
  if (levels_left == 0 || is_full()) {
    out += "…";
    return false;
  }
  --levels_left;
  return true;
}

void append_signed(std::string& out, std::int64_t value) { out += fmt::format_int(value).c_str(); }
void append_unsigned(std::string& out, std::uint64_t value) { out += fmt::format_int(value).c_str(); }

// The shortest text that reads back as the same number.
void append_floating(std::string& out, float value) { fmt::format_to(std::back_inserter(out), "{}", value); }
void append_floating(std::string& out, double value) { fmt::format_to(std::back_inserter(out), "{}", value); }
void append_floating(std::string& out, long double value) { fmt::format_to(std::back_inserter(out), "{}", value); }

void append_character(std::string& out, char value) {
  out += '\'';
  append_escaped(out, {&value, 1}, 0, '\'');
  out += '\'';
}

void append_text(std::string& out, std::string_view text) {
  const std::size_t shown_max = std::min(text.size(), describe_text_bytes_max);
  out += '"';
  for (std::size_t at = 0; at < shown_max;) {
    if (at + utf8_bytes(text, at) > shown_max) break;  // half a character would be no UTF-8
    at += append_escaped(out, text, at, '"');
  }
  if (text.size() <= describe_text_bytes_max) {
    out += '"';
  } else {
    fmt::format_to(std::back_inserter(out), "…\" ({} bytes)", text.size());
  }
}

void append_unseen(std::string& out, std::string_view type) {
  out += type;
  out += "{…}";
}

void append_enumerator(std::string& out, std::string_view type, std::string_view signature, std::size_t index,
                       std::string_view value) {
  // g++ prints "[with auto ...Values = {a, b, c}; std::string_view = ...]", clang "[Values = <a, b, c>]".
  const std::size_t list = signature.find("Values = ");
  const std::string_view items = signature.substr(list + std::string_view("Values = {").size());
  const std::string_view name = enumerator_in(list_item(items, index));
  if (name.empty()) {
    fmt::format_to(std::back_inserter(out), "{}({})", type, value);
  } else {
    out += name;
  }
}
}  // namespace orrery::detail
