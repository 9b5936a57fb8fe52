// Goal:   mail that piles up and actors that restart too often are told once for as long as it goes on, and what is told is
//         true: no depth, age or number is overstated.
// Method: invented clocks.
#include "orrery/threads/backlog_watch.hpp"
#include "orrery/threads/reporter.hpp"
#include "orrery/threads/restart_watch.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace orrery {
namespace {

using namespace std::chrono_literals;

constexpr Handle alice{1, 1};
constexpr BacklogLimits limits{.depth = 1'000, .growing = 10s, .age = 1s};

Instant at(Duration since) { return Instant{since}; }

TEST(BacklogWatch, tells_depth_once_until_half_of_it_is_gone) {
  BacklogWatch watch{limits};
  std::uint64_t handled = 0;
  auto is_deep = [&, t = Duration{0s}](std::size_t depth) mutable {
    return watch.look({alice, depth, ++handled}, at(t += 500ms)).is_deep;
  };
  EXPECT_FALSE(is_deep(1'000));
  EXPECT_TRUE(is_deep(1'001));
  EXPECT_FALSE(is_deep(5'000));
  EXPECT_FALSE(is_deep(501));
  EXPECT_FALSE(is_deep(1'001)) << "it was never over";
  EXPECT_FALSE(is_deep(500));
  EXPECT_TRUE(is_deep(1'001));
  EXPECT_FALSE(is_deep(0));
  EXPECT_TRUE(is_deep(1'001)) << "an empty mailbox is over";
}

TEST(BacklogWatch, tells_growth_that_every_look_confirms) {
  BacklogWatch watch{limits};
  std::vector<Duration> told;
  std::size_t depth = 100;
  for (Duration t = 1s; t <= 40s; t += 1s) {
    depth += t == 20s ? 0 : 10;  // one look that is not deeper
    const auto verdict = watch.look({alice, depth, static_cast<std::uint64_t>(t / 1s)}, at(t));
    if (!verdict.grows) continue;
    told.push_back(t);
    EXPECT_EQ(verdict.growing, 10s);
    EXPECT_EQ(verdict.grown_from, t == 11s ? 110U : 290U);
  }
  EXPECT_EQ(told, (std::vector<Duration>{11s, 30s}));
}

TEST(BacklogWatch, knows_no_growth_of_little_mail_or_across_a_gap) {
  BacklogWatch watch{limits};
  for (Duration t = 1s; t <= 60s; t += 1s) {
    const auto depth = static_cast<std::size_t>(t / 1s);
    ASSERT_FALSE(watch.look({alice, depth, depth}, at(t)).grows) << "fewer than 100";
  }
  BacklogWatch sparse{limits};
  for (Duration t = 6s; t <= 120s; t += 6s) {
    const auto depth = 1'000 * static_cast<std::size_t>(t / 1s);
    const auto verdict = sparse.look({alice, depth, 1}, at(t));
    ASSERT_FALSE(verdict.grows) << "nobody knows what was between";
    ASSERT_FALSE(verdict.is_old);
  }
}

TEST(BacklogWatch, tells_age_only_while_nothing_is_handled) {
  BacklogWatch watch{limits};
  EXPECT_FALSE(watch.look({alice, 1, 7}, at(10s)).is_old);
  EXPECT_FALSE(watch.look({alice, 1, 7}, at(10'999ms)).is_old);
  const auto old = watch.look({alice, 3, 7}, at(11s));
  EXPECT_TRUE(old.is_old);
  EXPECT_EQ(old.age, 1s);
  EXPECT_FALSE(watch.look({alice, 3, 7}, at(12s)).is_old) << "it was told";
  EXPECT_FALSE(watch.look({alice, 3, 8}, at(13s)).is_old) << "it has handled one";
  EXPECT_FALSE(watch.look({alice, 3, 8}, at(13'500ms)).is_old);
  EXPECT_TRUE(watch.look({alice, 3, 8}, at(14s)).is_old);
}

TEST(BacklogWatch, says_nothing_where_limits_are_off) {
  BacklogWatch watch{{}};
  for (Duration t = 0s; t <= 60s; t += 1s) {
    const auto verdict = watch.look({alice, 1'000 + static_cast<std::size_t>(t / 1s), 1}, at(t));
    ASSERT_FALSE(verdict.is_deep || verdict.grows || verdict.is_old);
  }
}

TEST(BacklogWatch, remembers_a_bounded_number_of_actors_and_forgets_the_gone) {
  BacklogWatch watch{limits};
  for (std::uint32_t slot = 0; slot < BacklogWatch::actors_max + 10; ++slot) {
    EXPECT_TRUE(watch.look({Handle{slot, 1}, 2'000, 1}, at(1s)).is_deep);
  }
  EXPECT_EQ(watch.actors(), BacklogWatch::actors_max);
  watch.forget_old(at(1s + BacklogWatch::gap_max));
  EXPECT_EQ(watch.actors(), BacklogWatch::actors_max);
  watch.forget_old(at(2s + BacklogWatch::gap_max));
  EXPECT_EQ(watch.actors(), 0U);
}

TEST(RestartWatch, tells_a_storm_once_and_the_next_one_after_a_minute_of_calm) {
  RestartWatch watch{10};
  std::uint64_t total = 0;
  std::vector<Duration> told;
  for (Duration t = 0s; t <= 10min; t += 1s) {
    if (t < 1min || (t >= 3min && t < 4min) || (t >= 8min && t < 8min + 11s)) ++total;
    const std::uint64_t recent = watch.look(total, at(t));
    if (recent == 0) continue;
    told.push_back(t);
    EXPECT_EQ(recent, 11U);
  }
  EXPECT_EQ(told, (std::vector<Duration>{10s, 3min + 10s, 8min + 10s}));
}

TEST(RestartWatch, tells_a_storm_that_broke_out_before_its_first_look) {
  RestartWatch watch{10};
  EXPECT_EQ(watch.look(11, at(5s)), 11U);
  EXPECT_EQ(watch.look(12, at(6s)), 0U) << "it was told";
}

TEST(RestartWatch, knows_no_storm_of_what_supervisors_are_allowed) {
  RestartWatch watch{10};
  std::uint64_t total = 0;
  for (Duration t = 0s; t <= 1h; t += 6s) ASSERT_EQ(watch.look(++total, at(t)), 0U);  // ten a minute
  RestartWatch off{0};
  for (Duration t = 0s; t <= 1h; t += 1s) ASSERT_EQ(off.look(total += 100, at(t)), 0U);
}

TEST(Reporter, counts_what_it_swallows_and_says_so_to_whom_it_tells) {
  std::vector<std::string> texts;
  std::vector<std::uint64_t> suppressed;
  Reporter reporter{2, [&](std::string_view, const std::string& text) { texts.push_back(text); },
                    [&](const AlarmNotice& notice) { suppressed.push_back(notice.suppressed); }};
  for (int i = 0; i < 5; ++i) reporter.report(at(1s), "flood", "drop");
  reporter.report(at(2s), "other", "one");
  reporter.report(at(61s), "flood", "drop");
  EXPECT_EQ(texts, (std::vector<std::string>{"drop", "drop", "one", "drop (3 more of this kind were not shown)"}));
  EXPECT_EQ(suppressed, (std::vector<std::uint64_t>{0, 0, 0, 3}));
  EXPECT_EQ(reporter.counts(), (std::vector<std::pair<std::string, std::uint64_t>>{{"flood", 6}, {"other", 1}}));
}

}  // namespace
}  // namespace orrery
