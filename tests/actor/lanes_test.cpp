// Goal:   the lane that is served next is the one the rule names, in every case, and no lane starves.
// Method: pick() over all depths and ages that it can tell apart, against the rule written the other way
//         round; then random load against four plain queues, counting how long each lane waits.
#include "orrery/actor/lanes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace orrery {
namespace {

constexpr std::uint32_t patience = Lanes::patience;

/// The rule as a ranking: a lane with mail that ran out of patience goes before every other, the lowest of
/// these first; the others go from high to low.
std::size_t pick_by_ranking(const Lanes::Depths& depths, const Lanes::Depths& passed_over) {
  std::vector<std::pair<int, std::size_t>> ranked;
  for (std::size_t lane = 0; lane < priority_count; ++lane) {
    if (depths[lane] == 0) continue;
    const int rank = passed_over[lane] >= patience ? -1 - static_cast<int>(lane) : static_cast<int>(lane);
    ranked.emplace_back(rank, lane);
  }
  return std::ranges::min(ranked).second;
}

TEST(Lanes, picks_as_the_rule_says_for_all_depths_and_ages) {
  const std::array<std::uint32_t, 3> depth{0, 1, 7};
  const std::array<std::uint32_t, 5> age{0, 1, patience - 1, patience, patience + 3};
  int cases = 0;
  for (std::size_t d = 1; d < 3 * 3 * 3 * 3; ++d) {
    const Lanes::Depths depths{depth[d % 3], depth[d / 3 % 3], depth[d / 9 % 3], depth[d / 27]};
    for (std::size_t a = 0; a < 5 * 5 * 5 * 5; ++a) {
      const Lanes::Depths ages{age[a % 5], age[a / 5 % 5], age[a / 25 % 5], age[a / 125]};
      ASSERT_EQ(Lanes::pick(depths, ages), pick_by_ranking(depths, ages)) << "depths " << d << ", ages " << a;
      ++cases;
    }
  }
  EXPECT_EQ(cases, 80 * 625);
}

/// Mail of one test, numbered; the lanes only link it.
class Post {
 public:
  Envelope& make(std::size_t lane, std::uint8_t flags = 0) {
    auto& envelope = *mail_.emplace_back(std::make_unique<Envelope>());
    envelope.priority = static_cast<Priority>(lane);
    envelope.flags = flags;
    envelope.ordinal = static_cast<std::uint32_t>(mail_.size());
    return envelope;
  }

 private:
  std::vector<std::unique_ptr<Envelope>> mail_;
};

TEST(Lanes, a_lone_lane_is_a_queue) {
  Post post;
  Lanes lanes;
  EXPECT_TRUE(lanes.empty());
  EXPECT_EQ(lanes.take(), nullptr);
  std::vector<Envelope*> pushed;
  for (int i = 0; i < 100; ++i) lanes.push(*pushed.emplace_back(&post.make(2)));
  EXPECT_EQ(lanes.depth(), 100u);
  for (auto* const expected : pushed) EXPECT_EQ(lanes.take(), expected);
  EXPECT_TRUE(lanes.empty());
}

TEST(Lanes, knows_whether_priorities_are_mixed) {
  Post post;
  Lanes lanes;
  EXPECT_TRUE(lanes.one_lane());
  lanes.push(post.make(1));
  lanes.push(post.make(1));
  EXPECT_TRUE(lanes.one_lane());
  lanes.push(post.make(3));
  EXPECT_FALSE(lanes.one_lane());
  (void)lanes.take();
  EXPECT_FALSE(lanes.one_lane());
  (void)lanes.take();
  EXPECT_TRUE(lanes.one_lane());
}

TEST(Lanes, a_passed_over_lane_is_served_after_exactly_its_patience) {
  Post post;
  Lanes lanes;
  lanes.push(post.make(3));
  for (std::uint32_t i = 0; i < patience; ++i) {
    lanes.push(post.make(0));
    EXPECT_EQ(lanes.take()->priority, Priority::critical) << "take " << i;
  }
  lanes.push(post.make(0));
  EXPECT_EQ(lanes.take()->priority, Priority::low);
}

TEST(Lanes, a_lane_that_was_served_starts_waiting_anew) {
  Post post;
  Lanes lanes;
  for (int i = 0; i < 2; ++i) lanes.push(post.make(3));
  for (std::uint32_t i = 0; i < 2 * (patience + 1); ++i) {
    lanes.push(post.make(0));
    EXPECT_EQ(lanes.take()->priority == Priority::low, i % (patience + 1) == patience) << "take " << i;
  }
}

TEST(Lanes, agrees_with_four_queues_and_starves_nobody_under_random_load) {
  std::uint32_t longest = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    std::mt19937_64 random{seed};
    Post post;
    Lanes lanes;
    std::array<std::deque<Envelope*>, priority_count> queues;
    Lanes::Depths ages{};
    std::array<std::uint32_t, priority_count> waited{};
    for (int step = 0; step < 2'000; ++step) {
      // Most mail is critical in half of the runs and spread evenly in the others; arrivals keep up with
      // takes.
      if (random() % 100 < 55) {
        const std::size_t lane = seed % 2 == 0 && random() % 8 != 0 ? 0 : random() % priority_count;
        Envelope& envelope = post.make(lane);
        lanes.push(envelope);
        queues[lane].push_back(&envelope);
      } else {
        Lanes::Depths depths{};
        for (std::size_t i = 0; i < priority_count; ++i) depths[i] = static_cast<std::uint32_t>(queues[i].size());
        Envelope* const taken = lanes.take();
        if (depths == Lanes::Depths{}) {
          ASSERT_EQ(taken, nullptr);
          continue;
        }
        const std::size_t expected = pick_by_ranking(depths, ages);
        ASSERT_EQ(taken, queues[expected].front()) << "seed " << seed << " step " << step;
        queues[expected].pop_front();
        for (std::size_t i = 0; i < priority_count; ++i) {
          const bool passed_over = i != expected && depths[i] != 0;
          ages[i] = passed_over ? ages[i] + 1 : 0;
          waited[i] = passed_over ? waited[i] + 1 : 0;
          longest = std::max(longest, waited[i] + 1);
          ASSERT_LT(waited[i], patience + priority_count) << "L2: seed " << seed << " lane " << i;
        }
      }
      ASSERT_EQ(lanes.empty(), lanes.depth() == 0);
    }
  }
  EXPECT_GT(longest, patience) << "no run came near the bound";
}

