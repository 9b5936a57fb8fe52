#include "orrery/broker/routing.hpp"

#include "orrery/broker/routes.hpp"
#include "orrery/core/entropy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <vector>

namespace orrery {
namespace {

using Ids = std::vector<std::uint64_t>;

constexpr auto no_depth = [](const auto&) { return 0; };

std::vector<Subscriber> candidates(const Ids& ids) {
  std::vector<Subscriber> list;
  for (const std::uint64_t id : ids) list.push_back({.id = id});
  return list;
}
Ids pick(Picker& picker, const Ids& ids, const PickBy& by = {}) {
  const auto list = candidates(ids);
  Ids picked;
  for (const Subscriber& one : picker.pick(std::span{list}, by, no_depth)) picked.push_back(one.id);
  return picked;
}

TEST(Picker, gives_nobody_when_there_is_nobody) {
  for (const Routing routing : {Routing::round_robin, Routing::random, Routing::consistent_hashing,
                                Routing::smallest_mailbox, Routing::broadcast}) {
    Picker picker{routing};
    EXPECT_EQ(pick(picker, {}), Ids{});
    EXPECT_EQ(pick(picker, {7}), Ids{7});
    EXPECT_EQ(pick(picker, {}), Ids{});
  }
}

RC_GTEST_PROP(Picker, round_robin_picks_each_once_in_as_many_picks, ()) {
  const auto count = *rc::gen::inRange<std::size_t>(1, 20);
  const auto before = *rc::gen::inRange<std::size_t>(0, 50);
  Picker picker{Routing::round_robin};
  const auto ask = [&] { return picker.pick(count, {}, no_depth, no_depth).first; };
  for (std::size_t i = 0; i < before; ++i) (void)ask();
  std::set<std::size_t> picked;
  for (std::size_t i = 0; i < count; ++i) picked.insert(ask());
  RC_ASSERT(picked.size() == count);
  RC_ASSERT(*picked.rbegin() == count - 1);
}

TEST(Picker, random_follows_the_draw_evenly) {
  Picker picker{Routing::random};
  Entropy entropy{1, 0};
  std::array<int, 5> counts{};
  // 5 * 2,000: the standard deviation of a count is 40, so six of them are 240.
  for (int i = 0; i < 10'000; ++i) ++counts.at(picker.pick(5, {.draw = entropy.next()}, no_depth, no_depth).first);
  EXPECT_THAT(counts, testing::Each(testing::AllOf(testing::Gt(1'760), testing::Lt(2'240))));
  static_assert(pick_random(5, 0) == 0);
  static_assert(pick_random(5, UINT64_MAX) == 4);
}

TEST(Picker, broadcast_gives_all_in_order) {
  Picker picker{Routing::broadcast};
  EXPECT_EQ(pick(picker, {3, 1, 2}), (Ids{3, 1, 2}));
}

TEST(Picker, smallest_mailbox_is_a_least_deep_one_and_shares_ties_evenly) {
  const std::vector<std::size_t> depths{4, 2, 7, 2, 2, 9};
  Picker picker{Routing::smallest_mailbox};
  std::map<std::size_t, int> counts;
  constexpr std::uint64_t steps = 300;
  for (std::uint64_t i = 0; i < steps; ++i) {
    const PickBy by{.draw = UINT64_MAX / steps * i};
    ++counts[picker.pick(depths.size(), by, no_depth, [&](std::size_t at) { return depths[at]; }).first];
  }
  EXPECT_EQ(counts.size(), 3u);
  for (const std::size_t least : {1u, 3u, 4u}) EXPECT_NEAR(counts[least], 100, 1);
}

TEST(Picker, looks_at_the_candidates_of_a_ring_when_their_membership_is_new) {
  Picker picker{Routing::consistent_hashing};
  int asked = 0;
  const auto id_of = [&](std::size_t index) {
    ++asked;
    return std::uint64_t{index};
  };
  (void)picker.pick(3, {.key = 1, .membership = 5}, id_of, no_depth);
  (void)picker.pick(3, {.key = 2, .membership = 5}, id_of, no_depth);
  EXPECT_EQ(asked, 3);
  (void)picker.pick(3, {.key = 2, .membership = 6}, id_of, no_depth);
  EXPECT_EQ(asked, 6);
  (void)picker.pick(3, {.key = 2}, id_of, no_depth);
  (void)picker.pick(3, {.key = 2}, id_of, no_depth);
  EXPECT_EQ(asked, 12);  // nobody says whether they changed
}

rc::Gen<Ids> some_ids() { return rc::gen::nonEmpty(rc::gen::unique<Ids>(rc::gen::inRange<std::uint64_t>(0, 1000))); }

// Goal:   G2: exactly the keys of who left move, and exactly to who came; where somebody stands in the list means nothing.
RC_GTEST_PROP(HashRing, moves_only_keys_of_who_left_or_to_who_came, ()) {
  const Ids before = *some_ids();
  const auto virtual_nodes = *rc::gen::inRange<std::size_t>(1, 20);
  const auto newcomer = *rc::gen::suchThat(rc::gen::inRange<std::uint64_t>(0, 2000), [&](std::uint64_t id) {
    return std::ranges::find(before, id) == before.end();
  });
  Ids after = before;
  after.insert(after.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(after.size()) + 1),
               newcomer);
  const HashRing smaller{before, virtual_nodes};
  const HashRing larger{after, virtual_nodes};
  for (std::uint64_t key = 0; key < 200; ++key) {
    const std::uint64_t owner = before[smaller.pick(key)];
    const std::uint64_t later = after[larger.pick(key)];
    RC_ASSERT(later == owner || later == newcomer);
  }
  Ids shuffled = before;
  std::ranges::reverse(shuffled);
  const HashRing reversed{shuffled, virtual_nodes};
  for (std::uint64_t key = 0; key < 50; ++key) {
    RC_ASSERT(shuffled[reversed.pick(key)] == before[smaller.pick(key)]);
  }
}

// Goal:   about 1 / n of the keys move to a newcomer, and all have about the same share.
// Method: with 128 virtual nodes a share's standard deviation is about 9 % of it; four of those either way.
TEST(HashRing, shares_keys_nearly_evenly) {
  constexpr std::uint64_t keys = 20'000;
  Ids ids{1, 2, 3, 4, 5, 6, 7, 8, 9};
  const HashRing before{ids};
  ids.push_back(10);
  const HashRing after{ids};
  std::array<int, 11> counts{};
  int moved = 0;
  for (std::uint64_t key = 0; key < keys; ++key) {
    const std::uint64_t owner = ids[after.pick(key)];
    ++counts.at(owner);
    if (ids[before.pick(key)] != owner) ++moved;
  }
  for (std::size_t id = 1; id <= 10; ++id) EXPECT_NEAR(counts.at(id), 2'000, 720) << id;
  EXPECT_EQ(moved, counts[10]);
}

TEST(Picker, consistent_hashing_stays_with_a_key_while_others_come_and_go) {
  Picker picker{Routing::consistent_hashing};
  const Ids owner = pick(picker, {1, 2, 3, 4}, {.key = 42, .membership = 1});
  Ids others{1, 2, 3, 4};
  std::erase(others, owner.front());
  others.pop_back();
  others.push_back(owner.front());
  EXPECT_EQ(pick(picker, others, {.key = 42, .membership = 2}), owner);
}

}  // namespace
}  // namespace orrery
