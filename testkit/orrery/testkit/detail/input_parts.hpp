// input_parts.hpp: the simple values that an input is made of, by name, so that one of them can be exchanged.
// Why:  "input[1].amount = 100 (any other value passes)" says more about a failure than the whole input does.
// How:  lists element by element, aggregates field by field, pairs and tuples by their places; all else is one value. A part
//       is exchanged for one that the generator has made for a part of the same sort ("[*].amount") in another input, so
//       that what a rule allows for a field is what it gets.
// Not so: rules between several fields or elements are not known here, and may be broken.
#pragma once
#include "orrery/core/describe.hpp"
#include "orrery/core/reflect.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <deque>
#include <list>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace orrery::testkit::detail {

template <class T>
struct IsListOfParts : std::false_type {};
template <class T, class A>
struct IsListOfParts<std::vector<T, A>> : std::bool_constant<!std::same_as<T, bool>> {};
template <class T, class A>
struct IsListOfParts<std::deque<T, A>> : std::true_type {};
template <class T, class A>
struct IsListOfParts<std::list<T, A>> : std::true_type {};
template <class T, std::size_t N>
struct IsListOfParts<std::array<T, N>> : std::true_type {};

template <class T>
struct IsPlacesOfParts : std::false_type {};
template <class First, class Second>
struct IsPlacesOfParts<std::pair<First, Second>> : std::true_type {};
template <class... T>
struct IsPlacesOfParts<std::tuple<T...>> : std::true_type {};

/// Where a part is: its own name, and that of all parts of its sort.
struct PartName {
  std::string name;
  std::string sort;
};

/// Calls `visit(PartName, part)` with each part of `value`, in order.
template <class T, class Visit>
void for_each_part(T& value, const PartName& at, const Visit& visit) {
  using Plain = std::remove_const_t<T>;
  if constexpr (IsListOfParts<Plain>::value) {
    std::size_t index = 0;
    for (auto& element : value) {
      for_each_part(element, {.name = at.name + "[" + std::to_string(index++) + "]", .sort = at.sort + "[*]"}, visit);
    }
  } else if constexpr (IsPlacesOfParts<Plain>::value) {
    std::size_t place = 0;
    std::apply(
        [&](auto&... each) {
          const auto one = [&](auto& element) {
            const std::string suffix = "(" + std::to_string(++place) + ")";
            for_each_part(element, {.name = at.name + suffix, .sort = at.sort + suffix}, visit);
          };
          (one(each), ...);
        },
        value);
  } else if constexpr (Reflectable<Plain> && std::is_class_v<Plain>) {
    for_each_field(value, [&](std::string_view field, auto& element) {
      const std::string suffix = "." + std::string{field};
      for_each_part(element, {.name = at.name + suffix, .sort = at.sort + suffix}, visit);
    });
  } else {
    visit(at, value);
  }
}

}  // namespace orrery::testkit::detail
