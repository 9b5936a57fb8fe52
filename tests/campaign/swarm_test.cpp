// A swarm: every run has a configuration of its own, which its token and its record bring back.
#include "orrery/testkit/swarm.hpp"

#include "orrery/testkit/loop.hpp"
#include "tests/testkit/little_properties.hpp"

#include <set>
#include <tuple>

namespace orrery::testing {
namespace {

using testkit::Loop;
using testkit::LoopResult;
using testkit::run_loop;

using Amounts = std::vector<std::uint32_t>;
using Drawn = std::tuple<int, int, int, int, std::uint64_t, std::int64_t, int, std::uint64_t>;

Drawn drawn(const CheckOptions& options, std::uint64_t campaign, std::uint64_t run) {
  const sim::Plan plan = testkit::swarm_plan(options, campaign, run);
  const sim::RunOptions of = testkit::swarm_options(options, campaign, run);
  return {static_cast<int>(plan.strategy),
          static_cast<int>(plan.grain),
          static_cast<int>(of.faults),
          of.stalls_max,
          of.stall_reach,
          of.stall_max.count(),
          of.crashes_max,
          of.crash_reach};
}

CheckOptions heavy() {
  CheckOptions options;
  options.swarm = true;
  options.run.faults = sim::FaultProfile::heavy;
  return options;
}

TEST(Swarm, draws_everything_from_the_seed_of_the_run) {
  std::set<int> strategies, grains, profiles, stalls, crashes;
  std::set<std::uint64_t> stall_reaches, crash_reaches;
  std::set<std::tuple<int, int, int>> rest;
  std::set<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>> rest_reaches;
  std::set<Drawn> all;
  for (std::uint64_t run = sim::calibration_runs; run < 1'000; ++run) {
    const Drawn one = drawn(heavy(), seed, run);
    EXPECT_EQ(one, drawn(heavy(), seed, run));
    all.insert(one);
    strategies.insert(std::get<0>(one));
    grains.insert(std::get<1>(one));
    profiles.insert(std::get<2>(one));
    stalls.insert(std::get<3>(one));
    stall_reaches.insert(std::get<4>(one));
    EXPECT_LE(std::get<5>(one), heavy().run.stall_max.count());
    crashes.insert(std::get<6>(one));
    crash_reaches.insert(std::get<7>(one));
    const sim::RunOptions of = testkit::swarm_options(heavy(), seed, run);
    rest.insert({of.refusals_max, of.allocations_max, of.slows_max});
    rest_reaches.insert({of.refusal_reach, of.allocation_reach, of.slow_reach});
  }
  EXPECT_GT(all.size(), 800U);
  EXPECT_EQ(strategies.size(), sim::strategy_kinds - 1U) << "all but the portfolio";
  EXPECT_EQ(grains.size(), 2U);
  EXPECT_EQ(profiles.size(), 3U);
  EXPECT_EQ(rest.size(), 5U * 3U * 3U) << "none to twice as many refusals, allocations and slow actors";
  EXPECT_EQ(rest_reaches.size(), 5U * 5U * 5U);
  EXPECT_EQ(stalls, (std::set{0, 1, 2, 3, 4}));
  EXPECT_EQ(crashes, (std::set{0, 1, 2, 3, 4}));
  EXPECT_EQ(stall_reaches, (std::set<std::uint64_t>{8, 32, 64, 256, 1'024}));
  EXPECT_EQ(crash_reaches, stall_reaches);
  EXPECT_NE(drawn(heavy(), seed, 100), drawn(heavy(), seed + 1, 100));
}

TEST(Swarm, stays_below_what_the_test_allows) {
  CheckOptions options = heavy();
  options.grain = sim::GrainSetting::coarse;
  for (const auto ceiling : {sim::FaultProfile::none, sim::FaultProfile::local}) {
    options.run.faults = ceiling;
    for (std::uint64_t run = sim::calibration_runs; run < 200; ++run) {
      EXPECT_LE(testkit::swarm_options(options, seed, run).faults, ceiling);
      EXPECT_EQ(testkit::swarm_plan(options, seed, run).grain, sim::Grain::coarse);
    }
  }
}

TEST(Swarm, watches_its_first_runs_as_every_campaign_does) {
  for (std::uint64_t run = 0; run < sim::calibration_runs; ++run) {
    EXPECT_EQ(testkit::swarm_plan(heavy(), seed, run).strategy,
              sim::plan_of_run(sim::StrategyKind::portfolio, {}, run).strategy);
  }
}

struct Tick {};
/// Looks at the clock while it handles its last forty messages.
struct Clocked {
  int seen = 0;
  Instant since{};
  bool was_late = false;
  void handle(Add, Context& context) {
    if (++seen == 1) (void)context.every(*this, 1ms, Tick{});  // a stall that comes earlier has come to its end by then
    if (seen == 120) since = context.now();
    if (seen == 160) was_late = context.now() != since;
  }
  void handle(Tick) {}
};
/// Fails when time passes late in a run: a stall comes within 64 operations, unless somebody draws another reach.
void is_in_time(World& w, const Amounts&) {
  const Ref<Clocked> clocked = w.spawn("clocked", Clocked{});
  for (int i = 0; i < 160; ++i) clocked.tell(Add{1});
  w.run();
  EXPECT_FALSE(w.peek(clocked).was_late);
}

LoopResult campaign(const CheckOptions& options, unsigned jobs, const Property& property) {
  Loop loop;
  loop.jobs = jobs;
  return run_loop(property, options, seed, loop);
}

TEST(Swarm, finds_what_one_configuration_never_can) {
  const auto property = make_property("Late", is_in_time);
  CheckOptions options{.runs = 600};
  EXPECT_FALSE(campaign(options, 1, property).failure);
  options.swarm = true;
  EXPECT_TRUE(campaign(options, 1, property).failure);
}

TEST(Swarm, comes_to_the_same_whatever_the_number_of_workers) {
  const auto property = make_property("Late", is_in_time);
  const CheckOptions options{.runs = 600, .swarm = true};
  const LoopResult alone = campaign(options, 1, property);
  ASSERT_TRUE(alone.failure);
  for (const unsigned jobs : {2U, 3U}) {
    const LoopResult other = campaign(options, jobs, property);
    ASSERT_TRUE(other.failure);
    EXPECT_EQ(other.progress.steps, alone.progress.steps);
    EXPECT_EQ(testkit::to_text(other.failure->record), testkit::to_text(alone.failure->record));
  }
}

TEST(Swarm, is_replayed_from_a_token_to_the_same_trace) {
  const auto property = make_property("Late", is_in_time);
  const CheckOptions options{.runs = 600, .swarm = true};
  const Failure failure = failure_of(property, options);
  const auto token = testkit::parse_token(testkit::to_string(failure.record.token));
  ASSERT_TRUE(token);
  CheckOptions there;  // of somebody who has nothing but the token
  there.run.faults = sim::FaultProfile::none;
  there.strategy = sim::StrategyKind::pos;
  ASSERT_TRUE(testkit::put_plan(there, *token));
  EXPECT_EQ(testkit::make_run(property, there, token->seed, token->run, true).trace_hash,
            testkit::make_run(property, options, seed, failure.run, true).trace_hash);
  const auto again = testkit::investigate(property, there, token->seed, token->run);
  ASSERT_TRUE(again);
  EXPECT_EQ(testkit::to_text(again->record), testkit::to_text(failure.record));
}

TEST(Swarm, is_replayed_from_a_record_by_whoever_does_not_know_of_it) {
  const auto property = make_property("Late", is_in_time);
  const Failure failure = failure_of(property, {.runs = 600, .swarm = true});
  std::string input;
  const sim::Outcome again = testkit::replay_record(property, {}, failure.record, input);
  EXPECT_FALSE(again.divergence);
  EXPECT_TRUE(testkit::is_same(again, failure.outcome));
}

TEST(SwarmToken, says_that_it_is_one_and_no_other_number_does) {
  const auto property = make_property("Late", is_in_time);
  CheckOptions options = heavy();
  const testkit::Token token = testkit::token_of_run(property, options, seed, 99);
  CheckOptions read;
  ASSERT_TRUE(testkit::put_plan(read, token));
  EXPECT_TRUE(read.swarm);
  EXPECT_EQ(read.run.faults, sim::FaultProfile::heavy);
  EXPECT_EQ(testkit::strategy_name(read), "swarm");
  for (std::uint8_t number = sim::strategy_kinds; number < testkit::swarm_strategy; ++number)
    EXPECT_FALSE(testkit::put_plan(read, {.strategy = number}));
  EXPECT_FALSE(testkit::put_plan(read, {.profile = 3}));
  ASSERT_TRUE(testkit::put_plan(read, {}));
  EXPECT_FALSE(read.swarm);
}

}  // namespace
}  // namespace orrery::testing
