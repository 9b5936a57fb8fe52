// Goal:   the faults `refusal` and `allocation` show what a program makes of a full mailbox and of short memory: they find
//         the bug that only they show, spare what cannot happen, are counted, told and repeated.
#include "orrery/supervision.hpp"

#include "tests/sim/sim_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <new>
#include <string>

namespace orrery::testing {
namespace {

sim::RunOptions heavy_without_crashes() {
  sim::RunOptions options;
  options.faults = sim::FaultProfile::heavy;
  options.crashes_max = options.slows_max = 0;
  return options;
}

sim::RunOptions only_refusals() {
  sim::RunOptions options = heavy_without_crashes();
  options.allocations_max = 0;
  return options;
}

sim::FaultCount count_of(const sim::Outcome& outcome, const std::string& name) {
  const auto at = std::ranges::find(outcome.faults, name, &sim::FaultCount::name);
  return at == outcome.faults.end() ? sim::FaultCount{} : *at;
}

// ---- refusal ----------------------------------------------------------------------------------------------------------

struct Item {};
struct Store {
  int items = 0;
  void handle(Item) { ++items; }
};
/// Passes items on to a store whose mailbox has a hundred places; `careless` takes it for granted that there is room.
struct Shop {
  Ref<Store> store;
  bool careless;
  int sent = 0;
  void handle(Item) {
    const bool ok = store.tell(Item{}).has_value();
    if (ok || careless) ++sent;
  }
};

void sell_ten(World& w, bool careless, MailboxOptions mailbox) {
  const auto store = w.spawn("store", Store{}, SpawnOptions{.mailbox = mailbox});
  const auto shop = w.spawn("shop", Shop{store.value(), careless});
  for (int i = 0; i < 10; ++i) (void)shop.tell(Item{});
  w.eventually("what was sent is there", [&, store, shop] { return w.peek(shop).sent == w.peek(store).items; });
  w.run();
}

std::uint64_t failures_in(const sim::Body& body, const sim::RunOptions& options, std::uint64_t seeds,
                          std::optional<sim::Outcome>* first = nullptr) {
  std::uint64_t failures = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    sim::Outcome outcome = sim::execute(body, random_walk(mix64(seed)), options);
    if (!outcome.finding) continue;
    ++failures;
    if (first != nullptr && !*first) *first = std::move(outcome);
  }
  return failures;
}

TEST(Refusal, shows_that_a_sender_takes_room_for_granted_and_nothing_else_does) {
  const auto careless = [](World& w) { sell_ten(w, true, bounded(100)); };
  EXPECT_GT(failures_in(careless, only_refusals(), 100), 20U);
  EXPECT_EQ(failures_in(careless, {}, 1'000), 0U) << "there is room for ten";
}

TEST(Refusal, spares_a_sender_that_looks_at_the_result) {
  for (const Overflow overflow : {Overflow::reject, Overflow::drop_newest}) {
    const auto careful = [&](World& w) { sell_ten(w, false, bounded(100, overflow)); };
    EXPECT_EQ(failures_in(careful, only_refusals(), 2'000), 0U);
  }
}

// An unbounded mailbox never refuses in production; one whose senders wait, or whose oldest mail goes, does not either.
TEST(Refusal, happens_only_where_a_sender_may_get_mailbox_full) {
  for (const MailboxOptions mailbox :
       {unbounded(), bounded(100, Overflow::suspend), bounded(100, Overflow::drop_oldest)}) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      const sim::Outcome outcome =
          sim::execute([&](World& w) { sell_ten(w, true, mailbox); }, random_walk(seed), only_refusals());
      const sim::FaultCount count = count_of(outcome, "refusal");
      EXPECT_EQ(count.fired, 0U);
      EXPECT_EQ(count.armed, 0U) << "the run has no place for it, so that it is not dead";
    }
  }
}

TEST(Refusal, is_counted_as_a_refusal_of_the_mailbox_and_told) {
  std::uint64_t fired = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    sim::RunOptions options = only_refusals();
    options.record_events = true;
    const sim::Outcome outcome =
        sim::execute([](World& w) { sell_ten(w, false, bounded(100)); }, random_walk(seed), options);
    ASSERT_FALSE(outcome.finding);
    const sim::FaultCount count = count_of(outcome, "refusal");
    EXPECT_LE(count.fired, count.armed);
    EXPECT_EQ(count.effects, count.fired);
    EXPECT_EQ(std::ranges::count(outcome.events, sim::EventKind::fault, &sim::Event::kind),
              static_cast<std::ptrdiff_t>(count.fired));
    EXPECT_EQ(outcome.ledger.refused, count.fired);
    fired += count.fired;
  }
  EXPECT_GT(fired, 10U);
}

TEST(Refusal, of_a_message_in_a_channel_is_a_dead_letter) {
  sim::RunOptions options = only_refusals();
  options.mode = sim::Mode::per_pair;
  EXPECT_GT(failures_in([](World& w) { sell_ten(w, false, bounded(100)); }, options, 100), 20U)
      << "the sender cannot know";
}

TEST(Refusal, is_repeated_by_a_replay) {
  std::optional<sim::Outcome> first;
  const auto careless = [](World& w) { sell_ten(w, true, bounded(100)); };
  (void)failures_in(careless, only_refusals(), 100, &first);
  ASSERT_TRUE(first);
  const sim::Outcome second = sim::execute(careless, strict_replay(first->decisions), only_refusals());
  EXPECT_FALSE(second.divergence) << *second.divergence;
  EXPECT_EQ(first->trace_hash, second.trace_hash);
  ASSERT_TRUE(second.finding);
  EXPECT_TRUE(second.finding->same_failure(*first->finding));
}

// ---- allocation -------------------------------------------------------------------------------------------------------

struct Transfer {};
struct Credit {};
struct Debit {};
struct Balance {
  using Reply = int;
};
struct Account {
  int balance = 10;
  void handle(Credit) { ++balance; }
  void handle(Debit) { --balance; }
  int handle(Balance) { return balance; }
};
/// Moves money by two messages. One that is not `careful` sends the second only if the first did not throw.
struct Bank {
  Ref<Account> from;
  Ref<Account> to;
  bool careful;
  void handle(Transfer) {
    (void)from.tell(Debit{});
    if (!careful) {
      (void)to.tell(Credit{});
      return;
    }
    try {
      (void)to.tell(Credit{});
    } catch (const std::bad_alloc&) {
      (void)from.tell(Credit{});  // there is at most one such fault in a run
    }
  }
};

void transfer_five_times(World& w, bool careful) {
  const auto a = w.spawn("a", Account{});
  const auto b = w.spawn("b", Account{});
  (void)start_supervisor(w, "office",
                         {.intensity = 10, .children = {child("bank", Bank{a.value(), b.value(), careful})}});
  const auto bank = w.find<Bank>("office/bank").value();
  for (int i = 0; i < 5; ++i) (void)bank.tell(Transfer{});
  w.eventually("no money is lost", [&, a, b] {
    if (!w.is_living(a) || !w.is_living(b)) return true;  // a crash, which is another story
    return w.peek(a).balance + w.peek(b).balance == 20;
  });
  w.run();
  EXPECT_TRUE(w.is_living(bank)) << "its supervisor brings it back";
}

TEST(Allocation, fails_in_the_middle_of_a_handler_whose_earlier_messages_are_out) {
  EXPECT_GT(failures_in([](World& w) { transfer_five_times(w, false); }, heavy_without_crashes(), 200), 10U);
  sim::RunOptions only_crashes = heavy_without_crashes();
  only_crashes.crashes_max = 2;
  only_crashes.allocations_max = 0;
  // A crash comes in the place of the handler: that transfer is lost as a whole.
  EXPECT_EQ(failures_in([](World& w) { transfer_five_times(w, false); }, only_crashes, 1'000), 0U);
}

TEST(Allocation, spares_a_handler_that_catches_it) {
  EXPECT_EQ(failures_in([](World& w) { transfer_five_times(w, true); }, heavy_without_crashes(), 2'000), 0U);
}

/// Sends what it is sent on, and traps exits, as a supervisor does.
struct Guardian {
  Ref<Store> store;
  void on_start(Context& context) { context.trap_exits(*this); }
  void handle(Item) { (void)store.tell(Item{}); }
  void handle(const Exit&) {}
};

TEST(Allocation, spares_whoever_traps_exits) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const sim::Outcome outcome = sim::execute(
        [](World& w) {
          const auto store = w.spawn("store", Store{});
          const auto guardian = w.spawn("guardian", Guardian{store.value()});
          for (int i = 0; i < 20; ++i) (void)guardian.tell(Item{});
          w.run();
          EXPECT_EQ(w.peek(store).items, 20);
        },
        random_walk(seed), heavy_without_crashes());
    ASSERT_FALSE(outcome.finding) << outcome.finding->name;
    EXPECT_EQ(count_of(outcome, "allocation").armed, 0U);
  }
}

TEST(Allocation, leaves_the_account_of_messages_as_if_the_send_had_not_been_tried) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    sim::RunOptions options = heavy_without_crashes();
    options.allocation_reach = 8;
    const sim::Outcome outcome =
        sim::execute([](World& w) { transfer_five_times(w, false); }, random_walk(seed), options);
    const sim::FaultCount count = count_of(outcome, "allocation");
    EXPECT_EQ(outcome.ledger.failed, count.fired) << "the handler's own message, and no other";
    EXPECT_EQ(outcome.ledger.refused, 0U);
    EXPECT_EQ(count.effects, count.fired);
  }
}

struct Look {};
struct Asker {
  Ref<Account> whom;
  int failed = 0;
  int answered = 0;
  void handle(Look) {
    try {
      if (whom.ask(Balance{})) ++answered;
    } catch (const std::bad_alloc&) {
      ++failed;
    }
  }
};

TEST(Allocation, of_an_ask_throws_before_anything_is_sent_and_leaves_no_deadline) {
  int failed = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const sim::Outcome outcome = sim::execute(
        [&](World& w) {
          const auto account = w.spawn("account", Account{});
          const auto asker = w.spawn("asker", Asker{account.value()});
          for (int i = 0; i < 4; ++i) (void)asker.tell(Look{});
          w.run();
          EXPECT_EQ(w.peek(asker).failed + w.peek(asker).answered, 4);
          EXPECT_EQ(w.now().time_since_epoch(), Duration{});
          failed += w.peek(asker).failed;
        },
        random_walk(seed),
        [] {
          sim::RunOptions options = heavy_without_crashes();
          options.stalls_max = 0;
          options.allocation_reach = 4;
          return options;
        }());
    ASSERT_FALSE(outcome.finding) << outcome.finding->name;
  }
  EXPECT_GT(failed, 50);
}

TEST(Allocation, is_repeated_by_a_replay) {
  std::optional<sim::Outcome> first;
  const auto body = [](World& w) { transfer_five_times(w, false); };
  (void)failures_in(body, heavy_without_crashes(), 200, &first);
  ASSERT_TRUE(first);
  const sim::Outcome second = sim::execute(body, strict_replay(first->decisions), heavy_without_crashes());
  EXPECT_FALSE(second.divergence) << *second.divergence;
  EXPECT_EQ(first->trace_hash, second.trace_hash);
}

// ---- what came of it --------------------------------------------------------------------------------------------------

struct Lonely {
  void handle(Item) {}
};

TEST(Effect, of_a_crash_is_counted_only_where_there_was_something_to_lose) {
  sim::RunOptions options = heavy_without_crashes();
  options.crashes_max = 1;
  options.crash_reach = 1;
  std::uint64_t fired = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    for (const bool is_first : {true, false}) {
      const sim::Outcome outcome = sim::execute(
          [&](World& w) {
            const auto lonely = w.spawn("lonely", Lonely{});
            (void)lonely.tell(Item{});
            if (!is_first) (void)lonely.tell(Item{});
            w.run();
          },
          random_walk(seed), options);
      const sim::FaultCount count = count_of(outcome, "crash");
      EXPECT_EQ(count.effects, is_first ? 0U : count.fired) << "mail waits behind";
      fired += count.fired;
    }
  }
  EXPECT_GT(fired, 10U);
}

