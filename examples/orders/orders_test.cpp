// Goal:   every order is paid and shipped once, whatever falls over; on threads too.
#include "orders_property.hpp"

#include <orrery/system.hpp>

namespace {

using namespace orders;

TEST(Orders, each_is_paid_and_shipped_once) {
  orrery::sim::check([](orrery::sim::World& w, const std::vector<std::uint8_t>& orders) {
    each_order_is_done_once<Cards>(w, orders);
  });
}

TEST(Orders, each_is_paid_and_shipped_once_on_threads) {
  orrery::System system{orrery::SystemOptions{.threads = 4, .read_environment = false}};
  const auto shop = open_shop(system, {.lanes = 4, .gateway = {.once_in = 10}});
  constexpr int count = 1'000;
  for (int i = 0; i < count; ++i) EXPECT_TRUE(shop.intake.ask(Place{{i, 100}}, orrery::no_timeout).value_or(false));
  ASSERT_TRUE(system.await_quiescence(std::chrono::minutes{1}));
  const auto summary = shop.shipping.ask(orders::CountParcels{}, orrery::no_timeout).value();
  const auto given_up = system.dead_letters().count(orrery::DeadLetterReason::delivery_exhausted);
  EXPECT_EQ(summary.parcels + given_up, static_cast<std::uint64_t>(count));
  EXPECT_EQ(summary.most, 1);
  EXPECT_TRUE(system.ledger().adds_up()) << orrery_describe(system.ledger());
}

}  // namespace
