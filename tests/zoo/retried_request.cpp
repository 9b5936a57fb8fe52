// retried_request.cpp: clients repeat a request that takes long; a shop has it booked by a ledger, once each.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <chrono>
#include <set>

namespace orrery::zoo {
namespace {

using namespace std::chrono_literals;

enum class Flaw { none, notes_what_is_done };

struct Buy {};
struct TakesLong {};
struct Order {
  int client = 0;
};
struct Book {
  int client = 0;
};
struct Booked {
  int client = 0;
};
struct Confirmed {};

class Shop;
class Ledger;
class Client;
struct Market {
  Flaw flaw;
  sim::World& world;
  Cast<Client> clients{world};
  Ref<Shop> shop{};
  Ref<Ledger> ledger{};
};

class Ledger {
 public:
  explicit Ledger(Market* market) : market_{market} {}
  void handle(Book m);

 private:
  Market* market_;
  std::set<int> booked_{};
};

class Shop {
 public:
  explicit Shop(Market* market) : market_{market} {}
  void handle(Order m);
  void handle(Booked m);

 private:
  Market* market_;
  std::set<int> begun_{};
  std::set<int> done_{};
};

class Client {
 public:
  Client(Market* market, int me) : market_{market}, me_{me} {}
  void handle(Buy, Context& context) {
    (void)market_->shop.tell(Order{me_});
    context.after(*this, 1s, TakesLong{});
  }
  void handle(TakesLong) {
    if (!is_confirmed_) (void)market_->shop.tell(Order{me_});
  }
  void handle(Confirmed) { is_confirmed_ = true; }

 private:
  Market* market_;
  int me_;
  bool is_confirmed_ = false;
};

void Ledger::handle(Book m) {
  if (!booked_.insert(m.client).second) market_->world.fail("an order is booked twice");
  (void)market_->shop.tell(Booked{m.client});
}
void Shop::handle(Order m) {
  if (done_.contains(m.client)) return market_->clients.tell(m.client, Confirmed{});
  if (!begun_.insert(m.client).second && market_->flaw == Flaw::none) return;
  (void)market_->ledger.tell(Book{m.client});
}
void Shop::handle(Booked m) {
  done_.insert(m.client);
  market_->clients.tell(m.client, Confirmed{});
}

sim::Body market(Flaw flaw, int clients) {
  return [flaw, clients](sim::World& w) {
    Market market{flaw, w};
    market.shop = w.spawn("shop", Shop{&market}).value();
    market.ledger = w.spawn("ledger", Ledger{&market}).value();
    for (int i = 0; i < clients; ++i) market.clients.add("client", Client{&market, i});
    market.clients.tell_all(Buy{});
    w.run();
  };
}

}  // namespace

void add_retried_request(std::vector<Program>& programs) {
  constexpr std::string_view source =
      "at-most-once calls as in A. Birrell, B. Nelson: Implementing Remote Procedure Calls (ACM TOCS 2, 1984)";
  programs.insert(
      programs.end(),
      {
          {"retried_request_in_progress", "a request is known as a repeated one only when the first is done", source,
           "an order is booked twice", market(Flaw::notes_what_is_done, 2), network_with_timeouts(16)},
          {"retried_request_noted_at_once", "", source, "", market(Flaw::none, 3), network_with_timeouts(24)},
      });
}

}  // namespace orrery::zoo
