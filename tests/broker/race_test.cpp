// Goal:   subscribing, unsubscribing, registering, unregistering and dying while others publish loses no account and delivers
//         nothing by a subscription that has ended.
// Method: actors on 8 threads do all of it at random at once, with plain subscriptions, queue groups and patterns that overlap.
//         Each copy that was counted as delivered is handled or a dead letter; and no copy comes that was made after an actor
//         had ended its last subscription, as the number that each copy draws tells. The long form:
//         ORRERY_BROKER_OPERATIONS=100000000 build/release/bin/broker_test --gtest_filter='BrokerRace*'
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
  std::atomic<std::uint64_t> failed_ends{0};
  std::atomic<std::uint64_t> late{0};
  std::atomic<std::uint64_t> deaths{0};
  std::atomic<std::uint64_t> publishes{0};
};

/// Each copy has the next number; 0: it was sent directly.
struct News {
  std::uint64_t number = 0;
  News() = default;
  News(const News&) noexcept {
    const std::uint64_t now = next.load(std::memory_order_relaxed);
    if (now % 64 == 0 && now < 1'000'000) yield_thread();  // whoever may come between shall; later ones only make haste
    number = next.fetch_add(1, std::memory_order_seq_cst) + 1;
  }
  News(News&&) noexcept = default;
  News& operator=(const News&) = delete;
  News& operator=(News&&) noexcept = default;
  ~News() = default;
  inline static std::atomic<std::uint64_t> next{0};
};
struct Work {
  std::uint64_t operations = 0;
};

constexpr std::uint32_t topics = 8;
/// Three ways to hear of each topic; the last two overlap with those of other topics.
struct Way {
  std::string pattern;
  std::string group;
};
Way way(std::uint32_t index) {
  const std::uint32_t topic = index / 3;
  if (index % 3 == 0) return {fmt::format("city.{}", topic), ""};
  if (index % 3 == 1) return {topic % 2 == 0 ? "city.*" : "city.>", ""};
  return {fmt::format("city.{}", topic), "watch"};
}
constexpr std::uint32_t ways = 3 * topics;

/// Is always full.
struct Sulker {
  std::shared_ptr<Tally> tally;
  void handle(News) { tally->handled.fetch_add(1, std::memory_order_relaxed); }
};

/// Subscribes to and leaves topics, registers and unregisters itself, publishes, dies, and counts what it hears.
struct Citizen {
  using Accepts = messages<News>;
  Broker broker;
  std::shared_ptr<Tally> tally;
  std::uint64_t state;
  std::uint32_t reach = ways;  ///< how many ways it uses: who has only one often has none
  std::array<std::optional<TopicSubscription>, ways> subscriptions{};
  std::uint32_t held = 0;
  std::uint64_t ended_at = 0;  ///< the number of the last copy when the last subscription had ended

  std::uint64_t draw(std::uint64_t limit) {
    state = mix64(state + 0x9e3779b97f4a7c15ULL);
    return state % limit;
  }
  void handle(News m) {
    tally->handled.fetch_add(1, std::memory_order_relaxed);
    if (held == 0 && m.number > ended_at) tally->late.fetch_add(1, std::memory_order_relaxed);
  }
  void handle(Work m, Context& context) {
    const Ref<Citizen> me = context.self(*this);
    constexpr std::uint64_t at_once = 100;
    const std::uint64_t now = std::min(at_once, m.operations);
    for (std::uint64_t i = 0; i < now; ++i) act(me);
    tally->operations.fetch_add(now, std::memory_order_relaxed);
    if (m.operations <= now) return;
    if (draw(64) != 0) return (void)me.tell(Work{m.operations - now});
    tally->deaths.fetch_add(1, std::memory_order_relaxed);  // with whatever it holds; an heir goes on
    const Ref<Citizen> heir =
        context.runtime().spawn(Citizen{.broker = broker, .tally = tally, .state = state, .reach = reach});
    (void)heir.tell(Work{m.operations - now});
    context.stop(ExitReason::normal());
  }

