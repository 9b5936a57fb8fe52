// patterns.hpp: five ways in which actors work together, each as small as it can be. The same actors run in both worlds.
//
//   request-reply      a Till asks a PriceList, and goes on with the answer
//   fire-and-forget    the Till tells a Journal, and does not wait
//   publish-subscribe  the Till publishes a sale; who is interested subscribes: stock keeping, marketing
//   request-multicast  a Buyer asks all suppliers at once, and takes the cheapest of the answers that come in time
//   pipeline           an order passes Check, Pack and Ship, each of which hands it on
#pragma once
#include <orrery/broker.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace patterns {

using Cents = std::int64_t;
using std::chrono::milliseconds;

// ---- request-reply, fire-and-forget, publish-subscribe ----------------------------------------------------------------

struct PriceOf {
  using Reply = std::optional<Cents>;
  std::string article;
};
struct Written {
  std::string line;
};
struct Sold {
  std::string article;
  int pieces = 0;
};
struct Sell {
  using Reply = std::optional<Cents>;  ///< what it cost, if it is for sale
  std::string article;
  int pieces = 1;
};
struct Count {
  using Reply = int;
};

struct PriceList {
  std::vector<std::pair<std::string, Cents>> prices;
  PriceOf::Reply handle(PriceOf m) const {
    const auto at = std::ranges::find(prices, m.article, &std::pair<std::string, Cents>::first);
    return at == prices.end() ? std::nullopt : std::optional{at->second};
  }
};
struct Journal {
  std::vector<std::string> lines;
  void handle(Written m) { lines.push_back(std::move(m.line)); }
  int handle(Count) const { return static_cast<int>(lines.size()); }
};
/// Keeps the number of pieces; subscribed to what is sold.
struct Stock {
  int pieces = 100;
  void handle(Sold m) { pieces -= m.pieces; }
  int handle(Count) const { return pieces; }
};
struct Till {
  orrery::Ref<PriceList> prices;
  orrery::Ref<Journal> journal;
  orrery::Broker broker;
  Sell::Reply handle(Sell m) {
    const auto price = prices.ask(PriceOf{m.article}, orrery::no_timeout);  // request-reply
    if (!price || !*price) return std::nullopt;
    (void)journal.tell(Written{m.article});                                     // fire-and-forget
    (void)broker.publish("shop.sold." + m.article, Sold{m.article, m.pieces});  // publish-subscribe
    return **price * m.pieces;
  }
};

// ---- request-multicast ------------------------------------------------------------------------------------------------

struct Offer {
  using Reply = Cents;
  std::string article;
};
struct Buy {
  using Reply = std::optional<Cents>;
  std::string article;
  milliseconds patience{100};
};
/// Answers after a while.
struct Supplier {
  Cents price = 0;
  milliseconds takes{0};
  Cents handle(Offer, orrery::Context& context) const {
    if (takes > milliseconds{0}) context.sleep(takes);
    return price;
  }
};
struct Buyer {
  orrery::Broker broker;  ///< the suppliers are registered there
  Buy::Reply handle(Buy m) {
    std::optional<Cents> best;
    for (const auto& answer : broker.broadcast(Offer{m.article}, m.patience)) {
      if (answer.result) best = std::min(best.value_or(*answer.result), *answer.result);
    }
    return best;
  }
};

// ---- pipeline ---------------------------------------------------------------------------------------------------------

struct Parcel {
  int number = 0;
  std::string trace;
};
struct Shipped {
  using Reply = std::vector<Parcel>;
};
struct Ship {
  std::vector<Parcel> gone;
  void handle(Parcel m) {
    m.trace += " shipped";
    gone.push_back(std::move(m));
  }
  Shipped::Reply handle(Shipped) const { return gone; }
};
struct Pack {
  orrery::Ref<Ship> next;
  void handle(Parcel m) const {
    m.trace += " packed";
    (void)next.tell(std::move(m));
  }
};
/// Its mailbox is bounded, and makes who sends too fast wait: the pipeline's back pressure.
struct Check {
  orrery::Ref<Pack> next;
  void handle(Parcel m) const {
    m.trace += "checked";
    (void)next.tell(std::move(m));
  }
};

// ---- the shop ---------------------------------------------------------------------------------------------------------

struct Shop {
  orrery::Broker broker;
  orrery::Ref<Till> till;
  orrery::Ref<Journal> journal;
  orrery::Ref<Stock> stock;
  orrery::Ref<Buyer> buyer;
  orrery::Ref<Check> check;
  orrery::Ref<Ship> ship;
};

/// Builds the shop in either world.
inline Shop wire(orrery::Runtime& rt) {
  orrery::Broker broker{rt};
  const orrery::Ref<PriceList> prices = rt.spawn("prices", PriceList{{{"tea", 250}, {"cup", 900}}});
  const orrery::Ref<Journal> journal = rt.spawn("journal", Journal{});
  const orrery::Ref<Till> till = rt.spawn("till", Till{prices, journal, broker});
  const orrery::Ref<Stock> stock = rt.spawn("stock", Stock{});
  (void)broker.subscribe<Sold>("shop.sold.*", stock);
  const Supplier suppliers[] = {{260, milliseconds{5}}, {240, milliseconds{20}}, {100, milliseconds{900}}};
  int number = 0;
  for (const Supplier& supplier : suppliers) {
    const orrery::Ref<Supplier> ref = rt.spawn("supplier" + std::to_string(++number), Supplier{supplier});
    (void)broker.register_actor<Offer>(ref);
  }
  const orrery::Ref<Buyer> buyer = rt.spawn("buyer", Buyer{broker});
  const orrery::Ref<Ship> ship = rt.spawn("ship", Ship{});
  const orrery::Ref<Pack> pack = rt.spawn("pack", Pack{ship});
  const orrery::Ref<Check> check =
      rt.spawn("check", Check{pack}, {.mailbox = orrery::bounded(4, orrery::Overflow::suspend)});
  return {broker, till, journal, stock, buyer, check, ship};
}

}  // namespace patterns
