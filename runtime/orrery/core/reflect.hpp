// reflect.hpp: the fields of a plain struct, by name and in declared order, with nothing to write for it.
// Why:  messages and actors are plain structs. Reports want to print them, the trace wants to hash them,
//       generators want to fill them in; a macro or a hand-written list in each would be wrong sooner or
//       later.
// How:  the number of fields is the number of initialisers the struct takes, found with a value that converts
//       to anything. The fields themselves come from a structured binding, their names from the text the
//       compiler prints for a pointer to a field of an object that is declared and never defined.
// Always true:  (R1) a type is Reflectable or it is not; asking is an error only where "Not so" says it
//               (R2) fields are visited in declared order, each once, without a copy
// Not reflectable: classes that are no aggregates (constructors, private members, virtual functions), unions,
//               base classes, fields that are references, C arrays, bit-fields or volatile, more than 24
//               fields, a first field that can be built from anything (std::any: it could be a base class),
//               and types that ask to be left alone with `using orrery_opaque = void;`.
// Not so:       a struct with an anonymous union or anonymous struct inside, or with a defaulted field that
//               can be built neither from a converting value nor as a reference, does not compile here: give
//               it `orrery_opaque`.
// Not chosen:   Boost.PFR (no names in Debian 12's version); macros in user code.
// Source:       the techniques of A. Polukhin's Boost.PFR and of reflect-cpp, reduced to what is used here.
#pragma once
#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include "orrery/core/detail/fields.hpp"
#include "orrery/core/type_name.hpp"

namespace orrery {
namespace detail {
// --- how many fields ---

/// Converts to a value of any type but Owner (else a struct could be copied from it as its own first field).
/// It never runs; it has a body because constructors of the standard library that are looked at may name it
/// in theirs.
template <class Owner>
struct AnyValue {
  template <class T>
    requires(!std::is_same_v<T, Owner>)
  operator T() const noexcept {
    __builtin_unreachable();
  }
};

/// Converts to a reference to anything; finds the fields AnyValue cannot fill.
template <class Owner>
struct AnyReference {
  template <class T>
    requires(!std::is_same_v<T, Owner>)
  operator T&() const noexcept {
    __builtin_unreachable();
  }
};

/// Converts to the base classes of Owner and to nothing else.
template <class Owner>
struct AnyBase {
  template <class T>
    requires(!std::is_same_v<T, Owner> && std::is_base_of_v<T, Owner>)
  operator T() const noexcept {
    __builtin_unreachable();
  }
};

template <class T, std::size_t>
using AnyValueAt = AnyValue<T>;

template <class T, std::size_t... Before>
consteval bool takes_values(std::index_sequence<Before...>) {
  return requires { T{AnyValueAt<T, Before>{}...}; };
}
template <class T, class Last, std::size_t... Before>
consteval bool takes_values_then(std::index_sequence<Before...>) {
  return requires { T{AnyValueAt<T, Before>{}..., Last{}}; };
}
template <class T, class First, std::size_t... After>
consteval bool takes_values_after(std::index_sequence<After...>) {
  return requires { T{First{}, AnyValueAt<T, After>{}...}; };
}
template <class T, std::size_t... Before, std::size_t... After>
consteval bool takes_empty_braces(std::index_sequence<Before...>, std::index_sequence<After...>) {
  return requires { T{AnyValueAt<T, Before>{}..., {}, AnyValueAt<T, After>{}...}; };
}
template <class T, std::size_t... Before, std::size_t... Inside, std::size_t... After>
consteval bool takes_braces(std::index_sequence<Before...>, std::index_sequence<Inside...>,
                            std::index_sequence<After...>) {
  return requires { T{AnyValueAt<T, Before>{}..., {AnyValueAt<T, Inside>{}...}, AnyValueAt<T, After>{}...}; };
}

inline constexpr std::size_t not_countable = static_cast<std::size_t>(-1);

/// The largest number of values T can be initialised with. Below the number of its last field without a
/// default no number fits, so the search looks for the first fit and goes on to the last.
template <class T, std::size_t Count = 0, bool Found = false>
consteval std::size_t initializer_count() {
  constexpr bool fits = takes_values<T>(std::make_index_sequence<Count>{});
  if constexpr (Found && !fits) {
    return Count - 1;
  } else if constexpr (Count > fields_max) {
    return not_countable;
  } else {
    return initializer_count<T, Count + 1, fits>();
  }
}

/// A C array of Size elements takes Size initialisers without braces of its own, or one braced list of Size:
/// then the rest is what is left of Count, and not one more. A field of class type would leave room for more.
template <class T, std::size_t Count, std::size_t At, std::size_t Size>
consteval bool is_array_of() {
  constexpr auto before = std::make_index_sequence<At>{};
  constexpr auto inside = std::make_index_sequence<Size>{};
  constexpr std::size_t rest = Count - At - Size;
  if constexpr (takes_braces<T>(before, inside, std::make_index_sequence<rest>{})) {
    return !takes_braces<T>(before, inside, std::make_index_sequence<rest + 1>{});
  } else {
    return false;
  }
}

template <class T, std::size_t Count, std::size_t At>
consteval bool begins_array() {
  if constexpr (takes_empty_braces<T>(std::make_index_sequence<At>{}, std::make_index_sequence<Count - At - 1>{})) {
    return false;  // one {} took the place of one value: one field
  } else {         // an array, or a field without a default
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return (is_array_of<T, Count, At, I + 2>() || ...);
    }(std::make_index_sequence<(Count > At + 1 ? Count - At - 1 : 0)>{});
  }
}

/// The number of fields, or not_countable for what a structured binding could not take apart.
template <class T>
consteval std::size_t count_fields() {
  constexpr std::size_t count = initializer_count<T>();
  if constexpr (count == not_countable) {
    return not_countable;
  } else if constexpr (count == 0) {
    return std::is_empty_v<T> ? 0 : not_countable;
  } else if constexpr (takes_values_then<T, AnyReference<T>>(std::make_index_sequence<count>{})) {
    return not_countable;  // a reference with a default
  } else if constexpr (takes_values_after<T, AnyBase<T>>(std::make_index_sequence<count - 1>{})) {
    return not_countable;
  } else if constexpr ([]<std::size_t... I>(std::index_sequence<I...>) {
                         return (begins_array<T, count, I>() || ...);
                       }(std::make_index_sequence<count>{})) {
    return not_countable;
  } else {
    return count;
  }
}

// --- their names ---

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"  // never defined: only the names of its parts are used
#pragma clang diagnostic ignored "-Wundefined-internal"      // the same, for types of an anonymous namespace
#endif

template <class T>
struct Unbuilt {
  T value;
};
template <class T>
extern const Unbuilt<T> unbuilt;

/// A pointer in a class of its own: clang prints a bare pointer argument without the field's name.
template <class Pointer>
struct FieldPointer {
  Pointer pointer;
};
template <class Pointer>
FieldPointer(Pointer) -> FieldPointer<Pointer>;

template <std::size_t>
using Skipped = const volatile void*;

template <std::size_t... Before>
consteval auto pointer_after(std::index_sequence<Before...>) {
  return [](Skipped<Before>..., auto* pointer, auto*...) { return FieldPointer{pointer}; };
}

template <class T, std::size_t Count, std::size_t At>
constexpr auto field_pointer() {
  return visit_fields<Count>(unbuilt<T>.value, [](auto&... fields) {
    return pointer_after(std::make_index_sequence<At>{})(__builtin_addressof(fields)...);
  });
}

/// Returns a char pointer because g++ explains other return types behind the field.
template <auto Pointer>
consteval const char* spelled_field() {
  return __PRETTY_FUNCTION__;
}

/// The spelling ends in "...value.amount}]" or "...app::Withdraw::amount)}]".
template <class T, std::size_t Count, std::size_t At>
consteval std::string_view find_field_name() {
  constexpr std::string_view text = spelled_field<field_pointer<T, Count, At>()>();
  std::size_t end = text.size();
  while (!is_identifier_byte(text[end - 1])) --end;
  std::size_t begin = end;
  while (is_identifier_byte(text[begin - 1])) --begin;
  return text.substr(begin, end - begin);
}

/// Only what has an address in the object is a constant: not what a reference refers to, not a copy of a
/// bit-field.
template <class T, std::size_t Count, std::size_t At>
concept FieldHasAddress = requires { spelled_field<field_pointer<T, Count, At>()>; };

template <class T, std::size_t Count, std::size_t At>
consteval bool is_plain_field() {
  if constexpr (FieldHasAddress<T, Count, At>) {
    using Field = std::remove_pointer_t<decltype(field_pointer<T, Count, At>().pointer)>;
    return !std::is_array_v<Field> && !std::is_volatile_v<Field>;
  } else {
    return false;
  }
}

template <class T>
consteval bool is_reflectable() {
  if constexpr (!std::is_aggregate_v<T> || std::is_array_v<T> || std::is_union_v<T> || std::is_volatile_v<T> ||
                requires { typename T::orrery_opaque; }) {
    return false;
  } else {
    constexpr std::size_t count = count_fields<T>();
    if constexpr (count == not_countable) {
      return false;
    } else {
      return []<std::size_t... I>(std::index_sequence<I...>) {
        return (is_plain_field<T, count, I>() && ...);
      }(std::make_index_sequence<count>{});
    }
  }
}

template <class T>
inline constexpr bool is_reflectable_v = is_reflectable<T>();

template <class T>
consteval auto find_field_names() {
  constexpr std::size_t count = count_fields<T>();
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<std::string_view, count>{find_field_name<T, count, I>()...};
  }(std::make_index_sequence<count>{});
}

