// Goal:   a probe says what came, plays its part, and a wrong expectation fails in its own line with all that did come.
// Method: one body for both worlds where both can do it; what must fail is run with GoogleTest's reports intercepted.
#include "orrery/testkit/probe.hpp"

#include "orrery/testkit/assertions.hpp"
#include "orrery/testkit/settings.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <orrery/sim/run.hpp>
#include <orrery/system.hpp>
#include <orrery/test.hpp>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace orrery::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Field;
using ::testing::Gt;
using ::testing::HasSubstr;

struct Posted {
  int balance = 0;
};
struct Closed {
  std::string why;
};
struct Sealed {
  std::unique_ptr<int> content;
};
struct Price {
  using Reply = int;
  std::string of;
};
struct Confirm {
  using Reply = void;
};
struct Refused {};
struct Withdraw {
  using Reply = std::expected<int, Refused>;
  int amount = 0;
};

struct Go {};
struct GoLater {
  Duration in;
};
struct Buy {
  using Reply = int;
  Duration within = 1s;
};

/// Posts 1, 2, ... to whoever reads its statements.
struct Account {
  Recipient<Posted, Closed> statements;
  int balance = 0;
  void handle(Go) { statements.tell(Posted{++balance}); }
  void handle(GoLater m, Context& context) {
    context.sleep(m.in);
    statements.tell(Posted{++balance});
  }
  void handle(Closed m) { statements.tell(m); }
};
/// Asks for a price and answers with it; with minus the error, when there is none.
struct Buyer {
  Recipient<Price> market;
  int handle(Buy m) {
    const auto price = market.ask(Price{"tea"}, m.within);
    return price ? *price : -1 - static_cast<int>(price.error());
  }
};
struct Market {
  int handle(Price) { return 42; }
};
struct Fails {
  void handle(Go) { throw std::runtime_error{"boom"}; }
};

// ---- both worlds ------------------------------------------------------------------------------------------------------

using Body = std::function<void(Runtime&)>;

/// Runs the body in a simulated world: calmly, and under some seeds with stalls.
void simulate(const Body& body) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto outcome = testkit::run_once([&](sim::World& world) { body(world); },
                                           [&]() -> std::unique_ptr<sim::Strategy> {
                                             if (seed == 0) return std::make_unique<sim::Calm>();
                                             return std::make_unique<sim::RandomWalk>(seed);
                                           },
                                           {});
    ASSERT_FALSE(outcome.finding) << "seed " << seed << ": " << outcome.finding->name << " " << outcome.finding->detail;
    ASSERT_TRUE(outcome.ledger.adds_up());
  }
}
void run_on_threads(const Body& body) {
  for (int i = 0; i < 20; ++i) {
    System system{{.threads = 2}};
    body(system);
  }
}

struct InBothWorlds : ::testing::TestWithParam<bool> {
  static void run(const Body& body) { GetParam() ? simulate(body) : run_on_threads(body); }
};
INSTANTIATE_TEST_SUITE_P(Probe, InBothWorlds, ::testing::Values(true, false),
                         [](const auto& tested) { return tested.param ? "simulated" : "on_threads"; });

TEST_P(InBothWorlds, a_probe_gives_what_came_in_order) {
  run([](Runtime& rt) {
    auto statements = probe<Posted, Closed>(rt, "statements");
    const Ref<Account> account = rt.spawn("alice", Account{statements.ref()});
    for (int i = 0; i < 4; ++i) account.tell(Go{});
    account.tell(Closed{"gone"});
    account.tell(Go{});
    EXPECT_EQ(statements.expect<Posted>().balance, 1);
    statements.expect(Posted{2});
    statements.expect<Posted>([](const Posted& m) { return m.balance == 3; });
    statements.expect<Posted>(Field(&Posted::balance, Gt(3)));
    EXPECT_EQ(statements.expect<Closed>().why, "gone");
    EXPECT_EQ(statements.sender(), "alice");
    EXPECT_EQ(statements.last_sender(), account.handle());
    EXPECT_FALSE(statements.receive<Closed>());
    EXPECT_EQ(statements.receive<Posted>()->balance, 5);
    EXPECT_FALSE(statements.receive(1ms));
    EXPECT_TRUE(statements.expect_none(1ms));
    EXPECT_EQ(statements.waiting(), 0U);
  });
}

