// model_value.hpp: the hash and the size of a state of a model, whatever it is made of.
// Why:  the search for a linearization keeps every state once, so it looks them up by hash, and it must know what they
//       cost. A model is a plain value and should not have to write either.
// How:  hash() and bytes() of the model, where it has them; else its parts are walked. Equality decides in the end: a hash
//       that leaves something out makes the search slow, and never wrong.
#pragma once
#include "orrery/core/detail/value_kind.hpp"
#include "orrery/core/hash_value.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace orrery::testkit::detail {

using orrery::detail::ValueKind;

template <class T>
void hash_state(TraceHasher& hasher, const T& value) {
  constexpr ValueKind kind = orrery::detail::value_kind<T>;
  if constexpr (requires {
                  { value.hash() } -> std::convertible_to<std::uint64_t>;
                }) {
    hasher.add(value.hash());
  } else if constexpr (orrery::detail::HashesItself<T>) {
    orrery_hash(hasher, value);
  } else if constexpr (kind == ValueKind::sequence || kind == ValueKind::map || kind == ValueKind::set) {
    std::uint64_t count = 0;
    for (const auto& element : value) {
      hash_state<typename T::value_type>(hasher, element);
      ++count;
    }
    hasher.add(count);
  } else if constexpr (kind == ValueKind::unordered) {
    std::uint64_t sum = 0;  // equal contents, whatever their order
    for (const auto& element : value) {
      TraceHasher one;
      hash_state(one, element);
      sum += one.value().lo;
    }
    hasher.add(sum);
  } else if constexpr (kind == ValueKind::variant) {
    hasher.add(value.index());
    if (!value.valueless_by_exception()) std::visit([&](const auto& one) { hash_state(hasher, one); }, value);
  } else if constexpr (kind == ValueKind::optional) {
    hasher.add(value.has_value() ? 1 : 0);
    if (value.has_value()) hash_state(hasher, *value);
  } else if constexpr (kind == ValueKind::tuple) {
    std::apply([&](const auto&... part) { (hash_state(hasher, part), ...); }, value);
  } else if constexpr (kind == ValueKind::aggregate) {
    for_each_field(value, [&](std::string_view, const auto& field) { hash_state(hasher, field); });
  } else {
    hash_value(hasher, value);
  }
}

template <class T>
[[nodiscard]] std::uint64_t state_hash(const T& value) {
  TraceHasher hasher;
  hash_state(hasher, value);
  return hasher.value().lo;
}

/// Returns: about how many bytes the value holds besides its own sizeof.
template <class T>
[[nodiscard]] std::size_t bytes_outside(const T& value) {
  constexpr ValueKind kind = orrery::detail::value_kind<T>;
  std::size_t sum = 0;
  if constexpr (requires {
                  { value.bytes() } -> std::convertible_to<std::size_t>;
                }) {
    sum = value.bytes();
  } else if constexpr (kind == ValueKind::text) {
    if constexpr (requires { value.capacity(); }) sum = value.capacity() < sizeof(T) ? 0 : value.capacity() + 1;
  } else if constexpr (kind == ValueKind::sequence || kind == ValueKind::map || kind == ValueKind::set ||
                       kind == ValueKind::unordered) {
    constexpr std::size_t links = kind == ValueKind::sequence ? 0 : 4 * sizeof(void*);
    for (const auto& element : value) {
      sum += sizeof(typename T::value_type) + links + bytes_outside<typename T::value_type>(element);
    }
  } else if constexpr (kind == ValueKind::variant) {
    if (!value.valueless_by_exception()) std::visit([&](const auto& one) { sum = bytes_outside(one); }, value);
  } else if constexpr (kind == ValueKind::optional) {
    if (value.has_value()) sum = bytes_outside(*value);
  } else if constexpr (kind == ValueKind::tuple) {
    std::apply([&](const auto&... part) { ((sum += bytes_outside(part)), ...); }, value);
  } else if constexpr (kind == ValueKind::aggregate) {
    for_each_field(value, [&](std::string_view, const auto& field) { sum += bytes_outside(field); });
  }
  return sum;
}

/// Whether == can be asked. The standard's variants and vectors say they can, whatever they hold.
template <class T>
inline constexpr bool is_comparable = std::equality_comparable<T>;
template <class... T>
inline constexpr bool is_comparable<std::variant<T...>> = (is_comparable<T> && ...);
template <class T, class A>
inline constexpr bool is_comparable<std::vector<T, A>> = is_comparable<T>;
template <class A, class B>
inline constexpr bool is_comparable<std::pair<A, B>> = is_comparable<A> && is_comparable<B>;

}  // namespace orrery::testkit::detail
