// describe_value.hpp: the walk behind describe(): one function template per kind of value.
// Why:  describe.hpp says what the texts are and what is promised about them; this is how they come about.
#pragma once
#include "orrery/core/detail/value_kind.hpp"
#include "orrery/core/time.hpp"

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ratio>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace orrery::detail {
/// Where the text goes, and how much more may come.
struct Description {
  std::string& out;
  std::size_t stop_at_bytes;  ///< `out` may exceed it by what one scalar needs
  unsigned levels_left;

  /// One level deeper; false, with "…" printed, when there is no room. Ends a walk round a ring of pointers.
  bool enter();
  void leave() { ++levels_left; }
  [[nodiscard]] bool is_full() const { return out.size() >= stop_at_bytes; }
};
inline constexpr std::size_t describe_bytes_max = 4'000;
inline constexpr std::size_t describe_text_bytes_max = 120;
inline constexpr std::size_t describe_elements_max = 32;
inline constexpr unsigned describe_levels_max = 12;

void append_signed(std::string& out, std::int64_t value);
void append_unsigned(std::string& out, std::uint64_t value);
void append_floating(std::string& out, float value);
void append_floating(std::string& out, double value);
void append_floating(std::string& out, long double value);
void append_character(std::string& out, char value);
void append_text(std::string& out, std::string_view text);
void append_unseen(std::string& out, std::string_view type);
/// The name at `index` of `signature`, a printed list of enumerators, if it is one, else "Type(value)".
void append_enumerator(std::string& out, std::string_view type, std::string_view signature, std::size_t index,
                       std::string_view value);

template <class T>
concept DescribesItself = requires(const T& value) {
  { orrery_describe(value) } -> std::convertible_to<std::string>;
};

template <class T>
void append_integer(std::string& out, T value) {
  if constexpr (std::is_signed_v<T>) {
    append_signed(out, static_cast<std::int64_t>(value));
  } else {
    append_unsigned(out, static_cast<std::uint64_t>(value));
  }
}

/// One function for all values of an enum: the compiler prints the list, and it is read only when it is
/// needed.
template <auto... Values>
constexpr std::string_view spelled_values() {
  return __PRETTY_FUNCTION__;
}

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunknown-warning-option"  // newer versions make the next one a plain error
#pragma clang diagnostic ignored "-Wenum-constexpr-conversion"
#endif

/// How many of the values 0 .. 63 may be named in a constant: an old enum without a fixed type is only as
/// wide as its enumerators need, and some compilers refuse the rest.
template <class T>
consteval std::size_t enumerator_limit() {
  if constexpr (requires { typename std::integral_constant<T, static_cast<T>(63)>; }) {
    return 64;
  } else if constexpr (requires { typename std::integral_constant<T, static_cast<T>(15)>; }) {
    return 16;
  } else if constexpr (requires { typename std::integral_constant<T, static_cast<T>(3)>; }) {
    return 4;
  } else {
    return 2;
  }
}

template <class T>
consteval std::string_view spelled_enumerators() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return spelled_values<std::bit_cast<T>(static_cast<std::underlying_type_t<T>>(I))...>();
  }(std::make_index_sequence<enumerator_limit<T>()>{});
}

#ifdef __clang__
#pragma clang diagnostic pop
#endif

template <class T>
void append_enum(std::string& out, T value) {
  const auto number = static_cast<std::underlying_type_t<T>>(value);
  std::string digits;
  append_integer(digits, number);
  append_enumerator(out, type_name<T>(), spelled_enumerators<T>(), static_cast<std::size_t>(number), digits);
}

/// Exact where the unit is a whole number of nanoseconds and the value fits, else "count x num/den s".
template <class Rep, class Period>
void append_duration(std::string& out, std::chrono::duration<Rep, Period> span) {
  using Nanoseconds = std::ratio_divide<Period, std::nano>;
  if constexpr (std::is_integral_v<Rep> && Nanoseconds::den == 1) {
    constexpr std::int64_t count_max = INT64_MAX / Nanoseconds::num;
    if (std::cmp_less_equal(span.count(), count_max) && std::cmp_greater_equal(span.count(), -count_max)) {
      out += format_duration(Duration(static_cast<std::int64_t>(span.count()) * Nanoseconds::num));
      return;
    }
  }
  if constexpr (std::is_integral_v<Rep>) {
    append_integer(out, span.count());
  } else if constexpr (std::is_floating_point_v<Rep>) {
    append_floating(out, span.count());
  } else {
    append_unseen(out, type_name<Rep>());
  }
  out += " x ";
  append_signed(out, Period::num);
  out += '/';
  append_signed(out, Period::den);
  out += 's';
}

template <class T>
void describe_value(Description& to, const T& value);