TEST_P(InBothWorlds, several_messages_are_expected_at_once) {
  run([](Runtime& rt) {
    auto statements = probe<Posted, Closed>(rt);
    const Ref<Account> account = rt.spawn(Account{statements.ref()});
    for (int i = 0; i < 3; ++i) account.tell(Go{});
    account.tell(Closed{"a"});
    for (int i = 0; i < 3; ++i) account.tell(Go{});
    statements.expect_in_order(std::tuple{Posted{1}, Posted{2}});
    statements.expect_in_any_order(std::tuple{Closed{"a"}, Posted{3}});
    const auto two = statements.receive_n(2);
    EXPECT_EQ(std::get<Posted>(two[0]).balance, 4);
    EXPECT_EQ(std::get<Posted>(two[1]).balance, 5);
    EXPECT_EQ(std::get<Posted>(*statements.receive()).balance, 6);
  });
}

TEST_P(InBothWorlds, fishing_leaves_out_what_is_not_wanted) {
  run([](Runtime& rt) {
    auto statements = probe<Posted, Closed>(rt);
    const Ref<Account> account = rt.spawn(Account{statements.ref()});
    for (int i = 0; i < 5; ++i) account.tell(Go{});
    account.tell(Closed{"now"});
    account.tell(Go{});
    EXPECT_EQ(statements.fish<Posted>([](const Posted& m) { return m.balance >= 3; }).balance, 3);
    EXPECT_EQ(statements.fish<Closed>().why, "now");
    EXPECT_EQ(statements.expect<Posted>().balance, 6);
  });
}

TEST_P(InBothWorlds, a_message_that_cannot_be_copied_is_received) {
  run([](Runtime& rt) {
    auto parcels = probe<Sealed>(rt);
    parcels.ref().tell(Sealed{std::make_unique<int>(1)});
    parcels.ref().tell(Sealed{std::make_unique<int>(2)});
    EXPECT_EQ(*parcels.expect<Sealed>().content, 1);
    EXPECT_EQ(*parcels.receive_n(1).front().content, 2);
    EXPECT_EQ(parcels.sender(), "the test");
  });
}

TEST_P(InBothWorlds, an_ask_waits_until_the_test_replies) {
  run([](Runtime& rt) {
    auto market = probe<Price, Posted>(rt, "market");
    const Ref<Buyer> buyer = rt.spawn("buyer", Buyer{market.ref()});
    auto bought = buyer.ask_async(Buy{no_timeout}, no_timeout);
    EXPECT_EQ(market.expect<Price>().of, "tea");
    EXPECT_EQ(market.sender(), "buyer");
    market.ref().tell(Posted{});  // the probe goes on meanwhile
    (void)market.receive<Price>(1ms);
    market.reply(7);
    EXPECT_EQ(bought.get(), 7);
    market.expect<Posted>();
  });
}

TEST_P(InBothWorlds, open_asks_are_answered_in_any_order) {
  run([](Runtime& rt) {
    auto market = probe<Price>(rt);
    const Ref<Buyer> one = rt.spawn(Buyer{market.ref()});
    const Ref<Buyer> two = rt.spawn(Buyer{market.ref()});
    auto first = one.ask_async(Buy{no_timeout}, no_timeout);
    (void)market.expect<Price>();
    OpenAsk<Price> open = market.take_ask<Price>();
    EXPECT_EQ(open.asker(), one.handle());
    auto second = two.ask_async(Buy{no_timeout}, no_timeout);
    (void)market.expect<Price>();
    market.reply(2);
    EXPECT_EQ(second.get(), 2);
    EXPECT_FALSE(first.ready());
    open.answer(1);
    EXPECT_EQ(first.get(), 1);
  });
}

TEST_P(InBothWorlds, an_ask_stays_open_while_later_messages_are_taken) {
  run([](Runtime& rt) {
    std::optional<Pending<Price>> asked;
    {
      auto market = probe<Price, Posted>(rt);
      asked = market.ref().ask_async(Price{"tea"}, no_timeout);
      market.ref().tell(Posted{1});
      market.expect<Price>();
      market.expect<Posted>();
      EXPECT_TRUE(market.expect_none(1ms));
      EXPECT_FALSE(asked->ready());
    }
    EXPECT_EQ(asked->get(), std::unexpected(AskError::actor_stopped));
  });
}

