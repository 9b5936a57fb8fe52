// same.hpp: whether two messages are equal, although a plain struct has no ==.
#pragma once
#include "orrery/core/reflect.hpp"

#include <algorithm>
#include <concepts>
#include <ranges>
#include <string_view>

namespace orrery::testkit::detail {

// What claims to have == whether its parts have it or not is taken apart before its == is believed.
template <class T>
concept Listed = std::ranges::forward_range<const T> && !std::convertible_to<const T&, std::string_view> &&
                 !requires { typename T::hasher; };
template <class T>
concept Paired = requires(const T& it) {
  it.first;
  it.second;
};
template <class T>
concept Optional = requires(const T& it) {
  it.has_value();
  it.value();
  typename T::value_type;
} && !requires { typename T::error_type; };

/// A range by its elements, a struct without == by its fields, anything else by ==.
template <class T>
[[nodiscard]] bool same(const T& a, const T& b) {
  if constexpr (Listed<T>) {
    return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return same(x, y); });
  } else if constexpr (Paired<T>) {
    return same(a.first, b.first) && same(a.second, b.second);
  } else if constexpr (Optional<T>) {
    return a.has_value() == b.has_value() && (!a.has_value() || same(*a, *b));
  } else if constexpr (std::equality_comparable<T>) {
    return a == b;
  } else {
    static_assert(Reflectable<T>, "to be compared, a message needs an operator== or fields that can be seen");
    bool all = true;
    orrery::detail::visit_fields<field_count<T>>(a, [&](const auto&... of_a) {
      orrery::detail::visit_fields<field_count<T>>(b, [&](const auto&... of_b) { all = (same(of_a, of_b) && ...); });
    });
    return all;
  }
}

}  // namespace orrery::testkit::detail
