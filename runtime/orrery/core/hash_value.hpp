// hash_value.hpp: what a value adds to the hash of a trace.
// Why:  the trace of a run must be the same from every compiler, library, CPU and optimisation level. So only
//       what has one value everywhere is hashed; everything else adds the name of its type.
// Always true:  (V1) the words added are a function of the value alone: no address, padding, library type or
//                    order of an unordered container takes part
// Encoding, in words of TraceHasher:
//   - bool, char, unsigned: the value, zero-extended; char as 0..255, wchar_t as 32 bits
//   - signed integer: the value, sign-extended; enum: its underlying integer
//   - text: add_bytes
//   - duration: nanoseconds modulo 2^64 where the period is a whole number of them, else the count;
//     time_point: its time since epoch
//   - optional: 0, or 1 and the value
//   - expected: 0 and the error, or 1 and the value (nothing for void)
//   - vector and other sequences: the size, then the elements; std::array has its size in its type, adds none
//   - pair, tuple, aggregate: the elements or fields in declared order
//   - all else, as floats, pointers, owners, maps, sets, variants, opaque classes: hash_text(type_name)
// Customising:  `void orrery_hash(TraceHasher&, const T&)`, found by argument-dependent lookup, wins.
#pragma once
#include "orrery/core/detail/value_kind.hpp"
#include "orrery/core/hash.hpp"

namespace orrery {
namespace detail {
template <class T>
concept HashesItself = requires(TraceHasher& hasher, const T& value) { orrery_hash(hasher, value); };

template <class T>
constexpr std::uint64_t widened(T value) {
  if constexpr (std::is_same_v<T, char>) {
    return static_cast<unsigned char>(value);  // char is signed on some CPUs only
  } else if constexpr (std::is_same_v<T, wchar_t>) {
    return static_cast<std::uint32_t>(value);  // so is wchar_t
  } else {
    return static_cast<std::uint64_t>(value);  // a signed value is sign-extended
  }
}

template <class Rep, class Period>
constexpr void hash_duration(TraceHasher& hasher, std::chrono::duration<Rep, Period> span) {
  if constexpr (!std::is_integral_v<Rep>) {
    hasher.add(hash_text(type_name<Rep>()));
  } else if constexpr (std::ratio_divide<Period, std::nano>::den == 1) {
    hasher.add(widened(span.count()) * static_cast<std::uint64_t>(std::ratio_divide<Period, std::nano>::num));
  } else {
    hasher.add(widened(span.count()));
  }
}
}  // namespace detail

/// Adds `value` to `hasher`, in the encoding described at the top of this file.
///
/// Threads: any.    Cost: one TraceHasher::add per scalar, no allocation.
template <class T>
constexpr void hash_value(TraceHasher& hasher, const T& value) {
  using detail::ValueKind;
  if constexpr (detail::HashesItself<T>) {
    orrery_hash(hasher, value);
  } else {
    constexpr ValueKind kind = detail::value_kind<T>;
    if constexpr (kind == ValueKind::boolean || kind == ValueKind::character || kind == ValueKind::integer) {
      hasher.add(detail::widened(value));
    } else if constexpr (kind == ValueKind::enumeration) {
      hasher.add(detail::widened(static_cast<std::underlying_type_t<T>>(value)));
    } else if constexpr (kind == ValueKind::text) {
      hasher.add_bytes(detail::text_of(value));
    } else if constexpr (kind == ValueKind::duration) {
      detail::hash_duration(hasher, value);
    } else if constexpr (kind == ValueKind::time_point) {
      detail::hash_duration(hasher, value.time_since_epoch());
    } else if constexpr (kind == ValueKind::optional) {
      hasher.add(value.has_value() ? 1 : 0);
      if (value.has_value()) hash_value(hasher, *value);
    } else if constexpr (kind == ValueKind::expected) {
      hasher.add(value.has_value() ? 1 : 0);
      if (!value.has_value()) {
        hash_value(hasher, value.error());
      } else if constexpr (!std::is_void_v<typename T::value_type>) {
        hash_value(hasher, *value);
      }
    } else if constexpr (kind == ValueKind::sequence) {
      if constexpr (!detail::TupleLike<T>) hasher.add(detail::size_of(value));
      for (const typename T::value_type& element : value) hash_value(hasher, element);
    } else if constexpr (kind == ValueKind::tuple) {
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        (hash_value(hasher, get<I>(value)), ...);
      }(std::make_index_sequence<std::tuple_size_v<T>>{});
    } else if constexpr (kind == ValueKind::aggregate) {
      for_each_field(value, [&hasher](std::string_view, const auto& field) { hash_value(hasher, field); });
    } else {
      hasher.add(hash_text(type_name<T>()));
    }
  }
}
}  // namespace orrery
