// orders.hpp: an order is taken, paid and shipped, although the payment gateway falls over now and then.
//
//   customer --ask--> Intake --Pay--> Payments --ask--> Gateway --ask--> Cards        (charges the card)
//                                        '--Ship--> Shipping                            (sends the parcel)
//   and all of them publish what they did on orders.NUMBER.WHAT, which Audit writes down
//
// Pay and Ship are at_least_once: when a handler fails, its message is handled again, by its next incarnation. So a step may
// be done twice, since its end may get lost: the gateway can fall over after the card was charged and before it said so. Whoever
// does what must not be done twice therefore looks whether it has been done: Cards and Shipping know the orders they have seen.
#pragma once
#include <orrery/broker.hpp>
#include <orrery/supervision.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace orders {

using Cents = std::int64_t;

struct Order {
  int number = 0;
  Cents cents = 0;
};

struct Place {
  using Reply = bool;
  Order order;
};
struct Pay {
  static constexpr auto delivery = orrery::Delivery::at_least_once;
  Order order;
};
struct Charge {
  using Reply = bool;
  Order order;
};
struct Ship {
  static constexpr auto delivery = orrery::Delivery::at_least_once;
  Order order;
};
struct CountParcels {
  struct Reply {
    std::uint64_t parcels;  ///< orders of which any was sent
    int most;               ///< of one order
  };
};
struct CountSteps {
  using Reply = std::map<std::string, std::uint64_t>;
};
struct Step {
  int order = 0;
  std::string what;
};

/// How often something that is not ours falls over: once in so many times, where the world's entropy says so; 0: never.
struct Flakiness {
  std::uint64_t once_in = 0;
  [[nodiscard]] bool strikes(orrery::Context& context) const {
    return once_in != 0 && context.draw("flaky", once_in) == 0;
  }
};

/// The card company's books: charges an order once, however often it is asked.
struct Cards {
  std::map<int, int> charges;  ///< by order: how often its card was charged
  std::uint64_t repeated = 0;
  bool handle(Charge m) {
    int& times = charges[m.order.number];
    if (times > 0) {
      ++repeated;
    } else {
      ++times;
    }
    return true;
  }
};

/// Our way to the card company. It falls over: before it has asked, or when the answer has come.
template <class CardsType>
struct GatewayTo {
  orrery::Ref<CardsType> cards;
  Flakiness flakiness;
  bool handle(Charge m, orrery::Context& context) {
    if (flakiness.strikes(context)) throw std::runtime_error{"the line to the card company is down"};
    const auto charged = cards.ask(m, orrery::no_timeout);
    if (flakiness.strikes(context)) throw std::runtime_error{"the line to the card company broke"};
    return charged.value_or(false);
  }
};

/// Sends each order once, however often it is told to.
struct Shipping {
  orrery::Broker broker;
  std::map<int, int> parcels;  ///< by order: how many were sent
  std::uint64_t repeated = 0;
  void handle(Ship m) {
    int& sent = parcels[m.order.number];
    if (sent > 0) {
      ++repeated;
      return;
    }
    ++sent;
    (void)broker.publish("orders." + std::to_string(m.order.number) + ".shipped", Step{m.order.number, "shipped"});
  }
  CountParcels::Reply handle(CountParcels) const {
    CountParcels::Reply reply{parcels.size(), 0};
    for (const auto& [order, sent] : parcels) reply.most = std::max(reply.most, sent);
    return reply;
  }
};

/// Has an order paid and then shipped. Fails when the gateway does, and is given the order again.
template <class CardsType>
struct PaymentsBy {
  orrery::Ref<GatewayTo<CardsType>> gateway;
  orrery::Ref<Shipping> shipping;
  orrery::Broker broker;
  void handle(Pay m, orrery::Context& context) {
    const std::string topic = "orders." + std::to_string(m.order.number);
    if (context.attempt() > 0) (void)broker.publish(topic + ".again", Step{m.order.number, "again"});
    const auto paid = gateway.ask(Charge{m.order}, orrery::no_timeout);
    if (!paid || !*paid) throw std::runtime_error{"the gateway did not confirm"};
    (void)broker.publish(topic + ".paid", Step{m.order.number, "paid"});
    (void)shipping.tell(Ship{m.order});
  }
};

/// Takes orders, and spreads them over the payments.
template <class CardsType>
struct IntakeOf {
  std::vector<orrery::Ref<PaymentsBy<CardsType>>> payments;
  orrery::Broker broker;
  bool handle(Place m) {
    const int number = m.order.number;
    (void)broker.publish("orders." + std::to_string(number) + ".placed", Step{number, "placed"});
    return payments[static_cast<std::size_t>(number) % payments.size()].tell(Pay{m.order}).has_value();
  }
};

/// Subscribed to orders.>
struct Audit {
  std::map<std::string, std::uint64_t> steps;
  void handle(const Step& m) { ++steps[m.what]; }
  CountSteps::Reply handle(CountSteps) const { return steps; }
};

template <class CardsType>
struct Shop {
  orrery::Broker broker;
  orrery::Ref<CardsType> cards;
  orrery::Ref<Shipping> shipping;
  orrery::Ref<Audit> audit;
  orrery::Ref<IntakeOf<CardsType>> intake;
};

struct ShopOptions {
  std::size_t lanes = 1;  ///< of payments, each with a gateway of its own
  Flakiness gateway{};
  std::string prefix{};  ///< of its actors' names, where one runtime has several shops
};

/// Builds the shop in either world. What falls over is supervised: each one alone, and as often as it takes.
template <class CardsType = Cards>
Shop<CardsType> open_shop(orrery::Runtime& rt, const ShopOptions& options) {
  using Gateway = GatewayTo<CardsType>;
  using Payments = PaymentsBy<CardsType>;
  const orrery::Broker broker{rt};
  const orrery::Ref<CardsType> cards = rt.spawn(options.prefix + "cards", CardsType{});
  const orrery::Ref<Shipping> shipping = rt.spawn(options.prefix + "shipping", Shipping{broker, {}});
  const orrery::Ref<Audit> audit = rt.spawn(options.prefix + "audit", Audit{});
  (void)orrery::Broker{broker}.subscribe<Step>("orders.>", audit);

  orrery::SupervisorSpec till{.intensity = 1'000'000, .period = std::chrono::seconds{1}};
  const std::string till_name = options.prefix + "till";
  for (std::size_t i = 0; i < options.lanes; ++i) {
    const std::string lane = std::to_string(i);
    till.children.push_back(orrery::child("gateway" + lane, Gateway{cards, options.gateway}));
    till.children.push_back(orrery::child("payments" + lane, [&rt, till_name, lane, shipping, broker] {
      return Payments{rt.find<Gateway>(till_name + "/gateway" + lane).value(), shipping, broker};
    }));
  }
  (void)start_supervisor(rt, till_name, till).value();
  std::vector<orrery::Ref<Payments>> payments;
  for (std::size_t i = 0; i < options.lanes; ++i) {
    payments.push_back(rt.find<Payments>(till_name + "/payments" + std::to_string(i)).value());
  }
  return {broker, cards, shipping, audit, rt.spawn(options.prefix + "intake", IntakeOf<CardsType>{payments, broker})};
}

}  // namespace orders
