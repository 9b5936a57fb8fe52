#include "orrery/core/type_name.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// Goal:   a type has the same name from every compiler, standard library and optimisation level.
// Method: static_asserts; that this file compiles everywhere is the test. Types stand where spellings differ.
namespace bank {
struct Deposit {};
enum class Color { red };
enum Plain { first };
template <class T>
struct Box {
  struct Inner {};
};
template <char C>
struct Letter {};
template <auto Callable>
struct Holds {};
template <std::size_t Size>
struct Text {
  constexpr Text(const char (&text)[Size]) { std::copy_n(text, Size, bytes); }
  char bytes[Size]{};
};
template <Text T>
struct Titled {};
struct Explicit {
  static constexpr std::string_view orrery_name = "bank.v1.Explicit";
};
struct Literal {
  static constexpr char orrery_name[] = "literal";
};
struct NotAName {
  static constexpr int orrery_name = 3;
};
class Secret {
  [[maybe_unused]] static constexpr std::string_view orrery_name = "not for others";
};
typedef struct {
  int unused;
} NamedByTypedef;
struct Größe {};
namespace {
struct Hidden {
  struct Nested {};
};
}  // namespace
inline namespace v2 {
struct Versioned {};
}  // namespace v2
}  // namespace bank
struct Global {};
namespace {
template <class T>
auto local_of(T) {
  struct Local {};
  return Local{};
}
}  // namespace

namespace orrery {
namespace {
static_assert(type_name<bank::Deposit>() == "Deposit");
static_assert(type_name<const bank::Deposit&>() == "Deposit");
static_assert(type_name<volatile bank::Deposit&&>() == "Deposit");
static_assert(type_name<Global>() == "Global");
static_assert(type_name<bank::Hidden>() == "Hidden");
static_assert(type_name<bank::Hidden::Nested>() == "Nested");
static_assert(type_name<bank::Versioned>() == "Versioned");
static_assert(type_name<bank::Color>() == "Color");
static_assert(type_name<bank::Plain>() == "Plain");
static_assert(type_name<bank::NamedByTypedef>() == "NamedByTypedef");
static_assert(type_name<bank::Größe>() == "Größe");

static_assert(type_name<bank::Box<int>>() == "Box");
static_assert(type_name<bank::Box<bank::Hidden>>() == "Box");
static_assert(type_name<bank::Box<bank::Box<std::vector<int>>>>() == "Box");
static_assert(type_name<bank::Box<void (*)(int, char)>>() == "Box");
static_assert(type_name<bank::Box<int[3]>>() == "Box");
static_assert(type_name<bank::Box<std::string>::Inner>() == "Inner");
static_assert(type_name<bank::Letter<'<'>>() == "Letter");
static_assert(type_name<bank::Letter<'>'>>() == "Letter");
static_assert(type_name<bank::Letter<'\''>>() == "Letter");
static_assert(type_name<bank::Letter<'"'>>() == "Letter");
static_assert(type_name<bank::Holds<[](int) {}>>() == "Holds");
static_assert(type_name<bank::Titled<"a<'>\"(">>() == "Titled");

static_assert(type_name<bank::Explicit>() == "bank.v1.Explicit");
static_assert(type_name<bank::Literal>() == "literal");
static_assert(type_name<bank::NotAName>() == "NotAName");
static_assert(type_name<bank::Secret>() == "Secret");

static_assert(type_name<bool>() == "bool" && type_name<char>() == "char");
static_assert(type_name<signed char>() == "int8" && type_name<unsigned char>() == "uint8");
static_assert(type_name<std::int16_t>() == "int16" && type_name<std::uint32_t>() == "uint32");
static_assert(type_name<long>() == "int64" && type_name<long long>() == "int64");
static_assert(type_name<std::size_t>() == "uint64" && type_name<std::uint64_t>() == "uint64");
static_assert(type_name<float>() == "float" && type_name<double>() == "double");
static_assert(type_name<long double>() == "long_double" && type_name<void>() == "void");
static_assert(type_name<wchar_t>() == "wchar" && type_name<char8_t>() == "char8");
static_assert(type_name<char16_t>() == "char16" && type_name<char32_t>() == "char32");
static_assert(type_name<detail::Int128>() == "int128" && type_name<detail::UInt128>() == "uint128");
static_assert(type_name<std::nullptr_t>() == "nullptr" && type_name<const char*>() == "pointer");
static_assert(type_name<void (*)()>() == "pointer" && type_name<int bank::Deposit::*>() == "member_pointer");
static_assert(type_name<int[2]>() == "array" && type_name<void()>() == "function");

static_assert(type_name<std::string>() == "string" && type_name<std::string_view>() == "string_view");
static_assert(type_name<std::u8string>() == "string" && type_name<std::wstring_view>() == "string_view");
static_assert(type_name<std::vector<std::string>>() == "vector");
static_assert(type_name<std::map<int, std::string>>() == "map");
static_assert(type_name<std::optional<int>>() == "optional" && type_name<std::variant<int>>() == "variant");
static_assert(type_name<std::unique_ptr<std::mutex>>() == "unique_ptr" && type_name<std::mutex>() == "mutex");
static_assert(type_name<std::array<int, 3>>() == "array");
static_assert(type_name<std::function<void()>>() == "function");
static_assert(type_name<std::chrono::nanoseconds>() == "duration");

TEST(TypeName, of_a_local_type_leaves_out_the_function) {
  struct Here {};
  static_assert(type_name<Here>() == "Here");
  static_assert(type_name<decltype(local_of(1))>() == "Local");
  static_assert(type_name<bank::Box<Here>>() == "Box");
  const auto closure = [] {
    struct Inside {};
    return Inside{};
  };
  EXPECT_EQ(type_name<decltype(closure())>(), "Inside");
}

TEST(TypeName, of_what_has_no_name_says_so) {
  struct {
    int value;
  } nameless{};
  EXPECT_EQ(type_name<decltype(nameless)>(), "unnamed");
  const auto closure = [](int value) { return value; };
  EXPECT_EQ(type_name<decltype(closure)>(), "lambda");
  const auto generic = [](auto value) { return value; };
  EXPECT_EQ(type_name<decltype(generic)>(), "lambda");
  EXPECT_EQ(type_name<bank::Box<decltype(closure)>::Inner>(), "Inner");
}
}  // namespace
}  // namespace orrery
