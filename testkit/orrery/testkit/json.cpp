#include "orrery/testkit/json.hpp"

#include "orrery/core/json_text.hpp"

#include <fmt/core.h>

#include <charconv>
#include <optional>

namespace orrery::testkit {

namespace {

void append_utf8(std::string& out, unsigned code) {
  const auto put = [&](unsigned byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0U | (code >> 6));
    put(0x80U | (code & 0x3fU));
  } else if (code < 0x10000) {
    put(0xe0U | (code >> 12));
    put(0x80U | ((code >> 6) & 0x3fU));
    put(0x80U | (code & 0x3fU));
  } else {
    put(0xf0U | (code >> 18));
    put(0x80U | ((code >> 12) & 0x3fU));
    put(0x80U | ((code >> 6) & 0x3fU));
    put(0x80U | (code & 0x3fU));
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_{text} {}

  std::expected<Json, std::string> run() {
    auto value = read(0);
    skip_space();
    if (value && at_ != text_.size()) value.reset();
    if (value) return std::move(*value);
    return std::unexpected(fmt::format("no JSON at byte {}", at_));
  }

 private:
  static constexpr int depth_max = 100;

  void skip_space() {
    while (at_ < text_.size() && std::string_view{" \t\r\n"}.contains(text_[at_])) ++at_;
  }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::optional<Json> read(int depth) {
    skip_space();
    if (depth > depth_max || at_ == text_.size()) return std::nullopt;
    if (take("null")) return Json{};
    if (take("true")) return Json{true};
    if (take("false")) return Json{false};
    if (text_[at_] == '"') {
      auto text = read_text();
      if (!text) return std::nullopt;
      return Json{std::move(*text)};
    }
    if (take("[")) return read_array(depth);
    if (take("{")) return read_object(depth);
    const std::size_t begin = at_;
    if (!take_number()) return std::nullopt;
    return Json{Json::Number{std::string{text_.substr(begin, at_ - begin)}}};
  }

  bool take_digits() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ != begin;
  }
  bool take_number() {
    take("-");
    if (!take("0") && !take_digits()) return false;  // nothing follows a 0 in front
    if (take(".") && !take_digits()) return false;
    if (!take("e") && !take("E")) return true;
    if (!take("+")) take("-");
    return take_digits();
  }

  std::optional<Json> read_array(int depth) {
    Json::Array elements;
    skip_space();
    if (take("]")) return Json{std::move(elements)};
    for (;;) {
      auto element = read(depth + 1);
      if (!element) return std::nullopt;
      elements.push_back(std::move(*element));
      skip_space();
      if (take("]")) return Json{std::move(elements)};
      if (!take(",")) return std::nullopt;
    }
  }

  std::optional<Json> read_object(int depth) {
    Json::Object fields;
    skip_space();
    if (take("}")) return Json{std::move(fields)};
    for (;;) {
      skip_space();
      auto key = read_text();
      skip_space();
      if (!key || !take(":")) return std::nullopt;
      auto value = read(depth + 1);
      if (!value) return std::nullopt;
      fields.emplace_back(std::move(*key), std::move(*value));
      skip_space();
      if (take("}")) return Json{std::move(fields)};
      if (!take(",")) return std::nullopt;
    }
  }

  std::optional<unsigned> read_code_unit() {
    unsigned code = 0;
    const std::string_view digits = text_.substr(at_, 4);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (error != std::errc{} || end != digits.data() + 4) return std::nullopt;
    at_ += 4;
    return code;
  }

  std::optional<std::string> read_text() {
    if (!take("\"")) return std::nullopt;
    std::string out;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return out;
      if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
      if (c != '\\') {
        out += c;
        continue;
      }
      if (at_ == text_.size()) return std::nullopt;
      const char escaped = text_[at_++];
      constexpr std::string_view letters = "\"\\/bfnrt";
      constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
      if (const auto known = letters.find(escaped); known != std::string_view::npos) {
        out += meanings[known];
        continue;
      }
      const auto code = escaped == 'u' ? read_code_unit() : std::nullopt;
      if (!code) return std::nullopt;
      unsigned whole = *code;
      if (whole >= 0xd800 && whole < 0xe000) {  // half of a character is none
        const auto low = whole < 0xdc00 && take("\\u") ? read_code_unit() : std::nullopt;
        if (!low || *low < 0xdc00 || *low >= 0xe000) return std::nullopt;
        whole = 0x10000 + ((whole - 0xd800) << 10) + (*low - 0xdc00);
      }
      append_utf8(out, whole);
    }
    return std::nullopt;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::string json_text(std::string_view text) {
  std::string out;
  write_json_text(text, [&](std::string_view piece) { out += piece; });
  return out;
}

JsonObject& JsonObject::add_raw(std::string_view key, std::string_view json) {
  if (!fields_.empty()) fields_ += ',';
  fields_ += json_text(key);
  fields_ += ':';
  fields_ += json;
  return *this;
}

const Json& Json::operator[](std::string_view key) const {
  static const Json null;
  if (const auto* const object = std::get_if<Object>(&value)) {
    for (const auto& [name, field] : *object) {
      if (name == key) return field;
    }
  }
  return null;
}

std::string_view Json::text() const {
  if (const auto* const string = std::get_if<std::string>(&value)) return *string;
  if (const auto* const digits = std::get_if<Number>(&value)) return digits->text;
  return {};
}

std::uint64_t Json::number() const {
  std::uint64_t number = 0;
  const std::string_view digits = text();
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc{} && end == digits.data() + digits.size() ? number : 0;
}

const Json::Array& Json::elements() const {
  static const Array none;
  const auto* const array = std::get_if<Array>(&value);
  return array == nullptr ? none : *array;
}

std::expected<Json, std::string> parse_json(std::string_view text) { return Parser{text}.run(); }

}  // namespace orrery::testkit
