// Campaigns by worker processes: what they find does not depend on how many there are, nor on who dies.
#include "orrery/testkit/workers.hpp"

#include "orrery/testkit/loop.hpp"
#include "orrery/testkit/story.hpp"
#include "tests/testkit/little_properties.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

namespace orrery::testing {
namespace {

using sim::FindingKind;
using testkit::Ended;
using testkit::Loop;
using testkit::LoopResult;
using testkit::run_loop;
using testkit::RunNote;
using testkit::Workers;

using Amounts = std::vector<std::uint32_t>;

/// Something to add up that depends on the run.
void adds(World& w, const Amounts& amounts) {
  const auto adder = add_all(w, amounts);
  w.sometimes("one message", [&, adder] { return w.peek(adder).messages == 1; });
  w.sometimes("a hundred", [&, adder] { return w.peek(adder).messages == 100; });
  w.run();
  w.run_for(1ms);
}

LoopResult with_jobs(const Property& property, unsigned jobs, std::uint64_t runs = 300, bool explore = false) {
  Loop loop;
  loop.jobs = jobs;
  loop.isolate = explore;
  loop.explore = explore;
  return run_loop(property, {.runs = runs}, seed, loop);
}

void expect_same(const LoopResult& one, const LoopResult& other) {
  EXPECT_EQ(one.ended, other.ended);
  EXPECT_EQ(one.progress.next_run, other.progress.next_run);
  EXPECT_EQ(one.progress.steps, other.progress.steps);
  EXPECT_EQ(one.progress.virtual_time, other.progress.virtual_time);
  EXPECT_EQ(one.progress.sometimes, other.progress.sometimes);
  ASSERT_EQ(one.failure.has_value(), other.failure.has_value());
  if (!one.failure) return;
  EXPECT_EQ(testkit::to_text(one.failure->record), testkit::to_text(other.failure->record));
  EXPECT_EQ(testkit::tell_story(*one.failure, {}, testkit::StoryLength::whole),
            testkit::tell_story(*other.failure, {}, testkit::StoryLength::whole));
}

TEST(WorkerProcesses, add_up_the_same_sums_whatever_their_number) {
  const auto property = make_property("Sums", adds);
  const LoopResult alone = with_jobs(property, 1);
  EXPECT_EQ(alone.progress.next_run, 300U);
  EXPECT_GT(alone.progress.steps, 1'000U);
  for (const unsigned jobs : {2U, 4U, 7U}) expect_same(alone, with_jobs(property, jobs));
}

TEST(WorkerProcesses, report_the_failure_of_the_lowest_run_whatever_their_number) {
  // Late runs are quick to fail here, and early ones take long.
  const auto property = make_property("Lowest", [](World& w, const Amounts& amounts) {
    const auto adder = add_all(w, amounts);
    for (int i = 0; amounts.size() < 10 && i < 200; ++i) adder.tell(Add{1});
    w.run();
    EXPECT_LT(amounts.size(), 9U);
  });
  const LoopResult alone = with_jobs(property, 1);
  ASSERT_TRUE(alone.failure);
  for (const unsigned jobs : {2U, 4U}) expect_same(alone, with_jobs(property, jobs));
}

TEST(WorkerProcesses, keep_static_variables_from_each_other_and_tell_when_a_run_depends_on_earlier_ones) {
  // More than whoever looks into the failure makes for it: the runs that are learned from, and the failing one again.
  static constexpr std::uint64_t few = sim::calibration_runs + 50;
  static std::uint64_t runs_before = 0;
  const auto property = make_property("Static", [](World& w) {
    w.spawn(Adder{}).tell(Add{1});
    w.run();
    EXPECT_LT(++runs_before, few);
  });
  const LoopResult made = with_jobs(property, 2);
  EXPECT_EQ(runs_before, 0U);
  ASSERT_TRUE(made.failure);
  EXPECT_EQ(made.failure->finding.kind, FindingKind::non_determinism);
}

/// Run 40 and all other long ones crash.
void crashes_when_long(World& w, const Amounts& amounts) {
  struct Crasher {
    void handle(Add m) {
      if (m.amount == 77) raise(SIGSEGV);
    }
  };
  const auto crasher = w.spawn("crasher", Crasher{}).value();
  for (std::size_t i = 0; i < amounts.size(); ++i) crasher.tell(Add{i == 7 ? 77U : 1U});
  w.run();
}

TEST(WorkerProcesses, make_a_crash_a_finding_with_a_token_and_the_way_there) {
  const auto property = make_property("Crash", crashes_when_long);
  const LoopResult two = with_jobs(property, 2);
  ASSERT_TRUE(two.failure);
  EXPECT_EQ(two.failure->finding.kind, FindingKind::crash);
  EXPECT_EQ(two.failure->finding.name, "SIGSEGV in crasher, handling Add");
  EXPECT_NE(two.failure->finding.detail.find("handling Add{amount=77}, step 8"), std::string::npos)
      << two.failure->finding.detail;
  EXPECT_GE(two.failure->input.size(), 8U * 3);
  EXPECT_EQ(two.failure->record.token.run, two.failure->run);
  const std::string story = testkit::tell_story(
      *two.failure, {.token = "t", .command = "c", .record_path = {}, .report_path = {}, .picture_path = {}});
  EXPECT_TRUE(story.starts_with("CRASH  \"SIGSEGV in crasher, handling Add\"\n")) << story;
  EXPECT_NE(story.find("Add{amount=77}"), std::string::npos) << story;
  expect_same(two, with_jobs(property, 4));
}

TEST(WorkerProcesses, go_on_after_a_crash_when_exploring) {
  const LoopResult made = with_jobs(make_property("Crash", crashes_when_long), 3, 100, true);
  EXPECT_EQ(made.progress.next_run, 100U);
  EXPECT_EQ(made.ended, Ended::all_made);
  ASSERT_EQ(made.progress.groups.size(), 1U);
  EXPECT_GT(made.progress.groups[0].count, 3U);
  EXPECT_LT(made.progress.groups[0].count, 60U) << "runs that learn from one that crashes are told to crash";
  expect_same(made, with_jobs(make_property("Crash", crashes_when_long), 1, 100, true));
}

TEST(WorkerProcesses, take_an_exit_in_the_middle_of_a_run_for_a_crash) {
  const auto property = make_property("Exits", [](World& w) {
    w.run();
    _exit(3);
  });
  const LoopResult made = with_jobs(property, 2);
  ASSERT_TRUE(made.failure);
  EXPECT_EQ(made.failure->finding.kind, FindingKind::crash);
  EXPECT_EQ(made.failure->finding.name, "exit code 3");
  EXPECT_EQ(made.failure->run, 0U);
}

TEST(WorkerProcesses, say_of_a_run_that_crashes_once_that_it_does_not_crash_alone) {
  static int runs = 0;
  const auto property = make_property("Once", [](World& w) {
    w.run();
    if (++runs == 20) abort();
  });
  const LoopResult made = with_jobs(property, 2);
  ASSERT_TRUE(made.failure);
  EXPECT_EQ(made.failure->finding.name, "SIGABRT in the body of the test");
  EXPECT_TRUE(made.failure->finding.detail.starts_with("made again alone it does not crash"));
}

TEST(WorkerProcesses, survive_a_crash_while_their_finding_is_shrunk) {
  // The long inputs fail; a shorter one, which shrinking tries, crashes.
  const auto property = make_property("Shrinks", [](World& w, const Amounts& amounts) {
    w.run();
    if (amounts.size() == 10 && amounts.back() == 0) abort();
    EXPECT_LT(amounts.size(), 10U);
  });
  const LoopResult made = with_jobs(property, 2);
  ASSERT_TRUE(made.failure);
  EXPECT_EQ(made.failure->finding.kind, FindingKind::assertion_failed);
  EXPECT_NE(made.failure->finding.detail.find("not shrunk"), std::string::npos) << made.failure->finding.detail;
}

/// A maker that is a function.
template <class F>
struct Maker final : testkit::NoteMaker {
  explicit Maker(F function) : make_note{std::move(function)} {}
  RunNote make(std::uint64_t run, std::atomic<std::uint64_t>&) override { return make_note(run); }
  F make_note;
};

/// Notes that tell what the worker did.
RunNote plain_note(std::uint64_t run) {
  usleep(200);
  RunNote note;
  note.run = run;
  note.steps = run * run;
  return note;
}

TEST(WorkerProcesses, deliver_every_run_once_and_in_order_though_they_are_killed_again_and_again) {
  Maker maker{plain_note};
  Workers workers{3, maker, 5, 2'000};
  std::uint64_t expected = 5;
  int kills = 0;
  while (const auto note = workers.next()) {
    ASSERT_EQ(note->run, expected);
    ASSERT_EQ(note->steps, expected * expected);
    ASSERT_FALSE(note->finding) << note->finding->name << " in run " << note->run;
    ++expected;
    if (expected % 50 != 0) continue;
    const auto processes = workers.processes();
    if (!processes.empty()) kill(processes[expected / 50 % processes.size()], SIGKILL);
    ++kills;
  }
  EXPECT_EQ(expected, 2'000U);
  EXPECT_GT(kills, 20);
}

TEST(WorkerProcesses, that_are_killed_twice_in_one_run_make_it_a_finding) {
  const auto note = [](std::uint64_t run) {
    if (run == 7) kill(getpid(), SIGKILL);
    return plain_note(run);
  };
  Maker maker{note};
  Workers workers{2, maker, 0, 20};
  std::uint64_t expected = 0;
  while (const auto made = workers.next()) {
    ASSERT_EQ(made->run, expected++);
    EXPECT_EQ(made->finding.has_value(), made->run == 7);
    if (made->finding) {
      EXPECT_EQ(made->finding->kind, FindingKind::crash);
      EXPECT_EQ(made->finding->name, "SIGKILL");
    }
  }
  EXPECT_EQ(expected, 20U);
}

TEST(WorkerProcesses, deliver_what_was_begun_when_they_are_stopped_without_a_gap) {
  Maker maker{plain_note};
  Workers workers{4, maker, 0, UINT64_MAX};
  std::uint64_t expected = 0;
  while (const auto note = workers.next()) {
    ASSERT_EQ(note->run, expected++);
    if (expected == 100) workers.stop();
  }
  EXPECT_GE(expected, 100U);
  EXPECT_LT(expected, 100'000U);
}

TEST(WorkerProcesses, hand_over_notes_that_are_longer_than_their_ring) {
  const auto note = [](std::uint64_t run) {
    RunNote made = plain_note(run);
    made.differs = std::string(1'000'000, static_cast<char>('a' + run));
    return made;
  };
  Maker maker{note};
  Workers workers{2, maker, 0, 6};
  std::uint64_t expected = 0;
  while (const auto made = workers.next()) {
    EXPECT_EQ(made->differs, std::string(1'000'000, static_cast<char>('a' + expected)));
    ++expected;
  }
  EXPECT_EQ(expected, 6U);
}

TEST(WorkerProcesses, are_gone_when_their_owner_is) {
  std::vector<pid_t> processes;
  {
    Maker maker{plain_note};
    Workers workers{3, maker, 0, UINT64_MAX};
    processes = workers.processes();
    ASSERT_EQ(processes.size(), 3U);
  }
  for (const pid_t process : processes) EXPECT_EQ(kill(process, 0), -1);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST(WorkerProcesses, of_an_empty_campaign_do_nothing) {
  Maker maker{plain_note};
  Workers workers{2, maker, 9, 9};
  EXPECT_FALSE(workers.next());
}

}  // namespace
}  // namespace orrery::testing
