// Goal:   subscribing, unsubscribing, registering and unregistering while others publish loses no account and delivers
//         nothing by a subscription that has ended.
// Method: actors on 8 threads do all of it at random at once. Each copy that a publish counts as delivered must be handled
//         or be a dead letter; each subscriber checks that no message comes by a subscription that it has ended. The long
//         form: ORRERY_BROKER_OPERATIONS=100000000 build/release/bin/broker_test --gtest_filter='BrokerRace*'
#include "orrery/broker.hpp"
#include "orrery/core/entropy.hpp"
#include "orrery/system.hpp"

#include "tests/support/scale.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <vector>

namespace orrery::broker_tests {
namespace {

using namespace std::chrono_literals;

struct Tally {
  std::atomic<std::uint64_t> operations{0};
  std::atomic<std::uint64_t> delivered{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> handled{0};
  std::atomic<std::uint64_t> late{0};
};

struct News {
  std::uint32_t topic = 0;
};
struct Work {
  std::uint64_t operations = 0;
};

constexpr std::uint32_t topics = 8;

/// Subscribes to and leaves topics, registers and unregisters itself, publishes, and counts what it hears.
struct Citizen {
  using Accepts = messages<News>;
  Broker broker;
  std::shared_ptr<Tally> tally;
  std::uint64_t state;
  std::array<std::optional<TopicSubscription>, topics> subscriptions{};

  std::uint64_t draw(std::uint64_t limit) {
    state = mix64(state + 0x9e3779b97f4a7c15ULL);
    return state % limit;
  }
  void handle(News) { tally->handled.fetch_add(1, std::memory_order_relaxed); }
  void handle(Work m, Context& context) {
    const Ref<Citizen> me = context.self(*this);
    constexpr std::uint64_t at_once = 100;
    const std::uint64_t now = std::min(at_once, m.operations);
    for (std::uint64_t i = 0; i < now; ++i) act(me);
    tally->operations.fetch_add(now, std::memory_order_relaxed);
    if (m.operations > now) (void)me.tell(Work{m.operations - now});
  }

 private:
  void act(const Ref<Citizen>& me) {
    const auto topic = static_cast<std::uint32_t>(draw(topics));
    const std::string subject = fmt::format("city.{}", topic);
    switch (draw(16)) {
      case 0:
        if (!subscriptions[topic]) subscriptions[topic] = broker.subscribe<News>(subject, me).value();
        break;
      case 1:
        if (subscriptions[topic]) {
          if (!broker.unsubscribe(*subscriptions[topic])) tally->late.fetch_add(1);  // nobody else ends it
          subscriptions[topic].reset();
        }
        break;
      case 2:
        (void)broker.register_actor(me);
        break;
      case 3:
        (void)broker.unregister(me);
        break;
      case 4:
        count(broker.try_send(me, News{topic}).has_value() ? Published{1, 0} : Published{});
        break;
      default:
        if (draw(4) != 0) break;  // keep the mail of all within bounds: each publish is several
        count(broker.publish(subject, News{topic}));
    }
  }
  void count(const Published& published) {
    tally->delivered.fetch_add(published.delivered, std::memory_order_relaxed);
    tally->refused.fetch_add(published.refused, std::memory_order_relaxed);
  }
};

TEST(BrokerRace, loses_no_account_while_everybody_changes_everything) {
  const char* const wanted = std::getenv("ORRERY_BROKER_OPERATIONS");
  const std::uint64_t operations = wanted != nullptr          ? std::strtoull(wanted, nullptr, 10)
                                   : test_support::is_short() ? 40'000
                                                              : 1'000'000;
  const auto tally = std::make_shared<Tally>();
  SystemOptions options{.threads = 8, .read_environment = false};
  options.runtime.mailbox_depth_warning = 0;
  System system{options};
  Broker broker{system};
  constexpr std::uint64_t citizens = 16;
  for (std::uint64_t i = 0; i < citizens; ++i) {
    system.spawn(Citizen{.broker = broker, .tally = tally, .state = i}).tell(Work{operations / citizens});
  }
  ASSERT_TRUE(system.await_quiescence(30min));
  EXPECT_EQ(tally->operations, operations / citizens * citizens);
  EXPECT_EQ(tally->delivered, tally->handled) << "every copy that was counted as delivered was handled";
  EXPECT_EQ(tally->late, 0U);
  const BrokerMetrics metrics = broker.metrics();
  EXPECT_EQ(metrics.of(BrokerCount::copies) + metrics.of(BrokerCount::delivered), tally->delivered);
  EXPECT_EQ(metrics.of(BrokerCount::refused), tally->refused);
  const Ledger account = system.ledger();
  EXPECT_TRUE(account.adds_up() && account.queued == 0) << orrery_describe(account);
  fmt::print("[ RACE     ] {} operations, {} copies delivered\n", tally->operations.load(), tally->delivered.load());
}

}  // namespace
}  // namespace orrery::broker_tests