 private:
  void act(const Ref<Citizen>& me) {
    const auto at = static_cast<std::uint32_t>(draw(reach));
    auto& subscription = subscriptions[at];
    switch (draw(16)) {
      case 0:
        if (!subscription) {
          subscription = broker.subscribe<News>(way(at).pattern, me, way(at).group).value();
          ++held;
        }
        break;
      case 1:
      case 2:
        if (subscription) leave(at);
        break;
      case 3:
        (void)broker.register_actor(me);
        break;
      case 4:
        (void)broker.unregister(me);
        break;
      case 5:
        count(broker.try_send(me, News{}).has_value() ? Published{1, 0} : Published{});
        break;
      default:
        if (draw(8) != 0) break;  // keep the mail of all within bounds: each publish is several
        tally->publishes.fetch_add(1, std::memory_order_relaxed);
        count(broker.publish(fmt::format("city.{}", draw(topics)), News{}));
    }
  }
  /// Several ways may have the same pattern and group, which then are one subscription.
  void leave(std::uint32_t at) {
    const Way mine = way(at);
    if (!broker.unsubscribe(*subscriptions[at])) tally->failed_ends.fetch_add(1);  // nobody else ends it
    for (std::uint32_t other = 0; other < ways; ++other) {
      if (!subscriptions[other] || way(other).pattern != mine.pattern || way(other).group != mine.group) continue;
      subscriptions[other].reset();
      --held;
    }
    if (held == 0) ended_at = News::next.load(std::memory_order_seq_cst);
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
  for (int i = 0; i < 2; ++i) {
    const Ref<Sulker> sulker = system.spawn(Sulker{tally}, {.mailbox = bounded(2, Overflow::reject)});
    ASSERT_TRUE(broker.subscribe<News>("city.>", sulker));
  }
  constexpr std::uint64_t citizens = 16;
  for (std::uint64_t i = 0; i < citizens; ++i) {
    system.spawn(Citizen{.broker = broker, .tally = tally, .state = i, .reach = i % 2 == 0 ? ways : 1})
        .tell(Work{operations / citizens});
  }
  ASSERT_TRUE(system.await_quiescence(30min));
  EXPECT_EQ(tally->operations, operations / citizens * citizens);
  const std::uint64_t dead =
      system.dead_letters().count(DeadLetterReason::actor_stopped);  // of News: nothing else dies
  EXPECT_EQ(tally->delivered, tally->handled + dead) << "every copy that was counted as delivered was handled";
  EXPECT_EQ(tally->failed_ends, 0U);
  EXPECT_EQ(tally->late, 0U);
  const BrokerMetrics metrics = broker.metrics();
  EXPECT_EQ(metrics.of(BrokerCount::copies) + metrics.of(BrokerCount::delivered), tally->delivered);
  EXPECT_EQ(metrics.of(BrokerCount::refused), tally->refused);
  EXPECT_EQ(metrics.of(BrokerCount::published), tally->publishes);
  EXPECT_EQ(metrics.of(BrokerCount::sent), metrics.of(BrokerCount::delivered) + metrics.of(BrokerCount::failed));
  if (operations >= 1'000'000) {
    EXPECT_GT(tally->deaths, 0U);
    EXPECT_GT(tally->refused, 0U);
    EXPECT_GT(dead, 0U);
  }
  const Ledger account = system.ledger();
  EXPECT_TRUE(account.adds_up() && account.queued == 0) << orrery_describe(account);
  fmt::print("[ RACE     ] {} operations, {} publishes, {} copies delivered, {} refused, {} dead letters, {} deaths\n",
             tally->operations.load(), tally->publishes.load(), tally->delivered.load(), tally->refused.load(), dead,
             tally->deaths.load());
}

}  // namespace
}  // namespace orrery::broker_tests
