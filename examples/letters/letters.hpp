// letters.hpp: what an operator does about messages that nobody handled.
// How:  a warehouse closes with orders in its mailbox. Those are dead letters; when a new warehouse has opened they are
//       sent again. The numbers of it all are what Prometheus reads. docs/dead-letters.md goes through it.
#pragma once
#include <orrery/actor.hpp>
#include <orrery/broker.hpp>

#include <string>

namespace warehouse {

struct Order {
  int number = 0;
};
struct Close {};
struct Taken {
  using Reply = int;
};

struct Warehouse {
  int taken = 0;
  void handle(Order) { ++taken; }
  void handle(Close, orrery::Context& context) { context.stop(); }
  int handle(Taken) const { return taken; }
};

/// Returns: a line for each order that was accepted and not handled.
inline std::string lost_orders(orrery::Runtime& rt) {
  std::string text;
  for (const orrery::DeadLetter& letter : rt.dead_letters().query({.message = "Order", .kept_only = true})) {
    text += orrery_describe(letter) + "\n";  // Order{number=2} from outside to warehouse: actor_stopped
  }
  return text;
}

/// Opens a warehouse in the place of the one that closed, and sends it what the other one left behind.
inline orrery::Redriven reopen(orrery::Runtime& rt) {
  (void)rt.spawn("warehouse", Warehouse{});
  return rt.dead_letters().redrive({.message = "Order", .target_path = "warehouse"});
}

/// Returns: what a web server answers to GET /metrics, as text/plain; version=0.0.4.
inline std::string metrics_page(orrery::Runtime& rt, const orrery::Broker& broker) {
  orrery::MetricList list;
  rt.metrics().append_to(list);
  broker.metrics().append_to(list);
  list.gauge("warehouse_doors", "Doors of the warehouse.", {{"town", "Lübeck"}}, 3);
  return orrery::prometheus_text(list);
}

}  // namespace warehouse
