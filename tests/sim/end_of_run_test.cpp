// Goal:   after a run nothing is left: no object, no fiber, no message, no block, however the run ended.
#include "tests/sim/sim_fixture.hpp"

#include "orrery/core/block_pool.hpp"
#include "orrery/sim/loop_fibers.hpp"

#include <malloc.h>

#include <stdexcept>

namespace orrery::testing {
namespace {

struct Go {};
struct Question {
  using Reply = std::string;
};

/// Counts the objects of a test that live.
struct Counted {
  static inline int living = 0;
  Counted() { ++living; }
  Counted(const Counted&) { ++living; }
  Counted(Counted&&) noexcept { ++living; }
  Counted& operator=(const Counted&) = default;
  Counted& operator=(Counted&&) noexcept = default;
  ~Counted() { --living; }
};
struct Cargo {
  std::string text = "longer than what a string keeps inside of itself";
  std::vector<Counted> counted = std::vector<Counted>(1);
};
struct Sleeper {
  Counted counted;
  void handle(Go, Context& context) {
    const Counted local;
    context.sleep(1h);
  }
  void handle(Cargo) {}
  std::string handle(Question question, Context& context) {
    context.stash(question);
    return {};
  }
};
struct Asker {
  Ref<Sleeper> sleeper;
  Counted counted;
  void handle(Go) {
    const Counted local;
    (void)sleeper.ask(Question{}, 2h);
  }
};
struct Ticker {
  Counted counted;
  void handle(Go, Context& context) {
    context.every(*this, 1s, Cargo{});
    context.after(*this, 1h, Cargo{});
    context.set_receive_timeout(*this, 2s, Cargo{});
  }
  void handle(Cargo) {}
};
struct Pusher {
  Ref<Sleeper> sleeper;
  void handle(Go) {
    const Counted local;
    for (int i = 0; i < 3; ++i) sleeper.tell(Cargo{});
  }
};

/// A body that ends with everything still under way.
void leave_a_mess(World& w) {
  const auto sleeper = w.spawn(Sleeper{});
  const auto narrow = w.spawn("narrow", Sleeper{}, {.mailbox = bounded(1, Overflow::suspend)});
  for (int i = 0; i < 3; ++i) {
    w.spawn(Asker{sleeper, {}}).tell(Go{});
    w.spawn(Asker{narrow, {}}).tell(Go{});
    w.spawn(Pusher{narrow}).tell(Go{});
  }
  sleeper.tell(Go{});
  narrow.tell(Go{});
  sleeper.tell(Cargo{});
  w.spawn(Ticker{}).tell(Go{});
  w.run_for(1500ms);
}

class EndOfRunInMode : public ::testing::TestWithParam<sim::Mode> {};

TEST_P(EndOfRunInMode, leaves_nothing) {
  sim::RunOptions options;
  options.mode = GetParam();
  const std::size_t blocks = BlockPool::live_blocks();
  for (const bool reduce : {true, false}) {
    options.reduce = reduce;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      const auto outcome = sim::execute(
          [seed](World& w) {
            leave_a_mess(w);
            if (seed % 3 == 1) throw std::runtime_error{"in the middle"};
          },
          random_walk(seed), options);
      if (outcome.finding) {
        ASSERT_EQ(outcome.finding->kind, FindingKind::exception_in_test) << outcome.finding->detail;
      }
      ASSERT_TRUE(outcome.ledger.adds_up()) << orrery_describe(outcome.ledger);
      ASSERT_EQ(outcome.ledger.queued, 0U);
      ASSERT_EQ(Counted::living, 0);
      ASSERT_EQ(BlockPool::live_blocks(), blocks);
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Modes, EndOfRunInMode, ::testing::Values(sim::Mode::causal, sim::Mode::per_pair));

TEST(EndOfRun, no_memory_and_no_fiber_is_lost_over_ten_thousand_runs) {
  const auto run = [](std::uint64_t seed) {
    const auto outcome = sim::execute(leave_a_mess, random_walk(seed), sim::RunOptions{});
    ASSERT_FALSE(outcome.finding);
  };
  const auto fibers = [] { return sim::LoopFibers::of_this_thread().live(); };
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) run(seed);
  const auto fibers_before = fibers();
  const std::size_t bytes_before = mallinfo2().uordblks;
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) run(seed % 1'000);
  EXPECT_EQ(fibers(), fibers_before);
  EXPECT_LT(mallinfo2().uordblks, bytes_before + 256 * 1'024);
  EXPECT_LT(fibers(), 64U);
}

// ---- actors that will not end --------------------------------------------------------------------------------------------

struct Endless {
  Ref<Sleeper> to;
  void handle(Go) {
    while (true) (void)to.tell(Cargo{});
  }
};

TEST(EndOfRun, an_actor_that_sends_for_ever_is_unwound) {
  const auto outcome = sim::execute(
      [](World& w) {
        w.spawn(Endless{w.spawn(Sleeper{})}).tell(Go{});
        w.run();
      },
      calm(), no_faults());
  ASSERT_TRUE(outcome.finding);
  EXPECT_EQ(outcome.finding->kind, FindingKind::no_progress);
  EXPECT_TRUE(outcome.ledger.adds_up());
  EXPECT_EQ(Counted::living, 0);
}

TEST(EndOfRun, an_actor_that_spawns_its_heir_when_it_is_destroyed_does_not_hang_the_end) {
  std::string log;
  struct Late {
    Runtime* runtime;
    std::string* log;
    void handle(Go, Context& context) {
      struct Spawner {
        Late* late;
        ~Spawner() {
          const auto spawned = late->runtime->spawn("late", Sleeper{});
          *late->log += spawned ? "spawned" : std::string{to_string(spawned.error())};
        }
      } spawner{this};
      context.sleep(1h);
    }
  };
  run_calmly([&log](World& w) {
    w.spawn(Late{&w, &log}).tell(Go{});
    w.run_for(1s);
  });
  EXPECT_EQ(log, "shutting_down");
  EXPECT_EQ(Counted::living, 0);
}

TEST(EndOfRun, a_destructor_may_send_while_the_run_is_torn_down) {
  struct Mouthy {
    Ref<Sleeper> to;
    std::string* log;
    void handle(Go) {
      struct Farewell {
        Mouthy* mouthy;
        ~Farewell() {
          for (int i = 0; i < 3; ++i) *mouthy->log += text_of(mouthy->to.tell(Cargo{})) == "ok" ? "s" : "r";
        }
      } farewell{this};
      to.tell(Cargo{});
    }
  };
  // The run ends wherever the actor stands: before its first message, or inside its destructor.
  for (std::uint64_t limit = 1; limit < 8; ++limit) {
    std::string log;
    sim::RunOptions options = no_faults();
    options.operations_max = limit;
    const auto outcome = sim::execute(
        [&log](World& w) {
          w.spawn(Mouthy{w.spawn(Sleeper{}), &log}).tell(Go{});
          w.run();
        },
        calm(), options);
    EXPECT_TRUE(outcome.ledger.adds_up());
    EXPECT_TRUE(log.empty() || log.size() == 3) << log;
    EXPECT_EQ(Counted::living, 0);
  }
}

}  // namespace
}  // namespace orrery::testing
