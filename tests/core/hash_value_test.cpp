#include "orrery/core/hash_value.hpp"
#include "orrery/core/time.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <any>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <forward_list>
#include <iterator>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace app {
struct Withdraw {
  std::int32_t amount;
  std::string from;
};
struct Padded {
  char small;
  std::int64_t large;
};
enum class Level : std::int8_t { low = -1, high = 1 };
struct Custom {
  int value;
};
void orrery_hash(orrery::TraceHasher& hasher, const Custom& custom) {
  hasher.add(static_cast<std::uint64_t>(custom.value) + 1000);
}
class Hidden {
  [[maybe_unused]] int secret_ = 42;
};
}  // namespace app

namespace orrery {
namespace {
using namespace std::chrono_literals;

template <class T>
Hash128 hash_of(const T& value) {
  TraceHasher hasher;
  hash_value(hasher, value);
  return hasher.value();
}

/// What a value should add: words and texts, in order.
struct Stream {
  TraceHasher hasher;
  Stream& word(std::uint64_t value) { return hasher.add(value), *this; }
  Stream& text(std::string_view value) { return hasher.add_bytes(value), *this; }
  Stream& name(std::string_view type) { return hasher.add(hash_text(type)), *this; }
};
template <class T>
void expect_adds(const T& value, const Stream& stream, std::source_location where = std::source_location::current()) {
  EXPECT_EQ(to_hex(hash_of(value)), to_hex(stream.hasher.value())) << "line " << where.line();
}

// Goal: the encoding is the one written in the header, word for word: it decides whether two machines agree.
TEST(HashValue, scalars_are_widened_to_64_bits) {
  expect_adds(true, Stream().word(1));
  expect_adds(std::int8_t{-1}, Stream().word(UINT64_MAX));
  expect_adds(std::uint8_t{255}, Stream().word(255));
  expect_adds(std::int32_t{-2}, Stream().word(UINT64_MAX - 1));
  expect_adds(UINT64_MAX, Stream().word(UINT64_MAX));
  expect_adds('\xff', Stream().word(255));
  expect_adds(L'a', Stream().word(97));
  expect_adds(app::Level::low, Stream().word(UINT64_MAX));
  expect_adds(app::Level::high, Stream().word(1));
}

TEST(HashValue, time_is_in_nanoseconds_whatever_the_unit) {
  expect_adds(1500us, Stream().word(1'500'000));
  expect_adds(-1ns, Stream().word(UINT64_MAX));
  EXPECT_EQ(hash_of(1s), hash_of(Duration{1'000'000'000}));
  expect_adds(std::chrono::time_point<std::chrono::system_clock>(3us), Stream().word(3'000));
  expect_adds((std::chrono::duration<int, std::pico>(5)), Stream().word(5));
  expect_adds(std::chrono::duration<double>(1.5), Stream().name("double"));
}

TEST(HashValue, text_is_its_bytes) {
  expect_adds(std::string("Größe"), Stream().text("Größe"));
  expect_adds(std::string_view("a"), Stream().text("a"));
  expect_adds("a", Stream().text("a"));
}

TEST(HashValue, optional_and_expected_say_which_before_what) {
  expect_adds(std::optional<int>{}, Stream().word(0));
  expect_adds(std::optional<int>{0}, Stream().word(1).word(0));
  using Result = std::expected<int, std::string>;
  expect_adds(Result{7}, Stream().word(1).word(7));
  expect_adds((Result{std::unexpect, "no"}), Stream().word(0).text("no"));
  expect_adds((std::expected<void, int>{}), Stream().word(1));
}

TEST(HashValue, sequences_have_a_size_unless_the_type_says_it) {
  expect_adds((std::vector{5, 6}), Stream().word(2).word(5).word(6));
  expect_adds((std::vector<bool>{true, false}), Stream().word(2).word(1).word(0));
  expect_adds((std::deque{5}), Stream().word(1).word(5));
  expect_adds((std::forward_list{5, 6}), Stream().word(2).word(5).word(6));
  expect_adds((std::array{5, 6}), Stream().word(5).word(6));
  expect_adds((std::pair{1, std::string("b")}), Stream().word(1).text("b"));
  expect_adds((std::tuple{1, true, 'c'}), Stream().word(1).word(1).word('c'));
  const std::vector<std::vector<int>> first{{1}, {}};
  const std::vector<std::vector<int>> second{{}, {1}};
  EXPECT_NE(hash_of(first), hash_of(second));
}

TEST(HashValue, a_plain_struct_is_its_fields_in_declared_order) {
  expect_adds((app::Withdraw{-3, "bob"}), Stream().word(static_cast<std::uint64_t>(-3)).text("bob"));
  struct Empty {};
  expect_adds(Empty{}, Stream());
  struct Local {
    app::Withdraw inner;
    std::optional<app::Level> level;
  };
  expect_adds((Local{{1, "a"}, app::Level::high}), Stream().word(1).text("a").word(1).word(1));
}

// Goal: V1. Method: the same value in memory filled with different bytes, so that padding differs.
TEST(HashValue, padding_and_addresses_take_no_part) {
  alignas(app::Padded) std::byte zeros[sizeof(app::Padded)];
  alignas(app::Padded) std::byte ones[sizeof(app::Padded)];
  std::fill(std::begin(zeros), std::end(zeros), std::byte{0x00});
  std::fill(std::begin(ones), std::end(ones), std::byte{0xff});
  auto* first = ::new (zeros) app::Padded;
  auto* second = ::new (ones) app::Padded;
  first->small = second->small = 'x';
  first->large = second->large = 9;
  EXPECT_EQ(hash_of(*first), hash_of(*second));
  EXPECT_EQ(hash_of(std::make_unique<int>(1)), hash_of(std::make_unique<int>(2)));
}

TEST(HashValue, what_differs_between_machines_adds_its_type_only) {
  expect_adds(1.5, Stream().name("double"));
  expect_adds(2.5f, Stream().name("float"));
  int number = 0;
  expect_adds(&number, Stream().name("pointer"));
  expect_adds(std::make_shared<int>(3), Stream().name("shared_ptr"));
  expect_adds((std::unordered_map<int, int>{{1, 2}}), Stream().name("unordered_map"));
  expect_adds((std::map<int, int>{{1, 2}}), Stream().name("map"));
  expect_adds((std::variant<int, char>{1}), Stream().name("variant"));
  expect_adds(std::any{1}, Stream().name("any"));
  expect_adds(app::Hidden{}, Stream().name("Hidden"));
  expect_adds([] {}, Stream().name("lambda"));
}

TEST(HashValue, orrery_hash_wins_at_every_depth) {
  expect_adds(app::Custom{3}, Stream().word(1003));
  expect_adds(std::optional{app::Custom{3}}, Stream().word(1).word(1003));
}

TEST(HashValue, has_known_answers_and_works_at_compile_time) {
  EXPECT_EQ(to_hex(hash_of(app::Withdraw{100, "alice"})), "b2307e73a5889f5115772249c11b92d5");
  static_assert([] {
    TraceHasher hasher;
    hash_value(hasher, std::optional{std::array{1, 2}});
    return hasher.value();
  }() == *parse_hash128("2495a6c69db753b614fdd5ab1dc6eef9"));
}
}  // namespace
}  // namespace orrery
