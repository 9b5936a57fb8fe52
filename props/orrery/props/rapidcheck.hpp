// rapidcheck.hpp: generated inputs by rapidcheck, behind testkit::Arbitrary.
// Why:  rapidcheck knows how to generate and shrink values; the loop, the schedule and the record are ours. It serves
//       here as a library of values only.
// How:  gen(rc::Random(seed), size) gives a tree of values; a path of child indexes in it names the shrunk one. What an
//       input is made of is taken apart by type: aggregates field by field (by reflection), lists, optionals, pairs and
//       tuples by their elements, variants by their alternatives, enums by their named values from 0 to 63. A list, a map or
//       a string anywhere in it holds at most InputOrigin::commands elements. A duration is 0 to 10 s in whole milliseconds,
//       more often short. Fields can have rules of their own (bounds.hpp). Everything else, and any type with an
//       rc::Arbitrary of its own, is left to rapidcheck.
// Use rc::check itself for code without actors.
// Source:  SPEC P1.
#pragma once
#include "orrery/core/describe.hpp"
#include "orrery/core/reflect.hpp"
#include "orrery/props/bounds.hpp"
#include "orrery/testkit/input.hpp"

#include <rapidcheck.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace orrery::props::detail {

template <class T>
struct IsStdArray : std::false_type {};
template <class T, std::size_t N>
struct IsStdArray<std::array<T, N>> : std::true_type {};

/// A struct of fields that can each be generated, and no type of the standard library.
template <class T>
concept GeneratedByField = Reflectable<T> && !IsStdArray<T>::value && std::is_class_v<T>;

/// `generate` is called as generate.template operator()<place, Field>() for each field.
template <class T, class Generate, std::size_t... I>
rc::Gen<T> by_field(const Generate& generate, std::index_sequence<I...>) {
  if constexpr (sizeof...(I) == 0) {
    return rc::gen::just(T{});
  } else {
    using Fields = std::tuple<std::remove_cvref_t<field_type<T, I>>...>;
    return rc::gen::map(rc::gen::tuple(generate.template operator()<I, std::tuple_element_t<I, Fields>>()...),
                        [](Fields fields) { return T{std::move(std::get<I>(fields))...}; });
  }
}

template <class T>
concept NamedEnum = std::is_enum_v<T> && !std::is_convertible_v<T, std::underlying_type_t<T>>;

/// The values of an enum class that have a name, smallest first.
template <NamedEnum T>
std::vector<T> named_values() {
  std::vector<T> values;
  for (int number = 0; number < 64; ++number) {
    const auto value = static_cast<T>(number);
    if (!describe(value).ends_with(')')) values.push_back(value);  // the others are "Colour(7)"
  }
  if (values.empty()) values.push_back(T{});
  return values;
}

}  // namespace orrery::props::detail

namespace rc {

/// Aggregates, field by field, and enum classes, by name. A type with its own rc::Arbitrary keeps it.
template <orrery::props::detail::GeneratedByField T>
struct Arbitrary<T> {
  using orrery_by_field = void;
  static Gen<T> arbitrary() {
    return orrery::props::detail::by_field<T>([]<std::size_t, class Field>() { return rc::gen::arbitrary<Field>(); },
                                              std::make_index_sequence<orrery::field_count<T>>{});
  }
};
template <orrery::props::detail::NamedEnum T>
struct Arbitrary<T> {
  static Gen<T> arbitrary() {
    const std::vector<T> values = orrery::props::detail::named_values<T>();
    return gen::map(gen::resize(kNominalSize, gen::inRange<std::size_t>(0, values.size())),
                    [values](std::size_t index) { return values[index]; });
  }
};

}  // namespace rc

