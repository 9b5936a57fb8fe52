// Goal:   who is stuck is named, with what he does; nobody else is; and a ring of waiting handlers is told once.
// Method: the judgement is tried with invented clocks; the reports with handlers that are held by gates until the report
//         is there, so no test depends on how long anything takes.
#include "tests/threads/reports.hpp"

#include "orrery/threads/ring_watch.hpp"
#include "orrery/threads/watchdog.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <string>

namespace orrery {
namespace {

using Kind = Watchdog::Kind;

constexpr int some_message = 0;
constexpr int other_message = 0;
constexpr int some_actor = 0;

Instant at(Duration since) { return Instant{since}; }

TEST(Watchdog, judges_what_looks_the_same_for_long_once_of_each_kind) {
  Watchdog watchdog{{.slow_handler = 100ms, .blocked_worker = 1s}, 2};
  const Watchdog::Look look{.turns = 7, .handling = &some_message, .on_behalf = &some_actor};
  std::map<Kind, std::vector<Duration>> told;
  for (Duration t = 0ms; t <= 3s; t += 2ms) {
    const auto verdict = watchdog.look(1, look, at(5s + t));
    if (verdict.kind != Kind::fine) told[verdict.kind].push_back(verdict.so_far);
  }
  EXPECT_EQ(told[Kind::slow_handler], (std::vector<Duration>{100ms}));
  EXPECT_EQ(told[Kind::blocked_worker], (std::vector<Duration>{1s}));
}

TEST(Watchdog, starts_again_with_every_message_turn_and_actor) {
  Watchdog watchdog{{.slow_handler = 10ms, .blocked_worker = {}}, 1};
  Watchdog::Look look{.turns = 1, .handling = &some_message, .on_behalf = &some_actor};
  for (Duration t = 0ms; t <= 1s; t += 2ms) {
    if (t % 4ms == 0ms) ++look.turns;
    if (t % 8ms == 0ms) look.handling = look.handling == &some_message ? &other_message : &some_message;
    ASSERT_EQ(watchdog.look(0, look, at(t)).kind, Kind::fine);
  }
  // And tells the next ones too.
  ++look.turns;
  for (Duration t = 2s; t < 2010ms; t += 2ms) ASSERT_EQ(watchdog.look(0, look, at(t)).kind, Kind::fine);
  EXPECT_EQ(watchdog.look(0, look, at(2010ms)).kind, Kind::slow_handler);
  ++look.turns;
  for (Duration t = 3s; t < 3010ms; t += 2ms) ASSERT_EQ(watchdog.look(0, look, at(t)).kind, Kind::fine);
  EXPECT_EQ(watchdog.look(0, look, at(3010ms)).kind, Kind::slow_handler);
}

TEST(Watchdog, blames_nobody_for_a_pause_of_the_whole_process) {
  Watchdog watchdog{{.slow_handler = 100ms, .blocked_worker = 1s}, 1};
  const Watchdog::Look look{.turns = 7, .handling = &some_message, .on_behalf = &some_actor};
  EXPECT_EQ(watchdog.look(0, look, at(0s)).kind, Kind::fine);
  EXPECT_EQ(watchdog.look(0, look, at(1h)).kind, Kind::fine);
}

TEST(Watchdog, lets_idle_workers_and_switched_off_limits_alone) {
  Watchdog watchdog{{.slow_handler = 100ms, .blocked_worker = {}}, 1};
  EXPECT_FALSE(watchdog.is_off());
  EXPECT_TRUE((Watchdog{{}, 1}.is_off()));
  for (Duration t = 0s; t <= 1min; t += 1s) {
    ASSERT_EQ(watchdog.look(0, {.turns = 7, .handling = nullptr, .on_behalf = nullptr}, at(t)).kind, Kind::fine);
  }
  const Watchdog::Look look{.turns = 8, .handling = &some_message, .on_behalf = &some_actor};
  int told = 0;
  for (Duration t = 2min; t <= 3min; t += 1s) told += watchdog.look(0, look, at(t)).kind == Kind::fine ? 0 : 1;
  EXPECT_EQ(told, 1);
}

TEST_F(SystemTest, a_slow_handler_is_named_with_its_message_while_it_runs) {
  Reports reports;
  SystemOptions options = quiet(reports);
  options.slow_handler = 10ms;
  System& sys = start(2, options);
  const auto gate = std::make_shared<Gate>();
  const auto sleepy = sys.spawn("sleepy", Recorder{});
  ASSERT_TRUE(sleepy->tell(Note{1}));
  ASSERT_TRUE(sleepy->tell(Block{gate}));
  const std::string report = reports.await("slow handler", "sleepy has been in its handler of Block for ");
  EXPECT_TRUE(report.ends_with("ms")) << report;
  gate->open();
  EXPECT_TRUE(sys.await_quiescence(patience));
  EXPECT_TRUE(reports.of("blocked worker").empty());
  EXPECT_EQ(std::ranges::count_if(
                reports.of("slow handler"),
                [](const std::string& text) { return text.starts_with("sleepy has been in its handler of Block"); }),
            1);
}

TEST_F(SystemTest, a_blocked_worker_is_named_with_its_actor_also_an_anonymous_one_in_a_hook) {
  Reports reports;
  SystemOptions options = quiet(reports);
  options.blocked_worker = 10ms;
  System& sys = start(1, options);
  const auto gate = std::make_shared<Gate>();
  struct Starter {
    std::shared_ptr<Gate> gate;
    void on_start(Context&) { gate->pass(); }
    void handle(Note) {}
  };
  (void)sys.spawn(Starter{gate});
  const std::string report = reports.await("blocked worker", "worker 0 runs nothing but Starter#");
  EXPECT_NE(report.find(", which has been in a lifecycle hook for "), std::string::npos) << report;
  gate->open();
}

TEST_F(SystemTest, a_handler_that_waits_is_not_slow) {
  Reports reports;
  SystemOptions options = quiet(reports);
  options.slow_handler = 300ms;
  System& sys = start(2, options);
  const auto gate = std::make_shared<Gate>();
  struct Waiter_ {
    void handle(Block m, Context& context) {
      context.offload([gate = std::move(m.gate)] { gate->pass(); });
    }
  };
  const auto began = std::chrono::steady_clock::now();
  const auto patient = sys.spawn("patient", Waiter_{});
  ASSERT_TRUE(patient->tell(Block{gate}));
  // Somebody who is slow is reported long after the other one had waited for as long.
  const auto other_gate = std::make_shared<Gate>();
  EXPECT_TRUE(eventually([&] { return gate->is_reached(); }));
  const bool was_quick = std::chrono::steady_clock::now() - began < 200ms;  // else it was slow before it waited
  const auto slow = sys.spawn("slow", Recorder{});
  ASSERT_TRUE(slow->tell(Block{other_gate}));
  (void)reports.await("slow handler", "slow has been");
  for (const std::string& text : reports.of("slow handler"))
    EXPECT_FALSE(was_quick && text.starts_with("patient")) << text;
  gate->open();
  other_gate->open();
}

TEST_F(SystemTest, many_short_handlers_in_one_turn_are_not_one_slow_one) {
  Reports reports;
  SystemOptions options = quiet(reports);
  options.slow_handler = 200ms;
  options.runtime.batch = 1'000'000;
  System& sys = start(1, options);
  struct Busy {
    std::atomic<Duration>* longest;
    void handle(Note) {
      const auto began = std::chrono::steady_clock::now();
      auto present = began;
      while ((present = std::chrono::steady_clock::now()) < began + 1ms) {
      }
      longest->store(std::max(longest->load(), present - began));
    }
  };
  std::atomic<Duration> longest{0ms};
  const auto busy = sys.spawn("busy", Busy{&longest});
  for (int i = 0; i < 400; ++i) ASSERT_TRUE(busy->tell(Note{i}));
  EXPECT_TRUE(sys.await_quiescence(patience));
  if (longest.load() > 100ms) GTEST_SKIP() << "the machine was so busy that one of them was slow";
  EXPECT_TRUE(reports.of("slow handler").empty()) << reports.of("slow handler").front();
}

// ---- rings ----

struct Ping {
  using Reply = int;
};
struct Know {
  Ref<struct Member> next;
};
struct Begin {};
struct Member {
  Ref<Member> next;
  std::shared_ptr<Gate> gate;  ///< set: it has begun to ask only after somebody has asked it
  void handle(Know m) { next = m.next; }
  void handle(Begin) { (void)next.ask(Ping{}, no_timeout); }
  int handle(Ping) { return next.ask(Ping{}, no_timeout).value_or(0); }
};

TEST_F(SystemTest, a_ring_of_asks_is_told_when_the_system_stands_still_and_only_once) {
  Reports reports;
  SystemOptions options = quiet(reports);
  options.ring_watch = 5ms;
  System& sys = start(3, options);
  const auto a = sys.spawn("a", Member{});
  const auto b = sys.spawn("b", Member{*a, nullptr});
  const auto c = sys.spawn("c", Member{*b, nullptr});
  const auto alone = sys.spawn("alone", Member{*a, nullptr});
  ASSERT_TRUE(a->tell(Know{*c}));
  ASSERT_TRUE(alone->tell(Begin{}));  // asks into the ring, and is no part of it
  const std::string ring = "a --ask Ping--> c --ask Ping--> b --ask Ping--> a";
  EXPECT_EQ(reports.await("ask cycle"), ring);
  const auto counter = sys.spawn<Counter>();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(counter.ask(Add{1}, patience), i + 1);
    ASSERT_TRUE(sys.await_quiescence(patience));
    EXPECT_EQ(find_rings(sys), std::vector<std::string>{ring});  // looking changes nothing
  }
  EXPECT_EQ(reports.of("ask cycle"), std::vector<std::string>{ring});
}

TEST_F(SystemTest, an_actor_that_asks_itself_is_a_ring) {
  Reports reports;
  SystemOptions options = quiet(reports);
  options.ring_watch = 5ms;
  System& sys = start(2, options);
  const auto narcissus = sys.spawn("narcissus", Member{});
  ASSERT_TRUE(narcissus->tell(Know{*narcissus}));
  ASSERT_TRUE(narcissus->tell(Begin{}));
  EXPECT_EQ(reports.await("self-ask"), "narcissus --ask Ping--> narcissus");
}

TEST_F(SystemTest, senders_into_each_others_full_mailboxes_are_a_ring) {
  Reports reports;
  SystemOptions options = quiet(reports);
  options.ring_watch = 5ms;
  System& sys = start(2, options);
  struct Meet {
    Ref<struct Half> other;
    int sends;
  };
  struct Half {
    void handle(Meet m) {
      for (int i = 0; i < m.sends; ++i) (void)m.other.tell(Meet{m.other, 0});
    }
  };
  const auto x = sys.spawn("x", Half{}, {.mailbox = bounded(1, Overflow::suspend)});
  const auto y = sys.spawn("y", Half{}, {.mailbox = bounded(1, Overflow::suspend)});
  ASSERT_TRUE(x->tell(Meet{*y, 3}));
  ASSERT_TRUE(y->tell(Meet{*x, 3}));
  // Both may also have met one after the other; then they did not get stuck, and meet again.
  EXPECT_TRUE(eventually([&] {
    if (!reports.of("ask cycle").empty()) return true;
    if (sys.await_quiescence(0ms) && sys.activity().empty()) {
      (void)x->tell(Meet{*y, 3});
      (void)y->tell(Meet{*x, 3});
    }
    return false;
  }));
  EXPECT_EQ(reports.of("ask cycle"), std::vector<std::string>{"x --waits to send Meet--> y --waits to send Meet--> x"});
}

TEST_F(SystemTest, looking_for_rings_among_asks_that_come_and_go_finds_none) {
  System& sys = start(2);
  struct Chain {
    Ref<Chain> next;
    bool is_last;
    int handle(Ping) { return is_last ? 1 : next.ask(Ping{}, patience).value_or(0); }
  };
  // Two chains in opposite directions over the same actors would be a ring if edges of different times were joined.
  const auto end = sys.spawn(Chain{{}, true});
  const auto p = sys.spawn(Chain{end, false});
  const auto q = sys.spawn(Chain{end, false});
  struct Caller {
    Ref<Chain> first;
    std::atomic<int>* answered;
    void handle(Note m) {
      for (int i = 0; i < m.value; ++i) {
        if (!first.ask(Ping{}, patience)) return;  // looking has swallowed a wake-up
        ++*answered;
      }
    }
  };
  const int rounds = static_cast<int>(scaled(20'000));
  std::atomic<int> answered{0};
  ASSERT_TRUE(sys.spawn(Caller{p, &answered}).tell(Note{rounds}));
  ASSERT_TRUE(sys.spawn(Caller{q, &answered}).tell(Note{rounds}));
  while (!sys.await_quiescence(0ms)) ASSERT_TRUE(find_rings(sys).empty());
  EXPECT_EQ(answered, 2 * rounds);
}

}  // namespace
}  // namespace orrery
