// Goal:   what a burst of messages takes goes back to the system once it is handled, whoever sent it and wherever.
// Method: a receiver is held in a handler until everything is queued, and then drains it; what the process has in
//         memory is compared with before. Under the sanitizers, whose allocators keep what is freed, only the accounts
//         are checked.
#include "system_fixture.hpp"

#include "tests/support/memory.hpp"
#include "tests/support/sanitizers.hpp"

#include <malloc.h>

#include <array>

namespace orrery {
namespace {

using test_support::memory_says_something;
using test_support::resident_bytes;

constexpr std::size_t mebi = 1024 * 1024;
constexpr std::size_t may_stay = 32 * mebi;

struct Small {
  std::uint64_t value;
};
struct Large {
  std::array<std::uint64_t, 512> values;
};
struct Huge {
  std::vector<std::uint64_t> values;
};
struct Total {
  using Reply = std::uint64_t;
};
struct Sump {
  std::uint64_t count = 0;
  void handle(Block m) { m.gate->pass(); }
  void handle(Small) { ++count; }
  void handle(const Large& m) { count += m.values[511]; }
  void handle(const Huge& m) { count += m.values.back(); }
  std::uint64_t handle(Total) const { return count; }
};

template <class M>
M sample();
template <>
Small sample() {
  return {1};
}
template <>
Large sample() {
  Large large{};
  large.values.fill(1);
  return large;
}
template <>
Huge sample() {
  return {std::vector<std::uint64_t>(20'000, 1)};
}

/// Answered when all are sent: the account of a running system is not to be looked at.
struct Pour {
  using Reply = bool;
  std::size_t count;
};
template <class M>
struct Pourer {
  Ref<Sump> to;
  bool handle(Pour m) {
    bool all = true;
    for (std::size_t i = 0; i < m.count; ++i) all = to.tell(sample<M>()).has_value() && all;
    return all;
  }
};

class Burst : public SystemTest {
 protected:
  /// Lets `pour(receiver)` send `count` messages to an actor that is held, lets it go on, and looks at the memory.
  template <class Pour_>
  void check(unsigned threads, std::size_t count, std::size_t bytes_at_least, Pour_ pour) {
    System& sys = start(threads, {.runtime = {.mailbox_depth_warning = 0}});
    BlockPool::trim();  // else a small burst finds room in what earlier tests left
    std::size_t before = 0;
    for (int round = 0; round < 4; ++round) {
      const auto sump = sys.spawn<Sump>();
      const auto gate = std::make_shared<Gate>();
      ASSERT_TRUE(sump.tell(Block{gate}));
      ASSERT_TRUE(eventually([&] { return gate->is_reached(); }));
      if (round == 0) before = resident_bytes();
      pour(sys, sump);
      if (memory_says_something) {
        EXPECT_GE(resident_bytes(), before + bytes_at_least / 2);
      }
      gate->open();
      EXPECT_EQ(*sump.ask(Total{}, patience), count);
      sys.stop(sump);
      ASSERT_TRUE(sys.await_quiescence(patience));
      if (memory_says_something) {
        EXPECT_LE(resident_bytes(), before + may_stay) << "in round " << round;
      }
    }
  }
  template <class M>
  void from_outside(unsigned threads, std::size_t count, std::size_t bytes_at_least) {
    check(threads, count, bytes_at_least, [&](System&, const Ref<Sump>& to) {
      for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(to.tell(sample<M>()));
    });
  }
};

// ORRERY_BURST_MESSAGES sets the number (by hand, 10'000'000: 1 GB).
std::size_t messages() {
  const char* const wanted = std::getenv("ORRERY_BURST_MESSAGES");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : scaled(2'000'000);
}

TEST_F(Burst, of_a_foreign_thread_goes_back) { from_outside<Small>(1, messages(), messages() * 48); }

TEST_F(Burst, of_an_actor_on_another_worker_goes_back) {
  const std::size_t count = messages();
  check(2, count, count * 48, [&](System& sys, const Ref<Sump>& to) {
    const auto pourer = sys.spawn(Pourer<Small>{to});
    EXPECT_EQ(pourer.ask(Pour{count}, patience), true);
    sys.stop(pourer);
  });
}

TEST_F(Burst, of_many_actors_on_all_workers_goes_back) {
  constexpr std::size_t senders = 8;
  const std::size_t each = messages() / senders;
  check(3, each * senders, each * senders * 48, [&](System& sys, const Ref<Sump>& to) {
    const auto pourers = sys.spawn_n<Pourer<Small>>(senders, [&](std::size_t) { return Pourer<Small>{to}; });
    std::vector<Pending<Pour>> under_way;
    for (const auto& pourer : pourers) under_way.push_back(pourer.ask_async(Pour{each}, patience));
    for (auto& one : under_way) EXPECT_EQ(one.get(), true);
    for (const auto& pourer : pourers) sys.stop(pourer);
  });
}

TEST_F(Burst, of_large_messages_goes_back) {
  const std::size_t count = scaled(50'000);
  from_outside<Large>(2, count, count * sizeof(Large));
}

// What a message owns lies in the C library's heap, and whether that gives back what was freed is its own affair: it keeps
// what lies below something that still lives. So what counts here is what the heap has handed out.
TEST_F(Burst, of_messages_that_own_much_goes_back_to_the_heap) {
  const std::size_t count = scaled(1'500);
  System& sys = start(2);
  const auto sump = sys.spawn<Sump>();
  const auto in_use = [] {
    const auto heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
  };
  const std::size_t before = in_use();
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(sump.tell(sample<Huge>()));
    EXPECT_EQ(*sump.ask(Total{}, patience), (static_cast<std::size_t>(round) + 1) * count);
    if (memory_says_something) {
      EXPECT_LE(in_use(), before + mebi) << "in round " << round;
    }
  }
}

// Goal:   actors that come and go leave nothing behind but their slots, which the next ones use.
TEST_F(SystemTest, actors_that_end_leave_only_their_slots_and_those_are_used_again) {
  const std::size_t count = scaled(300'000);
  System& sys = start(2);
  std::size_t after_first = 0;
  const std::size_t before = resident_bytes();
  for (int round = 0; round < 4; ++round) {
    {
      auto actors = sys.spawn_n<Recorder>(count, [](std::size_t) { return Recorder{{1, 2, 3}}; });
      for (const auto& actor : actors) ASSERT_TRUE(actor.tell(Note{4}));
      for (const auto& actor : actors) ASSERT_TRUE(sys.stop(actor));
    }
    ASSERT_TRUE(sys.await_quiescence(patience));
    EXPECT_EQ(sys.living(), 0U);
    if (round == 0) after_first = resident_bytes();
    if (memory_says_something) {
      EXPECT_LE(resident_bytes(), before + count * sizeof(Cell) + may_stay) << "in round " << round;
      EXPECT_LE(resident_bytes(), after_first + may_stay / 2) << "in round " << round;
    }
  }
  RecordProperty("bytes_per_ended_actor", std::to_string((resident_bytes() - before) / count));
}

}  // namespace
}  // namespace orrery
