// follow_test.cpp: schedules by name: written down, followed, and each candidate executed once.
#include "orrery/sim/strategies/follow.hpp"

#include "tests/testkit/little_properties.hpp"

#include "orrery/testkit/assertions.hpp"
#include "orrery/testkit/detail/candidates.hpp"

namespace orrery::testing {
namespace {

using testkit::detail::Candidates;
using testkit::detail::SchedulePlan;

/// Actors that pass messages on at random, so that there is something to be held back; both worlds.
struct Hop {
  std::uint32_t left;
};
struct Hopper {
  std::vector<Ref<Hopper>>* all;
  std::uint64_t sum = 0;
  void handle(Hop m, Context& context) {
    sum = sum * 31 + m.left;
    if (m.left == 0) return;
    (*all)[context.draw("to", all->size())].tell(Hop{m.left - 1});
    if (m.left % 3 == 0) (*all)[context.draw("to", all->size())].tell(Hop{m.left / 2});
  }
};
void hop(World& w) {
  std::vector<Ref<Hopper>> all;
  for (int i = 0; i < 4; ++i) all.push_back(w.spawn("h" + std::to_string(i), Hopper{&all}).value());
  for (std::uint32_t i = 0; i < 4; ++i) all[i].tell(Hop{5 + i});
  w.run();
}

sim::Outcome noted(std::unique_ptr<sim::Strategy> strategy, const sim::RunOptions& options, sim::Followed& notes) {
  return testkit::run_once(hop, [&] { return std::make_unique<sim::Noting>(std::move(strategy), notes); }, options);
}

// F1, over worlds, grains and schedules.
TEST(Follow, deviations_are_the_run_that_they_were_noted_in) {
  for (const sim::Mode mode : {sim::Mode::causal, sim::Mode::per_pair}) {
    for (const sim::Grain grain : {sim::Grain::fine, sim::Grain::coarse}) {
      for (const bool reduce : {true, false}) {
        sim::RunOptions options;
        options.mode = mode;
        options.grain = grain;
        options.reduce = reduce;
        for (std::uint64_t run = 0; run < 20; ++run) {
          sim::Followed notes;
          const auto first = noted(std::make_unique<sim::RandomWalk>(run), options, notes);
          sim::Followed again;
          const auto second = noted(std::make_unique<sim::FollowDeviations>(notes.deviations), options, again);
          ASSERT_TRUE(testkit::is_same(first, second)) << run;
          EXPECT_EQ(notes.deviations, again.deviations);
          EXPECT_GT(first.steps, 10U);
        }
      }
    }
  }
}

TEST(Follow, a_script_of_everything_is_the_run_that_it_was_noted_in) {
  sim::RunOptions options;
  options.reduce = false;
  for (std::uint64_t run = 0; run < 20; ++run) {
    sim::Followed notes;
    const auto first = noted(std::make_unique<sim::RandomWalk>(run), options, notes);
    std::vector<std::uint64_t> order;
    for (const auto& done : notes.order) order.push_back(done.name);
    sim::Followed again;
    const auto script = [&] {
      return std::make_unique<sim::FollowScript>(order, notes.deviations.draws, notes.deviations.faults,
                                                 sim::FollowScript::AtOnce{});
    };
    EXPECT_TRUE(testkit::is_same(first, noted(script(), options, again))) << run;
  }
}

TEST(Follow, no_deviation_is_the_calm_run) {
  sim::Followed notes;
  const sim::Deviations none;
  const auto calm = noted(std::make_unique<sim::Calm>(), {}, notes);
  EXPECT_TRUE(notes.deviations.held.empty());
  EXPECT_TRUE(notes.deviations.draws.empty());
  sim::Followed again;
  EXPECT_TRUE(testkit::is_same(calm, noted(std::make_unique<sim::FollowDeviations>(none), {}, again)));
}

// F2: what waits for something that never comes is done when all that is left waits.
TEST(Follow, nothing_is_held_back_for_ever) {
  sim::Followed notes;
  const auto first = noted(std::make_unique<sim::RandomWalk>(3), {}, notes);
  sim::Deviations deviations = notes.deviations;
  for (auto& held : deviations.held) held.until = 1;  // no name is 1
  sim::FollowDeviations::Lost lost;
  sim::Followed again;
  const auto second = noted(std::make_unique<sim::FollowDeviations>(deviations, &lost), {}, again);
  EXPECT_FALSE(second.finding);
  EXPECT_EQ(lost.held.size(), deviations.held.size());
  EXPECT_GE(second.steps, 1U);
  static_cast<void>(first);
}

TEST(Candidates, executes_none_twice) {
  int executions = 0;
  const auto property = make_property("Counted", [&](World& w) {
    ++executions;
    last_writer_is_two(w);
  });
  const auto failing = failure_of(property);
  Candidates candidates{property, {}, failing.finding, {.runs = 100, .operations = 1'000'000}};
  const testkit::NoInput input;
  SchedulePlan plan{.kind = SchedulePlan::Kind::deviations, .deviations = failing.record.deviations, .script = {}};
  executions = 0;
  EXPECT_TRUE(candidates.run(input, 1, plan));
  EXPECT_EQ(executions, 1);
  EXPECT_FALSE(candidates.run(input, 1, plan));
  EXPECT_FALSE(candidates.run(input, 1, SchedulePlan{plan}));
  EXPECT_EQ(executions, 1);
  EXPECT_EQ(candidates.runs(), 1U);
  EXPECT_TRUE(candidates.run(input, 2, plan)) << "another input";
  ASSERT_FALSE(plan.deviations.held.empty());
  plan.deviations.held.clear();
  EXPECT_FALSE(candidates.run(input, 1, plan)) << "the calm run does not fail";
  EXPECT_EQ(executions, 3);
  plan.deviations.faults = {{1, 0, 1}};
  plan.kind = SchedulePlan::Kind::script;
  (void)candidates.run(input, 1, plan);
  EXPECT_EQ(executions, 4);
}

TEST(Candidates, are_as_many_as_the_program_was_executed_for) {
  int executions = 0;
  const auto property = make_property("Counted", [&](World& w, const std::vector<std::uint8_t>& values) {
    ++executions;
    const auto there = w.spawn(Register{});
    for (const std::uint8_t value : values) w.spawn(Writer{there, value}).tell(Go{});
    w.run();
    EXPECT_FALSE(values.size() > 1 && w.peek(there).last < values.front());
  });
  const auto failure = failure_of(property);
  const auto origin = testkit::origin_of_run(seed, failure.run, 20);
  CheckOptions options;
  testkit::Runs runs{property, options, seed};
  auto found = runs.make(failure.run, true);
  options.run = runs.options_of(failure.run);
  executions = 0;
  const auto shrunk = testkit::shrink(property, options, origin, property.make_input(origin), std::move(found));
  EXPECT_FALSE(shrunk.unstable);
  EXPECT_LE(static_cast<std::uint64_t>(executions), shrunk.runs + 3 + shrunk.history.size());
  EXPECT_GE(static_cast<std::uint64_t>(executions), shrunk.runs);
}

}  // namespace
}  // namespace orrery::testing
