#include "orrery/threads/steal_queue.hpp"

#include "tests/support/scale.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include "orrery/threads/injection_queue.hpp"

namespace orrery {
namespace {

using test_support::scaled;

struct Item {
  int name = 0;
  Item* next = nullptr;
  std::atomic<int> taken{0};
};

using Queue = StealQueue<Item>;
using Injection = InjectionQueue<Item, &Item::next>;

std::deque<Item> items_named_from_zero(int count) {
  std::deque<Item> items(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) items[static_cast<std::size_t>(i)].name = i;
  return items;
}

constexpr auto no_overflow = [](std::span<Item* const>) { FAIL() << "overflow from a queue with room"; };

std::vector<int> names_popped_from(Queue& queue) {
  std::vector<int> names;
  while (const Item* item = queue.pop()) names.push_back(item->name);
  return names;
}

std::vector<int> names_between(int first, int end) {
  std::vector<int> names;
  for (int i = first; i < end; ++i) names.push_back(i);
  return names;
}

TEST(StealQueue, is_first_in_first_out_for_its_owner) {
  auto items = items_named_from_zero(1000);
  Queue queue;
  EXPECT_EQ(queue.pop(), nullptr);
  // Steps of 100 walk around the ring, so that every slot boundary is passed.
  for (int start = 0; start < 1000; start += 100) {
    for (int i = start; i < start + 100; ++i) queue.push(&items[static_cast<std::size_t>(i)], no_overflow);
    EXPECT_EQ(queue.size(), 100U);
    EXPECT_EQ(names_popped_from(queue), names_between(start, start + 100));
    EXPECT_TRUE(queue.empty());
  }
}

TEST(StealQueue, gives_a_thief_the_older_half_rounded_up) {
  auto items = items_named_from_zero(7);
  Queue victim;
  Queue mine;
  for (Item& item : items) victim.push(&item, no_overflow);
  EXPECT_EQ(victim.steal_into(mine), &items[0]);
  EXPECT_EQ(names_popped_from(mine), (std::vector{1, 2, 3}));
  EXPECT_EQ(names_popped_from(victim), (std::vector{4, 5, 6}));

  victim.push(&items[6], no_overflow);
  EXPECT_EQ(victim.steal_into(mine), &items[6]);  // a single item can be stolen too
  EXPECT_EQ(victim.steal_into(mine), nullptr);
  EXPECT_TRUE(mine.empty());
}

TEST(StealQueue, takes_from_a_full_queue_what_fits) {
  auto items = items_named_from_zero(512);
  Queue victim;
  Queue mine;
  for (int i = 0; i < 256; ++i) victim.push(&items[static_cast<std::size_t>(i)], no_overflow);
  for (int i = 256; i < 506; ++i) mine.push(&items[static_cast<std::size_t>(i)], no_overflow);
  EXPECT_EQ(victim.steal_into(mine), &items[0]);  // room for 6 more
  EXPECT_EQ(mine.size(), 256U);
  EXPECT_EQ(victim.size(), 249U);
  EXPECT_EQ(victim.steal_into(mine), &items[7]);  // no room at all
  EXPECT_EQ(mine.size(), 256U);
  auto mine_expected = names_between(256, 506);
  for (const int name : names_between(1, 7)) mine_expected.push_back(name);
  EXPECT_EQ(names_popped_from(mine), mine_expected);
  EXPECT_EQ(names_popped_from(victim), names_between(8, 256));
}

TEST(StealQueue, moves_its_older_half_and_the_new_item_out_when_full) {
  auto items = items_named_from_zero(257);
  Queue queue;
  for (int i = 0; i < 256; ++i) queue.push(&items[static_cast<std::size_t>(i)], no_overflow);
  EXPECT_EQ(queue.size(), Queue::capacity);
  std::vector<int> overflown;
  queue.push(&items[256], [&](std::span<Item* const> batch) {
    for (const Item* item : batch) overflown.push_back(item->name);
  });
  auto expected = names_between(0, 128);
  expected.push_back(256);
  EXPECT_EQ(overflown, expected);
  EXPECT_EQ(names_popped_from(queue), names_between(128, 256));
}

// Goal:   with one owner and three thieves every item is taken exactly once, whether it was popped, stolen,
//         stolen again, or went through the overflow.
// Method: the owner pushes in bursts that sometimes exceed the ring; all take until every item is accounted
//         for.
TEST(StealQueue, loses_and_doubles_nothing_between_owner_and_thieves) {
  const int count = scaled(400'000);
  auto items = items_named_from_zero(count);
  std::array<Queue, 4> queues;  // queues[0] is the owner's, the others the thieves'
  Injection injection;
  std::atomic<int> taken{0};
  const auto take = [&](Item* item) {
    item->taken.fetch_add(1, std::memory_order_relaxed);
    taken.fetch_add(1, std::memory_order_relaxed);
  };
  const auto overflow = [&](std::span<Item* const> batch) { injection.push(batch); };
  {
    std::vector<std::jthread> thieves;
    for (std::size_t self = 1; self < 4; ++self) {
      thieves.emplace_back([&, self] {
        while (taken.load(std::memory_order_relaxed) < count) {
          bool found = false;
          for (std::size_t victim = 0; victim < 4; ++victim) {
            if (victim == self) continue;
            Item* stolen = queues[victim].steal_into(queues[self]);
            if (stolen == nullptr) continue;
            found = true;
            take(stolen);
            // Leaves part of the loot for others to steal.
            for (int i = 0; i < 20; ++i) {
              if (Item* item = queues[self].pop()) take(item);
            }
          }
          if (Item* item = queues[self].pop()) {
            take(item);
          } else if (!found) {
            std::this_thread::yield();
          }
        }
      });
    }
    int pushed = 0;
    int burst = 1;
    while (taken.load(std::memory_order_relaxed) < count) {
      burst = burst * 7 % 401;  // 1 to 400, beyond the ring's 256
      for (int i = 0; i < burst && pushed < count; ++i)
        queues[0].push(&items[static_cast<std::size_t>(pushed++)], overflow);
      for (int i = 0; i < burst / 2; ++i) {
        if (Item* item = queues[0].pop()) take(item);
      }
      injection.pop_some(100, take);
      if (pushed == count) std::this_thread::yield();
    }
  }
  EXPECT_EQ(taken.load(), count);
  EXPECT_TRUE(std::ranges::all_of(items, [](const Item& item) { return item.taken.load() == 1; }));
}

TEST(InjectionQueue, is_first_in_first_out_for_items_and_batches) {
  auto items = items_named_from_zero(10);
  Injection queue;
  EXPECT_EQ(queue.pop(), nullptr);
  queue.push(&items[0]);
  queue.push(std::vector{&items[1], &items[2], &items[3]});
  queue.push(std::span<Item* const>());
  queue.push(&items[4]);
  EXPECT_EQ(queue.size(), 5U);
  EXPECT_EQ(queue.pop(), &items[0]);
  std::vector<int> names;
  const auto note = [&](Item* item) { names.push_back(item->name); };
  EXPECT_EQ(queue.pop_some(2, note), 2U);
  EXPECT_EQ(names, (std::vector{1, 2}));
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_EQ(queue.pop_some(100, note), 2U);
  EXPECT_EQ(names, (std::vector{1, 2, 3, 4}));
  EXPECT_TRUE(queue.empty());
  queue.push(&items[5]);  // after it was emptied
  EXPECT_EQ(queue.pop(), &items[5]);
  EXPECT_EQ(queue.pop_some(0, note), 0U);
}

TEST(InjectionQueue, lets_the_taker_push_the_item_again) {
  auto items = items_named_from_zero(3);
  Injection queue;
  for (Item& item : items) queue.push(&item);
  EXPECT_EQ(queue.pop_some(3, [&](Item* item) { queue.push(item); }), 3U);
  EXPECT_EQ(queue.size(), 3U);
  for (Item& item : items) EXPECT_EQ(queue.pop(), &item);
}

// Goal:   many threads push and pop, nothing is lost or doubled, and each producer's items come in order.
TEST(InjectionQueue, keeps_every_producers_order) {
  const int per_producer = scaled(100'000);
  auto items = items_named_from_zero(per_producer * 2);
  Injection queue;
  bool in_order = true;
  {
    std::vector<std::jthread> producers;
    for (int p = 0; p < 2; ++p) {
      producers.emplace_back([&, p] {
        for (int i = 0; i < per_producer; ++i) queue.push(&items[static_cast<std::size_t>(p * per_producer + i)]);
      });
    }
    std::array<int, 2> expected{0, per_producer};
    for (int taken = 0; taken < per_producer * 2;) {
      taken += static_cast<int>(queue.pop_some(16, [&](Item* item) {
        int& next = expected[item->name < per_producer ? 0 : 1];
        in_order = in_order && item->name == next;
        ++next;
      }));
    }
  }
  EXPECT_TRUE(in_order);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace orrery