TEST(Lanes, all_lanes_full_stay_within_the_bound_of_L2) {
  Post post;
  Lanes lanes;
  for (std::size_t lane = 0; lane < priority_count; ++lane) {
    for (int i = 0; i < 500; ++i) lanes.push(post.make(lane));
  }
  std::array<std::uint32_t, priority_count> waited{};
  for (int take = 0; take < 450; ++take) {
    const auto served = static_cast<std::size_t>(lanes.take()->priority);
    for (std::size_t i = 0; i < priority_count; ++i) {
      waited[i] = i == served ? 0 : waited[i] + 1;
      ASSERT_LT(waited[i], patience + priority_count);
    }
  }
}

TEST(LanesDrop, takes_the_oldest_of_the_lowest_lane) {
  Post post;
  Lanes lanes;
  lanes.push(post.make(0));
  Envelope& oldest = post.make(2);
  lanes.push(oldest);
  Envelope& younger = post.make(2);
  lanes.push(younger);
  EXPECT_EQ(lanes.take_oldest_droppable(), &oldest);
  EXPECT_EQ(lanes.take_oldest_droppable(), &younger);
  EXPECT_EQ(lanes.take_oldest_droppable()->priority, Priority::critical);
  EXPECT_EQ(lanes.take_oldest_droppable(), nullptr);
  EXPECT_TRUE(lanes.empty());
}

TEST(LanesDrop, skips_what_does_not_count_and_keeps_the_order_of_the_rest) {
  // Every pattern of counted (1) and uncounted (0) mail of up to five in one lane: first, middle and last are
  // unlinked.
  for (std::uint32_t pattern = 0; pattern < 32; ++pattern) {
    Post post;
    Lanes lanes;
    std::deque<Envelope*> queue;
    for (std::uint32_t i = 0; i < 5; ++i) {
      const bool counted = (pattern >> i & 1u) != 0;
      queue.push_back(&post.make(1, counted ? 0 : Envelope::uncounted));
      lanes.push(*queue.back());
    }
    const auto victim = std::ranges::find_if(queue, [](auto* e) { return (e->flags & Envelope::uncounted) == 0; });
    Envelope* const dropped = lanes.take_oldest_droppable();
    ASSERT_EQ(dropped, victim == queue.end() ? nullptr : *victim) << "pattern " << pattern;
    if (dropped != nullptr) queue.erase(victim);
    queue.push_back(&post.make(1));
    lanes.push(*queue.back());  // the end of the list is still right
    ASSERT_EQ(lanes.depth(), queue.size());
    for (auto* const expected : queue) ASSERT_EQ(lanes.take(), expected) << "pattern " << pattern;
    ASSERT_EQ(lanes.take(), nullptr);
  }
}

TEST(LanesDrop, goes_up_to_the_next_lane_when_the_lowest_holds_nothing_that_counts) {
  Post post;
  Lanes lanes;
  Envelope& tick = post.make(3, Envelope::uncounted);
  lanes.push(tick);
  Envelope& counted = post.make(1);
  lanes.push(counted);
  EXPECT_EQ(lanes.take_oldest_droppable(), &counted);
  EXPECT_EQ(lanes.take_oldest_droppable(), nullptr);
  EXPECT_EQ(lanes.take(), &tick);
}

}  // namespace
}  // namespace orrery