template <class T>
inline constexpr auto field_names_of = find_field_names<T>();

#ifdef __clang__
#pragma clang diagnostic pop
#endif
}  // namespace detail

/// A plain struct whose fields can be visited; see the top of this file for what that leaves out.
template <class T>
concept Reflectable = detail::is_reflectable_v<std::remove_const_t<T>>;

template <Reflectable T>
inline constexpr std::size_t field_count = detail::field_names_of<std::remove_const_t<T>>.size();

/// The name of the field number Index, in declared order from 0.
template <Reflectable T, std::size_t Index>
  requires(Index < field_count<T>)
[[nodiscard]] constexpr std::string_view field_name() {
  return detail::field_names_of<std::remove_const_t<T>>[Index];
}

/// The type of the field number Index, const aside.
template <Reflectable T, std::size_t Index>
  requires(Index < field_count<T>)
using field_type = std::remove_const_t<
    std::remove_pointer_t<decltype(detail::field_pointer<std::remove_const_t<T>, field_count<T>, Index>().pointer)>>;

/// Calls `visit(std::string_view name, auto& field)` for every field of `value` in declared order; the fields
/// of a const value are const.
///
/// Cost: nothing beyond the calls.
template <class T, class Visit>
  requires Reflectable<T>
constexpr void for_each_field(T& value, Visit&& visit) {
  detail::visit_fields<field_count<T>>(value, [&visit](auto&... fields) {
    [[maybe_unused]] std::size_t index = 0;
    (static_cast<void>(visit(detail::field_names_of<std::remove_const_t<T>>[index++], fields)), ...);
  });
}
}  // namespace orrery
