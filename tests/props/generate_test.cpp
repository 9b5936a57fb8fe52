// Goal:   what the generators make is within its bounds, covers what it should, and shrinks to the smallest of its kind.
// Method: many seeds; the first simpler value again and again.
#include "orrery/props/bounds.hpp"
#include "orrery/props/cluster.hpp"
#include "orrery/props/faults.hpp"
#include "orrery/props/workload.hpp"

#include "orrery/core/mix.hpp"
#include "orrery/sim/run.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

namespace orrery::props_tests {

struct Money {
  std::uint32_t number = 0;
  std::uint16_t amount = 0;
  std::string memo;
  std::string from;
  std::uint8_t free = 0;
};

}  // namespace orrery::props_tests

template <>
struct orrery::props::Rules<orrery::props_tests::Money> {
  static auto rules() {
    using orrery::props_tests::Money;
    return std::tuple{rule(&Money::amount, between(3, 9)), rule(&Money::memo, text_of("abc", 4)),
                      rule(&Money::from, one_of<std::string>({"alice", "bob"}))};
  }
};

namespace orrery::props_tests {
namespace {

using namespace std::chrono_literals;
using testkit::Arbitrary;
using testkit::Sample;

template <class T>
T made(std::uint64_t seed, int commands = 10) {
  return Arbitrary<T>::generate({.seed = mix64(seed), .commands = commands, .values = 100})->value();
}

/// Follows simpler values for which `bad` holds, until there is none.
template <class T>
T shrunk(std::uint64_t seed, const std::function<bool(const T&)>& bad) {
  std::unique_ptr<Sample<T>> sample = Arbitrary<T>::generate({.seed = mix64(seed), .commands = 20, .values = 100});
  if (!bad(sample->value())) throw std::logic_error{"begin with a bad one"};
  for (bool goes_on = true; goes_on;) {
    goes_on = false;
    for (std::size_t i = 0;; ++i) {
      auto simpler = sample->simpler(i);
      if (simpler == nullptr) break;
      if (!bad(simpler->value())) continue;
      sample = std::move(simpler);
      goes_on = true;
      break;
    }
  }
  return sample->value();
}
template <class T>
std::uint64_t first_seed(const std::function<bool(const T&)>& bad) {
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    if (bad(made<T>(seed, 20))) return seed;
  }
  throw std::logic_error{"nothing generated is like that"};
}
template <class T>
T smallest(const std::function<bool(const T&)>& bad) {
  return shrunk<T>(first_seed<T>(bad), bad);
}

// ---- values -------------------------------------------------------------------------------------------------------------

TEST(Generate, keeps_the_rules_of_fields_and_leaves_the_others_free) {
  std::set<std::uint16_t> amounts;
  std::set<std::string> senders;
  std::set<std::uint8_t> free;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const auto money = made<Money>(seed);
    ASSERT_TRUE(money.amount >= 3 && money.amount <= 9);
    ASSERT_LE(money.memo.size(), 4U);
    ASSERT_EQ(money.memo.find_first_not_of("abc"), money.memo.npos);
    amounts.insert(money.amount);
    senders.insert(money.from);
    free.insert(money.free);
  }
  EXPECT_EQ(amounts.size(), 7U);
  EXPECT_EQ(senders, (std::set<std::string>{"alice", "bob"}));
  EXPECT_GT(free.size(), 100U);
}

TEST(Generate, keeps_the_rules_of_fields_while_it_shrinks) {
  const auto money = smallest<std::vector<Money>>([](const auto& all) { return all.size() >= 2; });
  ASSERT_EQ(money.size(), 2U);
  EXPECT_EQ(describe(money[0]), R"(Money{number=0, amount=3, memo="", from="alice", free=0})");
  const auto memo = smallest<Money>([](const Money& one) { return one.memo.contains('c'); });
  EXPECT_EQ(memo.memo, "c");
}

TEST(Generate, keeps_a_number_within_its_bounds) {
  std::set<std::int64_t> seen;
  for (std::uint64_t seed = 0; seed < 300; ++seed) seen.insert(made<props::Between<-2, 3>>(seed, 0));
  EXPECT_EQ(seen, (std::set<std::int64_t>{-2, -1, 0, 1, 2, 3}));
  EXPECT_EQ((smallest<props::Between<-2, 3>>([](auto one) { return one >= 1; })), 1);
}

using Any = std::variant<std::monostate, bool, Money>;