template <class T>
void describe_elements(Description& to, const T& range) {
  const std::size_t size = size_of(range);
  std::size_t shown = 0;
  for (auto at = range.begin(); at != range.end(); ++at) {
    if (shown != 0) to.out += ", ";
    if (shown == describe_elements_max || to.is_full()) {
      to.out += "… ";
      append_unsigned(to.out, size);
      to.out += " in all";
      return;
    }
    if constexpr (value_kind<T> == ValueKind::map) {
      const auto& [key, mapped] = *at;
      describe_value(to, key);
      to.out += ": ";
      describe_value(to, mapped);
    } else {
      const typename T::value_type& element = *at;  // a value even where *at is a proxy, as in vector<bool>
      describe_value(to, element);
    }
    ++shown;
  }
}

template <class T>
void describe_range(Description& to, const T& range) {
  constexpr bool is_sequence = value_kind<T> == ValueKind::sequence;
  to.out += is_sequence ? '[' : '{';
  describe_elements(to, range);
  to.out += is_sequence ? ']' : '}';
}

template <class T>
void describe_tuple(Description& to, const T& tuple) {
  to.out += '(';
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((to.out += I == 0 ? "" : ", ", describe_value(to, get<I>(tuple))), ...);
  }(std::make_index_sequence<std::tuple_size_v<T>>{});
  to.out += ')';
}

template <class T>
void describe_aggregate(Description& to, const T& value) {
  to.out += type_name<T>();
  to.out += '{';
  bool first = true;
  for_each_field(value, [&](std::string_view name, const auto& field) {
    if (!first) to.out += ", ";
    first = false;
    to.out += name;
    to.out += '=';
    describe_value(to, field);
  });
  to.out += '}';
}

template <class T>
void describe_expected(Description& to, const T& value) {
  if (!value.has_value()) {
    to.out += "error(";
    describe_value(to, value.error());
    to.out += ')';
  } else if constexpr (std::is_void_v<typename T::value_type>) {
    to.out += "ok";
  } else {
    describe_value(to, *value);
  }
}

template <class T>
void describe_owner(Description& to, const T& owner) {
  if (!static_cast<bool>(owner)) {
    to.out += "null";
  } else if constexpr (std::is_object_v<typename T::element_type> && requires { sizeof(*owner); }) {
    describe_value(to, *owner);
  } else {
    append_unseen(to.out, type_name<T>());
  }
}

template <class T>
void describe_nested(Description& to, const T& value) {
  constexpr ValueKind kind = value_kind<T>;
  if constexpr (kind == ValueKind::owner) {
    describe_owner(to, value);
  } else if constexpr (kind == ValueKind::optional) {
    value.has_value() ? describe_value(to, *value) : static_cast<void>(to.out += "none");
  } else if constexpr (kind == ValueKind::expected) {
    describe_expected(to, value);
  } else if constexpr (kind == ValueKind::variant) {
    if (value.valueless_by_exception()) {
      to.out += "valueless";
    } else {
      visit([&to](const auto& held) { describe_value(to, held); }, value);
    }
  } else if constexpr (kind == ValueKind::sequence || kind == ValueKind::map || kind == ValueKind::set) {
    describe_range(to, value);
  } else if constexpr (kind == ValueKind::tuple) {
    describe_tuple(to, value);
  } else {
    describe_aggregate(to, value);
  }
}

template <class T>
void describe_by_kind(Description& to, const T& value) {
  constexpr ValueKind kind = value_kind<T>;
  if constexpr (kind == ValueKind::boolean) {
    to.out += value ? "true" : "false";
  } else if constexpr (kind == ValueKind::character) {
    append_character(to.out, value);
  } else if constexpr (kind == ValueKind::integer) {
    append_integer(to.out, value);
  } else if constexpr (kind == ValueKind::floating) {
    append_floating(to.out, value);
  } else if constexpr (kind == ValueKind::enumeration) {
    append_enum(to.out, value);
  } else if constexpr (kind == ValueKind::text) {
    append_text(to.out, text_of(value));
  } else if constexpr (kind == ValueKind::duration) {
    append_duration(to.out, value);
  } else if constexpr (kind == ValueKind::time_point) {
    append_duration(to.out, value.time_since_epoch());
  } else if constexpr (kind == ValueKind::pointer) {
    if (value == nullptr) {
      to.out += "null";
    } else {
      append_unseen(to.out, type_name<T>());
    }
  } else if constexpr (kind == ValueKind::unordered || kind == ValueKind::opaque) {
    append_unseen(to.out, type_name<T>());
  } else if (to.enter()) {
    describe_nested(to, value);
    to.leave();
  }
}

template <class T>
void describe_value(Description& to, const T& value) {
  if constexpr (DescribesItself<T>) {
    to.out += orrery_describe(value);
  } else {
    describe_by_kind(to, value);
  }
}
}  // namespace orrery::detail
