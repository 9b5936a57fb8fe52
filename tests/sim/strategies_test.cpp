// Goal:   each strategy keeps its own promise, on programs where the odds can be worked out.
// Method: many seeds; what happened is compared with the odds, with room for four standard deviations: one chance in
//         16,000 of failing by accident, and the seeds are fixed, so that it never does.
#include "orrery/sim/strategies/dpor.hpp"
#include "orrery/sim/strategies/portfolio.hpp"
#include "orrery/sim/strategies/priority.hpp"

#include "tests/sim/sim_fixture.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace orrery::testing {
namespace {

struct Go {};
struct Note {
  int number = 0;
};
/// Writes down what arrives, in order.
struct Log {
  std::string text;
  void handle(Note m) { text += static_cast<char>('a' + m.number); }
};
/// Tells the log its number so many times.
struct Writer {
  Ref<Log> log;
  int number = 0;
  int times = 1;
  void handle(Go) const {
    for (int i = 0; i < times; ++i) log.tell(Note{number});
  }
};

/// Writers with so many messages each at one log. Returns the order in which they arrived.
struct Race {
  std::vector<int> times;
  [[nodiscard]] std::string run(const sim::MakeStrategy& strategy, sim::Grain grain = sim::Grain::fine) const {
    std::string text;
    sim::RunOptions options = no_faults();
    options.grain = grain;
    (void)sim::execute(
        [&](World& w) {
          const Ref<Log> log = w.spawn("log", Log{});
          int number = 0;
          std::vector<Ref<Writer>> writers;
          for (const int count : times) writers.push_back(w.spawn(Writer{log, number++, count}));
          for (const auto& writer : writers) writer.tell(Go{});
          w.run();
          text = w.peek(log).text;
        },
        strategy, options);
    return text;
  }
};

using Counts = std::map<std::string, std::uint64_t>;

/// Checks that `count` of `runs` is what `one_in` says, give or take four standard deviations.
void expect_odds(std::uint64_t count, std::uint64_t runs, double one_in, const std::string& what) {
  const double mean = static_cast<double>(runs) / one_in;
  const double deviation = std::sqrt(mean * (1 - 1 / one_in));
  EXPECT_NEAR(static_cast<double>(count), mean, 4 * deviation) << what;
}

sim::Learned learn(const Race& race) {
  sim::Learned learned;
  for (std::uint64_t seed = 0; seed < sim::calibration_runs; ++seed) {
    (void)race.run([&] { return std::make_unique<sim::Learning>(std::make_unique<sim::RandomWalk>(seed), learned); });
  }
  return learned;
}

Counts orders(const Race& race, std::uint64_t runs, sim::StrategyKind kind, const sim::Learned& learned) {
  Counts counts;
  for (std::uint64_t seed = 0; seed < runs; ++seed) {
    ++counts[race.run([&] { return sim::make_strategy(kind, mix64(seed), learned); })];
  }
  return counts;
}

// Two writers, one with one message (a), one with three (b). The walk chooses each time with equal odds, so it has a first
// in 1/2 of its runs, and a last in 1/8, though each of the four orders is as good as any other.
TEST(RandomWalk, is_uniform_at_each_choice) {
  const Counts counts = orders({{1, 3}}, 8'000, sim::StrategyKind::random, {});
  expect_odds(counts.at("abbb"), 8'000, 2, "a first");
  expect_odds(counts.at("babb"), 8'000, 4, "a second");
  expect_odds(counts.at("bbab"), 8'000, 8, "a third");
  expect_odds(counts.at("bbba"), 8'000, 8, "a last: nobody else is left");
}

// The same race. What is expected to follow: 1 of a, 3, 2, 1 of b, so that a is first in 1/4 of the weighted choices, and
// each order has 1/4. One choice in four is uniform, so a is first with 3/4 x 1/4 + 1/4 x 1/2 = 5/16; and last with
// (3/4 x 3/4 + 1/4 x 1/2) (3/4 x 2/3 + 1/4 x 1/2) (1/2) = 11/16 x 5/8 x 1/2 = 55/256, which is 1 in 4.65 instead of 8.
TEST(Urw, is_nearly_uniform_over_orders) {
  const Race race{{1, 3}};
  const sim::Learned learned = learn(race);
  const Counts counts = orders(race, 8'000, sim::StrategyKind::urw, learned);
  expect_odds(counts.at("abbb"), 8'000, 16.0 / 5, "a first");
  expect_odds(counts.at("bbba"), 8'000, 256.0 / 55, "a last");
}

// Who arrives next is drawn by how much each has left, which makes all (4 choose 1) orders equally likely: 1/4 each.
TEST(Surw, is_uniform_over_the_orders_of_arrival) {
  const Race race{{1, 3}};
  const sim::Learned learned = learn(race);
  for (const auto& [order, count] : orders(race, 8'000, sim::StrategyKind::surw, learned))
    expect_odds(count, 8'000, 4, order);
}

// (6 choose 3) = 20 orders of three and three, each 1/20.
TEST(Surw, is_uniform_also_where_a_walk_is_far_from_it) {
  const Race race{{3, 3}};
  const sim::Learned learned = learn(race);
  const Counts counts = orders(race, 20'000, sim::StrategyKind::surw, learned);
  EXPECT_EQ(counts.size(), 20U);
  for (const auto& [order, count] : counts) expect_odds(count, 20'000, 20, order);
}

// Each of n operations that meet has a priority, so whichever is first among two is drawn anew only after a conflict: with
// one message of each of three writers all 3! orders have 1/6, as with a walk; with priorities redrawn after each conflict
// the race of one against three is as the walk's: a is first with 1/2, and last with 1/8.
TEST(Pos, draws_again_after_a_conflict) {
  for (const auto& [order, count] : orders({{1, 1, 1}}, 6'000, sim::StrategyKind::pos, {}))
    expect_odds(count, 6'000, 6, order);
  const Counts counts = orders({{1, 3}}, 8'000, sim::StrategyKind::pos, {});
  expect_odds(counts.at("abbb"), 8'000, 2, "a first");
  expect_odds(counts.at("bbba"), 8'000, 8, "a last");
}

// With depth 1 there is no change: the more important writer goes first with all that it has, whoever it is. Of n actors
// each is the most important one with 1/n, and the orders of three writers have 1/6 each: P >= 1/n! here, and 1/n for one
// that must come first, which is the bound 1 / (n k^0).
TEST(Pct, of_depth_one_runs_the_most_important_actor_to_its_end) {
  Counts counts;
  const Race race{{2, 2, 2}};
  for (std::uint64_t seed = 0; seed < 6'000; ++seed)
    ++counts[race.run([&] { return std::make_unique<sim::Pct>(mix64(seed), 1, 10); })];
  EXPECT_EQ(counts.size(), 6U);
  for (const auto& [order, count] : counts) expect_odds(count, 6'000, 6, order);
}

// Depth 2, k = 4 choices at most: "a b..b a", where b's all come between the two of a, needs one change, at the one place of
// the k: P >= 1/(n k) = 1/8. It is found when a is more important (1/2) and the change is at the second choice (1/4).
TEST(Pct, of_depth_two_finds_what_needs_one_change) {
  std::uint64_t found = 0;
  const Race race{{2, 2}};
  for (std::uint64_t seed = 0; seed < 8'000; ++seed)
    found += race.run([&] { return std::make_unique<sim::Pct>(mix64(seed), 2, 4); }) == "abba" ? 1 : 0;
  EXPECT_GE(found, 8'000 / 8 - 4 * 30U);  // sqrt(8000 / 8 x 7 / 8) = 30
}

// Depth 3, k = 4: "abcba" needs a above b above c (1/6), the change at the second choice to come to a and the one at the
// third to b (2/16 for two draws of four), and b above a then: the change of a is the second one drawn (1/2). 1 in 96.
TEST(Pct, of_depth_three_may_demote_the_first_one_deeper_than_the_second) {
  std::uint64_t found = 0;
  const Race race{{2, 2, 1}};
  for (std::uint64_t seed = 0; seed < 20'000; ++seed)
    found += race.run([&] { return std::make_unique<sim::Pct>(mix64(seed), 3, 4); }) == "abcba" ? 1 : 0;
  expect_odds(found, 20'000, 96, "abcba");
}

// Each writer's messages are one causal chain, so that depth 1 keeps chains together as PCT keeps actors: 1/6 for each of
// 3! orders.
TEST(Pctcp, of_depth_one_runs_the_most_important_chain_to_its_end) {
  Counts counts;
  const Race race{{2, 2, 2}};
  for (std::uint64_t seed = 0; seed < 6'000; ++seed)
    ++counts[race.run([&] { return std::make_unique<sim::Pctcp>(mix64(seed), 1, 10); })];
  EXPECT_EQ(counts.size(), 6U);
  for (const auto& [order, count] : counts) expect_odds(count, 6'000, 6, order);
}

// Without a delay there is one schedule, first come, first served; with one delay in k choices, no more than k + 1.
TEST(Delays, are_all_that_differs_from_first_come_first_served) {
  const Race race{{2, 2, 2}};
  const std::string calm = race.run([] { return std::make_unique<sim::Calm>(); });
  Counts none;
  Counts one;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    ++none[race.run([&] { return std::make_unique<sim::Delays>(mix64(seed), 0, 6); })];
    ++one[race.run([&] { return std::make_unique<sim::Delays>(mix64(seed), 1, 6); })];
  }
  EXPECT_EQ(none, (Counts{{calm, 500}}));
  EXPECT_GT(one.size(), 1U);
  EXPECT_LE(one.size(), 7U);
}

// A writer that has begun goes on with 7/8 + 1/8 x 1/2 = 15/16.
TEST(Sticky, stays_with_who_has_begun) {
  std::uint64_t stayed = 0;
  const Race race{{2, 2}};
  for (std::uint64_t seed = 0; seed < 8'000; ++seed) {
    const std::string order = race.run([&] { return std::make_unique<sim::Sticky>(mix64(seed), 8); });
    stayed += order[0] == order[1] ? 1 : 0;
  }
  expect_odds(stayed, 8'000, 16.0 / 15, "stayed");
}

TEST(AnyStrategy, is_fair_after_a_while) {
  // An actor that tells itself for ever, and one that ends it: with priorities, the first may be the more important one,
  // and it is done all the same.
  struct Again {};
  struct Busy {
    Ref<Log> log;
    void handle(Again m, Context& context) const {
      log.tell(Note{1});
      if (context.now() >= Instant{}) context.self(*this).tell(m);
    }
  };
  struct Stopper {
    Ref<Busy> busy;
    Ref<Log> log;
    void handle(Go, Context& context) const {
      log.tell(Note{0});
      context.runtime().stop(busy);
    }
  };
  sim::Learned learned;
  learned.choices_max = 4;
  for (std::uint8_t kind = 1; kind < sim::strategy_kinds; ++kind) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      sim::RunOptions options = no_faults();
      options.grain = seed % 2 == 0 ? sim::Grain::fine : sim::Grain::coarse;
      const sim::Outcome outcome = sim::execute(
          [](World& w) {
            const Ref<Log> log = w.spawn("log", Log{});
            const Ref<Busy> busy = w.spawn("busy", Busy{log});
            const Ref<Stopper> stopper = w.spawn("stopper", Stopper{busy, log});
            busy.tell(Again{});
            stopper.tell(Go{});
            w.run();
          },
          [&] { return sim::make_strategy(static_cast<sim::StrategyKind>(kind), mix64(seed), learned); }, options);
      EXPECT_FALSE(outcome.finding) << sim::name_of(static_cast<sim::StrategyKind>(kind)) << ": "
                                    << outcome.finding->name;
    }
  }
}

// Nobody else sends to either of them, so that a coarse run goes on through all they do, if it is let.
struct Partner;
struct Meet {
  Ref<Partner> other;
};
struct Partner {
  std::optional<Ref<Partner>> other{};
  void handle(Meet m) { other = m.other; }
  void handle(Note m) const {
    if (other) other->tell(m);
  }
};
/// Stops one of them when two have told it to: the second one's message is a choice in coarse runs, too.
struct Referee {
  Ref<Partner> one;
  int told = 0;
  void handle(Go, Context& context) {
    if (++told == 2) context.runtime().stop(one);
  }
};
struct Ender {
  Ref<Referee> referee;
  void handle(Go m) const { referee.tell(m); }
};

TEST(CoarseRun, starves_nobody_while_two_talk_to_each_other) {
  sim::RunOptions options = no_faults();
  options.grain = sim::Grain::coarse;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const sim::Outcome outcome = sim::execute(
        [](World& w) {
          const Ref<Partner> one = w.spawn("one", Partner{});
          const Ref<Partner> two = w.spawn("two", Partner{one});
          one.tell(Meet{two});
          const Ref<Referee> referee = w.spawn("referee", Referee{one});
          const Ref<Ender> first = w.spawn(Ender{referee});
          const Ref<Ender> second = w.spawn(Ender{referee});
          one.tell(Note{1});
          first.tell(Go{});
          second.tell(Go{});
          w.run();
        },
        random_walk(seed), options);
    EXPECT_FALSE(outcome.finding) << outcome.finding->name;
  }
}

// A coarse run offers fewer choices, never other ones: what comes of it can come of a fine run, too.
TEST(CoarseRun, comes_to_nothing_that_no_fine_run_comes_to) {
  for (const Race& race : {Race{{1, 3}}, Race{{2, 2, 1}}, Race{{1, 1, 1, 1}}}) {
    std::map<sim::Grain, std::set<std::string>> seen;
    for (const sim::Grain grain : {sim::Grain::fine, sim::Grain::coarse}) {
      for (std::uint64_t seed = 0; seed < 2'000; ++seed) seen[grain].insert(race.run(random_walk(seed), grain));
    }
    EXPECT_TRUE(std::ranges::includes(seen[sim::Grain::fine], seen[sim::Grain::coarse]));
  }
}

TEST(Portfolio, gives_every_strategy_its_turn_in_both_grains) {
  std::map<std::pair<int, int>, int> turns;
  for (std::uint64_t run = sim::calibration_runs; run < sim::calibration_runs + 200; ++run) {
    const sim::Plan plan = sim::plan_of_run(sim::StrategyKind::portfolio, sim::GrainSetting::automatic, run);
    ++turns[{static_cast<int>(plan.strategy), static_cast<int>(plan.grain)}];
  }
  EXPECT_EQ(turns.size(), 20U);
  for (const auto& [plan, count] : turns) EXPECT_EQ(count, 10);
}

TEST(Names, of_strategies_are_read_back) {
  for (std::uint8_t kind = 0; kind < sim::strategy_kinds; ++kind)
    EXPECT_EQ(sim::parse_strategy(sim::name_of(static_cast<sim::StrategyKind>(kind))),
              static_cast<sim::StrategyKind>(kind));
  EXPECT_FALSE(sim::parse_strategy("best"));
}

}  // namespace
}  // namespace orrery::testing