TEST_P(InBothWorlds, a_reply_may_be_nothing_or_a_refusal) {
  run([](Runtime& rt) {
    auto desk = probe<Confirm, Withdraw>(rt);
    auto confirmed = desk.ref().ask_async(Confirm{}, no_timeout);
    desk.expect<Confirm>();
    desk.reply();
    EXPECT_TRUE(confirmed.get());
    auto paid = desk.ref().ask_async(Withdraw{1}, no_timeout);
    desk.expect<Withdraw>();
    desk.reply(5);
    EXPECT_EQ(paid.get(), 5);
    auto refused = desk.ref().ask_async(Withdraw{1}, no_timeout);
    desk.expect<Withdraw>();
    desk.reply(std::unexpected(Refused{}));
    EXPECT_NE(refused.get().error().refused(), nullptr);
  });
}

TEST_P(InBothWorlds, asks_are_answered_automatically_until_that_is_ended) {
  run([](Runtime& rt) {
    auto market = probe<Price>(rt);
    market.auto_reply<Price>([](const Price& m) { return static_cast<int>(m.of.size()); });
    const Ref<Buyer> buyer = rt.spawn(Buyer{market.ref()});
    EXPECT_EQ(buyer.ask(Buy{no_timeout}, no_timeout), 3);
    EXPECT_EQ(market.waiting(), 1U);
    EXPECT_EQ(market.expect<Price>().of, "tea");
    market.auto_reply<Price>({});
    auto bought = buyer.ask_async(Buy{no_timeout}, no_timeout);
    market.expect<Price>();
    market.reply(9);
    EXPECT_EQ(bought.get(), 9);
  });
}

TEST_P(InBothWorlds, an_ask_that_nobody_answers_ends_with_the_probe_and_an_earlier_deadline_is_kept) {
  run([](Runtime& rt) {
    {
      auto market = probe<Price>(rt);
      const Ref<Buyer> asks = rt.spawn(Buyer{market.ref()});
      EXPECT_EQ(asks.ask(Buy{1ms}, no_timeout), -1 - static_cast<int>(AskError::timeout));
      market.expect<Price>();
      market.reply(1);  // too late, but no error: a dead letter
    }
    EXPECT_EQ(rt.dead_letters().count(DeadLetterReason::late_reply), 1U);
    std::optional<Pending<Buy>> bought;
    {
      auto market = probe<Price>(rt);
      const Ref<Buyer> asks = rt.spawn(Buyer{market.ref()});
      bought = asks.ask_async(Buy{no_timeout}, no_timeout);
      market.expect<Price>();
    }
    EXPECT_EQ(bought->get(), -1 - static_cast<int>(AskError::actor_stopped));
  });
}

TEST_P(InBothWorlds, what_came_is_passed_on_with_its_sender_and_its_asker) {
  run([](Runtime& rt) {
    auto market = probe<Price>(rt, "market");
    const Ref<Market> real = rt.spawn(Market{});
    const Ref<Buyer> buyer = rt.spawn("buyer", Buyer{market.ref()});
    auto bought = buyer.ask_async(Buy{no_timeout}, no_timeout);
    ASSERT_TRUE(market.forward_to(real, market.expect<Price>()));
    EXPECT_EQ(bought.get(), 42);

    auto statements = probe<Posted, Closed>(rt, "statements");
    auto copies = probe<Posted>(rt, "copies");
    const Ref<Account> account = rt.spawn("alice", Account{statements.ref()});
    account.tell(Go{});
    ASSERT_TRUE(copies.handle() != statements.handle());
    ASSERT_TRUE(statements.forward_to(copies.ref(), statements.expect<Posted>()));
    copies.expect(Posted{1});
    EXPECT_EQ(copies.sender(), "alice");
  });
}

