#include "orrery/core/timer_wheel.hpp"

#include "tests/support/scale.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace orrery {
namespace {

using test_support::Random;
using test_support::scaled;

constexpr std::int64_t tick_ns = std::int64_t{1} << TimerWheel::tick_bits_default;

Instant at_ns(std::int64_t ns) { return Instant{Duration{ns}}; }
Instant at_tick(std::int64_t tick) { return at_ns(tick * tick_ns); }

struct Timer : TimerNode {
  int name = 0;
};

std::vector<int> expire_names(TimerWheel& wheel, Instant now) {
  std::vector<int> names;
  wheel.expire(now, [&](TimerNode& node) { names.push_back(static_cast<Timer&>(node).name); });
  return names;
}

TEST(TimerWheel, fires_in_the_first_tick_that_is_not_early) {
  TimerWheel wheel;
  Timer timer;
  wheel.arm(timer, at_ns(5 * tick_ns + 1));
  EXPECT_TRUE(expire_names(wheel, at_ns(6 * tick_ns - 1)).empty());
  EXPECT_TRUE(timer.armed());
  EXPECT_EQ(expire_names(wheel, at_ns(6 * tick_ns)), std::vector{0});
  EXPECT_FALSE(timer.armed());
  wheel.arm(timer, at_ns(7 * tick_ns));  // on the tick: not rounded up
  EXPECT_EQ(expire_names(wheel, at_ns(7 * tick_ns)), std::vector{0});
}

TEST(TimerWheel, fires_by_due_tick_and_then_in_order_of_arming) {
  // Ticks 63 to 65 and 4095 to 4097 lie on both sides of a level's boundary.
  const std::vector<std::int64_t> ticks{4096, 64, 1, 4097, 64, 63, 4095, 65, 4096, 1};
  std::deque<Timer> timers(ticks.size());
  TimerWheel wheel;
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    timers[i].name = static_cast<int>(i);
    wheel.arm(timers[i], at_tick(ticks[i]));
  }
  EXPECT_EQ(expire_names(wheel, at_tick(100'000)), (std::vector{2, 9, 5, 1, 4, 7, 6, 0, 8, 3}));
}

TEST(TimerWheel, does_not_fire_a_cancelled_timer) {
  TimerWheel wheel;
  std::deque<Timer> timers(3);
  for (int i = 0; i < 3; ++i) timers[static_cast<std::size_t>(i)].name = i;
  for (Timer& timer : timers) wheel.arm(timer, at_tick(70));
  EXPECT_EQ(wheel.size(), 3U);
  EXPECT_TRUE(wheel.cancel(timers[1]));
  EXPECT_FALSE(wheel.cancel(timers[1]));
  EXPECT_EQ(wheel.size(), 2U);
  EXPECT_EQ(expire_names(wheel, at_tick(70)), (std::vector{0, 2}));
  EXPECT_FALSE(wheel.cancel(timers[0]));
  EXPECT_EQ(wheel.size(), 0U);
  EXPECT_EQ(wheel.next_due(), std::nullopt);
}

TEST(TimerWheel, lets_a_callback_cancel_and_destroy_timers_that_are_due_with_it) {
  TimerWheel wheel;
  std::deque<Timer> timers(4);
  auto doomed = std::make_unique<Timer>();
  for (Timer& timer : timers) wheel.arm(timer, at_tick(3));
  wheel.arm(*doomed, at_tick(2));
  int fired = 0;
  EXPECT_EQ(wheel.expire(at_tick(3),
                         [&](TimerNode& node) {
                           ++fired;
                           if (&node == doomed.get()) {
                             doomed.reset();
                           } else if (&node == &timers[0]) {
                             EXPECT_TRUE(wheel.cancel(timers[1]));
                             EXPECT_TRUE(wheel.cancel(timers[3]));
                           } else {
                             EXPECT_EQ(&node, &timers[2]);
                           }
                         }),
            3U);
  EXPECT_EQ(fired, 3);
  EXPECT_EQ(wheel.size(), 0U);
}

TEST(TimerWheel, fires_what_a_callback_arms_for_the_past_in_the_next_expire_only) {
  TimerWheel wheel;
  Timer timer;
  wheel.arm(timer, at_tick(1));
  const auto again = [&](TimerNode& node) { wheel.arm(node, at_tick(2)); };
  EXPECT_EQ(wheel.expire(at_tick(10), again), 1U);
  EXPECT_EQ(wheel.next_due(), at_tick(10));
  EXPECT_EQ(wheel.expire(at_tick(10), again), 1U);
  EXPECT_EQ(wheel.expire(at_tick(10), [](TimerNode&) {}), 1U);
  EXPECT_EQ(wheel.expire(at_tick(10), [](TimerNode&) {}), 0U);
}

TEST(TimerWheel, keeps_the_rest_when_a_callback_throws) {
  TimerWheel wheel;
  std::deque<Timer> timers(3);
  for (int i = 0; i < 3; ++i) {
    timers[static_cast<std::size_t>(i)].name = i;
    wheel.arm(timers[static_cast<std::size_t>(i)], at_tick(i + 1));
  }
  EXPECT_THROW(wheel.expire(at_tick(9), [](TimerNode&) { throw std::runtime_error("no"); }), std::runtime_error);
  EXPECT_EQ(wheel.size(), 2U);
  EXPECT_EQ(wheel.next_due(), at_tick(9));
  EXPECT_EQ(expire_names(wheel, at_tick(9)), (std::vector{1, 2}));
}

TEST(TimerWheel, holds_the_far_future_without_overflow) {
  using std::chrono::days;
  TimerWheel wheel;
  std::deque<Timer> timers(5);
  for (int i = 0; i < 5; ++i) timers[static_cast<std::size_t>(i)].name = i;
  const Instant last_tick = at_ns(std::numeric_limits<std::int64_t>::max() / tick_ns * tick_ns);
  wheel.arm(timers[0], Instant{days(365 * 200)});
  wheel.arm(timers[1], Instant::max());
  wheel.arm(timers[2], last_tick);
  wheel.arm(timers[3], Instant{days(365)});
  wheel.arm(timers[4], Instant::min());
  EXPECT_EQ(expire_names(wheel, at_ns(0)), std::vector{4});
  EXPECT_TRUE(expire_names(wheel, Instant{days(365)} - Duration{1}).empty());
  EXPECT_EQ(expire_names(wheel, Instant{days(365 * 100)}), std::vector{3});
  EXPECT_EQ(expire_names(wheel, last_tick - Duration{1}), std::vector{0});
  EXPECT_EQ(expire_names(wheel, Instant::max()), std::vector{2});
  EXPECT_EQ(wheel.next_due(), Instant::max());  // never, and saying so does not overflow
  EXPECT_TRUE(wheel.cancel(timers[1]));
}

TEST(TimerWheel, works_with_the_smallest_and_the_largest_tick) {
  for (const unsigned bits : {TimerWheel::tick_bits_min, TimerWheel::tick_bits_max}) {
    TimerWheel wheel(at_ns(12'345), bits);
    std::deque<Timer> timers(2);
    timers[1].name = 1;
    const std::int64_t tick = std::int64_t{1} << bits;
    const Instant last_tick = at_ns(std::numeric_limits<std::int64_t>::max() / tick * tick);
    wheel.arm(timers[0], last_tick);
    wheel.arm(timers[1], at_ns(tick + 1));
    EXPECT_TRUE(expire_names(wheel, at_ns(2 * tick - 1)).empty());
    EXPECT_EQ(expire_names(wheel, at_ns(2 * tick)), std::vector{1});
    EXPECT_TRUE(expire_names(wheel, last_tick - Duration{1}).empty());
    EXPECT_EQ(expire_names(wheel, last_tick), std::vector{0});
  }
}

TEST(TimerWheel, disarms_what_it_leaves_behind) {
  std::deque<Timer> timers(3);
  {
    TimerWheel wheel;
    wheel.arm(timers[0], at_tick(1));
    wheel.arm(timers[1], at_tick(1'000'000));
    wheel.arm(timers[2], at_tick(0));
  }
  for (const Timer& timer : timers) EXPECT_FALSE(timer.armed());
}

// Goal:   sleeping until next_due() reaches every timer in time and in few steps.
TEST(TimerWheel, next_due_leads_to_a_timer_in_at_most_eight_steps) {
  Random random(0x5eed);
  for (int round = 0; round < scaled(20'000); ++round) {
    const auto start = static_cast<std::int64_t>(random.below(std::uint64_t{1} << random.below(62)));
    TimerWheel wheel(at_ns(start));
    Timer timer;
    const auto delay = static_cast<std::int64_t>(1 + random.below(std::uint64_t{1} << random.below(61)));
    const Instant due = at_ns(start + delay);
    wheel.arm(timer, due);
    int steps = 0;
    Instant now = at_ns(start);
    while (timer.armed()) {
      ASSERT_TRUE(wheel.next_due().has_value());
      ASSERT_LT(*wheel.next_due() - due, Duration{tick_ns});
      now = std::max(now, *wheel.next_due());
      wheel.expire(now, [](TimerNode&) {});
      ++steps;
    }
    ASSERT_GE(now, due);
    ASSERT_LE(steps, 8);
  }
}

/// What a wheel promises, said with a sorted map: by due tick, then by arming.
class Model {
 public:
  void arm(int name, Instant due) {
    const std::int64_t ns = due.time_since_epoch().count();
    const std::int64_t ticks = ns <= 0 ? 0 : ns / tick_ns + (ns % tick_ns != 0 ? 1 : 0);
    places_[name] = timers_.emplace(std::max(ticks, now_tick_), name);
  }
  bool cancel(int name) {
    const auto place = places_.find(name);
    if (place == places_.end()) return false;
    timers_.erase(place->second);
    places_.erase(place);
    return true;
  }
  std::vector<int> expire(Instant now) {
    now_tick_ = now.time_since_epoch().count() / tick_ns;
    std::vector<int> names;
    while (!timers_.empty() && timers_.begin()->first <= now_tick_) {
      names.push_back(timers_.begin()->second);
      places_.erase(timers_.begin()->second);
      timers_.erase(timers_.begin());
    }
    return names;
  }
  [[nodiscard]] std::size_t size() const { return timers_.size(); }
  [[nodiscard]] std::int64_t first_tick() const { return timers_.begin()->first; }

 private:
  std::multimap<std::int64_t, int> timers_;
  std::map<int, std::multimap<std::int64_t, int>::iterator> places_;
  std::int64_t now_tick_ = 0;
};

// Goal:   the wheel and a sorted map agree on what fires, in which order, after any operations.
// Method: delays and steps of every magnitude, so that all levels, jumps over many slots and overdue timers
//         occur; many delays are whole ticks, so that equal due ticks occur. Some timers are armed again as
//         they fire.
TEST(TimerWheel, agrees_with_a_sorted_map) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    TimerWheel wheel;
    Model model;
    std::deque<Timer> timers(300);
    for (int i = 0; i < 300; ++i) timers[static_cast<std::size_t>(i)].name = i;
    Instant now{};
    // Most seeds stay within hours, where slots are crowded; every fifth crosses centuries.
    const unsigned magnitudes = seed % 5 == 0 ? 55 : 14 + static_cast<unsigned>(seed);
    const auto random_delay = [&] {
      const auto ns = static_cast<std::int64_t>(random.below(std::uint64_t{1} << random.below(magnitudes)));
      switch (random.below(8)) {
        case 0:
          return Duration{-ns};
        case 1:
        case 2:
          return Duration{ns / tick_ns * tick_ns};
        default:
          return Duration{ns};
      }
    };
    for (int i = 0; i < scaled(20'000); ++i) {
      Timer& timer = timers[random.below(timers.size())];
      const std::uint64_t what = random.below(16);
      if (what < 10) {
        if (timer.armed()) continue;
        const Instant due = now + random_delay();
        wheel.arm(timer, due);
        model.arm(timer.name, due);
      } else if (what < 13) {
        ASSERT_EQ(wheel.cancel(timer), model.cancel(timer.name));
      } else {
        now += std::max(random_delay(), Duration{0});
        const std::vector<int> expected = model.expire(now);
        std::vector<int> fired;
        wheel.expire(now, [&](TimerNode& node) {
          const int name = static_cast<Timer&>(node).name;
          fired.push_back(name);
          if (random.below(4) == 0) {
            const Instant due = now + random_delay();
            wheel.arm(node, due);
            model.arm(name, due);
          }
        });
        ASSERT_EQ(fired, expected);
      }
      ASSERT_EQ(wheel.size(), model.size());
      ASSERT_EQ(wheel.next_due().has_value(), model.size() > 0);
      if (model.size() > 0) {
        ASSERT_LE(*wheel.next_due(), at_tick(model.first_tick()));
      }
    }
    for (Timer& timer : timers) wheel.cancel(timer);
    ASSERT_EQ(wheel.size(), 0U);
    ASSERT_EQ(wheel.next_due(), std::nullopt);
  }
}

TEST(TimerWheelDeathTest, catches_misuse) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  TimerWheel wheel;
  Timer timer;
  EXPECT_DEATH(
      {
        wheel.arm(timer, at_tick(5));
        wheel.arm(timer, at_tick(6));
      },
      "armed");
  EXPECT_DEATH(
      {
        Timer local;
        wheel.arm(local, at_tick(5));
      },
      "armed");
  EXPECT_DEATH(
      {
        wheel.expire(at_tick(5), [](TimerNode&) {});
        wheel.expire(at_tick(4), [](TimerNode&) {});
      },
      "backwards");
  EXPECT_DEATH(
      {
        wheel.arm(timer, at_tick(5));
        wheel.expire(at_tick(5), [&](TimerNode&) { wheel.expire(at_tick(5), [](TimerNode&) {}); });
      },
      "callback");
}

}  // namespace
}  // namespace orrery
