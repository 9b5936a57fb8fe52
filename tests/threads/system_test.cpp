// What a System promises about messages, asks, mailboxes and lifecycles when real threads run it.
#include "system_fixture.hpp"

#include <optional>
#include <stdexcept>
#include <string>

namespace orrery {
namespace {

TEST_F(SystemTest, tells_and_asks_from_main_and_from_foreign_threads) {
  System& sys = start(2);
  const Ref<Counter> counter = sys.spawn<Counter>();
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        EXPECT_TRUE(counter.tell(Add{1}, ignore_reply));
        EXPECT_TRUE(counter.ask(Add{1}, patience));
      }
    });
  }
  threads.clear();
  EXPECT_EQ(*counter.ask(Get{}, patience), 1600);
}

struct Relay {
  using Reply = int;
  int hops;
};
struct Forwarder {
  std::vector<Ref<Forwarder>> next;
  int handle(Relay m) { return m.hops == 0 || next.empty() ? 0 : 1 + *next.front().ask(Relay{m.hops - 1}, patience); }
};

TEST_F(SystemTest, asks_between_actors_suspend_one_fiber_each) {
  System& sys = start(2);
  Ref<Forwarder> first = sys.spawn(Forwarder{});
  for (int i = 0; i < 100; ++i) first = sys.spawn(Forwarder{{first}});
  EXPECT_EQ(*first.ask(Relay{100}, patience), 100);
}

TEST_F(SystemTest, an_ask_has_exactly_one_outcome_and_a_late_reply_is_a_dead_letter) {
  struct Late {
    using Reply = std::string;
    std::shared_ptr<Gate> gate;
  };
  struct Slow {
    std::string handle(Late m) {
      m.gate->pass();
      return "too late, and long enough to live on the heap";
    }
  };
  System& sys = start(1);
  const auto gate = std::make_shared<Gate>();
  const auto slow = sys.spawn<Slow>();
  const auto outcome = slow.ask(Late{gate}, 5ms);  // the only worker is stuck: the watchdog ends it
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error(), AskError::timeout);
  gate->open();
  ASSERT_TRUE(sys.await_quiescence(patience));
  EXPECT_EQ(sys.dead_letters().count(DeadLetterReason::late_reply), 1U);
}

struct Fails {
  int handle(Boom) { throw std::runtime_error{"boom"}; }
};

TEST_F(SystemTest, every_way_an_ask_can_fail_is_said) {
  System& sys = start(2);
  const auto fails = sys.spawn<Fails>();
  EXPECT_EQ(fails.ask(Boom{}, patience).error(), AskError::actor_failed);
  EXPECT_TRUE(eventually([&] { return sys.living() == 0; }));
  EXPECT_EQ(fails.ask(Boom{}, patience).error(), AskError::actor_stopped);
  EXPECT_EQ(Ref<Fails>{}.ask(Boom{}, patience).error(), AskError::actor_not_found);
}

