#include "orrery/core/check.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

namespace orrery {
namespace {
constexpr int half_of_even(int number) {
  ORRERY_CHECK(number % 2 == 0, "{} is odd", number);
  return number / 2;
}
static_assert(half_of_even(8) == 4);  // a check is usable where the compiler computes

struct ContextGuard {
  ContextGuard(void (*provider)(void*, std::string&), void* user) { set_check_context(provider, user); }
  ~ContextGuard() { set_check_context(nullptr, nullptr); }
};

TEST(Check, a_condition_that_holds_does_nothing_and_is_evaluated_once) {
  int evaluated = 0;
  ORRERY_CHECK(++evaluated == 1);
  ORRERY_CHECK(++evaluated == 2, "evaluated {} times", evaluated);
  EXPECT_EQ(evaluated, 2);
}

TEST(Check, arguments_of_the_text_are_evaluated_only_when_the_check_fails) {
  int evaluated = 0;
  ORRERY_CHECK(true, "{}", ++evaluated);
  EXPECT_EQ(evaluated, 0);
}

TEST(Check, takes_anything_that_converts_to_bool_explicitly) {
  const auto owner = std::make_unique<int>(1);
  ORRERY_CHECK(owner);
}

TEST(CheckDeathTest, names_file_line_and_condition) {
  EXPECT_DEATH(ORRERY_CHECK(1 + 1 == 3), "check_test\\.cpp:[0-9]+: check failed: 1 \\+ 1 == 3\n");
}

TEST(CheckDeathTest, appends_the_formatted_text) {
  const int depth = 7;
  EXPECT_DEATH(ORRERY_CHECK(depth < 5, "depth {} of {}", depth, "five"), "check failed: depth < 5: depth 7 of five\n");
}

TEST(CheckDeathTest, aborts_instead_of_throwing) {
  EXPECT_EXIT(ORRERY_CHECK(false), testing::KilledBySignal(SIGABRT), "check failed: false");
}

TEST(CheckDeathTest, adds_the_line_of_the_context_provider) {
  int step = 41;
  ContextGuard guard(
      [](void* user, std::string& out) { out += "seed 0x2a step " + std::to_string(*static_cast<int*>(user)); }, &step);
  step = 42;
  EXPECT_DEATH(ORRERY_CHECK(false), "check failed: false\nseed 0x2a step 42\n");
}

TEST(CheckDeathTest, a_provider_that_was_taken_away_is_not_asked) {
  {
    ContextGuard guard([](void*, std::string&) { std::_Exit(0); }, nullptr);
  }
  EXPECT_DEATH(ORRERY_CHECK(false), "check failed: false\n$");
}

TEST(CheckDeathTest, a_broken_provider_cannot_hide_the_check) {
  ContextGuard guard([](void*, std::string&) { ORRERY_CHECK(false, "inner"); }, nullptr);
  EXPECT_EXIT(ORRERY_CHECK(false, "outer"), testing::KilledBySignal(SIGABRT),
              "check failed: false: outer\n.*check failed: false: inner\n$");
}

TEST(CheckDeathTest, a_provider_that_throws_still_ends_in_abort) {
  ContextGuard guard([](void*, std::string&) { throw std::runtime_error("no context"); }, nullptr);
  EXPECT_EXIT(ORRERY_CHECK(false, "outer"), testing::KilledBySignal(SIGABRT), "check failed: false: outer");
}
}  // namespace
}  // namespace orrery
