// orders: the shop on every core, with a gateway that falls over once in a thousand times.
#include "orders.hpp"

#include <fmt/core.h>

#include <orrery/system.hpp>
#include <chrono>
#include <cstdlib>
#include <string_view>

namespace {

using namespace orders;

/// Places its share of the orders, one after the other.
struct Customer {
  orrery::Ref<IntakeOf<Cards>> intake;
  struct GoShopping {
    int first;
    int step;
    int end;
  };
  void handle(GoShopping m) const {
    for (int number = m.first; number < m.end; number += m.step)
      (void)intake.ask(Place{{number, 100}}, orrery::no_timeout);
  }
};

}  // namespace

int main(int argc, char** argv) {
  orrery::SystemOptions options;
  options.runtime.dead_letters.kept_max = 100'000;  // an order that was given up is not lost: it is tried again below
  options.runtime.mailbox_depth_warning = 0;        // everybody orders at once, so orders do pile up
  orrery::System system{argc, argv, options};
  constexpr int orders = 300'000;
  constexpr int customers = 32;
  const auto shop = open_shop(system, {.lanes = 16, .gateway = {.once_in = 1'000}});

  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < customers; ++i) {
    (void)system.spawn(Customer{shop.intake}).tell(Customer::GoShopping{i, customers, orders});
  }
  if (!system.await_quiescence(std::chrono::minutes{5})) return 1;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;

  std::size_t tried_again = 0;
  while (system.dead_letters().kept() > 0) {  // whoever operates the shop has seen to the gateway
    tried_again += system.dead_letters().redrive({.message = "Pay"}).accepted;
    if (!system.await_quiescence(std::chrono::minutes{1})) return 1;
  }

  const auto parcels = shop.shipping.ask(CountParcels{}, orrery::no_timeout).value();
  auto steps = shop.audit.ask(CountSteps{}, orrery::no_timeout).value();
  fmt::print("{} orders on {} threads in {:.2f} s: {:.0f} per second, each of them 12 messages and replies\n", orders,
             system.options().threads, took.count(), orders / took.count());
  fmt::print("paid again after a failure {}, given up and sent again by hand {}; parcels {}, of one order at most {}\n",
             steps["again"], tried_again, parcels.parcels, parcels.most);
  const bool is_right = parcels.parcels == orders && parcels.most == 1 && system.ledger().adds_up();
  fmt::print("{}\n",
             is_right ? "every order was shipped once, and every message is accounted for" : "something is wrong");
  return is_right ? 0 : 1;
}