struct Fragile {
  std::shared_ptr<std::atomic<int>> starts;
  int sum = 0;
  void on_start(Context&) { ++*starts; }
  void on_restart(Context&, const ExitReason& reason) { *starts += reason.detail() == "boom" ? 100 : 10'000; }
  int handle(Add m) { return sum += m.amount; }
  int handle(Boom) { throw std::runtime_error{"boom"}; }
};

TEST_F(SystemTest, a_failed_actor_restarts_fresh_under_the_same_reference_until_its_limit) {
  System& sys = start(2);
  const auto starts = std::make_shared<std::atomic<int>>(0);
  const Ref<Fragile> fragile = sys.spawn("fragile", Restart{.intensity = 2, .period = 1h}, Fragile{starts});
  EXPECT_EQ(*fragile.ask(Add{5}, patience), 5);
  EXPECT_EQ(fragile.ask(Boom{}, patience).error(), AskError::actor_failed);
  EXPECT_EQ(*fragile.ask(Add{7}, patience), 7);
  EXPECT_EQ(fragile.ask(Boom{}, patience).error(), AskError::actor_failed);
  EXPECT_EQ(*fragile.ask(Add{1}, patience), 1);
  EXPECT_EQ(*starts, 201);
  EXPECT_EQ(fragile.ask(Boom{}, patience).error(), AskError::actor_failed);
  EXPECT_EQ(fragile.ask(Add{1}, patience).error(), AskError::actor_stopped);
  EXPECT_FALSE(sys.find<Fragile>("fragile"));
}

TEST_F(SystemTest, mail_is_kept_over_a_restart_or_dropped_as_wished) {
  for (const auto mail : {MailOnRestart::keep, MailOnRestart::drop}) {
    System& sys = start(2);
    struct Sticky : Fragile {
      void handle(Block m) { m.gate->pass(); }
      using Fragile::handle;
    };
    const auto starts = std::make_shared<std::atomic<int>>(0);
    const auto gate = std::make_shared<Gate>();
    const auto sticky = sys.spawn(Sticky{{starts}}, {.restart = Restart{}, .mail_on_restart = mail});
    ASSERT_TRUE(sticky.tell(Block{gate}));
    ASSERT_TRUE(sticky.tell(Boom{}, ignore_reply));
    ASSERT_TRUE(sticky.tell(Add{3}, ignore_reply));
    gate->open();
    ASSERT_TRUE(sys.await_quiescence(patience));
    EXPECT_EQ(*sticky.ask(Add{1}, patience), mail == MailOnRestart::keep ? 4 : 1);
    EXPECT_EQ(sys.dead_letters().count(DeadLetterReason::restart_dropped), mail == MailOnRestart::keep ? 0U : 1U);
    finish();
  }
}

struct Ends {
  std::shared_ptr<std::atomic<int>> stops, ends;
  Ends(std::shared_ptr<std::atomic<int>> s, std::shared_ptr<std::atomic<int>> e)
      : stops{std::move(s)}, ends{std::move(e)} {}
  Ends(Ends&&) = default;
  ~Ends() {
    if (ends != nullptr) ++*ends;
  }
  void on_stop(Context&) { ++*stops; }
  void handle(Note) {}
};

TEST_F(SystemTest, stop_runs_the_hook_and_kill_does_not_and_both_destroy_the_actor) {
  System& sys = start(2);
  const auto stops = std::make_shared<std::atomic<int>>(0);
  const auto ends = std::make_shared<std::atomic<int>>(0);
  const auto a = sys.spawn(Ends{stops, ends});
  const auto b = sys.spawn(Ends{stops, ends});
  EXPECT_TRUE(sys.stop(a));
  EXPECT_TRUE(sys.kill(b));
  EXPECT_TRUE(eventually([&] { return sys.living() == 0; }));
  EXPECT_EQ(*stops, 1);
  EXPECT_EQ(*ends, 2);
  EXPECT_FALSE(sys.stop(a));
  EXPECT_EQ(a.tell(Note{1}).error(), TellError::actor_stopped);
}

// ---- bounded mailboxes ----

/// Fills a mailbox of capacity 2 with 1, 2, then tries 3. Returns: what that tell said, and what arrived.
std::pair<TellResult, std::vector<int>> overfill(System& sys, Overflow overflow) {
  const auto gate = std::make_shared<Gate>();
  const auto actor = sys.spawn(Recorder{}, {.mailbox = bounded(2, overflow)});
  EXPECT_TRUE(actor.tell(Block{gate}));
  EXPECT_TRUE(eventually([&] { return gate->is_reached(); }));  // it is in the handler, its mailbox empty
  EXPECT_TRUE(actor.tell(Note{1}));
  EXPECT_TRUE(actor.tell(Note{2}));
  const TellResult third = actor.tell(Note{3});
  gate->open();
  EXPECT_TRUE(sys.await_quiescence(patience));
  return {third, *actor.ask(Seen{}, patience)};
}

TEST_F(SystemTest, a_full_mailbox_rejects_or_drops_by_its_policy) {
  System& sys = start(2);
  const auto [rejected, after_reject] = overfill(sys, Overflow::reject);
  EXPECT_EQ(rejected.error(), TellError::mailbox_full);
  EXPECT_EQ(after_reject, (std::vector{1, 2}));
  EXPECT_EQ(sys.dead_letters().count(DeadLetterReason::mailbox_full), 0U);

  const auto [newest, after_newest] = overfill(sys, Overflow::drop_newest);
  EXPECT_EQ(newest.error(), TellError::mailbox_full);
  EXPECT_EQ(after_newest, (std::vector{1, 2}));
  EXPECT_EQ(sys.dead_letters().count(DeadLetterReason::mailbox_full), 1U);

  const auto [oldest, after_oldest] = overfill(sys, Overflow::drop_oldest);
  EXPECT_TRUE(oldest);
  EXPECT_EQ(after_oldest, (std::vector{2, 3}));
  EXPECT_EQ(sys.dead_letters().count(DeadLetterReason::mailbox_full), 2U);
}

struct SendMany {
  using Reply = int;
  int from, count;
};
struct Sender {
  Ref<Recorder> to;
  int handle(SendMany m) {
    int accepted = 0;
    for (int i = 0; i < m.count; ++i) accepted += to.tell(Note{m.from + i}).has_value() ? 1 : 0;
    return accepted;
  }
};

TEST_F(SystemTest, a_full_mailbox_suspends_actors_and_blocks_foreign_threads_and_loses_nothing) {
  const int each = static_cast<int>(scaled(2'000));
  System& sys = start(3);
  const auto target = sys.spawn(Recorder{}, {.mailbox = bounded(3, Overflow::suspend)});
  std::vector<Ref<Sender>> senders;
  for (int i = 0; i < 8; ++i) senders.push_back(sys.spawn(Sender{target}));
  std::vector<Pending<SendMany>> pending;
  for (int i = 0; i < 8; ++i) pending.push_back(senders[i].ask_async(SendMany{i * each, each}, patience));
  {
    std::vector<std::jthread> threads;
    for (int t = 8; t < 10; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < each; ++i) EXPECT_TRUE(target.tell(Note{t * each + i}));
      });
    }
  }
  for (auto& one : pending) EXPECT_EQ(*one.get(), each);
  std::vector<int> seen = *target.ask(Seen{}, patience);
  ASSERT_EQ(seen.size(), static_cast<std::size_t>(10 * each));
  std::vector<int> next(10);  // each sender's notes arrive in its order
  for (const int value : seen) EXPECT_EQ(value % each, next[static_cast<std::size_t>(value / each)]++);
}