TEST_P(InBothWorlds, the_end_of_a_watched_actor_is_seen_with_its_reason) {
  run([](Runtime& rt) {
    auto observer = probe<Posted>(rt);
    const Ref<Fails> one = rt.spawn("one", Fails{});
    const Ref<Fails> two = rt.spawn("two", Fails{});
    observer.watch(one);
    observer.watch(two);
    one.tell(Go{});
    rt.stop(two);
    EXPECT_TRUE(observer.expect_down(two, ExitReason::shutdown()));
    EXPECT_EQ(observer.expect_down(one), ExitReason::failed("boom"));
    observer.watch(one);  // it has ended
    EXPECT_TRUE(observer.expect_down(one, ExitReason::custom("noproc")));
    EXPECT_TRUE(observer.expect_none(1ms));
  });
}

TEST_P(InBothWorlds, a_probe_ends_when_told_to_and_is_watched_like_any_actor) {
  run([](Runtime& rt) {
    auto observer = probe<Posted>(rt);
    auto stand_in = probe<Posted>(rt, "stand_in");
    observer.watch(stand_in);
    stand_in.ref().tell(Posted{1});
    stand_in.expect(Posted{1});
    stand_in.stop(ExitReason::custom("bored"));
    EXPECT_TRUE(observer.expect_down(stand_in, ExitReason::custom("bored")));
    EXPECT_EQ(stand_in.ref().tell(Posted{2}), std::unexpected(TellError::actor_stopped));
  });
}

TEST(Probe, leaves_its_name_to_the_next_one_on_threads) {
  System system{{.threads = 2}};
  for (int i = 0; i < 50; ++i) {
    auto statements = probe<Posted>(system, "statements");
    statements.ref().tell(Posted{i});
    statements.expect(Posted{i});
  }
  EXPECT_THROW(
      {
        auto one = probe<Posted>(system, "x");
        auto two = probe<Posted>(system, "x");
      },
      SpawnFailed);
}

// ---- virtual time -----------------------------------------------------------------------------------------------------

TEST(Probe, waits_in_virtual_time) {
  simulate([](Runtime& rt) {
    auto statements = probe<Posted, Closed>(rt);
    const Ref<Account> account = rt.spawn(Account{statements.ref()});
    const Instant begin = rt.now();
    account.tell(GoLater{1h});
    EXPECT_TRUE(statements.expect_none(59min));
    EXPECT_EQ(statements.expect<Posted>(2min).balance, 1);
    EXPECT_EQ(rt.now() - begin, 1h);
    EXPECT_TRUE(statements.expect_none(24h));
    EXPECT_EQ(rt.now() - begin, 25h);
  });
}

TEST(Probe, that_looks_without_waiting_may_miss_what_is_under_way) {
  // The sender tells q before p; when p has it, q need not have handled its own yet.
  struct Both {
    Recipient<Posted> p, q;
    void handle(Go) {
      q.tell(Posted{1});
      p.tell(Posted{2});
    }
  };
  std::set<std::string> seen;
  const auto searched = sim::search_all(
      [&](sim::World& world) {
        auto p = probe<Posted>(world);
        auto q = probe<Posted>(world);
        world.spawn(Both{p.ref(), q.ref()}).tell(Go{});
        p.expect<Posted>();
        seen.insert(q.receive(0s) ? "both" : "one");
        world.run();
        seen.insert(q.receive(0s) || seen.contains("both") ? "at rest both" : "lost");
      },
      {.faults = sim::FaultProfile::none}, 10'000, [](const sim::Outcome& run) { EXPECT_FALSE(run.finding); });
  EXPECT_TRUE(searched.complete);
  EXPECT_EQ(seen, (std::set<std::string>{"both", "one", "at rest both"}));
}

// ---- failures -----------------------------------------------------------------------------------------------------------

struct Failed {
  std::string text;
  std::string file;
  int line = 0;
  bool ended = false;  ///< the body
};

/// Returns: the one failure that `body` reports on this thread.
Failed failure_of(const std::function<void()>& body) {
  ::testing::TestPartResultArray reported;
  Failed failed;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter{
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &reported};
    try {
      body();
    } catch (const ::testing::AssertionException&) {
      failed.ended = true;
    }
  }
  EXPECT_EQ(reported.size(), 1);
  if (reported.size() == 0) return failed;
  const auto& result = reported.GetTestPartResult(0);
  EXPECT_TRUE(result.nonfatally_failed());
  failed.text = result.message();
  failed.file = result.file_name();
  failed.line = result.line_number();
  return failed;
}