namespace orrery::props::detail {

/// No rc::Arbitrary of its own.
template <class T>
concept LeftToUs = GeneratedByField<T> && requires { typename rc::Arbitrary<T>::orrery_by_field; };
template <class T>
concept Container = requires(const T& value) {
  typename T::value_type;
  value.begin();
  value.size();
} && !IsStdArray<T>::value;

template <class T>
struct InputOf {
  static rc::Gen<T> gen(const testkit::InputOrigin& origin) {
    if constexpr (LeftToUs<T>) {
      return by_field<T>(
          [&]<std::size_t place, class Field>() {
            if constexpr (HasRules<T>) {
              if (auto ruled = rule_of<T, place, Field>()) return *ruled;
            }
            return InputOf<Field>::gen(origin);
          },
          std::make_index_sequence<field_count<T>>{});
    } else if constexpr (Container<T>) {
      return rc::gen::resize(origin.commands, rc::gen::arbitrary<T>());
    } else {
      return rc::gen::resize(origin.values, rc::gen::arbitrary<T>());
    }
  }
};

template <class List, class T>
struct InputOfList {
  static rc::Gen<List> gen(const testkit::InputOrigin& origin) {
    return rc::gen::resize(origin.commands, rc::gen::container<List>(InputOf<T>::gen(origin)));
  }
};
template <class T>
struct InputOf<std::vector<T>> : InputOfList<std::vector<T>, T> {};
template <class T>
struct InputOf<std::deque<T>> : InputOfList<std::deque<T>, T> {};
template <class T>
struct InputOf<std::list<T>> : InputOfList<std::list<T>, T> {};

/// Made of a list, of which equal keys leave the first: rapidcheck's own way gives up where there are few keys.
template <class Unique, class T>
struct InputOfUnique {
  static rc::Gen<Unique> gen(const testkit::InputOrigin& origin) {
    return rc::gen::map(InputOf<std::vector<T>>::gen(origin),
                        [](std::vector<T> all) { return Unique(all.begin(), all.end()); });
  }
};
template <class T>
struct InputOf<std::set<T>> : InputOfUnique<std::set<T>, T> {};
template <class K, class V>
struct InputOf<std::map<K, V>> : InputOfUnique<std::map<K, V>, std::pair<K, V>> {};
template <class T, std::size_t N>
struct InputOf<std::array<T, N>> {
  static rc::Gen<std::array<T, N>> gen(const testkit::InputOrigin& origin) {
    return rc::gen::container<std::array<T, N>>(InputOf<T>::gen(origin));
  }
};

/// Shrinks towards the first alternative, then within one.
template <class... T>
struct InputOf<std::variant<T...>> {
  static rc::Gen<std::variant<T...>> gen(const testkit::InputOrigin& origin) {
    using Any = std::variant<T...>;
    const auto each = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::vector<rc::Gen<Any>>{rc::gen::map(
          InputOf<T>::gen(origin), [](T value) { return Any{std::in_place_index<I>, std::move(value)}; })...};
    }(std::index_sequence_for<T...>{});
    auto which = rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::size_t>(0, sizeof...(T)));
    return rc::gen::mapcat(std::move(which), [each](std::size_t index) { return each[index]; });
  }
};

/// A third is 0, a third below 10 ms, the rest up to 10 s.
template <class Rep, class Period>
struct InputOf<std::chrono::duration<Rep, Period>> {
  static rc::Gen<std::chrono::duration<Rep, Period>> gen(const testkit::InputOrigin&) {
    auto drawn = rc::gen::resize(rc::kNominalSize, rc::gen::pair(rc::gen::inRange(0, 3), rc::gen::inRange(0, 10'000)));
    return rc::gen::map(std::move(drawn), [](std::pair<int, int> parts) {
      const int length = parts.first == 0 ? 0 : parts.first == 1 ? parts.second / 1'000 : parts.second;
      return std::chrono::duration_cast<std::chrono::duration<Rep, Period>>(std::chrono::milliseconds{length});
    });
  }
};

template <class T>
struct InputOf<std::optional<T>> {
  static rc::Gen<std::optional<T>> gen(const testkit::InputOrigin& origin) {
    // One in four is empty; rapidcheck's own maybe() is nearly never.
    auto filled = rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, 4));
    return rc::gen::map(rc::gen::pair(std::move(filled), InputOf<T>::gen(origin)), [](std::pair<int, T> drawn) {
      return drawn.first == 0 ? std::nullopt : std::optional<T>{std::move(drawn.second)};
    });
  }
};
template <class First, class Second>
struct InputOf<std::pair<First, Second>> {
  static rc::Gen<std::pair<First, Second>> gen(const testkit::InputOrigin& origin) {
    return rc::gen::pair(InputOf<First>::gen(origin), InputOf<Second>::gen(origin));
  }
};
template <class... T>
struct InputOf<std::tuple<T...>> {
  static rc::Gen<std::tuple<T...>> gen(const testkit::InputOrigin& origin) {
    return rc::gen::tuple(InputOf<T>::gen(origin)...);
  }
};

}  // namespace orrery::props::detail

namespace orrery::props {

template <class T>
class RapidcheckSample final : public testkit::Sample<T> {
 public:
  explicit RapidcheckSample(rc::Shrinkable<T> shrinkable) : shrinkable_{std::move(shrinkable)} {}
  [[nodiscard]] T value() const override { return shrinkable_.value(); }
  [[nodiscard]] std::unique_ptr<testkit::Sample<T>> simpler(std::size_t index) const override {
    auto children = shrinkable_.shrinks();
    for (std::size_t i = 0;; ++i) {
      auto child = children.next();
      if (!child) return nullptr;
      if (i == index) return std::make_unique<RapidcheckSample>(std::move(*child));
    }
  }

 private:
  rc::Shrinkable<T> shrinkable_;
};

}  // namespace orrery::props

namespace orrery::testkit {

template <class T>
struct Arbitrary {
  static std::unique_ptr<Sample<T>> generate(const InputOrigin& origin) {
    const auto gen = props::detail::InputOf<T>::gen(origin);
    return std::make_unique<props::RapidcheckSample<T>>(gen(rc::Random(origin.seed), origin.values));
  }
};

}  // namespace orrery::testkit
