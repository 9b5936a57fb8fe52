// type_name.hpp: the name a type has in traces, reports and decision keys.
// Why:  traces and replays name messages, and must read the same from every compiler and standard library.
//       RTTI names and full spellings differ ("{anonymous}" here, "(anonymous namespace)" there); the last
//       identifier does not.
// How:  the compiler prints T into __PRETTY_FUNCTION__; a scan from the end finds the last identifier. Types
//       whose spelling is not portable (arithmetic types, pointers, std::string) have fixed names.
// Always true:  (Y1) an explicit `orrery_name` wins
//               (Y2) the name is a constant, known at compile time, alive for the whole program
// Not so:       two types of one name in different scopes share it, and so do the specialisations of a
//               template: give one of them an orrery_name. Standard streams, regular expressions, iterators
//               and thread ids have different names in libstdc++ and libc++.
// Not chosen:   typeid().name() (mangled, needs RTTI); hashing the full spelling (differs between compilers).
#pragma once
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

namespace orrery {
namespace detail {
template <class T>
consteval std::string_view spelled_in_function() {
  return __PRETTY_FUNCTION__;
}

constexpr bool is_identifier_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// The type as this compiler spells it: the text around T is the same for every T, so `int` shows where T
/// stands.
template <class T>
consteval std::string_view spelled_type() {
  constexpr std::string_view probe = spelled_in_function<int>();
  constexpr std::size_t before = probe.rfind("int");
  constexpr std::size_t after = probe.size() - before - 3;
  constexpr std::string_view text = spelled_in_function<T>();
  return text.substr(before, text.size() - before - after);
}

/// Cuts a trailing template argument list off; brackets inside character and string literals do not count.
constexpr std::string_view without_template_arguments(std::string_view text) {
  std::size_t depth = 0;
  std::size_t end = text.size();
  while (end > 0) {
    const char c = text[--end];
    if (c == '\'' || c == '"') {
      do {
        if (end == 0) return {};
        --end;
      } while (text[end] != c || (end > 0 && text[end - 1] == '\\'));
    } else if (c == '>') {
      ++depth;
    } else if (c == '<' && --depth == 0) {
      return text.substr(0, end);
    }
  }
  return {};
}

constexpr std::string_view last_identifier(std::string_view text) {
  std::string_view head = text;
  if (!head.empty() && head.back() == '>') head = without_template_arguments(head);
  std::size_t begin = head.size();
  while (begin > 0 && is_identifier_byte(head[begin - 1])) --begin;
  if (begin < head.size()) return head.substr(begin);
  // What is left has no name: "<lambda(int)>", "<unnamed struct>" or "(lambda at file:1:2)", "(unnamed struct
  // at file:1:2)".
  if (text.back() == '>') return text.substr(head.size()).starts_with("<lambda") ? "lambda" : "unnamed";
  const std::size_t lambda = text.rfind("(lambda at ");
  const std::size_t unnamed = text.rfind("(unnamed ");
  const bool is_lambda = lambda != text.npos && (unnamed == text.npos || unnamed < lambda);
  return is_lambda ? "lambda" : "unnamed";
}

template <class T>
concept NamesItself = requires {
  { T::orrery_name } -> std::convertible_to<std::string_view>;
};

__extension__ using Int128 = __int128;
__extension__ using UInt128 = unsigned __int128;

/// Names for what compilers or libraries spell differently; empty for everything else.
template <class T>
inline constexpr std::string_view fixed_class_name{};
template <class Char, class Traits, class Allocator>
inline constexpr std::string_view fixed_class_name<std::basic_string<Char, Traits, Allocator>> = "string";
template <class Char, class Traits>
inline constexpr std::string_view fixed_class_name<std::basic_string_view<Char, Traits>> = "string_view";

template <class T>
consteval std::string_view fixed_name() {
  if constexpr (std::is_void_v<T>) return "void";
  if constexpr (std::is_null_pointer_v<T>) return "nullptr";
  if constexpr (std::is_pointer_v<T>) return "pointer";
  if constexpr (std::is_member_pointer_v<T>) return "member_pointer";
  if constexpr (std::is_array_v<T>) return "array";
  if constexpr (std::is_function_v<T>) return "function";
  if constexpr (std::same_as<T, bool>) return "bool";
  if constexpr (std::same_as<T, char>) return "char";
  if constexpr (std::same_as<T, wchar_t>) return "wchar";
  if constexpr (std::same_as<T, char8_t>) return "char8";
  if constexpr (std::same_as<T, char16_t>) return "char16";
  if constexpr (std::same_as<T, char32_t>) return "char32";
  if constexpr (std::same_as<T, float>) return "float";
  if constexpr (std::same_as<T, double>) return "double";
  if constexpr (std::same_as<T, long double>) return "long_double";
  if constexpr (std::same_as<T, Int128>) return "int128";
  if constexpr (std::same_as<T, UInt128>) return "uint128";
  if constexpr (std::is_integral_v<T>) {  // by width: std::int64_t is long here and long long elsewhere
    constexpr bool is_signed = std::is_signed_v<T>;
    if constexpr (sizeof(T) == 1) return is_signed ? "int8" : "uint8";
    if constexpr (sizeof(T) == 2) return is_signed ? "int16" : "uint16";
    if constexpr (sizeof(T) == 4) return is_signed ? "int32" : "uint32";
    if constexpr (sizeof(T) == 8) return is_signed ? "int64" : "uint64";
  }
  return fixed_class_name<T>;
}

template <class T>
consteval std::string_view find_type_name() {
  if constexpr (NamesItself<T>) {
    return T::orrery_name;
  } else if constexpr (!fixed_name<T>().empty()) {
    return fixed_name<T>();
  } else {
    return last_identifier(spelled_type<T>());
  }
}

template <class T>
inline constexpr std::string_view type_name_of = find_type_name<T>();
}  // namespace detail

/// The name of T, const, volatile and references aside: its `static constexpr` member `orrery_name` if it has
/// one, a fixed name for arithmetic types ("int64", "bool"), pointers, arrays and strings, else the last
/// identifier of its unqualified name: `app::Deposit` is "Deposit", `Box<int>` is "Box", a closure is
/// "lambda", a type without a name is "unnamed".
///
/// Cost: a constant; one function template per type at compile time.
template <class T>
[[nodiscard]] constexpr std::string_view type_name() {
  return detail::type_name_of<std::remove_cvref_t<T>>;
}
}  // namespace orrery
