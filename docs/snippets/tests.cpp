// tests.cpp: how actors are tested, as the reference shows it.
#include <gtest/gtest.h>

#include <orrery/props/properties.hpp>
#include <orrery/test.hpp>
#include <chrono>
#include <cstdint>
#include <vector>

namespace {

using namespace orrery;
using namespace std::chrono_literals;

struct Deposit {
  using Reply = int;
  std::uint8_t amount = 0;
};
struct Posted {
  std::uint8_t amount = 0;
};
struct Account {
  Recipient<Posted> statements;
  int balance = 0;
  int handle(Deposit m) {
    (void)statements.tell(Posted{m.amount});
    return balance += m.amount;
  }
};

//! [check]
TEST(Snippets, IsChecked) {
  sim::check(
      [](sim::World& w, const std::vector<std::uint8_t>& amounts) {  // inputs are generated, and shrunk
        const Ref<Account> alice = w.spawn("alice", Account{});
        for (const std::uint8_t amount : amounts) (void)alice.tell(Deposit{amount}, ignore_reply);
        //! [run]
        w.run();
        EXPECT_EQ(w.now().time_since_epoch() / 1h, 0);  // nothing here waits, so no time has passed
        w.run_for(1h);                                  // what ticks would go on ticking
        //! [run]
        //! [always]
        w.always("never negative", [&] { return w.peek(alice).balance >= 0; });
        //! [always]
        //! [sometimes]
        w.sometimes("rich", [&] { return w.peek(alice).balance > 100; });  // told when it never was in any run
        //! [sometimes]
      },
      {.runs = 100});
}
//! [check]

//! [probe]
TEST(Snippets, IsProbed) {
  sim::check(
      [](sim::World& w) {
        auto statements = probe<Posted>(w, "statements");
        const Ref<Account> alice = w.spawn("alice", Account{statements.ref()});
        (void)alice.tell(Deposit{5}, ignore_reply);
        EXPECT_EQ(statements.expect<Posted>().amount, 5);
        statements.expect_none(1h);  // virtual
      },
      {.runs = 100});
}
//! [probe]

TEST(Snippets, IsCrashed) {
  sim::check(
      [](sim::World& w) {
        const Ref<Account> alice = w.spawn("alice", Restart{.intensity = 1, .period = 5s}, Account{});
        //! [arm]
        w.arm({{{.what = sim::LocalFault::crash, .actor = "alice", .nth = 1}}});  // 0 is the first message
        EXPECT_EQ(alice.ask(Deposit{5}, no_timeout), 5);
        EXPECT_EQ(alice.ask(Deposit{5}, no_timeout).error(), AskError::actor_failed);
        EXPECT_EQ(alice.ask(Deposit{5}, no_timeout), 5);  // the next incarnation
        //! [arm]
      },
      {.runs = 100});
}

//! [props]
struct Sample {
  std::uint32_t number = 0;
};
struct Gauge {
  std::uint32_t last = 0;
  void handle(Sample m) { last = m.number; }
};

TEST(Snippets, KeepsItsBound) {
  props::check_in_both_worlds(
      [](Runtime& rt) {
        return props::keeps_its_bound<Sample>(rt, [] { return Gauge{}; },
                                              {.mailbox = bounded(8, Overflow::drop_oldest)});
      },
      {.runs = 100}, {.rounds = 5});
}
//! [props]

}  // namespace
