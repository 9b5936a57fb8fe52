// attributes.hpp: the k=v of a declaration, read and written by one table.
#pragma once
#include "orrery/testkit/scenario/scenario.hpp"

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace orrery::scenario::detail {

/// Returns: a whole number between the bounds, or what is wrong with `text`; `what` is how the sentence begins.
[[nodiscard]] std::expected<std::int64_t, std::string> read_number(std::string_view what, std::string_view text,
                                                                   std::int64_t min, std::int64_t max);

/// Returns: what is wrong with an id, or nothing. Ids are letters, digits, _ and -; an instance ends in .K.
[[nodiscard]] std::string complaint_about_id(std::string_view id, bool may_be_instance);

/// Takes one word `k=v` into `declaration`; `parent=` is not for this function.
///
/// Returns: what is wrong with it, or nothing.
[[nodiscard]] std::string take_attribute(Declaration& declaration, std::string_view word);

/// Returns: " k=v" of each given attribute.
[[nodiscard]] std::string attributes_text(const Declaration& declaration);

}  // namespace orrery::scenario::detail
