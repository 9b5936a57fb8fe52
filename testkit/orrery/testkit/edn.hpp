// edn.hpp: as much of EDN as histories need: maps, lists and simple values, with the line in which each stands.
// Always true:  (E1) any bytes give values or an error with a line; nothing is dropped in silence
// Source:       the EDN format (github.com/edn-format/edn); metadata and #_ as in Clojure's reader.
#pragma once
#include "orrery/core/hash.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::testkit {

struct EdnValue {
  enum class Kind : std::uint8_t {
    nil,
    integer,
    text,
    keyword,
    vector,  ///< also a list and a set, in the order in which they are written
    map,     ///< keys and values in turn
    other    ///< what is read and has no use here: numbers with a point, true, false, symbols, characters
  };
  Kind kind = Kind::nil;
  std::int64_t integer = 0;
  std::string text{};  ///< of a text; the name of a keyword, without the colon; `other` as it is written
  std::vector<EdnValue> items{};
  std::size_t line = 0;  ///< counted from 1; no part of the value

  [[nodiscard]] bool is_keyword(std::string_view name) const { return kind == Kind::keyword && text == name; }
  friend bool operator==(const EdnValue& a, const EdnValue& b) {
    return a.kind == b.kind && a.integer == b.integer && a.text == b.text && a.items == b.items;
  }
  friend bool operator<(const EdnValue& a, const EdnValue& b);
  friend void orrery_hash(TraceHasher& hasher, const EdnValue& value);
  /// As it is written in EDN.
  friend std::string orrery_describe(const EdnValue& value);
};

struct EdnError {
  std::size_t line = 0;
  std::string reason;
};

/// Returns: the values of `text`, whose first line is the line `first_line`.
[[nodiscard]] std::expected<std::vector<EdnValue>, EdnError> parse_edn(std::string_view text,
                                                                       std::size_t first_line = 1);

}  // namespace orrery::testkit
