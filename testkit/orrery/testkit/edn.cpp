#include "orrery/testkit/edn.hpp"

#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <tuple>
#include <utility>

namespace orrery::testkit {
namespace {

constexpr std::size_t depth_max = 200;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v' || c == ','; }
bool ends_token(char c) { return is_space(c) || std::string_view{"()[]{}\";"}.find(c) != std::string_view::npos; }

/// The value of up to 4 hexadecimal digits, or nothing.
std::optional<std::uint32_t> hex(std::string_view digits) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.size() != 4 || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto byte = [&](std::uint32_t bits) { out += static_cast<char>(bits); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) {
    byte(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      byte(0xe0 | code >> 12);
    } else {
      byte(0xf0 | code >> 18);
      byte(0x80 | (code >> 12 & 0x3f));
    }
    byte(0x80 | (code >> 6 & 0x3f));
  }
  byte(0x80 | (code & 0x3f));
}

class Reader {
 public:
  Reader(std::string_view text, std::size_t line) : text_{text}, line_{line} {}

  std::expected<std::vector<EdnValue>, EdnError> read_all() {
    std::vector<EdnValue> all;
    while (skip_to_value() && !error_) {
      std::optional<EdnValue> value = read_value(0);
      if (value) all.push_back(std::move(*value));
    }
    if (error_) return std::unexpected{*error_};
    return all;
  }

 private:
  std::nullopt_t fail(std::size_t line, std::string_view reason) {
    if (!error_) error_ = EdnError{line, error_line(reason)};
    return std::nullopt;
  }
  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] char peek() const { return text_[at_]; }
  char take() {
    if (text_[at_] == '\n') ++line_;
    return text_[at_++];
  }

  /// Goes past spaces and comments.    Returns: whether something stands there.
  bool skip_to_value() {
    while (!at_end()) {
      if (peek() == ';') {
        while (!at_end() && peek() != '\n') take();
      } else if (is_space(peek())) {
        take();
      } else {
        return true;
      }
    }
    return false;
  }

  /// Pre: something stands there.    Returns: nothing after an error, or when it was #_ and what that discards.
  std::optional<EdnValue> read_value(std::size_t depth) {
    if (depth > depth_max) return fail(line_, fmt::format("more than {} levels of brackets", depth_max));
    EdnValue value;
    value.line = line_;
    switch (peek()) {
      case '(':
        return read_items(std::move(value), ')', depth);
      case '[':
        return read_items(std::move(value), ']', depth);
      case '{':
        value.kind = EdnValue::Kind::map;
        return read_items(std::move(value), '}', depth);
      case '"':
        return read_text(std::move(value));
      case '#':
        return read_dispatch(std::move(value), depth);
      case '^': {
        take();
        if (!read_next(depth, "metadata")) return std::nullopt;
        return read_next(depth, "what metadata is about");
      }
      case ')':
      case ']':
      case '}':
        return fail(line_, fmt::format("'{}' closes nothing", peek()));
      default:
        return read_token(std::move(value));
    }
  }
  /// The next value that is not discarded.
  std::optional<EdnValue> read_next(std::size_t depth, std::string_view what) {
    const std::size_t line = line_;
    while (skip_to_value() && !error_) {
      if (auto value = read_value(depth + 1)) return value;
    }
    return fail(line, fmt::format("the text ends where {} is expected", what));
  }

  std::optional<EdnValue> read_items(EdnValue value, char closing, std::size_t depth) {
    const char opening = take();
    if (value.kind != EdnValue::Kind::map) value.kind = EdnValue::Kind::vector;
    while (skip_to_value()) {
      if (peek() == closing) {
        take();
        if (value.kind == EdnValue::Kind::map && value.items.size() % 2 != 0) {
          return fail(value.line, "a map has a key without a value");
        }
        return value;
      }
      if (auto item = read_value(depth + 1)) value.items.push_back(std::move(*item));
      if (error_) return std::nullopt;
    }
    return fail(value.line, fmt::format("'{}' is never closed", opening));
  }

  std::optional<EdnValue> read_dispatch(EdnValue value, std::size_t depth) {
    take();
    if (at_end()) return fail(value.line, "the text ends after '#'");
    if (peek() == '{') return read_items(std::move(value), '}', depth);
    if (peek() == '_') {
      take();
      if (!read_next(depth, "what '#_' discards")) return std::nullopt;
      return std::nullopt;
    }
    if (peek() == '#') {
      take();
      value = read_token(std::move(value)).value_or(EdnValue{});
      if (!error_ && (value.kind != EdnValue::Kind::other ||
                      (value.text != "Inf" && value.text != "-Inf" && value.text != "NaN"))) {
        return fail(line_, "'##' is followed by Inf, -Inf or NaN");
      }
      value.text.insert(0, "##");
      return value;
    }
    if (peek() == '"') return fail(value.line, "a regular expression is no value here");
    // A tag. Records as #jepsen.history.Op{...} are maps; what the tag of another value means does not matter.
    if (!read_token(value)) return std::nullopt;
    return read_next(depth, "the value of a tag");
  }