TEST(Generate, makes_every_alternative_and_shrinks_to_the_first) {
  std::set<std::size_t> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) seen.insert(made<Any>(seed).index());
  EXPECT_EQ(seen.size(), 3U);
  EXPECT_EQ(smallest<Any>([](const Any& any) { return any.index() >= 1; }).index(), 1U);
  const auto money = smallest<Any>([](const Any& any) { return any.index() == 2; });
  EXPECT_EQ(std::get<Money>(money).amount, 3);
}

TEST(Generate, makes_durations_that_are_short_and_long) {
  bool none = false;
  bool short_one = false;
  bool long_one = false;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto length = made<Duration>(seed);
    ASSERT_TRUE(length >= 0s && length <= 10s);
    none = none || length == 0s;
    short_one = short_one || (length > 0s && length < 10ms);
    long_one = long_one || length > 1s;
  }
  EXPECT_TRUE(none && short_one && long_one);
  EXPECT_EQ(smallest<Duration>([](Duration length) { return length >= 5ms; }), 5ms);
}

TEST(Generate, makes_maps_sets_and_arrays_of_what_it_makes) {
  using Odd = std::map<std::uint8_t, std::vector<Any>>;
  const auto odd = smallest<Odd>([](const Odd& all) { return all.size() >= 2; });
  EXPECT_EQ(odd.size(), 2U);
  EXPECT_TRUE(odd.begin()->second.empty());
  const auto colours = made<std::array<props::Between<1, 2>, 3>>(1);
  EXPECT_TRUE(std::ranges::all_of(colours, [](auto one) { return one == 1 || one == 2; }));
}

// ---- workloads ----------------------------------------------------------------------------------------------------------

using Load = props::Workload<Money, props::WorkloadLimits{.senders = 3, .targets = 2, .burst = 5, .pause_ms = 7}>;

TEST(Workload, is_within_its_limits_and_has_everything) {
  std::set<std::uint32_t> senders;
  std::set<std::uint32_t> bursts;
  bool pause = false;
  bool none = false;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto load = made<Load>(seed, 12);
    ASSERT_LE(load.steps.size(), 12U);
    for (const auto& step : load.steps) {
      ASSERT_TRUE(step.sender < 3 && step.target < 2 && step.burst >= 1 && step.burst <= 5 && step.pause <= 7ms);
      ASSERT_TRUE(step.message.amount >= 3 && step.message.amount <= 9);
      senders.insert(step.sender);
      bursts.insert(step.burst);
      pause = pause || step.pause > 0ms;
      none = none || step.pause == 0ms;
    }
  }
  EXPECT_EQ(senders.size(), 3U);
  EXPECT_EQ(bursts.size(), 5U);
  EXPECT_TRUE(pause && none);
}

TEST(Workload, shrinks_to_one_sender_without_pauses) {
  const auto load = smallest<Load>([](const Load& all) { return all.messages() >= 4; });
  EXPECT_EQ(load.messages(), 4U);
  for (const auto& step : load.steps) {
    EXPECT_EQ(step.sender, 0U);
    EXPECT_EQ(step.target, 0U);
    EXPECT_EQ(step.pause, 0ms);
  }
}

struct Till {
  std::vector<std::uint32_t> numbers{};
  void handle(const Money& m) { numbers.push_back(m.number); }
};
TEST(Workload, is_sent_step_by_step_in_virtual_time) {
  const Load load{{{.sender = 0, .target = 1, .pause = 5ms, .burst = 2},
                   {.sender = 2, .target = 0, .pause = 1ms},
                   {.sender = 0, .target = 3, .pause = 2ms}}};
  const auto run = sim::execute(
      [&](sim::World& world) {
        const std::vector tills{world.spawn(Till{}), world.spawn(Till{})};
        const props::MessageLog<std::uint64_t> log;
        props::start(world, load, tills, log);
        world.run_for(1ms);
        EXPECT_EQ(world.peek(tills[0]).numbers, (std::vector<std::uint32_t>{2}));
        world.run_for(4ms);
        EXPECT_EQ(world.peek(tills[1]).numbers, (std::vector<std::uint32_t>{0, 1}));
        world.run();
        EXPECT_EQ(world.peek(tills[1]).numbers, (std::vector<std::uint32_t>{0, 1, 3}));  // 3 modulo two tills
        EXPECT_EQ(world.now(), Instant{7ms});
        EXPECT_EQ(log.count(props::Deed::accepted), 4U);
      },
      [] { return std::make_unique<sim::Calm>(); }, {.faults = sim::FaultProfile::none});
  EXPECT_FALSE(run.finding) << run.finding->detail;
}

