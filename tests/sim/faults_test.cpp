// Goal:   what goes wrong in a run is planned, counted, told and repeated; and what should happen at last is judged at rest.
#include "orrery/supervision.hpp"

#include "tests/sim/sim_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace orrery::testing {
namespace {

struct Work {};
struct Worker {
  int done = 0;
  void handle(Work) { ++done; }
};

sim::RunOptions heavy() {
  sim::RunOptions options;
  options.faults = sim::FaultProfile::heavy;
  options.crash_reach = 10;
  return options;
}

const sim::FaultCount* count_of(const sim::Outcome& outcome, const std::string& name) {
  const auto at = std::ranges::find(outcome.faults, name, &sim::FaultCount::name);
  return at == outcome.faults.end() ? nullptr : &*at;
}

void ten_jobs_for_a_supervised_worker(World& w) {
  (void)start_supervisor(w, "office", {.intensity = 10, .children = {child("worker", Worker{})}});
  const auto worker = w.find<Worker>("office/worker").value();
  for (int i = 0; i < 10; ++i) worker.tell(Work{});
  w.run();
  EXPECT_TRUE(w.is_living(worker));
}

TEST(Crash, happens_as_often_as_it_was_planned_and_the_supervisor_brings_the_actor_back) {
  bool any = false;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    sim::RunOptions options = heavy();
    options.record_events = true;
    const sim::Outcome outcome = sim::execute(ten_jobs_for_a_supervised_worker, random_walk(seed), options);
    ASSERT_FALSE(outcome.finding) << outcome.finding->name;
    const sim::FaultCount* const crash = count_of(outcome, "crash");
    ASSERT_NE(crash, nullptr);
    const auto told =
        static_cast<std::uint64_t>(std::ranges::count(outcome.events, sim::EventKind::fault, &sim::Event::kind));
    EXPECT_EQ(crash->fired, told);
    EXPECT_LE(crash->fired, crash->armed);
    EXPECT_EQ(outcome.ledger.failed, crash->fired) << "each takes its message with it";
    any = any || crash->fired == 2;
  }
  EXPECT_TRUE(any);
}

TEST(Crash, is_repeated_by_a_replay) {
  const sim::Outcome first = sim::execute(ten_jobs_for_a_supervised_worker, random_walk(3), heavy());
  const sim::Outcome second = sim::execute(ten_jobs_for_a_supervised_worker, strict_replay(first.decisions), heavy());
  EXPECT_FALSE(second.divergence) << *second.divergence;
  EXPECT_EQ(first.trace_hash, second.trace_hash);
}

TEST(Crash, is_no_fault_of_the_profile_local) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const sim::Outcome outcome = sim::execute(ten_jobs_for_a_supervised_worker, random_walk(seed), {});
    EXPECT_EQ(count_of(outcome, "crash"), nullptr);
    EXPECT_EQ(outcome.ledger.failed, 0U);
  }
}

/// Writes, unless the disk is full.
struct Writer {
  int written = 0;
  int refused = 0;
  void handle(Work, Context& context) { ++(context.fault_point("disk full") ? refused : written); }
};

sim::Outcome write_twenty_times(std::uint64_t seed, sim::RunOptions options, int& refused) {
  return sim::execute(
      [&](World& w) {
        const auto writer = w.spawn("writer", Writer{});
        for (int i = 0; i < 20; ++i) writer.tell(Work{});
        w.run();
        refused = w.peek(writer).refused;
      },
      random_walk(seed), options);
}

// Active in one run of four, and then one time in four: 400 runs have about 100 active ones, one chance in 2,000 of fewer than 70 or more than 130.
TEST(FaultPoint, goes_wrong_in_some_runs_only_and_is_counted) {
  int active = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    int refused = 0;
    const sim::Outcome outcome = write_twenty_times(mix64(seed), {}, refused);
    const sim::FaultCount* const point = count_of(outcome, "disk full");
    ASSERT_NE(point, nullptr);
    EXPECT_EQ(point->fired, static_cast<std::uint64_t>(refused));
    if (point->armed == 0) {
      EXPECT_EQ(refused, 0);
    }
    active += point->armed != 0 ? 1 : 0;
  }
  EXPECT_GT(active, 70);
  EXPECT_LT(active, 130);
}

TEST(FaultPoint, never_goes_wrong_without_faults_or_in_a_calm_run) {
  int refused = 0;
  (void)write_twenty_times(1, no_faults(), refused);
  EXPECT_EQ(refused, 0);
  (void)run_calmly(
      [&](World& w) {
        const auto writer = w.spawn("writer", Writer{});
        for (int i = 0; i < 20; ++i) writer.tell(Work{});
        w.run();
        refused = w.peek(writer).refused;
      },
      {});
  EXPECT_EQ(refused, 0);
}

// ---- eventually and reachable -----------------------------------------------------------------------------------------

TEST(Eventually, is_judged_when_the_world_is_at_rest_and_not_before) {
  const sim::Outcome outcome = run_calmly([](World& w) {
    const auto worker = w.spawn("worker", Worker{});
    w.eventually("all is done", [&] { return w.peek(worker).done == 2; });
    worker.tell(Work{});
    w.run_for(1s);
    worker.tell(Work{});
    w.run();
  });
  EXPECT_FALSE(outcome.finding);
}

TEST(Eventually, is_a_finding_with_a_name_and_the_state_that_was_looked_at) {
  const sim::Outcome outcome = sim::execute(
      [](World& w) {
        const auto worker = w.spawn("worker", Worker{});
        w.eventually("all is done", [&] { return w.peek(worker).done == 3; });
        worker.tell(Work{});
        w.run();
      },
      calm(), no_faults());
  ASSERT_TRUE(outcome.finding);
  EXPECT_EQ(outcome.finding->kind, FindingKind::not_eventually);
  EXPECT_EQ(outcome.finding->name, "all is done");
  EXPECT_NE(outcome.finding->detail.find("worker.done == 1"), std::string::npos) << outcome.finding->detail;
}

TEST(Reachable, is_told_as_something_that_should_happen_in_some_run) {
  const auto body = [](bool reach) {
    return [reach](World& w) {
      const auto here = w.reachable("the second attempt");
      if (reach) here.reached();
      w.run();
    };
  };
  using Told = std::vector<std::pair<std::string, bool>>;
  EXPECT_EQ(run_calmly(body(true)).sometimes, (Told{{"the second attempt", true}}));
  EXPECT_EQ(run_calmly(body(false)).sometimes, (Told{{"the second attempt", false}}));
}

}  // namespace
}  // namespace orrery::testing
