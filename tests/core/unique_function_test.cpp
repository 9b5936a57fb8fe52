#include "orrery/core/unique_function.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace orrery {
namespace {
using Function = UniqueFunction<int(int)>;
static_assert(std::is_nothrow_move_constructible_v<Function> && std::is_nothrow_move_assignable_v<Function>);
static_assert(!std::is_copy_constructible_v<Function> && !std::is_copy_assignable_v<Function>);
static_assert(!std::is_constructible_v<Function, int> && !std::is_constructible_v<Function, void (*)(int)>);
static_assert(!std::is_constructible_v<Function, int (*)(std::string)>);
static_assert(sizeof(Function) == 48);

/// Counts how many of its copies are alive, and how often one was destroyed.
struct Life {
  int alive = 0;
  int destroyed = 0;
};
template <std::size_t Bytes>
struct Tracked {
  explicit Tracked(Life& counts) : life(&counts) { ++life->alive; }
  Tracked(Tracked&& other) noexcept : life(other.life), sum(other.sum) { ++life->alive; }
  Tracked& operator=(Tracked&&) = delete;
  ~Tracked() { --life->alive, ++life->destroyed; }
  int operator()(int add) { return sum += add; }
  Life* life;
  int sum = 0;
  std::array<std::byte, Bytes> room{};
};
using Small = Tracked<1>;
using Large = Tracked<100>;
static_assert(Function::fits_inline<Small> && !Function::fits_inline<Large>);
static_assert(Function::fits_inline<std::array<std::byte, 32>> && !Function::fits_inline<std::array<std::byte, 33>>);
struct alignas(32) OverAligned {};
static_assert(!Function::fits_inline<OverAligned>);

template <class Callable>
class UniqueFunctionOf : public testing::Test {};
using Callables = testing::Types<Small, Large>;
TYPED_TEST_SUITE(UniqueFunctionOf, Callables);

TYPED_TEST(UniqueFunctionOf, calls_what_it_holds_and_keeps_its_state) {
  Life life;
  Function function = TypeParam(life);
  EXPECT_EQ(function(2), 2);
  EXPECT_EQ(function(3), 5);
}

TYPED_TEST(UniqueFunctionOf, moving_takes_the_state_and_leaves_the_source_empty) {
  Life life;
  Function source = TypeParam(life);
  source(2);
  Function target = std::move(source);
  EXPECT_FALSE(source);
  EXPECT_TRUE(target);
  EXPECT_EQ(target(3), 5);
  EXPECT_EQ(life.alive, 1);
  source = std::move(target);
  EXPECT_EQ(source(1), 6);
  EXPECT_EQ(life.alive, 1);
}

TYPED_TEST(UniqueFunctionOf, destroys_the_callable_exactly_once) {
  Life life;
  {
    Function function = TypeParam(life);
  }
  EXPECT_EQ(life.alive, 0);
  Function replaced = TypeParam(life);
  Life other;
  replaced = Function(TypeParam(other));
  EXPECT_EQ(life.alive, 0);
  EXPECT_EQ(other.alive, 1);
  replaced = nullptr;
  EXPECT_FALSE(replaced);
  EXPECT_EQ(other.alive, 0);
}

TYPED_TEST(UniqueFunctionOf, survives_being_moved_onto_itself) {
  Life life;
  Function function = TypeParam(life);
  Function& same = function;
  function = std::move(same);
  EXPECT_EQ(function(1), 1);
  EXPECT_EQ(life.alive, 1);
}

TEST(UniqueFunction, a_large_callable_is_not_moved_when_the_function_is) {
  Life life;
  Function function = Large(life);
  const int destroyed = life.destroyed;
  Function moved = std::move(function);
  EXPECT_EQ(life.destroyed, destroyed);
}

TEST(UniqueFunction, what_could_throw_while_moving_lives_on_the_heap) {
  struct Throws {
    Throws() = default;
    Throws(Throws&& other) : armed(other.armed) {
      if (armed) throw std::runtime_error("moved");
    }
    int operator()(int value) const { return value; }
    bool armed = false;
  };
  static_assert(!Function::fits_inline<Throws>);
  Function function = Throws{};
  Function moved = std::move(function);
  EXPECT_EQ(moved(4), 4);
}

TEST(UniqueFunction, a_strictly_aligned_callable_keeps_its_alignment) {
  struct alignas(64) Aligned {
    int operator()(int) const { return reinterpret_cast<std::uintptr_t>(this) % 64 == 0 ? 1 : 0; }
  };
  Function function = Aligned{};
  Function moved = std::move(function);
  EXPECT_EQ(moved(0), 1);
}

TEST(UniqueFunction, takes_and_returns_move_only_values_and_references) {
  UniqueFunction<std::unique_ptr<int>(std::unique_ptr<int>)> pass = [](std::unique_ptr<int> value) {
    ++*value;
    return value;
  };
  EXPECT_EQ(*pass(std::make_unique<int>(3)), 4);
  int target = 1;
  UniqueFunction<int&(int&)> same = [](int& value) -> int& { return value; };
  EXPECT_EQ(&same(target), &target);
}

TEST(UniqueFunction, a_void_function_drops_the_result) {
  int called = 0;
  UniqueFunction<void()> function = [&called] { return ++called; };
  function();
  EXPECT_EQ(called, 1);
}

TEST(UniqueFunction, holds_function_pointers_and_treats_null_as_empty) {
  Function function = +[](int value) { return value * 2; };
  EXPECT_EQ(function(4), 8);
  int (*null)(int) = nullptr;
  EXPECT_FALSE(Function(null));
  EXPECT_FALSE(Function());
  EXPECT_FALSE(Function(nullptr));
}

TEST(UniqueFunction, an_exception_passes_through_and_the_function_stays_usable) {
  bool fail = true;
  Function function = [&fail](int value) { return fail ? throw std::runtime_error("handler") : value; };
  EXPECT_THROW(function(1), std::runtime_error);
  fail = false;
  EXPECT_EQ(function(1), 1);
}

TEST(UniqueFunctionDeathTest, a_call_to_an_empty_function_is_caught) {
  Function empty;
  EXPECT_DEATH(empty(1), "a call to an empty UniqueFunction");
}
}  // namespace
}  // namespace orrery