struct Tick {};
struct Wind {};
struct Clocked {
  int ticks = 0;
  void handle(Item) {}
  void handle(Tick) { ++ticks; }
  void handle(Wind, Context& context) { (void)context.after(*this, 1s, Tick{}); }
};

TEST(Effect, of_a_stall_is_that_a_timer_beats_work_that_waited) {
  sim::RunOptions options;
  options.stalls_max = 1;
  options.stall_reach = 8;
  std::uint64_t fired = 0;
  std::uint64_t effects = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const sim::Outcome outcome = sim::execute(
        [](World& w) {
          const auto a = w.spawn("a", Clocked{});
          const auto b = w.spawn("b", Clocked{});
          (void)a.tell(Wind{});
          for (int i = 0; i < 5; ++i) (void)b.tell(Item{});
          w.run();
        },
        random_walk(seed), options);
    fired += count_of(outcome, "stall").fired;
    effects += count_of(outcome, "stall").effects;
  }
  EXPECT_GT(effects, 10U);
  EXPECT_LT(effects, fired);
  // First come, first served, what waits is never beaten.
  const sim::Outcome calm_run = sim::execute(
      [](World& w) {
        (void)w.spawn("a", Clocked{});
        w.run();
      },
      calm(), options);
  EXPECT_EQ(count_of(calm_run, "stall").effects, 0U);
}

}  // namespace
}  // namespace orrery::testing
