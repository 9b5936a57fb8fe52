// Goal:   the five patterns do what they are for, whoever runs first; on threads they do the same.
#include "patterns.hpp"

#include <orrery/system.hpp>
#include <orrery/test.hpp>

#include <gtest/gtest.h>

#include <functional>

namespace {

using namespace patterns;

/// What must hold in either world. `settle` lets everything be done.
void run_the_shop(orrery::Runtime& rt, const std::function<void()>& settle) {
  Shop shop = wire(rt);
  EXPECT_EQ(shop.till.ask(Sell{"tea", 4}, orrery::no_timeout).value(), std::optional<Cents>{1'000});
  EXPECT_EQ(shop.till.ask(Sell{"elephant", 1}, orrery::no_timeout).value(), std::nullopt);
  // Who answers in time depends on how busy the machine is, and the simulator tries that too.
  const auto best = shop.buyer.ask(Buy{"tea", milliseconds{100}}, orrery::no_timeout).value();
  EXPECT_TRUE(!best || *best == 100 || *best == 240 || *best == 260) << *best;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(shop.check.tell(Parcel{i, {}}));
  settle();
  EXPECT_EQ(shop.journal.ask(Count{}, orrery::no_timeout).value(), 1);
  EXPECT_EQ(shop.stock.ask(Count{}, orrery::no_timeout).value(), 96);
  const auto parcels = shop.ship.ask(Shipped{}, orrery::no_timeout).value();
  ASSERT_EQ(parcels.size(), 10U);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(parcels[static_cast<std::size_t>(i)].number, i) << "a pipeline keeps the order";
    EXPECT_EQ(parcels[static_cast<std::size_t>(i)].trace, "checked packed shipped");
  }
}

TEST(Patterns, hold_in_every_order) {
  orrery::sim::check([](orrery::sim::World& world) { run_the_shop(world, [&] { world.run(); }); });
}

TEST(Patterns, hold_on_threads) {
  orrery::System system{orrery::SystemOptions{.threads = 4, .read_environment = false}};
  run_the_shop(system, [&] { ASSERT_TRUE(system.await_quiescence(std::chrono::minutes{1})); });
}

}  // namespace
