// Goal:   the fault `slow`: one actor stands still while all others go on, through as many timers as it takes; it finds what
//         stalls do not, is counted, told and repeated, and leaves nothing behind when the run ends in the middle of it.
#include "tests/sim/sim_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

namespace orrery::testing {
namespace {

sim::RunOptions only_slow() {
  sim::RunOptions options;
  options.faults = sim::FaultProfile::heavy;
  options.stalls_max = options.crashes_max = options.refusals_max = options.allocations_max = 0;
  return options;
}
sim::RunOptions only_stalls() {
  sim::RunOptions options;
  options.stalls_max = 2;
  return options;
}

sim::FaultCount count_of(const sim::Outcome& outcome, const std::string& name) {
  const auto at = std::ranges::find(outcome.faults, name, &sim::FaultCount::name);
  return at == outcome.faults.end() ? sim::FaultCount{} : *at;
}

/// Asks itself every second whether its worker has answered the last beat. At the fourth beat in a row without an answer it
/// declares the worker dead, which one that is only slow is not.
struct Beat {
  int number;
};
struct Alive {
  int number;
};
struct Worker;
struct Watch;
struct Begin {
  Ref<Worker> worker;
};
struct Next {};
struct Watch {
  Ref<Worker> worker{};
  int beats = 0;
  int answered = 0;
  bool declared_dead = false;
  void handle(const Begin& m, Context& context);
  void handle(Next, Context& context);
  void handle(Alive m) { answered = std::max(answered, m.number); }
};
struct Worker {
  Ref<Watch> watch{};
  void handle(Beat m) { (void)watch.tell(Alive{m.number}); }
};
void Watch::handle(const Begin& m, Context& context) {
  worker = m.worker;
  (void)context.after(*this, 1s, Next{});
}
void Watch::handle(Next, Context& context) {
  if (beats - answered >= 4) declared_dead = true;
  if (beats == 12 || declared_dead) return;
  (void)worker.tell(Beat{++beats});
  (void)context.after(*this, 1s, Next{});
}

void watch_a_worker(World& w) {
  const auto watch = w.spawn("watch", Watch{});
  const auto worker = w.spawn("worker", Worker{watch.value()});
  (void)watch.tell(Begin{worker.value()});
  w.eventually("who lives is not declared dead", [&, watch] { return !w.peek(watch).declared_dead; });
  w.run();
}

std::uint64_t failures_in(const sim::RunOptions& options, std::uint64_t seeds,
                          std::optional<sim::Outcome>* first = nullptr) {
  std::uint64_t failures = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    sim::Outcome outcome = sim::execute(watch_a_worker, random_walk(mix64(seed)), options);
    if (!outcome.finding) continue;
    EXPECT_EQ(outcome.finding->kind, FindingKind::not_eventually) << outcome.finding->name;
    ++failures;
    if (first != nullptr && !*first) *first = std::move(outcome);
  }
  return failures;
}

TEST(Slow, holds_one_actor_up_through_several_timers_of_another_which_two_stalls_do_not) {
  EXPECT_GT(failures_in(only_slow(), 3'000), 5U);
  EXPECT_EQ(failures_in(only_stalls(), 3'000), 0U);
}

TEST(Slow, is_repeated_by_a_replay) {
  std::optional<sim::Outcome> first;
  (void)failures_in(only_slow(), 3'000, &first);
  ASSERT_TRUE(first);
  const sim::Outcome second = sim::execute(watch_a_worker, strict_replay(first->decisions), only_slow());
  EXPECT_FALSE(second.divergence) << *second.divergence;
  EXPECT_EQ(first->trace_hash, second.trace_hash);
}

TEST(Slow, is_told_and_counted_and_nobody_stands_still_for_ever) {
  std::uint64_t fired = 0;
  std::uint64_t effects = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    sim::RunOptions options = only_slow();
    options.record_events = true;
    const sim::Outcome outcome = sim::execute(watch_a_worker, random_walk(seed), options);
    const sim::FaultCount count = count_of(outcome, "slow");
    EXPECT_EQ(std::ranges::count(outcome.events, sim::EventKind::fault, &sim::Event::kind),
              static_cast<std::ptrdiff_t>(count.fired));
    EXPECT_LE(count.effects, count.fired);
    EXPECT_EQ(outcome.ledger.queued, 0U);
    fired += count.fired;
    effects += count.effects;
  }
  EXPECT_GT(fired, 30U);
  EXPECT_GT(effects, 20U);
}

struct Question {
  using Reply = int;
};
struct Oracle {
  int handle(Question) { return 42; }
};
struct Pilgrim {
  Ref<Oracle> oracle;
  int wisdom = 0;
  void handle(Next) {
    for (int i = 0; i < 5; ++i) wisdom += oracle.ask(Question{}, no_timeout).value_or(0);
  }
};

// In the middle of handlers, in waits, and when the body leaves without waiting for anybody.
TEST(Slow, may_hit_any_operation_and_the_end_of_the_run) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    for (const bool waits : {true, false}) {
      sim::RunOptions options = only_slow();
      options.slows_max = 4;
      options.slow_reach = 30;
      options.reduce = seed % 2 == 0;
      const sim::Outcome outcome = sim::execute(
          [&](World& w) {
            const auto oracle = w.spawn("oracle", Oracle{});
            std::vector<Ref<Pilgrim>> pilgrims;
            for (int i = 0; i < 3; ++i) pilgrims.push_back(w.spawn(Pilgrim{oracle.value()}));
            for (const auto& one : pilgrims) (void)one.tell(Next{});
            if (!waits) return w.run_for(5ms);
            w.run();
            for (const auto& one : pilgrims) EXPECT_EQ(w.peek(one).wisdom, 5 * 42);
          },
          random_walk(seed), options);
      ASSERT_FALSE(outcome.finding) << outcome.finding->name << outcome.finding->detail;
    }
  }
}

}  // namespace
}  // namespace orrery::testing
