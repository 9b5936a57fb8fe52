// numbered.hpp: telling messages of one type apart.
// How:  a message's number is its first integer field, unless the program says otherwise:
//
//         template <>
//         struct orrery::props::Numbered<Deposit> {
//           static void set(Deposit& m, std::uint64_t number) { m.order.id = number; }
//           static std::uint64_t get(const Deposit& m) { return m.order.id; }
//         };
#pragma once
#include "orrery/core/check.hpp"
#include "orrery/core/reflect.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace orrery::props {

namespace detail {

template <class T>
inline constexpr bool is_number = std::integral<T> && !std::same_as<T, bool>;

inline constexpr std::size_t no_number = static_cast<std::size_t>(-1);

/// Returns: the place of the first integer field of M, or no_number.
template <class M>
consteval std::size_t number_place() {
  if constexpr (!Reflectable<M>) {
    return no_number;
  } else {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      std::size_t place = no_number;
      static_cast<void>(((is_number<field_type<M, I>> && place == no_number ? (place = I, true) : false) || ...));
      return place;
    }(std::make_index_sequence<field_count<M>>{});
  }
}

}  // namespace detail

template <class M>
struct Numbered {
  static void set(M& message, std::uint64_t number)
    requires(detail::number_place<M>() != detail::no_number)
  {
    std::size_t place = 0;
    for_each_field(message, [&](std::string_view, auto& field) {
      using Field = std::remove_cvref_t<decltype(field)>;
      if constexpr (detail::is_number<Field>) {
        if (place == detail::number_place<M>()) {
          field = static_cast<Field>(number);
          ORRERY_CHECK(static_cast<std::uint64_t>(field) == number, "the field is too small for so many messages");
        }
      }
      ++place;
    });
  }
  [[nodiscard]] static std::uint64_t get(const M& message)
    requires(detail::number_place<M>() != detail::no_number)
  {
    std::uint64_t number = 0;
    std::size_t place = 0;
    for_each_field(message, [&](std::string_view, const auto& field) {
      using Field = std::remove_cvref_t<decltype(field)>;
      if constexpr (detail::is_number<Field>) {
        if (place == detail::number_place<M>()) number = static_cast<std::uint64_t>(field);
      }
      ++place;
    });
    return number;
  }
};

/// A message that has a number.
template <class M>
concept HasNumber = requires(M& message, const M& same) {
  Numbered<M>::set(message, std::uint64_t{});
  { Numbered<M>::get(same) } -> std::convertible_to<std::uint64_t>;
};

/// Returns: an M like M{}, with that number.
template <HasNumber M>
  requires std::default_initializable<M>
[[nodiscard]] M make_numbered(std::uint64_t number) {
  M message{};
  Numbered<M>::set(message, number);
  return message;
}

}  // namespace orrery::props
