// careless_orders.hpp: the shop with a card company that trusts: who asks for a charge gets one. It is wrong: when the word that
// a card was charged gets lost, the payment is tried again, and the card is charged again. The simulator finds it.
#pragma once
#include "orders.hpp"

namespace orders {

struct CarelessCards {
  std::map<int, int> charges;
  std::uint64_t repeated = 0;
  bool handle(Charge m) {
    ++charges[m.order.number];
    return true;
  }
};

}  // namespace orders
