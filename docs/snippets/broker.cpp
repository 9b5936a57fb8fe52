// broker.cpp: brokers and supervisors, as the reference shows them.
#include <gtest/gtest.h>

#include <orrery/broker.hpp>
#include <orrery/supervision.hpp>
#include <orrery/test.hpp>
#include <orrery/testkit/broker_probe.hpp>
#include <chrono>

namespace {

using namespace orrery;
using namespace std::chrono_literals;

struct OrderPaid {
  int order = 0;
};
struct Stock {
  using Accepts = messages<OrderPaid>;
  int paid = 0;
  void handle(OrderPaid) { ++paid; }
};

TEST(Snippets, Publishes) {
  sim::check(
      [](sim::World& w) {
        const Ref<Stock> stock = w.spawn("stock", Stock{});
        //! [register]
        Broker broker{w};
        EXPECT_TRUE(broker.register_actor(stock, "stock").has_value());  // for what its `Accepts` lists
        EXPECT_FALSE(broker.register_actor(stock, "again").has_value());
        //! [register]
        testkit::BrokerTestProbe heard{broker};
        //! [publish]
        EXPECT_TRUE(broker.subscribe<OrderPaid>("orders.*.paid", stock).has_value());
        EXPECT_EQ(broker.publish("orders.eu.paid", OrderPaid{17}).delivered, 1U);
        EXPECT_TRUE(broker.try_send(stock, OrderPaid{18}).has_value());  // send() waits for a reply
        //! [publish]
        w.run();
        EXPECT_EQ(w.peek(stock).paid, 2);
        //! [broker_probe]
        EXPECT_TRUE(heard.assert_published("orders.eu.paid", 1));  // its failure says what was sent instead
        EXPECT_EQ(heard.captured<OrderPaid>().front().order, 17);
        //! [broker_probe]
      },
      {.runs = 100});
}

//! [spec]
SupervisorSpec shop() {
  return {.strategy = RestartStrategy::rest_for_one,
          .intensity = 3,
          .period = 10s,
          .children = {child("stock", Stock{}),
                       child("till", [] { return Stock{}; }, {.restart = RestartType::transient})}};
}
//! [spec]

TEST(Snippets, Supervises) {
  sim::check(
      [](sim::World& w) {
        //! [supervisor]
        const auto started = start_supervisor(w, "shop", shop());  // expected<Ref<Supervisor>, ExitReason>
        ASSERT_TRUE(started.has_value());
        const auto till = w.find<Stock>("shop/till");  // valid across restarts
        EXPECT_TRUE(started->ask(TerminateChild{"till"}, no_timeout).has_value());
        //! [supervisor]
        EXPECT_TRUE(till.has_value());
      },
      {.runs = 100});
}

}  // namespace
