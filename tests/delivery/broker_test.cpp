// Goal:   a broker keeps the promises of a message's class: what it sends is handled again and done once, whatever the way it
//         goes; and what an exactly_once handler sends through it leaves when that has returned, or never.
// Method: every way of sending, to an actor that fails on each message at first, in both worlds.
#include "tests/supervision/fixture.hpp"

#include <gtest/gtest.h>

#include <orrery/broker.hpp>
#include <array>
#include <map>

namespace orrery {
namespace {

using namespace std::chrono_literals;
using supervision_tests::Log;
using supervision_tests::Stage;

template <Delivery D, std::size_t bytes>
struct Paid {
  static constexpr Delivery delivery = D;
  int order = 0;
  std::array<std::uint8_t, bytes> rest{};
};
using Small = Paid<Delivery::at_least_once, 4>;
using Large = Paid<Delivery::at_least_once, 400>;
using Once = Paid<Delivery::exactly_once, 4>;
using LargeOnce = Paid<Delivery::exactly_once, 400>;
struct Ship {
  static constexpr auto delivery = Delivery::at_least_once;
  using Reply = int;
  int order = 0;
};

/// Fails on each message the first time.
struct Store {
  using Accepts = messages<Small, Large, Once, LargeOnce, Ship>;
  Log log;
  std::string name;
  template <Delivery D, std::size_t bytes>
  void handle(Paid<D, bytes> paid, Context& context) {
    note(fmt::format("paid {}", paid.order), context);
  }
  int handle(Ship ship, Context& context) {
    note(fmt::format("ship {}", ship.order), context);
    return ship.order;
  }
  void note(const std::string& what, const Context& context) const {
    if (context.attempt() == 0) throw std::runtime_error{"at first"};
    log->add(fmt::format("{}: {} attempt {}", name, what, context.attempt()));
  }
};
constexpr Restart often{.intensity = 1'000'000, .period = 1s};
Ref<Store> open_store(Stage& stage, std::string name, MailboxOptions mailbox = unbounded()) {
  return *stage.rt.spawn(name, Store{stage.log, name}, {.mailbox = mailbox, .restart = often});
}
std::vector<std::string> sorted(std::vector<std::string> lines) {
  std::ranges::sort(lines);
  return lines;
}
using Lines = std::vector<std::string>;

class AssuredBroker : public supervision_tests::BothWorlds {};
ORRERY_IN_BOTH_WORLDS(AssuredBroker);

TEST_P(AssuredBroker, every_subscriber_gets_its_copy_again_until_it_has_handled_it) {
  run([](Stage& stage) {
    Broker broker{stage.rt};
    const auto a = open_store(stage, "a");
    const auto b = open_store(stage, "b", bounded(1, Overflow::drop_newest));
    for (const auto& store : {a, b}) {
      ASSERT_TRUE(broker.subscribe<Small>("orders.>", store));
      ASSERT_TRUE(broker.subscribe<Large>("orders.>", store));
      ASSERT_TRUE(broker.subscribe<Once>("orders.>", store));
      ASSERT_TRUE(broker.subscribe<LargeOnce>("orders.>", store));
    }
    const Published both{.delivered = 2};
    EXPECT_EQ(broker.publish("orders.1", Small{1}), both);
    EXPECT_EQ(broker.publish("orders.2", Large{2}), both);
    EXPECT_EQ(broker.publish("orders.3", Once{3}), both) << "b has no place for it, and takes it all the same";
    EXPECT_EQ(broker.publish("orders.4", LargeOnce{4}), both);
    stage.settle();
    EXPECT_EQ(sorted(stage.log->lines()),
              (Lines{"a: paid 1 attempt 1", "a: paid 2 attempt 1", "a: paid 3 attempt 1", "a: paid 4 attempt 1",
                     "b: paid 1 attempt 1", "b: paid 2 attempt 1", "b: paid 3 attempt 1", "b: paid 4 attempt 1"}));
  });
}

TEST_P(AssuredBroker, whatever_it_sends_by_id_by_group_or_by_key_is_of_its_class) {
  run([](Stage& stage) {
    Broker broker{stage.rt};
    const auto a = open_store(stage, "a");
    ASSERT_TRUE(broker.register_actor(a));
    ASSERT_TRUE(broker.subscribe<Small>("stores", a));
    ASSERT_TRUE(broker.subscribe<Ship>("stores", a));
    EXPECT_TRUE(broker.try_send(a, Small{1}));
    EXPECT_TRUE(broker.broadcast(Small{2}).at(0).result);
    Router<Small> router{broker, "stores", Routing::round_robin};
    EXPECT_TRUE(router.tell(Small{3}));
    EXPECT_EQ(broker.send(a, Ship{4}), 4);
    EXPECT_EQ(broker.send(RoutingKey{"stores"}, Ship{5}), 5);
    EXPECT_EQ(broker.broadcast(Ship{6}).at(0).result, 6);
    Router<Ship> ships{broker, "stores", Routing::round_robin};
    EXPECT_EQ(ships.ask(Ship{7}), 7);
    EXPECT_EQ(ask_all(std::vector{a}, Ship{8}).at(0), 8);
    stage.settle();
    EXPECT_EQ(sorted(stage.log->lines()),
              (Lines{"a: paid 1 attempt 1", "a: paid 2 attempt 1", "a: paid 3 attempt 1", "a: ship 4 attempt 1",
                     "a: ship 5 attempt 1", "a: ship 6 attempt 1", "a: ship 7 attempt 1", "a: ship 8 attempt 1"}));
  });
}

// ---- what an exactly_once handler sends -----------------------------------------------------------------------------

struct Word {
  std::string text;
  std::array<std::uint8_t, 300> rest{};
};
struct Hint {
  std::string text;
};
struct Ear {
  using Accepts = messages<Word, Hint>;
  Log log;
  void handle(const Word& word) { log->add(word.text); }
  void handle(const Hint& hint) { log->add(hint.text); }
};

/// Sends in every way, and fails before, between or after.
struct Herald {
  Broker broker;
  Ref<Ear> ear;
  std::uint32_t fails;
  void handle(Once once, Context& context) {
    const auto point = [&](std::uint32_t number) {
      if (context.attempt() == number && fails > number) throw std::runtime_error{"here"};
    };
    EXPECT_EQ(broker.publish("words", Word{fmt::format("{} large", once.order)}).delivered, 1U);
    EXPECT_EQ(broker.publish("words", Hint{fmt::format("{} small", once.order)}).delivered, 1U);
    point(0);
    EXPECT_TRUE(broker.try_send(ear, Hint{fmt::format("{} by id", once.order)}));
    EXPECT_TRUE(broker.broadcast(Hint{fmt::format("{} to all", once.order)}).at(0).result);
    point(1);
    EXPECT_TRUE((Router<Hint>{broker, "words", Routing::round_robin}.tell(Hint{fmt::format("{} routed", once.order)})));
    point(2);
    (void)ear.tell(Hint{fmt::format("{} told", once.order)});
  }
};

TEST_P(AssuredBroker, what_an_exactly_once_handler_sends_leaves_once_and_in_order) {
  run([](Stage& stage) {
    Broker broker{stage.rt};
    const auto ear = stage.rt.spawn("ear", Ear{stage.log});
    ASSERT_TRUE(broker.register_actor(*ear));
    ASSERT_TRUE(broker.subscribe<Word>("words", *ear));
    ASSERT_TRUE(broker.subscribe<Hint>("words", *ear));
    const auto herald = stage.rt.spawn<Herald>("herald", [&] { return Herald{broker, *ear, 3}; }, {.restart = often});
    (void)herald->tell(Once{1});
    stage.settle();
    EXPECT_EQ(stage.log->lines(), (Lines{"1 large", "1 small", "1 by id", "1 to all", "1 routed", "1 told"}));
  });
}

/// Publishes, and then ends the subscription in the same handler.
struct Quitter {
  Broker broker;
  TopicSubscription subscription;
  void handle(Once) {
    EXPECT_EQ(broker.publish("words", Hint{"too late"}).delivered, 1U);
    EXPECT_TRUE(broker.unsubscribe(subscription));
  }
};
TEST_P(AssuredBroker, nothing_is_sent_by_a_subscription_that_has_ended_meanwhile) {
  run([](Stage& stage) {
    Broker broker{stage.rt};
    const auto ear = stage.rt.spawn("ear", Ear{stage.log});
    const auto subscription = broker.subscribe<Hint>("words", *ear);
    ASSERT_TRUE(subscription);
    (void)stage.rt.spawn(Quitter{broker, *subscription}).tell(Once{1});
    stage.settle();
    EXPECT_EQ(stage.log->lines(), Lines{});
  });
}

/// Subscribes somebody and then fails for good.
struct Clumsy {
  Broker broker;
  Ref<Ear> ear;
  void handle(Once) {
    EXPECT_TRUE(broker.subscribe<Hint>("words", ear));
    EXPECT_TRUE(broker.register_actor(ear));
    throw std::runtime_error{"after that"};
  }
};
TEST_P(AssuredBroker, forgets_whom_a_handler_has_subscribed_that_failed_after_it) {
  run([](Stage& stage) {
    Broker broker{stage.rt};
    const auto ear = stage.rt.spawn("ear", Ear{stage.log});
    (void)stage.rt.spawn(Clumsy{broker, *ear}).tell(Once{1});
    stage.settle();
    EXPECT_EQ(broker.metrics().subscriptions, 1U);
    stage.rt.stop(*ear);
    stage.settle();
    EXPECT_EQ(broker.metrics().subscriptions, 0U);
    EXPECT_EQ(broker.metrics().registered, 0U);
  });
}

}  // namespace
}  // namespace orrery