/// A world that goes its calm way, outside of any campaign.
struct CalmWorld {
  sim::Calm strategy;
  sim::World world{strategy, {.faults = sim::FaultProfile::none}};
};

struct ProbeFailure : ::testing::Test {
  CalmWorld calm;
  sim::World& w = calm.world;
  TestProbe<Posted, Closed, Price> desk{w, "desk"};
  Ref<Account> alice = w.spawn("alice", Account{desk.ref()});
};

TEST_F(ProbeFailure, names_what_was_wanted_what_came_instead_and_where_it_was_sent) {
  alice.tell(Go{});
  alice.tell(Go{});
  alice.tell(Closed{"over"});
  desk.expect(Posted{1});
  int line = 0;
  const Failed failed = failure_of([&] {
    line = __LINE__ + 1;
    desk.expect(Posted{3});
  });
  EXPECT_TRUE(failed.ended);
  EXPECT_THAT(failed.file, HasSubstr("probe_test.cpp"));
  EXPECT_EQ(failed.line, line);
  EXPECT_THAT(failed.text,
              ::testing::MatchesRegex(
                  "probe desk: expected Posted.balance=3. within 3s, but Posted.balance=2. from alice came\n"
                  "  taken    t=0  Posted.balance=1. from alice  probe_test.cpp:[0-9]+\n"
                  "  waiting  t=0  Posted.balance=2. from alice  probe_test.cpp:[0-9]+"
                  "(\n  waiting  t=0  Closed.why=\"over\". from alice  probe_test.cpp:[0-9]+)?"));
  EXPECT_EQ(desk.expect<Posted>().balance, 2);  // it was not taken
}

TEST_F(ProbeFailure, of_a_message_of_another_type) {
  alice.tell(Closed{"over"});
  const Failed failed = failure_of([&] { (void)desk.expect<Posted>(10ms); });
  EXPECT_TRUE(failed.ended);
  EXPECT_THAT(failed.text,
              HasSubstr("probe desk: expected Posted within 10ms, but Closed{why=\"over\"} from alice came"));
}

TEST_F(ProbeFailure, of_a_matcher_and_a_predicate) {
  alice.tell(Go{});
  Failed failed = failure_of([&] { (void)desk.expect<Posted>(Field(&Posted::balance, Gt(5))); });
  EXPECT_THAT(failed.text, HasSubstr("expected Posted that is an object whose given field is > 5 within 3s, but "
                                     "Posted{balance=1} from alice came"));
  failed = failure_of([&] { (void)desk.expect<Posted>([](const Posted& m) { return m.balance == 2; }); });
  EXPECT_THAT(failed.text, HasSubstr("expected a matching Posted within 3s, but Posted{balance=1} from alice came"));
}

TEST_F(ProbeFailure, of_nothing_at_all_comes_when_the_time_is_over_and_costs_none) {
  const Failed failed = failure_of([&] { (void)desk.expect<Posted>(1h); });
  EXPECT_EQ(failed.text, "probe desk: expected Posted within 1h, but nothing came\n  (nothing has come at all)");
  EXPECT_EQ(w.now().time_since_epoch(), 1h);
}

TEST_F(ProbeFailure, of_silence_goes_on) {
  alice.tell(GoLater{30min});
  bool silent = true;
  const Failed failed = failure_of([&] { silent = desk.expect_none(1h); });
  EXPECT_FALSE(silent);
  EXPECT_FALSE(failed.ended);
  EXPECT_THAT(failed.text, HasSubstr("expected nothing within 1h, but Posted{balance=1} from alice came\n"
                                     "  waiting  t=30m  Posted{balance=1} from alice"));
  EXPECT_EQ(w.now().time_since_epoch(), 30min);  // at once
}

