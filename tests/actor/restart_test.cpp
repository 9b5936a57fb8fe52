// Goal:   an actor may restart `intensity` times within any window of `period`, both ends included, and
//         not once more.
// Method: the edges of the window to the nanosecond; then random lives against the claim itself, window by
//         window.
#include "orrery/actor/restart.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

namespace orrery {
namespace {

using namespace std::chrono_literals;

constexpr Instant at(Duration since_start) { return Instant{since_start}; }

TEST(MayRestart, the_first_failure_is_forgiven_unless_none_is) {
  EXPECT_TRUE(may_restart({.intensity = 1, .period = 5s}, {}, at(0s)));
  EXPECT_FALSE(may_restart({.intensity = 0, .period = 5s}, {}, at(0s)));
  EXPECT_FALSE(may_restart({.intensity = 0, .period = 5s}, {}, at(1h)));
}

TEST(MayRestart, counts_the_restart_being_decided) {
  const std::vector<Instant> three{at(1s), at(2s), at(3s)};
  EXPECT_FALSE(may_restart({.intensity = 3, .period = 1min}, three, at(4s)));
  EXPECT_TRUE(may_restart({.intensity = 4, .period = 1min}, three, at(4s)));
}

TEST(MayRestart, a_restart_exactly_one_period_ago_still_counts_and_an_older_one_does_not) {
  const std::vector<Instant> one{at(10s)};
  const Restart limit{.intensity = 1, .period = 5s};
  EXPECT_FALSE(may_restart(limit, one, at(10s)));
  EXPECT_FALSE(may_restart(limit, one, at(15s - 1ns)));
  EXPECT_FALSE(may_restart(limit, one, at(15s)));
  EXPECT_TRUE(may_restart(limit, one, at(15s + 1ns)));
}

TEST(MayRestart, a_period_of_zero_counts_what_happens_at_the_same_instant) {
  const std::vector<Instant> one{at(10s)};
  const Restart limit{.intensity = 1, .period = 0s};
  EXPECT_FALSE(may_restart(limit, one, at(10s)));
  EXPECT_TRUE(may_restart(limit, one, at(10s + 1ns)));
}

TEST(MayRestart, only_what_lies_within_the_period_counts) {
  const std::vector<Instant> earlier{at(1s), at(2s), at(9s), at(10s)};
  EXPECT_TRUE(may_restart({.intensity = 3, .period = 5s}, earlier, at(11s)));
  EXPECT_FALSE(may_restart({.intensity = 2, .period = 5s}, earlier, at(11s)));
}

TEST(MayRestart, the_longest_period_remembers_everything) {
  const std::vector<Instant> earlier{at(0s), at(1h)};
  EXPECT_FALSE(may_restart({.intensity = 2, .period = Duration::max()}, earlier, Instant::max()));
  EXPECT_TRUE(may_restart({.intensity = 3, .period = Duration::max()}, earlier, Instant::max()));
  EXPECT_TRUE(may_restart({.intensity = 1, .period = Duration::max()}, {}, at(0s)));
}

TEST(MayRestart, no_window_of_any_life_holds_more_restarts_than_the_intensity) {
  std::mt19937_64 random{77};
  int refused = 0, allowed = 0;
  for (int life = 0; life < 300; ++life) {
    const Restart limit{.intensity = static_cast<int>(random() % 4), .period = Duration{random() % 12}};
    std::vector<Instant> restarts;
    Instant now{};
    for (int failure = 0; failure < 40; ++failure) {
      now += Duration{random() % 5};
      // The claim, said by windows: with this one, the window that ends now would hold no more than
      // `intensity`.
      std::int64_t in_window = 1;
      for (const Instant restart : restarts) in_window += now - restart <= limit.period ? 1 : 0;
      const bool expected = in_window <= limit.intensity;
      ASSERT_EQ(may_restart(limit, restarts, now), expected) << "life " << life << " failure " << failure;
      (expected ? allowed : refused) += 1;
      if (expected) restarts.push_back(now);
    }
    for (std::size_t first = 0; first < restarts.size(); ++first) {
      const auto last = first + static_cast<std::size_t>(limit.intensity);
      if (last < restarts.size()) {
        ASSERT_GT(restarts[last] - restarts[first], limit.period);
      }
    }
  }
  EXPECT_GT(refused, 100);
  EXPECT_GT(allowed, 100);
}

TEST(MayRestartDeathTest, the_past_is_in_order_and_is_past) {
  const std::vector<Instant> unsorted{at(2s), at(1s)};
  EXPECT_DEATH((void)may_restart({}, unsorted, at(3s)), "is_sorted");
  const std::vector<Instant> future{at(4s)};
  EXPECT_DEATH((void)may_restart({}, future, at(3s)), "earlier.back\\(\\) <= now");
}

}  // namespace
}  // namespace orrery
