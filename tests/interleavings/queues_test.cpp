// The queues between workers: every item leaves exactly once, with what was written before it was put in.
#include "orrery/core/asymmetric_fence.hpp"
#include "orrery/threads/hot_slot.hpp"
#include "orrery/threads/injection_deque.hpp"
#include "orrery/threads/injection_queue.hpp"
#include "orrery/threads/steal_queue.hpp"
#include "tests/interleavings/checker/explore.hpp"

#include <gtest/gtest.h>

#include <array>

namespace orrery::interleave {
namespace {

struct Item {
  Plain<Item*> next{nullptr};
  Plain<int> written{0};  // by whoever puts it in
  Plain<int> taken{0};    // by whoever took it out: two would be a race
};

/// Some items, and what is done with each.
struct Items {
  Model& model;
  std::array<Item, 5> items;
  Item& fill(std::size_t i) {
    items[i].written = 1;
    return items[i];
  }
  void take(Item& item) const {
    model.require(item.written == 1, "what was written before is seen");
    item.taken = item.taken + 1;
  }
  [[nodiscard]] int taken(std::size_t count) const {
    int total = 0;
    for (std::size_t i = 0; i < count; ++i) {
      model.require(items[i].taken <= 1, "no item leaves twice");
      total += items[i].taken;
    }
    return total;
  }
};

using Ring = StealQueue<Item, 4>;

/// The owner pushes and pops; thieves take half, and then have it.
Body stealing(std::size_t items, std::size_t thieves, std::size_t pops) {
  return [=](Model& model) {
    Items all_items{model, {}};
    Ring queue;
    std::array<Ring, 2> stolen;
    std::vector<Item*> overflow;
    model.name(queue, "queue");
    model.name(stolen[0], "stolen by a");
    model.name(stolen[1], "stolen by b");
    const auto empty_it = [&](Ring& ring) {
      while (Item* const item = ring.pop()) all_items.take(*item);
    };
    model.thread("owner", [&] {
      for (std::size_t i = 0; i < items; ++i) {
        queue.push(&all_items.fill(i),
                   [&](std::span<Item* const> half) { overflow.insert(overflow.end(), half.begin(), half.end()); });
      }
      for (std::size_t i = 0; i < pops; ++i) {
        if (Item* const item = queue.pop()) all_items.take(*item);
      }
    });
    for (std::size_t i = 0; i < thieves; ++i) {
      model.thread(i == 0 ? "thief a" : "thief b", [&, i] {
        if (Item* const item = queue.steal_into(stolen[i])) all_items.take(*item);
        empty_it(stolen[i]);
      });
    }
    model.run();
    empty_it(queue);
    for (Item* const item : overflow) all_items.take(*item);
    model.require(all_items.taken(items) == static_cast<int>(items), "every item leaves");
    model.require(queue.empty() && stolen[0].empty() && stolen[1].empty(), "nothing is left");
  };
}

TEST(StealQueue, every_item_leaves_exactly_once) {
  expect_holds("steal queue, 2 items, 1 thief", all(), stealing(2, 1, 2));
  expect_holds("steal queue, 3 items, 1 thief", all(), stealing(3, 1, 1));
  expect_holds("steal queue, 2 items, 2 thieves", preemptions(2), stealing(2, 2, 1));
  expect_holds("steal queue, 3 items, 2 thieves, random", random(20'000), stealing(3, 2, 2), {.false_wakes = 1});
}

// The fifth item meets a full ring, and the ring's places are used again while a thief may still read them.
TEST(StealQueue, a_full_ring_gives_its_older_half_away_once) {
  expect_holds("steal queue overflows, 1 thief", preemptions(2), stealing(5, 1, 1));
  expect_holds("steal queue overflows, 2 thieves, random", random(20'000), stealing(5, 2, 2), {.false_wakes = 1});
}

template <class Queue>
Body injecting() {
  return [](Model& model) {
    Items items{model, {}};
    Queue queue;
    Atomic<int> pushed{0};
    model.name(queue, "queue");
    model.thread("pushes one", [&] {
      queue.push(&items.fill(0));
      pushed.store(1, std::memory_order_release);
    });
    model.thread("pushes two", [&] {
      Item* const both[] = {&items.fill(1), &items.fill(2)};
      queue.push(both);
    });
    model.thread("takes", [&] {
      const bool is_there = pushed.load(std::memory_order_acquire) == 1;
      std::vector<Item*> got;
      queue.pop_some(2, [&](Item* item) { got.push_back(item); });
      model.require(!is_there || !got.empty(), "a push that is known of is found");
      for (Item* const item : got) items.take(*item);
    });
    model.run();
    std::vector<Item*> rest;
    while (Item* const item = queue.pop()) rest.push_back(item);
    for (Item* const item : rest) items.take(*item);
    model.require(items.taken(3) == 3, "every item leaves");
    const auto at = std::ranges::find(rest, &items.items[2]);
    model.require(std::find(at, rest.end(), &items.items[1]) == rest.end(),
                  "two that were pushed together keep their order");
  };
}

TEST(InjectionQueue, every_item_leaves_exactly_once_and_in_order) {
  expect_holds("injection queue", all(), injecting<InjectionQueue<Item, &Item::next>>());
}

TEST(InjectionDeque, every_item_leaves_exactly_once_and_in_order) {
  expect_holds("injection deque", all(), injecting<InjectionDeque<Item>>());
}

/// With membarrier, and on a kernel without it.
void with_both_fences(const std::string& name, Mode mode, const Body& body) {
  expect_holds(name, mode, body);
  detail::light_fence_is_free = false;
  expect_holds(name + ", without membarrier", mode, body);
  detail::light_fence_is_free = true;
}

Body hot(int puts, int thieves) {
  return [=](Model& model) {
    Items items{model, {}};
    HotSlot<Item> slot;
    model.name(slot, "slot");
    const auto keep = [&](Item* item) {
      if (item != nullptr) items.take(*item);
    };
    model.thread("owner", [&] {
      for (int i = 0; i < puts; ++i) keep(slot.put(items.fill(static_cast<std::size_t>(i))));
      keep(slot.take());
    });
    for (int i = 0; i < thieves; ++i) model.thread(i == 0 ? "thief a" : "thief b", [&] { keep(slot.steal()); });
    model.run();
    model.require(slot.empty(), "the owner took what was left");
    model.require(items.taken(static_cast<std::size_t>(puts)) == puts, "every item leaves");
  };
}

TEST(HotSlot, an_item_leaves_exactly_once) {
  with_both_fences("hot slot, 1 item", all(), hot(1, 1));
  with_both_fences("hot slot, 2 items", all(), hot(2, 1));
  with_both_fences("hot slot, 2 thieves", preemptions(2), hot(2, 2));
}

TEST(HotSlot, an_owner_that_stays_away_is_robbed) {
  with_both_fences("hot slot, stuck owner", all(), [](Model& model) {
    Items items{model, {}};
    HotSlot<Item> slot;
    Atomic<int> put{0};
    model.thread("owner", [&] {
      (void)slot.put(items.fill(0));
      put.store(1, std::memory_order_release);
    });
    model.thread("thief", [&] {
      while (put.load(std::memory_order_acquire) == 0) spin_pause();
      Item* const item = slot.steal();
      model.require(item != nullptr, "the thief finds it");
      items.take(*item);
    });
    model.run();
  });
}

}  // namespace
}  // namespace orrery::interleave
