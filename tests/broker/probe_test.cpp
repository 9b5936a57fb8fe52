// Goal:   a probe on a broker counts what it says it counts, and its failures show what happened instead.
#include "orrery/testkit/broker_probe.hpp"

#include "tests/support/both_worlds.hpp"

#include <gtest/gtest.h>

namespace orrery::broker_tests {
namespace {

using test_support::BothWorlds;
using test_support::Stage;
using testkit::BrokerTestProbe;

struct Deposit {
  int amount = 0;
};
struct Purse {
  using Accepts = messages<Deposit>;
  int sum = 0;
  void handle(Deposit m) { sum += m.amount; }
};

class BrokerProbeTest : public BothWorlds {};
ORRERY_IN_BOTH_WORLDS(BrokerProbeTest);

TEST_P(BrokerProbeTest, counts_sends_broadcasts_and_publishes_apart) {
  run([](Stage& stage) {
    Broker broker{stage.rt};
    const Ref<Purse> alice = stage.rt.spawn("alice", Purse{});
    const Ref<Purse> bob = stage.rt.spawn("bob", Purse{});
    ASSERT_TRUE(broker.register_actor(alice));
    ASSERT_TRUE(broker.register_actor(bob));
    ASSERT_TRUE(broker.subscribe<Deposit>("money", bob));
    {
      BrokerTestProbe probe{broker};
      EXPECT_TRUE(broker.try_send(alice, Deposit{5}));
      EXPECT_TRUE(broker.try_send(alice, Deposit{6}));
      (void)broker.broadcast(Deposit{7});
      (void)broker.publish("money", Deposit{8});
      EXPECT_TRUE(probe.assert_sent(alice, 2));
      EXPECT_TRUE(probe.assert_sent(bob, 0));
      EXPECT_TRUE(probe.assert_broadcast(2));
      EXPECT_TRUE(probe.assert_published("money", 1));
      std::vector<int> amounts;
      for (const Deposit& one : probe.captured<Deposit>()) amounts.push_back(one.amount);
      EXPECT_EQ(amounts, (std::vector{5, 6, 7, 7, 8}));
      const auto failure = probe.assert_sent(alice, 5);
      EXPECT_FALSE(failure);
      EXPECT_STREQ(failure.message(),
                   "2 sent to alice, expected 5\n"
                   "through the broker went 5 messages:\n"
                   "  sent Deposit{amount=5} to alice\n"
                   "  sent Deposit{amount=6} to alice\n"
                   "  broadcast Deposit{amount=7} to alice\n"
                   "  broadcast Deposit{amount=7} to bob\n"
                   "  published Deposit{amount=8} on money");
      probe.forget();
      EXPECT_TRUE(probe.assert_broadcast(0));
    }
    (void)broker.publish("money", Deposit{9});  // nobody listens any more
    stage.settle();
  });
}

}  // namespace
}  // namespace orrery::broker_tests
