// orders_property.hpp: what must hold of every shop, whatever is ordered and whoever falls over when.
#pragma once
#include "orders.hpp"

#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <vector>

namespace orders {

inline bool none_twice(const std::map<int, int>& times_by_order) {
  return std::ranges::all_of(times_by_order, [](const auto& one) { return one.second <= 1; });
}

/// `orders`: what they cost; their place is their number.
template <class CardsType>
void each_order_is_done_once(orrery::sim::World& w, const std::vector<std::uint8_t>& orders) {
  const auto shop = open_shop<CardsType>(w, {.lanes = 2, .gateway = {.once_in = 4}});
  w.always("no card is charged twice", [&] { return none_twice(w.peek(shop.cards).charges); });
  w.always("no order is shipped twice", [&] { return none_twice(w.peek(shop.shipping).parcels); });
  w.sometimes("a charge is repeated", [&] { return w.peek(shop.cards).repeated > 0; });
  for (std::size_t i = 0; i < orders.size(); ++i) {
    EXPECT_TRUE(shop.intake.ask(Place{{static_cast<int>(i), orders[i]}}, orrery::no_timeout).value_or(false));
  }
  w.run();
  // An order is shipped, or was given up after so many failures: then it is a dead letter, and nothing is lost silently.
  const auto& parcels = w.peek(shop.shipping).parcels;
  const auto given_up = w.dead_letters().count(orrery::DeadLetterReason::delivery_exhausted);
  EXPECT_EQ(parcels.size() + given_up, orders.size());
  for (const auto& [order, parcel_count] : parcels) EXPECT_EQ(w.peek(shop.cards).charges.count(order), 1U) << order;
  auto steps = w.peek(shop.audit).steps;
  EXPECT_EQ(steps["placed"], orders.size());
  EXPECT_EQ(steps["shipped"], parcels.size());
}

}  // namespace orders
