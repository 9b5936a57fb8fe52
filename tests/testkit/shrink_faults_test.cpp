// Goal:   a failure that needs a fault is shrunk to that fault and no other, and its report and count say so.
#include "orrery/supervision.hpp"
#include "orrery/testkit/shrink.hpp"

#include "tests/testkit/little_properties.hpp"

#include <algorithm>

namespace orrery::testing {
namespace {

std::uint64_t told(const sim::Outcome& outcome, sim::EventKind kind) {
  return static_cast<std::uint64_t>(std::ranges::count(outcome.events, kind, &sim::Event::kind));
}
std::uint64_t fired(const sim::Outcome& outcome, const std::string& name) {
  const auto at = std::ranges::find(outcome.faults, name, &sim::FaultCount::name);
  return at == outcome.faults.end() ? 0 : at->fired;
}

CheckOptions heavy() {
  CheckOptions options;
  options.run.faults = sim::FaultProfile::heavy;
  return options;
}

struct Item {};
struct Store {
  int items = 0;
  void handle(Item) { ++items; }
};
struct Shop {
  Ref<Store> store;
  int sent = 0;
  void handle(Item) {
    (void)store.tell(Item{});
    ++sent;
  }
};

// A second refusal saves the store a step, and a case with fewer steps is the smaller one.
TEST(ShrinkFaults, keeps_refusals_and_nothing_else_where_one_is_needed) {
  const auto failure = failure_of(make_property("Careless",
                                                [](World& w) {
                                                  const auto store =
                                                      w.spawn("store", Store{}, SpawnOptions{.mailbox = bounded(100)});
                                                  const auto shop = w.spawn("shop", Shop{store.value()});
                                                  for (int i = 0; i < 10; ++i) (void)shop.tell(Item{});
                                                  w.run();
                                                  if (!w.is_living(shop) || !w.is_living(store)) return;  // a crash
                                                  EXPECT_EQ(w.peek(shop).sent, w.peek(store).items);
                                                }),
                                  heavy());
  EXPECT_GE(fired(failure.outcome, "refusal"), 1U);
  EXPECT_EQ(told(failure.outcome, sim::EventKind::fault), fired(failure.outcome, "refusal"));
  EXPECT_EQ(told(failure.outcome, sim::EventKind::stall), 0U);
  EXPECT_EQ(failure.record.deviations.faults.size(), 1U) << "how many; and the first are meant";
}

struct Transfer {};
struct Bank {
  Ref<Store> from;
  Ref<Store> to;
  void handle(Transfer) {
    (void)from.tell(Item{});
    (void)to.tell(Item{});
  }
};

TEST(ShrinkFaults, keeps_the_one_allocation_that_is_needed) {
  const auto failure = failure_of(make_property("Halfway",
                                                [](World& w) {
                                                  const auto a = w.spawn("a", Store{});
                                                  const auto b = w.spawn("b", Store{});
                                                  const auto bank = w.spawn("bank", Bank{a.value(), b.value()});
                                                  for (int i = 0; i < 5; ++i) (void)bank.tell(Transfer{});
                                                  w.run();
                                                  if (!w.is_living(a) || !w.is_living(b)) return;
                                                  EXPECT_EQ(w.peek(a).items, w.peek(b).items);
                                                }),
                                  heavy());
  EXPECT_EQ(fired(failure.outcome, "allocation"), 1U);
  EXPECT_EQ(told(failure.outcome, sim::EventKind::fault), 1U);
  EXPECT_EQ(failure.record.deviations.faults.size(), 2U) << "how many, and that it is the second send";
}

struct Tick {};
struct Sleeper {
  int ticks = 0;
  void handle(Tick, Context& context) {
    if (++ticks < 20) (void)context.after(*this, 100ms, Tick{});
  }
  void handle(Item) { items = ticks; }
  int items = 0;
};

TEST(ShrinkFaults, keeps_the_one_slow_actor_that_is_needed) {
  const auto failure = failure_of(make_property("Late",
                                                [](World& w) {
                                                  const auto clock = w.spawn("clock", Sleeper{});
                                                  const auto shop = w.spawn("relay", Store{});
                                                  (void)clock.tell(Tick{});
                                                  (void)shop.tell(Item{});
                                                  w.always("the item comes in the first half second", [&, clock, shop] {
                                                    return !w.is_living(clock) || !w.is_living(shop) ||
                                                           w.peek(shop).items != 0 || w.peek(clock).ticks < 7;
                                                  });
                                                  w.run();
                                                }),
                                  heavy());
  EXPECT_EQ(fired(failure.outcome, "slow"), 1U);
  EXPECT_EQ(told(failure.outcome, sim::EventKind::stall), 0U);
  EXPECT_EQ(told(failure.outcome, sim::EventKind::fault), 1U);
}

struct Member {
  bool has_heard = false;
  void handle(Item) { has_heard = true; }
};

TEST(ShrinkFaults, keeps_the_one_death_that_is_needed) {
  const auto failure = failure_of(make_property("Alone", [](World& w) {
    std::vector<Ref<Member>> members;
    for (int i = 0; i < 5; ++i) members.push_back(w.spawn(Member{}));
    const auto core = w.heal_core(members, 2);
    EXPECT_EQ(core.size(), 5U);
    w.run();
  }));
  EXPECT_EQ(fired(failure.outcome, "core"), 1U);
  EXPECT_EQ(told(failure.outcome, sim::EventKind::fault), 1U);
  EXPECT_EQ(failure.record.deviations.faults.size(), 1U) << "one, and the first";
}

}  // namespace
}  // namespace orrery::testing
