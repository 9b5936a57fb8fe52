// Crashes are shrunk as other findings are, each run in a process of its own.
#include "orrery/testkit/loop.hpp"
#include "orrery/testkit/modes.hpp"
#include "orrery/testkit/shrink.hpp"
#include "orrery/testkit/workers.hpp"
#include "tests/testkit/little_properties.hpp"

#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

namespace orrery::testing {
namespace {

using sim::FindingKind;
using testkit::Loop;
using testkit::run_loop;

using Amounts = std::vector<std::uint32_t>;

struct Mark {
  int who;
};
/// Dies of three marks in one order of the six.
struct Fragile {
  std::array<int, 3> last{};
  void handle(Mark m) {
    last = {last[1], last[2], m.who};
    if (last == std::array{3, 1, 2}) abort();
  }
};
struct Marker {
  Ref<Fragile> there;
  int id;
  void handle(Go) { there.tell(Mark{id}); }
};

/// The input has nothing to do with it.
void aborts_after_one_order(World& w, const Amounts& amounts) {
  const Ref<Fragile> fragile = w.spawn("fragile", Fragile{});
  std::vector<Ref<Marker>> markers;
  for (int id = 1; id <= 3; ++id) markers.push_back(w.spawn("marker" + std::to_string(id), Marker{fragile, id}));
  (void)add_all(w, amounts);
  for (const Ref<Marker>& marker : markers) marker.tell(Go{});
  w.run();
}

Failure crash_of(const Property& property, unsigned jobs = 2) {
  Loop loop;
  loop.jobs = jobs;
  auto made = run_loop(property, {.runs = 2'000}, seed, loop);
  if (!made.failure) throw std::runtime_error{property.name + " holds, but should not"};
  return std::move(*made.failure);
}

TEST(ShrunkCrash, keeps_only_the_three_messages_whose_order_it_takes) {
  const Failure failure = crash_of(make_property("Order", aborts_after_one_order));
  EXPECT_EQ(failure.finding.kind, FindingKind::crash);
  EXPECT_EQ(failure.finding.name, "SIGABRT in fragile, handling Mark");
  EXPECT_EQ(failure.input, "[]");
  EXPECT_EQ(failure.outcome.steps, 6U) << "three are told to go, three marks arrive";
  EXPECT_GT(failure.shrink_runs, 0U);
  EXPECT_GT(failure.shrink_steps, 0U);
  EXPECT_EQ(failure.record.deviations.held.size(), 2U) << "1 after 3, and 2 after 1";
  std::string order;
  for (const sim::Event& event : failure.outcome.events) {
    if (event.message.starts_with("Mark{") && event.kind == sim::EventKind::take) order += event.from + " ";
  }
  EXPECT_EQ(order, "marker3 marker1 marker2 ");
}

TEST(ShrunkCrash, is_made_again_from_its_record) {
  const auto property = make_property("Order", aborts_after_one_order);
  const Failure failure = crash_of(property);
  std::string input;
  const sim::Outcome again =
      testkit::replay_record(property, {}, failure.record, input, sim::Replay::Mode::strict, testkit::execute_apart);
  EXPECT_FALSE(again.divergence);
  EXPECT_TRUE(testkit::is_same(again, failure.outcome));
  EXPECT_EQ(again.trace_hash, failure.record.trace_hash);
  EXPECT_EQ(input, failure.input);
  std::string why;
  const auto further = testkit::shrink_further(property, {}, failure.record, [] { return true; }, why);
  ASSERT_TRUE(further) << why;
  EXPECT_EQ(further->outcome.steps, 6U);
}

TEST(ShrunkCrash, does_not_depend_on_the_number_of_workers) {
  const auto property = make_property("Order", aborts_after_one_order);
  EXPECT_EQ(testkit::to_text(crash_of(property, 2).record), testkit::to_text(crash_of(property, 4).record));
}

TEST(ShrunkCrash, is_still_the_one_that_was_found) {
  // Three amounts and more crash one way; what is simpler crashes in two others.
  const auto property = make_property("Others", [](World& w, const Amounts& amounts) {
    struct Counter {
      std::size_t left;
      void handle(Add) {
        if (--left == 0) abort();
      }
    };
    w.run();
    if (amounts.empty()) return;
    if (amounts.size() == 1) raise(SIGFPE);
    EXPECT_NE(amounts.size(), 2U);
    const auto counter = w.spawn("counter", Counter{3}).value();
    for (const std::uint32_t amount : amounts) counter.tell(Add{amount});
    w.run();
  });
  testkit::CheckOptions options;
  for (std::uint64_t run = 0;; ++run) {
    ASSERT_LT(run, 200U);
    if (property.make_input(testkit::origin_of_run(seed, run, options.commands_max))->describe().size() < 60) continue;
    testkit::Runs runs{property, options, seed};
    for (std::uint64_t first = 0; first < sim::calibration_runs; ++first) runs.leave_out(first);
    testkit::RunNote note;
    note.run = run;
    note.finding = {.kind = FindingKind::crash, .name = "SIGABRT in counter, handling Add", .detail = {}, .file = {}};
    const Failure failure = testkit::investigate_crash(property, options, seed, runs, note);
    EXPECT_EQ(failure.finding.name, "SIGABRT in counter, handling Add");
    EXPECT_EQ(failure.outcome.steps, 3U);
    EXPECT_EQ(failure.input, "[0, 0, 0]");
    return;
  }
}

TEST(ShrunkCrash, that_differs_from_time_to_time_is_told_as_it_was_found) {
  const auto property = make_property("Differs", [](World& w) {
    // Two processes of one parent have different ids, which nobody else looks at.
    w.spawn("adder", Adder{}).value().tell(Add{static_cast<std::uint32_t>(getpid())});
    w.run();
    abort();
  });
  const Failure failure = crash_of(property);
  EXPECT_EQ(failure.finding.kind, FindingKind::crash);
  EXPECT_NE(failure.finding.detail.find("\nnot shrunk: "), std::string::npos) << failure.finding.detail;
  EXPECT_EQ(failure.outcome.steps, 1U);
}

TEST(RunInAProcess, comes_to_what_it_comes_to_here) {
  const auto property = make_property("Writers", last_writer_is_two);
  const Failure failure = failure_of(property);
  const auto input = property.make_input(failure.record.origin);
  sim::RunOptions options;
  options.record_events = true;
  const auto replay = [&] {
    return std::make_unique<sim::Replay>(failure.record.decisions, sim::Replay::Mode::strict);
  };
  options.grain = failure.record.grain;
  const auto here = testkit::execute_here(property, *input, replay, options, true);
  const auto apart = testkit::execute_apart(property, *input, replay, options, true);
  EXPECT_TRUE(testkit::is_same(here.outcome, apart.outcome));
  EXPECT_EQ(here.outcome.events.size(), apart.outcome.events.size());
  EXPECT_EQ(here.notes.deviations, apart.notes.deviations);
  EXPECT_EQ(here.notes.order.size(), apart.notes.order.size());
  EXPECT_EQ(here.notes.hurried, apart.notes.hurried);
  EXPECT_EQ(here.notes.switches, apart.notes.switches);
  ASSERT_EQ(here.notes.labels.size(), apart.notes.labels.size());
  ASSERT_FALSE(here.notes.labels.empty());
  EXPECT_EQ(here.notes.labels[0].first.agent, apart.notes.labels[0].first.agent);
}

TEST(Shrinking, is_over_when_its_time_is_up) {
  const auto property = make_property("Writers", last_writer_is_two);
  const Failure failure = failure_of(property);
  testkit::CheckOptions options;
  options.run.grain = failure.record.grain;
  const auto shrunk =
      testkit::shrink(property, options, failure.record.origin, property.make_input(failure.record.origin),
                      failure.outcome, {.until = std::chrono::steady_clock::now()});
  EXPECT_EQ(shrunk.runs, 0U);
  EXPECT_FALSE(shrunk.unstable);
  EXPECT_EQ(shrunk.outcome.trace_hash, failure.outcome.trace_hash);
}

}  // namespace
}  // namespace orrery::testing
