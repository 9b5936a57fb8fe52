// json.hpp: as much of JSON as reports and the command line need: lines out, and small documents in.
// Source:  RFC 8259.
#pragma once
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace orrery::testkit {

/// Returns: `text` in quotes. Bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string json_text(std::string_view text);

/// One object, field by field: `JsonObject{}.add("test", "Bank.X").add("runs", 1000).text()`.
class JsonObject {
 public:
  JsonObject& add(std::string_view key, std::string_view value) { return add_raw(key, json_text(value)); }
  JsonObject& add(std::string_view key, const char* value) { return add(key, std::string_view{value}); }
  JsonObject& add(std::string_view key, const std::string& value) { return add(key, std::string_view{value}); }
  JsonObject& add(std::string_view key, bool value) { return add_raw(key, value ? "true" : "false"); }
  JsonObject& add(std::string_view key, std::uint64_t value) { return add_raw(key, std::to_string(value)); }
  /// `json` is JSON already.
  JsonObject& add_raw(std::string_view key, std::string_view json);
  [[nodiscard]] std::string text() const { return "{" + fields_ + "}"; }

 private:
  std::string fields_;
};

/// A value that was read. Numbers keep their text: 64 bits do not fit into a double.
struct Json {
  struct Number {
    std::string text;
  };
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;
  std::variant<std::nullptr_t, bool, Number, std::string, Array, Object> value = nullptr;

  /// Returns: the field, or null: of something that is no object, too, so that lookups can be chained.
  [[nodiscard]] const Json& operator[](std::string_view key) const;
  /// Returns: the text, the digits of a number, or "".
  [[nodiscard]] std::string_view text() const;
  /// Returns: a whole number, or 0.
  [[nodiscard]] std::uint64_t number() const;
  /// Returns: the elements; none when this is no array.
  [[nodiscard]] const Array& elements() const;
};

/// Returns: the value, or a sentence with the position of what is wrong.
[[nodiscard]] std::expected<Json, std::string> parse_json(std::string_view text);

}  // namespace orrery::testkit