TEST_F(SystemTest, the_death_of_a_full_mailbox_wakes_everybody_who_waits_for_a_place) {
  System& sys = start(2);
  const auto gate = std::make_shared<Gate>();
  const auto target = sys.spawn(Recorder{}, {.mailbox = bounded(1, Overflow::suspend)});
  ASSERT_TRUE(target.tell(Block{gate}));
  ASSERT_TRUE(eventually([&] { return gate->is_reached(); }));
  ASSERT_TRUE(target.tell(Note{0}));
  const auto sender = sys.spawn(Sender{target});
  auto actor_waits = sender.ask_async(SendMany{0, 1}, patience);
  std::jthread foreign{[&] { EXPECT_EQ(target.tell(Note{1}).error(), TellError::actor_stopped); }};
  EXPECT_EQ(target.ask(Seen{}, 5ms).error(), AskError::timeout);  // the deadline covers waiting for a place
  BoundedMailbox& mailbox = *sys.cell_at(target.handle().slot)->bounded.load();
  ASSERT_TRUE(eventually([&] { return mailbox.counts().offered == 5; }));  // both stand in the line
  EXPECT_TRUE(sys.kill(target));
  gate->open();
  EXPECT_EQ(*actor_waits.get(), 0);
}

// ---- stash, watch, names ----

struct Open {};
struct Stasher {
  bool is_open = false;
  std::vector<int> notes;
  void handle(Note m, Context& context) {
    if (!is_open) return context.stash(m);
    notes.push_back(m.value);
  }
  void handle(Open, Context& context) {
    is_open = true;
    context.unstash_all();
  }
  std::vector<int> handle(Seen) const { return notes; }
};

TEST_F(SystemTest, stashed_messages_are_handled_first_and_in_order) {
  System& sys = start(2);
  const auto stasher = sys.spawn<Stasher>();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(stasher.tell(Note{i}));
  ASSERT_TRUE(stasher.tell(Open{}));
  ASSERT_TRUE(stasher.tell(Note{3}));
  EXPECT_EQ(*stasher.ask(Seen{}, patience), (std::vector{0, 1, 2, 3}));
}

