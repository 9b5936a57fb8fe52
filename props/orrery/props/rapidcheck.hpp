// rapidcheck.hpp: generated inputs by rapidcheck, behind testkit::Arbitrary.
// Why:  rapidcheck knows how to generate and shrink values; the loop, the schedule and the record are ours. It serves
//       here as a library of values only.
// How:  gen(rc::Random(seed), size) gives a tree of values; a path of child indexes in it names the shrunk one. Plain
//       aggregates are generated field by field, by reflection; a vector holds at most `size` elements.
// Use rc::check itself for code without actors.
// Source:  SPEC P1.
#pragma once
#include "orrery/core/reflect.hpp"
#include "orrery/testkit/input.hpp"

#include <rapidcheck.h>

#include <array>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace orrery::props::detail {

template <class T>
struct IsStdArray : std::false_type {};
template <class T, std::size_t N>
struct IsStdArray<std::array<T, N>> : std::true_type {};

/// A struct of fields that can each be generated, and no type of the standard library.
template <class T>
concept GeneratedByField = Reflectable<T> && !IsStdArray<T>::value && std::is_class_v<T>;

template <class T, std::size_t... I>
rc::Gen<T> by_field(std::index_sequence<I...>) {
  if constexpr (sizeof...(I) == 0) {
    return rc::gen::just(T{});
  } else {
    using Fields = std::tuple<std::remove_cvref_t<field_type<T, I>>...>;
    return rc::gen::map(rc::gen::tuple(rc::gen::arbitrary<std::tuple_element_t<I, Fields>>()...), [](Fields fields) {
      return T{std::move(std::get<I>(fields))...};
    });
  }
}

}  // namespace orrery::props::detail

namespace rc {

/// Aggregates, field by field. A type with its own rc::Arbitrary keeps it.
template <orrery::props::detail::GeneratedByField T>
struct Arbitrary<T> {
  static Gen<T> arbitrary() {
    return orrery::props::detail::by_field<T>(std::make_index_sequence<orrery::field_count<T>>{});
  }
};

}  // namespace rc

namespace orrery::props::detail {

template <class T>
struct InputOf {
  static rc::Gen<T> gen(const testkit::InputOrigin& origin) {
    return rc::gen::resize(origin.values, rc::gen::arbitrary<T>());
  }
};
template <class T>
struct InputOf<std::vector<T>> {
  static rc::Gen<std::vector<T>> gen(const testkit::InputOrigin& origin) {
    return rc::gen::resize(origin.commands, rc::gen::container<std::vector<T>>(InputOf<T>::gen(origin)));
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
