#include "orrery/core/time.hpp"

#include <gtest/gtest.h>

#include <concepts>
#include <cstdint>
#include <set>
#include <string>

namespace orrery {
namespace {
using namespace std::chrono_literals;

template <class Clock>
concept TellsTime = requires { Clock::now(); };
static_assert(TellsTime<std::chrono::steady_clock> && !TellsTime<WorldClock>);
static_assert(std::same_as<Instant, WorldClock::time_point>);
static_assert(std::same_as<decltype(Instant{} - Instant{}), Duration>);

TEST(FormatDuration, uses_one_unit_with_a_fraction_below_a_minute) {
  EXPECT_EQ(format_duration(0ns), "0");
  EXPECT_EQ(format_duration(1ns), "1ns");
  EXPECT_EQ(format_duration(999ns), "999ns");
  EXPECT_EQ(format_duration(90us), "90us");
  EXPECT_EQ(format_duration(90'050ns), "90.05us");
  EXPECT_EQ(format_duration(1ms), "1ms");
  EXPECT_EQ(format_duration(1ms + 1ns), "1.000001ms");
  EXPECT_EQ(format_duration(1500ms), "1.5s");
  EXPECT_EQ(format_duration(59'999'999'999ns), "59.999999999s");
}

TEST(FormatDuration, uses_the_parts_that_are_not_zero_from_a_minute_on) {
  EXPECT_EQ(format_duration(60s), "1m");
  EXPECT_EQ(format_duration(90s), "1m30s");
  EXPECT_EQ(format_duration(3h + 12min), "3h12m");
  EXPECT_EQ(format_duration(3h + 500ms), "3h0.5s");
  EXPECT_EQ(format_duration(49h), "2d1h");
  EXPECT_EQ(format_duration(24h + 1ns), "1d0.000000001s");
}

TEST(FormatDuration, writes_a_sign_and_survives_both_ends) {
  EXPECT_EQ(format_duration(-5ms), "-5ms");
  EXPECT_EQ(format_duration(-(3h + 12min)), "-3h12m");
  EXPECT_EQ(format_duration(Duration::max()), "106751d23h47m16.854775807s");
  EXPECT_EQ(format_duration(Duration::min()), "-106751d23h47m16.854775808s");
}

// Goal: T1, no two durations share a text. Method: neighbours of every unit's border, where it would round.
TEST(FormatDuration, different_durations_have_different_texts) {
  std::set<std::string> texts;
  std::set<std::int64_t> counts;
  for (const Duration border :
       {Duration{0}, Duration{1us}, Duration{1ms}, Duration{1s}, Duration{1min}, Duration{1h}, Duration{24h}}) {
    for (std::int64_t near = -1100; near <= 1100; ++near) {
      counts.insert(border.count() + near);
      texts.insert(format_duration(border + Duration{near}));
    }
  }
  EXPECT_EQ(texts.size(), counts.size());
}
}  // namespace
}  // namespace orrery