struct WatchAll {
  std::vector<Ref<Counter>> whom;
};
struct Watch {
  std::shared_ptr<std::atomic<int>> killed, other;
  void handle(WatchAll m, Context& context) {
    for (const auto& one : m.whom) context.watch(*this, one);
  }
  void handle(Down m) { ++*(m.reason.kind() == ExitReason::Kind::killed ? killed : other); }
};

TEST_F(SystemTest, every_watcher_learns_of_every_end_exactly_once) {
  const std::size_t count = scaled(2'000);
  System& sys = start(2);
  const auto killed = std::make_shared<std::atomic<int>>(0);
  const auto other = std::make_shared<std::atomic<int>>(0);
  std::vector<Ref<Counter>> watched;
  for (std::size_t i = 0; i < count; ++i) watched.push_back(sys.spawn<Counter>());
  const auto first = sys.spawn(Watch{killed, other});
  const auto second = sys.spawn(Watch{killed, other});
  ASSERT_TRUE(first.tell(WatchAll{watched}));
  for (const auto& one : watched) EXPECT_TRUE(sys.kill(one));  // while the watches are under way
  ASSERT_TRUE(sys.await_quiescence(patience));
  ASSERT_TRUE(second.tell(WatchAll{watched}));
  ASSERT_TRUE(sys.await_quiescence(patience));
  EXPECT_EQ(*killed + *other, static_cast<int>(2 * count));
  EXPECT_GE(*other, static_cast<int>(count));  // the second came when all had gone: noproc
}

TEST_F(SystemTest, of_many_threads_that_want_one_name_one_gets_it) {
  System& sys = start(2);
  for (std::size_t round = 0; round < scaled(200); ++round) {
    std::atomic<int> won{0};
    std::vector<Ref<Counter>> winners(4);
    {
      std::vector<std::jthread> threads;
      for (std::size_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
          const auto spawned = sys.spawn("the one", Counter{});
          EXPECT_FALSE(spawned);  // a space is no good in a name
          const auto named = sys.spawn("the-one", Counter{static_cast<int>(t)});
          if (named) {
            ++won;
            winners[t] = *named;
          } else {
            EXPECT_EQ(named.error(), SpawnError::name_taken);
          }
          const auto found = sys.find<Counter>("the-one");
          EXPECT_TRUE(!found || found->ask(Get{}, patience));  // taken, but perhaps not complete yet
        });
      }
    }
    EXPECT_EQ(won, 1);
    EXPECT_TRUE(sys.stop(*sys.find<Counter>("the-one")));
    EXPECT_TRUE(eventually([&] { return !sys.find<Counter>("the-one"); }));
  }
}

// Goal:   what the destructor of a reply does that nobody waits for any more is done on behalf of nobody: the actor that
//         replied may be idle by then, and run elsewhere.
TEST_F(SystemTest, a_late_reply_is_destroyed_on_behalf_of_nobody) {
  struct Returned {};
  struct Pool {
    std::atomic<int>* returned;
    std::atomic<int>* by_nobody;
    void handle(Returned, Context& context) {
      if (!context.sender().is_set()) ++*by_nobody;
      ++*returned;
    }
  };
  struct Lease {
    std::optional<Ref<Pool>> pool;
    explicit Lease(Ref<Pool> from) : pool{from} {}
    Lease(Lease&& other) noexcept : pool{std::exchange(other.pool, std::nullopt)} {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool) (void)pool->tell(Returned{});
    }
  };
  struct Borrow {
    using Reply = Lease;
  };
  struct Lender {
    Ref<Pool> pool;
    std::shared_ptr<Gate> gate;
    Lease handle(Borrow) {
      gate->pass();
      return Lease{pool};
    }
  };
  System& sys = start(2);
  std::atomic<int> returned{0};
  std::atomic<int> by_nobody{0};
  const auto pool = sys.spawn(Pool{&returned, &by_nobody});
  const auto gate = std::make_shared<Gate>();
  const auto lender = sys.spawn(Lender{pool, gate});
  EXPECT_FALSE(lender.ask(Borrow{}, 1ms).has_value());
  gate->open();
  ASSERT_TRUE(eventually([&] { return returned == 1; }));
  EXPECT_EQ(by_nobody, 1);
}

}  // namespace
}  // namespace orrery
