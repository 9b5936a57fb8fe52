// bounds.hpp: what a generated input may hold, where not everything makes sense.
// How:  for a parameter of a body, a type that says so: `[](sim::World& w, props::Between<1, 5> writers)`. For fields of a plain
//       struct, rules beside it, once:
//
//         template <>
//         struct orrery::props::Rules<Deposit> {
//           static auto rules() {
//             return std::tuple{rule(&Deposit::amount, between(1, 100)), rule(&Deposit::memo, text_of("abc", 8))};
//           }
//         };
//
//       Fields without a rule are generated as ever. A rule is any rc::Gen, so it shrinks as that does: towards the smallest
//       number, the first of a choice, the shortest text of first letters. T must be T{} without arguments.
// Source:  SPEC P1.
#pragma once
#include "orrery/core/reflect.hpp"

#include <rapidcheck.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace orrery::props {

/// Specialise it: `static auto rules()` gives a tuple of rule(&T::field, generator).
template <class T>
struct Rules {};

template <class T, class Field>
struct Rule {
  Field T::* field;
  rc::Gen<Field> gen;
};

/// `generator`: of something that converts to the field.
template <class T, class Field, class Made>
[[nodiscard]] Rule<T, Field> rule(Field T::* field, rc::Gen<Made> generator) {
  if constexpr (std::same_as<Field, Made>) {
    return {field, std::move(generator)};
  } else {
    return {field, rc::gen::map(std::move(generator), [](Made made) { return static_cast<Field>(std::move(made)); })};
  }
}

/// A number from `least` to `most`, both included. Shrinks towards `least`.
template <std::integral T>
[[nodiscard]] rc::Gen<T> between(T least, T most) {
  using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
  return rc::gen::map(rc::gen::resize(rc::kNominalSize, rc::gen::inRange<Wide>(0, static_cast<Wide>(most - least) + 1)),
                      [least](Wide above) { return static_cast<T>(static_cast<Wide>(least) + above); });
}

/// One of these. Shrinks towards the first.
template <class T>
[[nodiscard]] rc::Gen<T> one_of(std::vector<T> values) {
  return rc::gen::map(rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::size_t>(0, values.size())),
                      [values](std::size_t index) { return values[index]; });
}

/// A text of these letters, at most `length_max` long.
[[nodiscard]] inline rc::Gen<std::string> text_of(std::string_view alphabet, std::size_t length_max) {
  return rc::gen::resize(static_cast<int>(length_max),
                         rc::gen::container<std::string>(one_of(std::vector<char>(alphabet.begin(), alphabet.end()))));
}

/// A number in a range, as a parameter of a body or a field.
template <std::int64_t least, std::int64_t most>
struct Between {
  static_assert(least <= most);
  using orrery_opaque = void;  // generated as it says
  std::int64_t value = least;
  operator std::int64_t() const noexcept { return value; }  // NOLINT: implicit on purpose
  friend bool operator==(const Between&, const Between&) = default;
  friend std::string orrery_describe(const Between& number) { return std::to_string(number.value); }
};

namespace detail {

template <class T>
concept HasRules = requires { Rules<T>::rules(); };

/// Returns: the rule for the field number `place` of T, if it has one.
template <class T, std::size_t place, class Field>
[[nodiscard]] std::optional<rc::Gen<Field>> rule_of() {
  const T probe{};
  const void* address = nullptr;
  std::size_t at = 0;
  for_each_field(probe, [&](std::string_view, const auto& field) {
    if (at++ == place) address = &field;
  });
  std::optional<rc::Gen<Field>> found;
  std::apply(
      [&](const auto&... each) {
        const auto look = [&](const auto& one) {
          if constexpr (std::same_as<std::remove_cvref_t<decltype(one.gen)>, rc::Gen<Field>>) {
            if (static_cast<const void*>(&(probe.*one.field)) == address) found = one.gen;
          }
        };
        (look(each), ...);
      },
      Rules<T>::rules());
  return found;
}

}  // namespace detail

}  // namespace orrery::props

template <std::int64_t least, std::int64_t most>
struct rc::Arbitrary<orrery::props::Between<least, most>> {
  static Gen<orrery::props::Between<least, most>> arbitrary() {
    return gen::map(orrery::props::between(least, most),
                    [](std::int64_t value) { return orrery::props::Between<least, most>{value}; });
  }
};
