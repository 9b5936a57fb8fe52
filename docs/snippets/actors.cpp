// actors.cpp: how actors are written and sent to, as the reference shows it.
#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <chrono>

namespace {

using namespace orrery;
using namespace std::chrono_literals;

struct Deposit {
  using Reply = int;
  int amount = 0;
};
struct Audit {};
struct Account {
  int balance = 0;
  int handle(Deposit m) { return balance += m.amount; }
  void handle(Audit) {}
};

TEST(Snippets, Sends) {
  sim::check(
      [](sim::World& w) {
        const Ref<Account> alice = w.spawn("alice", Account{});
        //! [tell]
        const TellResult sent = alice.tell(Audit{});
        EXPECT_TRUE(sent.has_value());  // accepted; else mailbox_full, actor_stopped, ...
        (void)alice.tell(Audit{}, {.priority = Priority::high});
        //! [tell]
        //! [ignore_reply]
        (void)alice.tell(Deposit{5}, ignore_reply);  // without the second word: a compile error
        //! [ignore_reply]
        //! [ask]
        const auto balance = alice.ask(Deposit{5}, 1s);  // expected<int, AskError>
        EXPECT_EQ(balance.value_or(10), 10);             // no answer within a second is a value, too
        //! [ask]
        //! [ask_async]
        auto first = alice.ask_async(Deposit{1}, no_timeout);
        auto second = alice.ask_async(Deposit{1}, no_timeout);
        const auto [one, two] = wait_all(first, second);
        EXPECT_EQ(one.value() + 1, two.value());
        //! [ask_async]
        //! [stop]
        EXPECT_TRUE(w.stop(alice));
        w.run();
        EXPECT_FALSE(alice.tell(Audit{}).has_value());
        //! [stop]
      },
      {.runs = 100});
}

TEST(Snippets, Spawns) {
  sim::check(
      [](sim::World& rt) {
        //! [spawn]
        const Ref<Account> nameless = rt.spawn(Account{.balance = 5});
        const Ref<Account> alice = rt.spawn("alice", Account{}, {.mailbox = bounded(64, Overflow::suspend)});
        const Ref<Account> bob = rt.spawn("bob", Restart{.intensity = 3, .period = 10s}, Account{});
        const std::vector<Ref<Account>> many = rt.spawn_n<Account>(100, [](std::size_t i) { return Account{int(i)}; });
        EXPECT_EQ(rt.spawn("alice", Account{}).error(), SpawnError::name_taken);
        //! [spawn]
        EXPECT_NE(nameless, alice);
        EXPECT_NE(bob, many.front());
      },
      {.runs = 10});
}

//! [context]
struct Tick {};
struct Clerk {
  Ref<Account> account;
  int ticks = 0;
  bool is_alone = false;
  void on_start(Context& context) {
    context.every(*this, 1h, Tick{});
    context.watch(*this, account);
  }
  void handle(Tick) { ++ticks; }
  void handle(Down) { is_alone = true; }
  Answer<int> handle(Deposit m, Context& context) {
    context.forward(m, account);  // who asked the clerk hears from the account
    return elsewhere;
  }
};
//! [context]
//! [timers]
struct Snooze {};
struct Alarm {
  TimerKey timer{};
  bool rings = false;
  void on_start(Context& context) { timer = context.after(*this, 10min, Tick{}); }
  void handle(Snooze, Context& context) {
    context.cancel(timer);
    timer = context.after(*this, 5min, Tick{});
  }
  void handle(Tick) { rings = true; }
};
//! [timers]

TEST(Snippets, Contexts) {
  sim::check(
      [](sim::World& w) {
        const Ref<Account> account = w.spawn("account", Account{});
        const Ref<Clerk> clerk = w.spawn("clerk", Clerk{account});
        const Ref<Alarm> alarm = w.spawn("alarm", Alarm{});
        EXPECT_EQ(clerk.ask(Deposit{5}, no_timeout), 5);
        (void)alarm.tell(Snooze{});
        w.run_for(1h);
        EXPECT_TRUE(w.peek(alarm).rings);
        EXPECT_EQ(w.peek(clerk).ticks, 1);
      },
      {.runs = 100});
}

}  // namespace