// ---- clusters -----------------------------------------------------------------------------------------------------------

using Shape = props::ClusterWithin<props::ClusterLimits{.servers_min = 2, .servers_max = 6, .slow_links_max = 2}>;

TEST(Cluster, has_a_majority_as_its_quorum_and_links_between_its_servers) {
  std::set<std::uint32_t> servers;
  bool more_than_a_majority = false;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const auto shape = made<Shape>(seed);
    servers.insert(shape.servers);
    ASSERT_TRUE(shape.quorum > shape.servers / 2 && shape.quorum <= shape.servers);
    more_than_a_majority = more_than_a_majority || shape.quorum > shape.servers / 2 + 1;
    ASSERT_LE(shape.slow.size(), 2U);
    for (const auto& link : shape.slow) ASSERT_TRUE(link.from < shape.servers && link.to < shape.servers);
  }
  EXPECT_EQ(servers, (std::set<std::uint32_t>{2, 3, 4, 5, 6}));
  EXPECT_TRUE(more_than_a_majority);
}

TEST(Cluster, shrinks_to_few_servers_with_fast_links) {
  const auto shape = smallest<Shape>([](const Shape& one) { return one.servers >= 4; });
  EXPECT_EQ(shape.servers, 4U);
  EXPECT_EQ(shape.quorum, 3U);
  EXPECT_TRUE(shape.slow.empty());
}

struct Question {
  using Reply = std::uint32_t;
  std::uint32_t number = 0;
};
struct Server {
  std::vector<std::uint32_t> asked{};
  std::uint32_t handle(Question m) {
    asked.push_back(m.number);
    return m.number + 1;
  }
};
TEST(Cluster, delivers_late_and_in_order_through_a_slow_link) {
  const props::Cluster shape{.servers = 2, .quorum = 2, .slow = {{.from = 0, .to = 1, .delay = 10ms}}};
  const auto run = sim::execute(
      [&](sim::World& world) {
        const auto server = world.spawn(Server{});
        const auto slow = props::link<Question>(world, shape, 0, 1, server);
        const auto fast = props::link<Question>(world, shape, 1, 0, server);
        (void)slow.tell(Question{1}, ignore_reply);
        (void)slow.tell(Question{2}, ignore_reply);
        (void)fast.tell(Question{3}, ignore_reply);
        EXPECT_EQ(slow.ask(Question{4}, no_timeout), 5U);
        EXPECT_EQ(world.now(), Instant{30ms});
        EXPECT_EQ(world.peek(server).asked, (std::vector<std::uint32_t>{3, 1, 2, 4}));
      },
      [] { return std::make_unique<sim::Calm>(); }, {.faults = sim::FaultProfile::none});
  EXPECT_FALSE(run.finding) << run.finding->detail;
}

// ---- faults -------------------------------------------------------------------------------------------------------------

TEST(Faults, have_every_kind_and_shrink_to_one_crash_of_the_first_at_once) {
  std::set<sim::LocalFault> kinds;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto faults = made<props::Faults>(seed);
    ASSERT_LE(faults.faults.size(), 3U);
    for (const auto& fault : faults.faults) {
      kinds.insert(fault.what);
      ASSERT_EQ(fault.length > 0ms, fault.what == sim::LocalFault::slow);
    }
    EXPECT_TRUE(made<props::Faults>(seed, 0).faults.empty());
  }
  EXPECT_EQ(kinds.size(), 4U);
  const auto one = smallest<props::Faults>([](const props::Faults& all) { return !all.faults.empty(); });
  const sim::FaultPlan plan = one.on({"alice", "bob"});
  EXPECT_EQ(plan, (sim::FaultPlan{{{.what = sim::LocalFault::crash, .actor = "alice"}}}));
}

TEST(Faults, of_few_kinds_are_of_those) {
  using Two = props::FaultsWithin<props::FaultLimits{.faults = 5, .nth = 2, .kinds = 2}>;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    for (const auto& fault : made<Two>(seed).faults) {
      ASSERT_TRUE(fault.what == sim::LocalFault::crash || fault.what == sim::LocalFault::slow);
      ASSERT_LT(fault.nth, 2U);
    }
  }
}

}  // namespace
}  // namespace orrery::props_tests