TEST_F(ProbeFailure, of_fishing_shows_what_was_left_out) {
  for (int i = 0; i < 12; ++i) alice.tell(Go{});
  const Failed failed = failure_of([&] { (void)desk.fish<Closed>(1s); });
  EXPECT_TRUE(failed.ended);
  EXPECT_THAT(failed.text, HasSubstr("expected to fish a matching Closed within 1s, but it did not come\n"
                                     "  taken    (2 messages before these)\n  taken    t=0  Posted{balance=3}"));
  EXPECT_THAT(failed.text, HasSubstr("Posted{balance=12}"));
}

TEST_F(ProbeFailure, of_several_messages) {
  alice.tell(Go{});
  Failed failed = failure_of([&] { (void)desk.receive_n(2, 1s); });
  EXPECT_TRUE(failed.ended);
  EXPECT_THAT(failed.text, HasSubstr("expected 2 messages within 1s, but only 1 came\n  waiting  t=0  Posted"));
  failed = failure_of([&] { desk.expect_in_order(std::tuple{Posted{1}, Posted{2}}); });
  EXPECT_THAT(failed.text, HasSubstr("expected Posted{balance=2} within 3s, but nothing came\n  taken    t=0  Posted"));
  alice.tell(Go{});
  alice.tell(Go{});
  failed = failure_of([&] { desk.expect_in_any_order(std::tuple{Posted{4}, Posted{2}, Posted{5}}); });
  EXPECT_THAT(failed.text, HasSubstr("expected Posted{balance=4}, Posted{balance=5} in any order within 3s, but "
                                     "Posted{balance=3} from alice came"));
}

TEST_F(ProbeFailure, of_a_reply_that_nobody_waits_for) {
  Failed failed = failure_of([&] { desk.reply(1); });
  EXPECT_TRUE(failed.ended);
  EXPECT_THAT(failed.text, HasSubstr("probe desk: there is nobody to reply to: no message was taken yet"));
  alice.tell(Go{});
  desk.expect<Posted>();
  failed = failure_of([&] { desk.reply(1); });
  EXPECT_THAT(failed.text, HasSubstr("there is nobody to reply to: Posted was told, not asked"));
  auto pending = desk.ref().ask_async(Price{}, 1s);
  desk.expect<Price>();
  desk.reply(1);
  failed = failure_of([&] { desk.reply(2); });
  EXPECT_THAT(failed.text, HasSubstr("there is nobody to reply to: Price was answered already"));
  EXPECT_EQ(pending.get(), 1);
  desk.auto_reply<Price>([](const Price&) { return 3; });
  EXPECT_EQ(desk.ref().ask(Price{}, no_timeout), 3);
  desk.expect<Price>();
  failed = failure_of([&] { desk.reply(2); });
  EXPECT_THAT(failed.text, HasSubstr("there is nobody to reply to: Price was answered automatically"));
  failed = failure_of([&] { (void)desk.forward_to(desk.ref(), Posted{}); });
  EXPECT_THAT(failed.text, HasSubstr("the last message is no Posted"));
}

TEST_F(ProbeFailure, of_an_end_that_does_not_come_or_has_another_reason) {
  const Ref<Fails> one = w.spawn("one", Fails{});
  desk.watch(one);
  Failed failed = failure_of([&] { EXPECT_FALSE(desk.expect_down(one, 1s)); });
  EXPECT_FALSE(failed.ended);
  EXPECT_THAT(failed.text, HasSubstr("expected the end of one within 1s, but it has not ended, or is not watched"));
  one.tell(Go{});
  w.run();
  failed = failure_of([&] { (void)desk.expect<Posted>(1s); });
  EXPECT_THAT(failed.text, HasSubstr("but nothing came\n  ended    one: failed: boom"));
  failed = failure_of([&] { EXPECT_FALSE(desk.expect_down(one, ExitReason::normal())); });
  EXPECT_THAT(failed.text, HasSubstr("expected the end of one: normal within 3s, but it ended: failed: boom"));
}

