// value_kind.hpp: what sort of value a type holds, decided once for printing and hashing alike.
// Why:  describe and hash_value must agree on what they see, and both are compiled with every message. The
//       kinds are recognised by their members, so that <optional>, <variant> and <map> need not be included
//       for it.
#pragma once
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "orrery/core/reflect.hpp"

namespace orrery::detail {
enum class ValueKind : std::uint8_t {
  boolean,
  character,  // char only: signed char and unsigned char are small numbers
  integer,
  floating,
  enumeration,
  text,
  duration,
  time_point,
  pointer,
  owner,  // unique_ptr, shared_ptr
  optional,
  expected,
  variant,
  sequence,
  map,
  set,
  unordered,
  tuple,
  aggregate,
  opaque
};

template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;
template <class T>
inline constexpr bool is_time_point = false;
template <class Clock, class Span>
inline constexpr bool is_time_point<std::chrono::time_point<Clock, Span>> = true;

/// std::string, std::string_view, their kin with other allocators, and char arrays.
template <class T>
concept TextLike =
    (std::is_array_v<T> && std::is_same_v<std::remove_extent_t<T>, char>) ||
    (requires { typename T::traits_type; } && requires(const T& text) { std::string_view(text.data(), text.size()); });

/// Elements that are reached as value_type; leaves out std::filesystem::path, whose elements are paths again.
template <class T>
concept RangeLike = requires(const T& range) {
  typename T::value_type;
  { range.begin() != range.end() } -> std::convertible_to<bool>;
  { *range.begin() } -> std::convertible_to<const typename T::value_type&>;
} && !std::is_same_v<typename T::value_type, T>;

template <class T>
concept OptionalLike = requires(const T& value) {
  typename T::value_type;
  { value.has_value() } -> std::same_as<bool>;
  *value;
};

template <class T>
concept ExpectedLike = OptionalLike<T> && requires(const T& value) {
  typename T::error_type;
  value.error();
};

template <class T>
concept VariantLike = requires(const T& value) {
  { value.index() } -> std::same_as<std::size_t>;
  { value.valueless_by_exception() } -> std::same_as<bool>;
};

template <class T>
concept OwnerLike = requires(const T& owner) {
  typename T::element_type;
  owner.get();
  static_cast<bool>(owner);
};

template <class T>
concept TupleLike = requires { std::tuple_size<T>::value; };

template <class T>
consteval ValueKind find_value_kind() {
  using enum ValueKind;
  if constexpr (std::is_same_v<T, bool>)
    return boolean;
  else if constexpr (std::is_same_v<T, char>)
    return character;
  else if constexpr (std::is_integral_v<T>)
    return sizeof(T) <= 8 ? integer : opaque;
  else if constexpr (std::is_floating_point_v<T>)
    return floating;
  else if constexpr (std::is_enum_v<T>)
    return enumeration;
  else if constexpr (std::is_pointer_v<T> || std::is_member_pointer_v<T> || std::is_null_pointer_v<T>)
    return pointer;
  else if constexpr (TextLike<T>)
    return text;
  else if constexpr (!std::is_class_v<T>)
    return opaque;
  else if constexpr (is_duration<T>)
    return duration;
  else if constexpr (is_time_point<T>)
    return time_point;
  else if constexpr (RangeLike<T>) {
    if constexpr (requires { typename T::hasher; })
      return unordered;
    else if constexpr (requires { typename T::mapped_type; })
      return map;
    else if constexpr (requires { typename T::key_type; })
      return set;
    else
      return sequence;
  } else if constexpr (ExpectedLike<T>)
    return expected;
  else if constexpr (OptionalLike<T>)
    return optional;
  else if constexpr (VariantLike<T>)
    return variant;
  else if constexpr (OwnerLike<T>)
    return owner;
  else if constexpr (TupleLike<T>)
    return tuple;
  else if constexpr (Reflectable<T>)
    return aggregate;
  else
    return opaque;
}

/// A char array is read up to its first zero.
template <TextLike T>
constexpr std::string_view text_of(const T& text) {
  if constexpr (std::is_array_v<T>) {
    const std::string_view whole(text, std::extent_v<T>);
    return whole.substr(0, whole.find('\0'));
  } else {
    return {text.data(), text.size()};
  }
}

template <RangeLike T>
constexpr std::size_t size_of(const T& range) {
  if constexpr (requires { range.size(); }) {
    return static_cast<std::size_t>(range.size());
  } else {  // std::forward_list
    std::size_t size = 0;
    for (auto element = range.begin(); element != range.end(); ++element) ++size;
    return size;
  }
}

template <class T>
inline constexpr ValueKind value_kind = find_value_kind<T>();
}  // namespace orrery::detail
