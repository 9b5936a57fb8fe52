// handled_twice_test.cpp: an order must not get lost, so it is delivered at least once: when its handler fails, it is handled
// again. But what the handler had told others before it failed has been told, and is told again.
#include <gtest/gtest.h>

#include <orrery/test.hpp>

namespace {

struct Ship {};
template <orrery::Delivery class_of_delivery>
struct Order {
  static constexpr auto delivery = class_of_delivery;
};

struct Warehouse {
  int shipped = 0;
  void handle(Ship) { ++shipped; }
};
template <orrery::Delivery class_of_delivery>
struct Office {
  orrery::Ref<Warehouse> warehouse;
  void handle(Order<class_of_delivery>, orrery::Context& context) {
    (void)warehouse.tell(Ship{});
    if (context.fault_point("the record cannot be written")) throw std::runtime_error{"disk full"};
  }
};

template <orrery::Delivery class_of_delivery>
void each_order_is_shipped_once(orrery::sim::World& w) {
  const orrery::Restart restart{.intensity = 10, .period = std::chrono::seconds{1}};
  const orrery::Ref<Warehouse> warehouse = w.spawn("warehouse", Warehouse{});
  const orrery::Ref<Office<class_of_delivery>> office =
      w.spawn("office", restart, Office<class_of_delivery>{warehouse});
  w.always("no order is shipped twice", [&] { return w.peek(warehouse).shipped <= 1; });
  (void)office.tell(Order<class_of_delivery>{});
  w.run();
}

TEST(HandledTwice, Wrong) { orrery::sim::check(each_order_is_shipped_once<orrery::Delivery::at_least_once>); }
// What a handling has told leaves when it has succeeded, and not before.
TEST(HandledTwice, Mended) { orrery::sim::check(each_order_is_shipped_once<orrery::Delivery::exactly_once>); }

}  // namespace
