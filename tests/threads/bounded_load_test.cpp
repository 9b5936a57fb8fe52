// Goal:   with a slow receiver and many fast senders a bounded mailbox fills to its capacity and never above, whatever its
//         policy, and every message is accounted for: handled, refused to its sender, or dropped into the dead letters.
// Method: the receiver is held until its mailbox is full, and then made slow; actors on all workers and foreign threads
//         send all the time. The mailbox itself keeps its high-water mark, under its lock.
#include "system_fixture.hpp"

#include <fmt/core.h>

#include <array>
#include <string>

namespace orrery {
namespace {

struct Drop {
  std::uint64_t value;
};
struct Total {
  using Reply = std::uint64_t;
};
struct SlowSink {
  std::uint64_t handled = 0;
  void handle(Block m) { m.gate->pass(); }
  void handle(Drop) {
    if (++handled % 16 == 0) std::this_thread::yield();
  }
  std::uint64_t handle(Total) const { return handled; }
};
struct Outcomes {
  std::atomic<std::uint64_t> accepted{0}, full{0}, others{0};
  void count(const TellResult& result) {
    if (result) {
      ++accepted;
    } else if (result.error() == TellError::mailbox_full) {
      ++full;
    } else {
      ++others;
    }
  }
};
struct Send {
  std::uint64_t count;
};
struct EagerSender {
  Ref<SlowSink> to;
  std::shared_ptr<Outcomes> outcomes;
  void handle(Send m) {
    for (std::uint64_t i = 0; i < m.count; ++i) outcomes->count(to.tell(Drop{i}));
  }
};

struct Case {
  Overflow overflow;
  std::uint32_t capacity;
  std::uint32_t resume_at;
};

class BoundedUnderLoad : public SystemTest, public testing::WithParamInterface<Case> {};

TEST_P(BoundedUnderLoad, fills_to_its_capacity_and_never_above_and_loses_nothing) {
  constexpr std::size_t actors = 8;
  constexpr std::size_t threads = 2;
  const Case shape = GetParam();
  // A wait for a place puts a fiber, or for a foreign thread the whole thread, to sleep.
  const std::uint64_t each = scaled(shape.overflow == Overflow::suspend ? 1'000 : 20'000, 100);
  const std::uint64_t total = each * (actors + threads);
  System& sys = start(4);
  const auto sink = sys.spawn(SlowSink{}, {.mailbox = bounded(shape.capacity, shape.overflow, shape.resume_at)});
  BoundedMailbox& mailbox = *sys.living_cell(sink.handle())->bounded.load();
  const auto gate = std::make_shared<Gate>();
  ASSERT_TRUE(sink.tell(Block{gate}));
  ASSERT_TRUE(eventually([&] { return gate->is_reached(); }));

  const auto outcomes = std::make_shared<Outcomes>();
  const auto senders = sys.spawn_n<EagerSender>(actors, [&](std::size_t) { return EagerSender{sink, outcomes}; });
  for (const auto& sender : senders) ASSERT_TRUE(sender.tell(Send{each}));
  {
    std::vector<std::jthread> foreign;
    for (std::size_t t = 0; t < threads; ++t) {
      foreign.emplace_back([&] {
        for (std::uint64_t i = 0; i < each; ++i) outcomes->count(sink.tell(Drop{i}));
      });
    }
    const bool has_filled = eventually([&] { return mailbox.counts().depth == shape.capacity; });
    EXPECT_TRUE(has_filled);
    gate->open();
  }
  ASSERT_TRUE(sys.await_quiescence(patience));

  EXPECT_EQ(mailbox.counts().high_water, shape.capacity);
  const auto counts = mailbox.counts();
  const std::uint64_t handled = *sink.ask(Total{}, patience);
  EXPECT_EQ(outcomes->accepted + outcomes->full, total);
  EXPECT_EQ(outcomes->others, 0U);
  switch (shape.overflow) {
    case Overflow::suspend:
      EXPECT_EQ(handled, total);
      EXPECT_EQ(counts.refused + counts.dropped, 0U);
      break;
    case Overflow::reject:
      EXPECT_EQ(handled, outcomes->accepted);
      EXPECT_EQ(counts.refused, outcomes->full);
      EXPECT_EQ(counts.dropped, 0U);
      break;
    case Overflow::drop_newest:
      EXPECT_EQ(handled, outcomes->accepted);
      EXPECT_EQ(counts.dropped, outcomes->full);
      EXPECT_EQ(counts.refused, 0U);
      break;
    case Overflow::drop_oldest:
      EXPECT_EQ(outcomes->full, 0U);
      EXPECT_EQ(handled + counts.dropped, total);
      EXPECT_EQ(counts.refused, 0U);
      break;
  }
  ASSERT_TRUE(sys.await_quiescence(patience));
  const Ledger account = sys.ledger();
  EXPECT_TRUE(account.adds_up()) << orrery_describe(account);
  EXPECT_EQ(account.refused, counts.refused);
  EXPECT_EQ(account.dead_lettered, counts.dropped);
}

std::string name_of(const testing::TestParamInfo<Case>& one) {
  constexpr std::array names{"suspend", "reject", "drop_newest", "drop_oldest"};
  return fmt::format("{}_{}_{}", names[static_cast<std::size_t>(one.param.overflow)], one.param.capacity,
                     one.param.resume_at);
}

INSTANTIATE_TEST_SUITE_P(Policies, BoundedUnderLoad,
                         testing::Values(Case{Overflow::suspend, 1, 0}, Case{Overflow::suspend, 16, 0},
                                         Case{Overflow::suspend, 64, 8}, Case{Overflow::reject, 1, 0},
                                         Case{Overflow::reject, 64, 0}, Case{Overflow::drop_newest, 1, 0},
                                         Case{Overflow::drop_newest, 64, 0}, Case{Overflow::drop_oldest, 1, 0},
                                         Case{Overflow::drop_oldest, 64, 0}),
                         name_of);

}  // namespace
}  // namespace orrery