TEST(ProbeOnThreads, fails_when_the_time_is_over_and_names_who_sent_what) {
  System system{{.threads = 2}};
  auto desk = probe<Posted, Closed>(system, "desk");
  const Ref<Account> alice = system.spawn("alice", Account{desk.ref()});
  Failed failed = failure_of([&] { (void)desk.expect<Posted>(1ms); });
  EXPECT_EQ(failed.text, "probe desk: expected Posted within 1ms, but nothing came\n  (nothing has come at all)");
  EXPECT_TRUE(failed.ended);
  alice.tell(Closed{"over"});
  failed = failure_of([&] { (void)desk.expect<Posted>(); });
  EXPECT_THAT(failed.text,
              HasSubstr("expected Posted within 3s, but Closed{why=\"over\"} from alice came\n  waiting  t="));
  failed = failure_of([&] { EXPECT_FALSE(desk.expect_none()); });
  EXPECT_THAT(failed.text, HasSubstr("expected nothing within 100ms, but Closed{why=\"over\"} from alice came"));
  failed = failure_of([&] { EXPECT_FALSE(desk.expect_down(alice, 1ms)); });
  EXPECT_THAT(failed.text, HasSubstr("expected the end of alice within 1ms, but it has not ended"));
}

TEST(ProbeOnThreads, waits_as_many_times_as_long_as_the_factor_says) {
  const auto before = testkit::settings();
  auto slow = before;
  slow.time_factor = 1'000;
  testkit::set_settings(slow);
  {
    System system{{.threads = 2}};
    auto statements = probe<Posted, Closed>(system);
    const Ref<Account> account = system.spawn(Account{statements.ref()});
    const Instant begin = system.now();
    account.tell(GoLater{30ms});
    EXPECT_EQ(statements.expect<Posted>(10ms).balance, 1);
    EXPECT_GE(system.now() - begin, 30ms);
    const Instant silence = system.now();
    EXPECT_TRUE(statements.expect_none(1ms));
    EXPECT_GE(system.now() - silence, 1s);
  }
  testkit::set_settings(before);
}

// ---- in a campaign -------------------------------------------------------------------------------------------------------

/// Two accounts post to one probe; only first come, first served has alice first.
void alice_is_first(sim::World& w, const std::vector<std::uint32_t>& amounts) {
  auto statements = probe<Posted, Closed>(w, "statements");
  const Ref<Account> alice = w.spawn("alice", Account{statements.ref(), 10});
  const Ref<Account> bob = w.spawn("bob", Account{statements.ref(), 20});
  alice.tell(Go{});
  for (std::size_t i = 0; i < amounts.size(); ++i) bob.tell(Go{});
  statements.expect(Posted{11});
}

TEST(ProbeInACampaign, a_failure_is_found_shrunk_and_replayed) {
  const auto property = testkit::make_property("ProbeInACampaign.x", &alice_is_first);
  const auto result = testkit::run_campaign(property, {}, testkit::default_seed);
  ASSERT_TRUE(result.failure);
  const testkit::Failure& failure = *result.failure;
  EXPECT_EQ(failure.finding.kind, sim::FindingKind::assertion_failed);
  EXPECT_THAT(failure.finding.name, HasSubstr("probe_test.cpp:"));
  EXPECT_THAT(failure.finding.detail,
              HasSubstr("in the body of the test\nprobe statements: expected Posted{balance=11} "
                        "within 3s, but Posted{balance=21} from bob came"));
  EXPECT_EQ(failure.input, "[0]");  // one deposit of bob's is enough
  std::string input;
  const auto replayed = testkit::replay_record(property, {}, failure.record, input);
  EXPECT_FALSE(replayed.divergence);
  ASSERT_TRUE(replayed.finding);
  EXPECT_EQ(replayed.finding->name, failure.finding.name);
  EXPECT_EQ(replayed.trace_hash, failure.record.trace_hash);
}

TEST(ProbeInACampaign, an_ask_that_the_test_never_answers_is_found_stuck_at_the_probe) {
  const auto outcome = sim::execute(
      [](sim::World& w) {
        auto market = probe<Price>(w, "market");
        w.spawn("buyer", Buyer{market.ref()}).tell(Buy{no_timeout}, ignore_reply);
        w.run();
      },
      [] { return std::make_unique<sim::Calm>(); }, {.faults = sim::FaultProfile::none});
  ASSERT_TRUE(outcome.finding);
  EXPECT_EQ(outcome.finding->kind, sim::FindingKind::stuck);
  EXPECT_EQ(outcome.finding->name, "buyer --ask Price--> market");
}

}  // namespace
}  // namespace orrery::testing
