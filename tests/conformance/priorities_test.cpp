// Goal:   what is promised of priorities holds in both worlds: of one sender's messages of one priority each receiver handles them
//         in order; a higher priority overtakes; and a lower one is not overtaken for ever, but served at least once in every
//         Lanes::patience + priority_count messages (L2), whatever else comes.
#include "orrery/actor/lanes.hpp"

#include "tests/support/both_worlds.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace orrery {
namespace {

using test_support::BothWorlds;
using test_support::Stage;

struct Letter {
  int sender;
  Priority priority;
  int number;
};
struct Handled {
  using Reply = std::vector<Letter>;
};
struct Flood {
  int left;
};

/// Waits at a door with its first letter, so that mail piles up behind; then keeps itself flooded for a while.
struct Reader {
  Ref<test_support::Door> door;
  std::vector<Letter> handled{};
  void handle(Letter m) {
    if (handled.empty()) (void)door.ask(test_support::Pass{}, no_timeout);
    handled.push_back(m);
  }
  std::vector<Letter> handle(Handled) const { return handled; }
};
struct Write {
  int count;
};
struct Writer {
  int name;
  Ref<Reader> to;
  std::array<int, priority_count> next{};
  void handle(Write m, Context& context) {
    for (int i = 0; i < m.count; ++i) {
      const auto priority = static_cast<Priority>(context.draw("priority", priority_count));
      const int number = next[static_cast<std::size_t>(priority)]++;
      (void)to.tell(Letter{name, priority, number}, {.priority = priority});  // they are counted at the end
    }
  }
};

class Priorities : public BothWorlds {};
ORRERY_IN_BOTH_WORLDS(Priorities);

TEST_P(Priorities, keep_the_order_of_each_sender_within_each_of_them) {
  run([](Stage& stage) {
    const auto door = stage.rt.spawn(test_support::Door{});
    const Ref<Reader> reader = stage.rt.spawn(Reader{door});
    const int count = stage.is_simulated ? 30 : 2'000;
    constexpr int writers = 3;
    for (int i = 0; i < writers; ++i) stage.rt.spawn(Writer{i, reader}).tell(Write{count});
    (void)door.tell(test_support::Open{});
    stage.settle();
    std::array<std::array<int, priority_count>, writers> next{};
    const auto handled = reader.ask(Handled{}, no_timeout).value();
    EXPECT_EQ(handled.size(), static_cast<std::size_t>(writers * count));
    for (const Letter& one : handled) {
      ASSERT_EQ(one.number, next[static_cast<std::size_t>(one.sender)][static_cast<std::size_t>(one.priority)]++);
    }
  });
}

TEST_P(Priorities, overtake_but_starve_nobody) {
  run([](Stage& stage) {
    const auto door = stage.rt.spawn(test_support::Door{});
    const Ref<Reader> reader = stage.rt.spawn(Reader{door});
    constexpr int urgent = 400;
    constexpr int patient = 5;
    const auto send = [&](Priority priority, int count) {
      for (int i = 0; i < count; ++i) EXPECT_TRUE(reader.tell(Letter{0, priority, i}, {.priority = priority}));
    };
    send(Priority::normal, 1);  // the one that waits at the door
    stage.settle();
    for (const Priority lower : {Priority::low, Priority::normal, Priority::high}) send(lower, patient);
    send(Priority::critical, urgent);
    (void)door.tell(test_support::Open{});
    stage.settle();
    const auto handled = reader.ask(Handled{}, no_timeout).value();
    ASSERT_EQ(handled.size(), 1U + 3 * patient + urgent);
    EXPECT_EQ(handled[1].priority, Priority::critical) << "it came last, and overtook";
    for (const Priority lower : {Priority::low, Priority::normal, Priority::high}) {
      std::size_t passed_over = 0;
      int left = patient;
      for (std::size_t i = 1; i < handled.size() && left > 0; ++i) {
        ++passed_over;
        if (handled[i].priority != lower) continue;
        EXPECT_LE(passed_over, Lanes::patience + priority_count) << static_cast<int>(lower);
        passed_over = 0;
        --left;
      }
      EXPECT_EQ(left, 0);
    }
  });
}

}  // namespace
}  // namespace orrery
