// What a campaign does with failures, time and interruption.
#include "orrery/testkit/loop.hpp"

#include "tests/testkit/little_properties.hpp"

#include <set>

namespace orrery::testing {
namespace {

using sim::FindingKind;
using testkit::Ended;
using testkit::Loop;
using testkit::LoopResult;
using testkit::run_loop;

using Amounts = std::vector<std::uint32_t>;

/// Two bugs: one in the schedule, one in the input.
void two_bugs(World& w, const Amounts& amounts) {
  const Ref<Register> there = w.spawn("register", Register{});
  const Ref<Writer> one = w.spawn("one", Writer{there, 1});
  const Ref<Writer> two = w.spawn("two", Writer{there, 2});
  w.always("never three amounts", [&] { return w.peek(there).last == 0 || amounts.size() != 3; });
  one.tell(Go{});
  two.tell(Go{});
  w.run();
  EXPECT_EQ(w.peek(there).last, 2);
}

TEST(CampaignLoop, explores_on_after_a_failure_and_groups_what_shows_the_same) {
  for (const unsigned jobs : {1U, 3U}) {
    std::vector<Failure> told;
    Loop loop;
    loop.jobs = jobs;
    loop.explore = true;
    loop.on_group = [&](const Failure& failure) { told.push_back(failure); };
    const LoopResult made = run_loop(make_property("TwoBugs", two_bugs), {.runs = 200}, seed, loop);
    EXPECT_EQ(made.ended, Ended::all_made);
    EXPECT_FALSE(made.failure);
    EXPECT_EQ(made.progress.next_run, 200U);
    ASSERT_EQ(made.progress.groups.size(), 2U);
    ASSERT_EQ(told.size(), 2U);
    std::set<FindingKind> kinds;
    for (std::size_t i = 0; i < 2; ++i) {
      const auto& group = made.progress.groups[i];
      kinds.insert(group.finding.kind);
      EXPECT_GT(group.count, 3U);
      EXPECT_EQ(told[i].run, group.first_run);
      EXPECT_TRUE(testkit::is_same_failure(told[i].finding, group.finding));
      EXPECT_FALSE(told[i].record.decisions.empty());
    }
    EXPECT_EQ(kinds, (std::set{FindingKind::assertion_failed, FindingKind::invariant_violated}));
  }
}

TEST(CampaignLoop, stops_exploring_after_as_many_groups_as_were_asked_for) {
  Loop loop;
  loop.explore = true;
  loop.stop_after = 1;
  const LoopResult made = run_loop(make_property("TwoBugs", two_bugs), {.runs = 200}, seed, loop);
  EXPECT_EQ(made.ended, Ended::failed);
  EXPECT_EQ(made.progress.groups.size(), 1U);
  EXPECT_LT(made.progress.next_run, 200U);
}

TEST(CampaignLoop, taken_up_again_comes_to_what_it_would_have_come_to_in_one_go) {
  const auto property = make_property("TwoBugs", two_bugs);
  Loop loop;
  loop.explore = true;
  const auto whole = run_loop(property, {.runs = 150}, seed, loop).progress;
  int told = 0;
  loop.on_group = [&](const Failure&) { ++told; };
  loop.from = run_loop(property, {.runs = 70}, seed, loop).progress;
  EXPECT_EQ(loop.from.next_run, 70U);
  for (const unsigned jobs : {1U, 2U}) {
    loop.jobs = jobs;
    const auto rest = run_loop(property, {.runs = 150}, seed, loop).progress;
    EXPECT_EQ(rest.next_run, whole.next_run);
    EXPECT_EQ(rest.steps, whole.steps);
    ASSERT_EQ(rest.groups.size(), whole.groups.size());
    for (std::size_t i = 0; i < whole.groups.size(); ++i) {
      EXPECT_EQ(rest.groups[i].count, whole.groups[i].count);
      EXPECT_EQ(rest.groups[i].first_run, whole.groups[i].first_run);
    }
  }
  EXPECT_EQ(told, 2) << "a group that is known is not told again";
}

TEST(CampaignLoop, ends_when_its_time_is_up) {
  for (const unsigned jobs : {1U, 2U}) {
    Loop loop;
    loop.jobs = jobs;
    loop.time = std::chrono::hours{1};
    const LoopResult made = run_loop(make_property("Time", last_writer_is_two), {.runs = 1}, seed, loop);
    EXPECT_NE(made.ended, Ended::out_of_time) << "runs were up first";
    const auto right = make_property("Time", [](World& w) {
      add_all(w, {1, 2, 3});
      w.run();
    });
    loop.time = std::chrono::milliseconds{500};
    const LoopResult timed = run_loop(right, {.runs = UINT64_MAX}, seed, loop);
    EXPECT_EQ(timed.ended, Ended::out_of_time);
    EXPECT_GE(timed.progress.next_run, 1U);
    EXPECT_EQ(timed.progress.steps, 3 * timed.progress.next_run);
  }
}

TEST(CampaignLoop, that_is_interrupted_counts_the_runs_that_it_has_made) {
  for (const unsigned jobs : {1U, 2U}) {
    std::uint64_t seen = 0;
    Loop loop;
    loop.jobs = jobs;
    loop.on_progress = [&](const testkit::Progress& progress) { seen = progress.next_run; };
    loop.is_interrupted = [&] { return seen >= 20; };
    const auto property = make_property("Interrupted", [](World& w) {
      add_all(w, {1, 2, 3});
      w.run();
    });
    const LoopResult made = run_loop(property, {.runs = UINT64_MAX}, seed, loop);
    EXPECT_EQ(made.ended, Ended::interrupted);
    EXPECT_GE(made.progress.next_run, 20U);
    EXPECT_EQ(made.progress.steps, 3 * made.progress.next_run);
  }
}

}  // namespace
}  // namespace orrery::testing
