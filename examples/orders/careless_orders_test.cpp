// careless_orders_test.cpp: the same property with a card company that does not look. It fails, and says how.
#include "careless_orders.hpp"
#include "orders_property.hpp"

namespace {

TEST(CarelessOrders, each_is_paid_and_shipped_once) {
  orrery::sim::check([](orrery::sim::World& w, const std::vector<std::uint8_t>& orders) {
    orders::each_order_is_done_once<orders::CarelessCards>(w, orders);
  });
}

}  // namespace