  std::optional<EdnValue> read_text(EdnValue value) {
    value.kind = EdnValue::Kind::text;
    take();
    while (!at_end()) {
      const char c = take();
      if (c == '"') return value;
      if (c != '\\') {
        value.text += c;
        continue;
      }
      if (at_end()) break;
      const char escaped = take();
      constexpr std::string_view from = "ntrbf\"\\";
      constexpr std::string_view to = "\n\t\r\b\f\"\\";
      if (const auto found = from.find(escaped); found != std::string_view::npos) {
        value.text += to[found];
      } else if (escaped != 'u' || !read_unicode(value.text)) {
        return fail(line_, "a text has an escape that EDN does not know");
      }
    }
    return fail(value.line, "a text has no closing quote");
  }
  /// What follows \u; a code above U+FFFF is written as two of them.
  bool read_unicode(std::string& out) {
    const auto high = hex(text_.substr(at_, 4));
    if (!high) return false;
    at_ += 4;
    if (*high < 0xd800 || *high > 0xdfff) {
      append_utf8(out, *high);
      return true;
    }
    const auto low = text_.substr(at_).starts_with("\\u") ? hex(text_.substr(at_ + 2, 4)) : std::nullopt;
    if (*high >= 0xdc00 || !low || *low < 0xdc00 || *low > 0xdfff) return false;
    at_ += 6;
    append_utf8(out, 0x10000 + ((*high - 0xd800) << 10) + (*low - 0xdc00));
    return true;
  }

  std::optional<EdnValue> read_token(EdnValue value) {
    const std::size_t begin = at_;
    if (!at_end() && peek() == '\\') {  // a character, which may be one that would end the token
      take();
      if (at_end() || (is_space(peek()) && peek() != ',')) return fail(line_, "a character is expected after '\\'");
      take();
    }
    while (!at_end() && !ends_token(peek())) {
      const auto byte = static_cast<unsigned char>(peek());
      if (byte < 0x20 || byte == 0x7f)
        return fail(line_, fmt::format("the byte 0x{:02x} stands outside of a text", byte));
      take();
    }
    const std::string_view token = text_.substr(begin, at_ - begin);
    if (token.empty()) return fail(value.line, "a name is expected after '#'");
    if (token == "nil") return value;
    if (token.front() == ':') {
      if (token.size() == 1) return fail(value.line, "':' has no name");
      value.kind = EdnValue::Kind::keyword;
      value.text = token.substr(1);
      return value;
    }
    std::string_view digits = token;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    if (digits.size() > 1 && digits.ends_with('N')) digits.remove_suffix(1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value.integer);
    if (error == std::errc{} && end == digits.data() + digits.size() && !token.starts_with("+-")) {
      value.kind = EdnValue::Kind::integer;
      return value;
    }
    value.integer = 0;
    value.kind = EdnValue::Kind::other;
    value.text = token;
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_;
  std::optional<EdnError> error_;
};

}  // namespace

bool operator<(const EdnValue& a, const EdnValue& b) {
  return std::tie(a.kind, a.integer, a.text, a.items) < std::tie(b.kind, b.integer, b.text, b.items);
}

void orrery_hash(TraceHasher& hasher, const EdnValue& value) {
  hasher.add(static_cast<std::uint64_t>(value.kind));
  hasher.add(static_cast<std::uint64_t>(value.integer));
  hasher.add_bytes(value.text);
  hasher.add(value.items.size());
  for (const EdnValue& item : value.items) orrery_hash(hasher, item);
}

std::string orrery_describe(const EdnValue& value) {
  using enum EdnValue::Kind;
  if (value.kind == nil) return "nil";
  if (value.kind == integer) return std::to_string(value.integer);
  if (value.kind == keyword) return ":" + value.text;
  if (value.kind == other) return value.text;
  std::string all;
  if (value.kind == text) {
    for (const char c : value.text) {
      if (c == '"' || c == '\\') all += '\\';
      if (c == '\n') {
        all += "\\n";
      } else {
        all += c;
      }
    }
    return '"' + all + '"';
  }
  for (const EdnValue& item : value.items) all += (all.empty() ? "" : " ") + orrery_describe(item);
  return value.kind == map ? '{' + all + '}' : '[' + all + ']';
}

std::expected<std::vector<EdnValue>, EdnError> parse_edn(std::string_view text, std::size_t first_line) {
  return Reader{text, first_line}.read_all();
}

}  // namespace orrery::testkit
