// patterns: the five patterns on threads, with what they say.
#include "patterns.hpp"

#include <orrery/system.hpp>

#include <fmt/core.h>

int main(int argc, char** argv) {
  using namespace patterns;
  orrery::System system{argc, argv};
  Shop shop = wire(system);

  const auto paid = shop.till.ask(Sell{"tea", 4});
  fmt::print("request-reply      four teas cost {} cents\n", paid && *paid ? **paid : 0);
  fmt::print("fire-and-forget    the journal has {} line\n", shop.journal.ask(Count{}).value_or(-1));
  (void)system.await_quiescence(std::chrono::seconds{5});
  fmt::print("publish-subscribe  the stock is down to {}\n", shop.stock.ask(Count{}).value_or(-1));
  const auto best = shop.buyer.ask(Buy{"tea", milliseconds{100}});
  fmt::print("request-multicast  the best offer in time is {} cents\n", best && *best ? **best : 0);

  constexpr int parcels = 200'000;
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < parcels; ++i) (void)shop.check.tell(Parcel{i, {}});  // waits where the pipeline is full
  (void)system.await_quiescence(std::chrono::minutes{1});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const auto shipped = shop.ship.ask(Shipped{});
  fmt::print("pipeline           {} parcels through three stages, {:.0f} per second\n", shipped ? shipped->size() : 0,
             parcels / took.count());
  return shipped && shipped->size() == parcels ? 0 : 1;
}
