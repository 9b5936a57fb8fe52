// Goal:   what a broker promises when things happen at an inconvenient moment: whoever is subscribed in another way too misses
//         nothing by an unsubscribe, a group loses nothing by a member's end, topics and routers do not share their turns,
//         another broker's or another runtime's things are refused, and what comes and goes leaves nothing behind.
// Method: one body per promise, under many seeds in the simulated world and on 2 and 8 threads.
#include "orrery/broker.hpp"
#include "orrery/testkit/broker_probe.hpp"

#include "tests/support/both_worlds.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>

namespace orrery::broker_tests {
namespace {

using test_support::BothWorlds;
using test_support::Lines;
using test_support::Stage;

struct News {
  int number = 0;
};
struct Heard {
  using Reply = std::vector<int>;
};
struct Who {
  using Reply = int;
};
struct Large {
  std::array<int, 100> numbers{};
};
struct Hearer {
  using Accepts = messages<News, Who>;
  int name = 0;
  std::vector<int> heard{};
  void handle(News m) { heard.push_back(m.number); }
  std::vector<int> handle(Heard) const { return heard; }
  int handle(Who) const { return name; }
};

class BrokerPromises : public BothWorlds {};
ORRERY_IN_BOTH_WORLDS(BrokerPromises);

// ---- unsubscribing (B4) and groups (B5) -----------------------------------------------------------------------------

struct Publish {
  int count;
};
struct Announcer {
  Broker broker;
  void handle(Publish m) {
    for (int i = 0; i < m.count; ++i) (void)broker.publish("orders.new", News{i});
  }
};
/// Keeps an actor subscribed by one of two patterns, which it changes all the time.
struct Fickle {
  Broker broker;
  Ref<Hearer> hearer;
  TopicSubscription present;
  struct Go {
    int times;
  };
  void handle(Go m) {
    for (int i = 0; i < m.times; ++i) {
      const auto next = broker.subscribe<News>(i % 2 == 0 ? "orders.>" : "orders.*", hearer).value();
      (void)broker.unsubscribe(std::exchange(present, next));
    }
  }
};

std::vector<int> first(int count) {
  std::vector<int> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(i);
  return numbers;
}

TEST_P(BrokerPromises, who_is_subscribed_in_another_way_too_misses_nothing_by_an_unsubscribe) {
  run([](Stage& stage) {
    Broker broker{stage.rt};
    const int count = stage.is_simulated ? 10 : 3'000;
    const Ref<Hearer> hearer = stage.rt.spawn(Hearer{});
    const auto present = broker.subscribe<News>("orders.*", hearer).value();
    stage.rt.spawn(Fickle{broker, hearer, present}).tell(Fickle::Go{count});
    stage.rt.spawn(Announcer{broker}).tell(Publish{count});
    stage.settle();
    EXPECT_EQ(hearer.ask(Heard{}, no_timeout).value(), first(count));
  });
}

TEST_P(BrokerPromises, a_group_loses_nothing_by_the_end_of_a_member) {
  run([](Stage& stage) {
    Broker broker{stage.rt};
    const int count = stage.is_simulated ? 12 : 2'000;
    std::vector<Ref<Hearer>> members;
    for (int i = 0; i < 4; ++i) {
      members.push_back(stage.rt.spawn(Hearer{.name = i}));
      ASSERT_TRUE(broker.subscribe<News>("orders.*", members.back(), "workers"));
    }
    stage.rt.kill(members[1]);
    const auto leaving = broker.subscribe<News>("orders.*", members[2], "workers").value();
    std::size_t delivered = 0;
    for (int i = 0; i < count; ++i) {
      delivered += broker.publish("orders.new", News{i}).delivered;
      if (i == count / 2) {
        EXPECT_TRUE(broker.unsubscribe(leaving));
      }
    }
    EXPECT_EQ(delivered, static_cast<std::size_t>(count)) << "every one found a member";
    stage.settle();
  });
}

TEST_P(BrokerPromises, a_subscription_is_of_one_broker) {
  run([](Stage& stage) {
    Broker one{stage.rt};
    Broker other{stage.rt};
    const Ref<Hearer> hearer = stage.rt.spawn(Hearer{});
    const auto subscription = one.subscribe<News>("a", hearer).value();
    EXPECT_FALSE(other.unsubscribe(subscription));
    EXPECT_EQ(other.metrics().subscriptions, 0U);
    EXPECT_EQ(one.publish("a", News{1}).delivered, 1U);
    EXPECT_TRUE(one.unsubscribe(subscription));
    EXPECT_FALSE(one.unsubscribe(subscription));
    EXPECT_FALSE(one.unsubscribe(TopicSubscription{}));
    EXPECT_EQ(one.publish("a", News{2}).delivered, 0U);
    EXPECT_EQ(one.publish("", News{3}).fault, (SubjectError{0, SubjectError::Reason::empty}));
  });
}

TEST_P(BrokerPromises, who_comes_and_goes_leaves_no_watch_behind) {
  run([](Stage& stage) {
    Broker broker{stage.rt};
    const Ref<Hearer> hearer = stage.rt.spawn(Hearer{});
    const int times = stage.is_simulated ? 20 : 500;
    for (int i = 0; i < times; ++i) {
      EXPECT_TRUE(broker.register_actor(hearer));
      const auto subscription = broker.subscribe<News>("a", hearer).value();
      EXPECT_TRUE(broker.unsubscribe(subscription));
      EXPECT_TRUE(broker.unregister(hearer));
    }
    EXPECT_TRUE(broker.register_actor(hearer, "name"));
    ASSERT_TRUE(broker.subscribe<News>("a", hearer));
    stage.settle();
    const std::uint64_t before = stage.rt.ledger().offered;
    stage.rt.stop(hearer);
    stage.settle();
    EXPECT_EQ(stage.rt.ledger().offered - before, 1U) << "one Down to one watcher";
    EXPECT_EQ(broker.registered_count(), 0U);
    EXPECT_EQ(broker.metrics().subscriptions, 0U);
    EXPECT_FALSE(broker.find_id("name"));
  });
}

// ---- turns ------------------------------------------------------------------------------------------------------------

TEST_P(BrokerPromises, topics_take_turns_of_their_own) {
  run([](Stage& stage) {
    Broker broker{stage.rt};
    std::vector<Ref<Hearer>> hearers;
    for (int i = 0; i < 4; ++i) {
      hearers.push_back(stage.rt.spawn(Hearer{.name = i}));
      ASSERT_TRUE(broker.subscribe<Who>(i < 2 ? "a" : "b", hearers.back()));
    }
    std::map<int, int> answers;
    for (int i = 0; i < 8; ++i) {
      ++answers[broker.send(RoutingKey{"a"}, Who{}, no_timeout).value()];
      ++answers[broker.send(RoutingKey{"b"}, Who{}, no_timeout).value()];
    }
    EXPECT_EQ(answers, (std::map<int, int>{{0, 4}, {1, 4}, {2, 4}, {3, 4}}));
  });
}

TEST_P(BrokerPromises, a_router_knows_all_members_of_a_group) {
  run([](Stage& stage) {
    Broker broker{stage.rt};
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(broker.subscribe<Who>("work", stage.rt.spawn(Hearer{.name = i}), "workers"));
    }
    Router<Who> router{broker, "work", Routing::round_robin};
    std::map<int, int> answers;
    for (int i = 0; i < 6; ++i) ++answers[router.ask(Who{}, no_timeout).value()];
    EXPECT_EQ(answers, (std::map<int, int>{{0, 2}, {1, 2}, {2, 2}}));
  });
}

/// Keeps a router and a broker of its own, and is moved into place with them.
struct Asker {
  Broker broker;
  Router<Who> router;
  explicit Asker(const Broker& from) : broker{from}, router{broker, "work", Routing::random} {}
  std::vector<int> handle(Heard) {
    std::vector<int> answers;
    for (int i = 0; i < 40; ++i) answers.push_back(router.ask(Who{}, no_timeout).value_or(-1));
    return answers;
  }
};
TEST_P(BrokerPromises, random_routers_on_one_topic_do_not_choose_alike) {
  run([](Stage& stage) {
    const Broker broker{stage.rt};
    for (int i = 0; i < 8; ++i) {
      ASSERT_TRUE(Broker{broker}.subscribe<Who>("work", stage.rt.spawn(Hearer{.name = i})));
    }
    const Ref<Asker> one = stage.rt.spawn(Asker{broker});
    const Ref<Asker> other = stage.rt.spawn(Asker{broker});
    EXPECT_NE(one.ask(Heard{}, no_timeout).value(), other.ask(Heard{}, no_timeout).value());
  });
}

// ---- who can be subscribed ----------------------------------------------------------------------------------------------

struct Taker {
  int sum = 0;
  void handle(Large&& m) {
    for (const int number : m.numbers) sum += number;
  }
  int handle(Who) const { return sum; }
};
struct Reader {
  int sum = 0;
  void handle(const Large& m, Context&) {
    for (const int number : m.numbers) sum += number;
  }
  int handle(Who) const { return sum; }
};
TEST_P(BrokerPromises, a_large_message_arrives_whole_however_it_is_taken) {
  run([](Stage& stage) {
    Broker broker{stage.rt};
    const Ref<Taker> taker = stage.rt.spawn(Taker{});
    const Ref<Reader> reader = stage.rt.spawn(Reader{});
    ASSERT_TRUE(broker.subscribe<Large>("large", taker));
    ASSERT_TRUE(broker.subscribe<Large>("large", reader));
    Large large;
    large.numbers.fill(3);
    EXPECT_EQ(broker.publish("large", large).delivered, 2U);
    large.numbers.fill(100);
    EXPECT_EQ(taker.ask(Who{}, no_timeout).value(), 300);
    EXPECT_EQ(reader.ask(Who{}, no_timeout).value(), 300);
  });
}

TEST_P(BrokerPromises, a_mailbox_without_an_actor_is_registered_and_subscribed_like_one) {
  run([](Stage& stage) {
    Broker broker{stage.rt};
    Mailbox<News> mailbox{stage.rt};
    ASSERT_TRUE(broker.register_actor(mailbox, "inbox"));
    ASSERT_TRUE(broker.subscribe<News>("a.*", mailbox));
    const ActorId id = broker.find_id("inbox").value();
    EXPECT_TRUE(broker.try_send(id, News{1}));
    EXPECT_EQ(std::get<News>(mailbox.recv()).number, 1);
    EXPECT_EQ(broker.publish("a.b", News{2}).delivered, 1U);
    EXPECT_EQ(std::get<News>(mailbox.recv()).number, 2);
    EXPECT_TRUE(broker.unregister("inbox"));
    EXPECT_EQ(broker.unregister("inbox").error().kind, BrokerError::Kind::not_found);
    EXPECT_EQ(broker.try_send(id, News{3}).error(), SendError::actor_not_found);
  });
}

TEST(BrokerOfTwoSystems, refuses_what_is_of_another_runtime) {
  const SystemOptions options{.threads = 1, .read_environment = false};
  System here{options};
  System there{options};
  Broker broker{here};
  const Ref<Hearer> stranger = there.spawn(Hearer{});
  const Ref<Hearer> citizen = here.spawn(Hearer{});  // in the same slot as the stranger is over there, or near it
  EXPECT_EQ(broker.subscribe<News>("a", stranger).error().reason, SubjectError::Reason::other_runtime);
  ASSERT_TRUE(broker.register_actor(citizen));
  EXPECT_EQ(broker.register_actor(stranger).error().kind, BrokerError::Kind::routing_failed);
  EXPECT_EQ(broker.try_send(stranger, News{1}).error(), SendError::actor_not_found);
  EXPECT_EQ(broker.send(stranger, Who{}).error(), SendError::actor_not_found);
  EXPECT_FALSE(broker.is_registered(stranger));
  EXPECT_FALSE(broker.unregister(stranger));
  EXPECT_TRUE(broker.is_registered(citizen));
  const ActorId elsewhere{7, citizen.handle().slot, citizen.handle().generation, 0};
  EXPECT_EQ(broker.try_send(elsewhere, News{1}).error(), SendError::actor_not_found) << "another node's";
}

TEST(Registry, does_not_replace_an_actor_by_an_earlier_one_of_its_slot) {
  static constexpr AcceptTable nothing{};
  Registry registry{8};
  EXPECT_EQ(registry.add({{3, 5}, &nothing}, "", nullptr), Registry::Added::added);
  EXPECT_EQ(registry.add({{3, 4}, &nothing}, "", nullptr), Registry::Added::ended);
  EXPECT_EQ(registry.find({3, 5}), &nothing);
  EXPECT_EQ(registry.add({{3, 6}, &nothing}, "", nullptr), Registry::Added::added);
  EXPECT_EQ(registry.find({3, 5}), nullptr);
  EXPECT_EQ(registry.size(), 1U);
}

TEST(BrokerProbes, that_end_leave_a_later_one_in_place) {
  (void)sim::execute(
      [](sim::World& world) {
        Broker broker{world};
        auto earlier = std::make_unique<testkit::BrokerTestProbe>(broker);
        testkit::BrokerTestProbe later{broker};
        earlier.reset();
        const Ref<Hearer> nobody = world.spawn(Hearer{});
        EXPECT_FALSE(broker.try_send(nobody, News{1})) << "it is not registered";
        EXPECT_TRUE(later.assert_sent(nobody, 1)) << "what had nobody to go to was sent too";
        world.shutdown(std::chrono::minutes{1});
      },
      [] { return std::make_unique<sim::RandomWalk>(1); }, test_support::punctual);
}

// ---- what the simulator can see -------------------------------------------------------------------------------------------

/// Looks whether a name is free and then takes it: wrong, since another one may do the same in between.
struct Claimant {
  Broker broker;
  std::shared_ptr<std::set<std::string>> outcomes;
  struct Go {};
  void handle(Go, Context& context) {
    if (broker.find_id("leader")) {
      outcomes->insert("was taken");
      return;
    }
    outcomes->insert(broker.register_actor<News>(context.self(*this), "leader") ? "got it" : "lost it");
  }
  void handle(News) {}
};
TEST(BrokerInTheSimulator, others_come_between_a_look_at_a_name_and_taking_it) {
  const auto outcomes = std::make_shared<std::set<std::string>>();
  const auto chosen = std::make_shared<std::set<int>>();
  test_support::run_simulated(
      [&](Stage& stage) {
        const Broker broker{stage.rt};
        for (int i = 0; i < 2; ++i) stage.rt.spawn(Claimant{broker, outcomes}).tell(Claimant::Go{});
        stage.settle();
        std::vector<Ref<Hearer>> members;
        for (int i = 0; i < 3; ++i) {
          members.push_back(stage.rt.spawn(Hearer{}));
          ASSERT_TRUE(Broker{broker}.subscribe<News>("a", members.back(), "group"));
        }
        (void)Broker{broker}.publish("a", News{1});
        for (int i = 0; i < 3; ++i) {
          if (!members[static_cast<std::size_t>(i)].ask(Heard{}, no_timeout)->empty()) chosen->insert(i);
        }
      },
      60);
  EXPECT_EQ(*outcomes, (std::set<std::string>{"got it", "lost it", "was taken"}));
  EXPECT_EQ(*chosen, (std::set<int>{0, 1, 2})) << "which member gets the first message is the world's decision";
}

}  // namespace
}  // namespace orrery::broker_tests
