// A message that a fault has lost in a run that holds is told, once for all that are alike.
#include "little_properties.hpp"

#include "orrery/testkit/loop.hpp"
#include "orrery/testkit/report.hpp"
#include "orrery/testkit/state.hpp"
#include "orrery/testkit/wire.hpp"

namespace orrery::testing {
namespace {

using testkit::LostKind;
using testkit::Progress;

/// Sends what it is told to, and does not look whether it has arrived.
struct Careless {
  Ref<Adder> to;
  void handle(Go) { (void)to.tell(Add{7}); }
};
/// Sends it again until it has arrived.
struct Careful {
  Ref<Adder> to;
  void handle(Go) {
    while (!to.tell(Add{7})) {
    }
  }
};

template <class Sender>
Property senders() {
  return make_property("Lost", [](World& w) {
    const Ref<Adder> adder = w.spawn("adder", Adder{}, {.mailbox = bounded(16)}).value();
    for (const char* const name : {"sender#0", "sender#1"}) w.spawn(name, Sender{adder}).value().tell(Go{});
    w.run();
  });
}

CheckOptions refusals_only(std::uint64_t runs = 60) {
  CheckOptions options;
  options.runs = runs;
  options.run.faults = sim::FaultProfile::heavy;
  options.run.stalls_max = options.run.crashes_max = options.run.allocations_max = options.run.slows_max = 0;
  return options;
}

Progress progress_of(const Property& property, const CheckOptions& options, unsigned jobs = 1) {
  testkit::Loop loop;
  loop.jobs = jobs;
  auto result = testkit::run_loop(property, options, seed, loop);
  EXPECT_FALSE(result.failure);
  return std::move(result.progress);
}

TEST(LostMessage, refused_and_not_sent_again_is_told_once_for_all_its_kind) {
  const Progress progress = progress_of(senders<Careless>(), refusals_only());
  ASSERT_EQ(progress.lost.size(), 1U);
  const LostKind& lost = progress.lost[0];
  EXPECT_EQ(lost.first.type, "Add");
  EXPECT_EQ(lost.first.text, "Add{amount=7}");
  EXPECT_TRUE(lost.first.from.starts_with("sender#")) << lost.first.from;
  EXPECT_EQ(lost.first.to, "adder");
  EXPECT_EQ(lost.first.fault, "refusal");
  EXPECT_GE(lost.count, lost.runs);
  EXPECT_LT(lost.runs, progress.next_run);
  ASSERT_EQ(progress.faults.size(), 1U);
  EXPECT_EQ(lost.count, progress.faults[0].fired);
}

TEST(LostMessage, sent_again_is_not_lost) {
  const Progress progress = progress_of(senders<Careful>(), refusals_only());
  ASSERT_EQ(progress.faults.size(), 1U);
  EXPECT_GT(progress.faults[0].fired, 0U);
  EXPECT_TRUE(progress.lost.empty());
}

TEST(LostMessage, of_a_run_without_faults_there_is_none) {
  CheckOptions options = refusals_only(20);
  options.run.faults = sim::FaultProfile::none;
  EXPECT_TRUE(progress_of(senders<Careless>(), options).lost.empty());
}

TEST(LostMessage, crash_loses_what_is_handled_and_the_mail_that_goes_with_the_actor) {
  const auto property = make_property("Crash", [](World& w) {
    const Ref<Adder> adder = w.spawn("adder", Adder{}).value();
    for (std::uint32_t i = 1; i <= 3; ++i) adder.tell(Add{i});
    w.run();
  });
  CheckOptions options = refusals_only();
  options.run.refusals_max = 0;
  options.run.crashes_max = 1;
  options.run.crash_reach = 3;
  const Progress progress = progress_of(property, options);
  ASSERT_EQ(progress.lost.size(), 1U);
  EXPECT_EQ(progress.lost[0].first.fault, "crash");
  ASSERT_EQ(progress.faults.size(), 1U);
  // At the first message all three are lost, at the last only that.
  EXPECT_GT(progress.lost[0].count, progress.faults[0].fired);
  EXPECT_LT(progress.lost[0].count, 3 * progress.faults[0].fired);
  EXPECT_EQ(progress.lost[0].runs, progress.faults[0].fired);
}

TEST(LostMessage, of_a_run_that_fails_is_not_told) {
  const auto property = make_property("Fails", [](World& w) {
    const Ref<Adder> adder = w.spawn("adder", Adder{}, {.mailbox = bounded(16)}).value();
    w.spawn("sender", Careless{adder}).value().tell(Go{});
    w.run();
    EXPECT_EQ(w.peek(adder).sum, 7U);
  });
  auto result = testkit::run_loop(property, refusals_only(), seed, {});
  EXPECT_TRUE(result.failure);
  EXPECT_TRUE(result.progress.lost.empty());
}

TEST(LostMessage, is_counted_the_same_by_any_number_of_workers) {
  const auto text_of = [](unsigned jobs) {
    return testkit::to_text({.test = "Lost",
                             .seed = seed,
                             .options = "",
                             .progress = progress_of(senders<Careless>(), refusals_only(), jobs)});
  };
  const std::string by_one = text_of(1);
  EXPECT_NE(by_one.find(R"("lost":"Add")"), std::string::npos) << by_one;
  EXPECT_EQ(text_of(3), by_one);
}

TEST(LostMessage, stands_in_the_state_of_a_campaign_and_is_read_again) {
  const Progress progress = progress_of(senders<Careless>(), refusals_only());
  const std::string text = testkit::to_text({.test = "Lost", .seed = seed, .options = "", .progress = progress});
  const auto read = testkit::parse_state(text);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(to_text(*read), text);
  ASSERT_EQ(read->progress.lost.size(), 1U);
  EXPECT_EQ(read->progress.lost[0].first, progress.lost[0].first);
}

TEST(LostMessage, is_said_as_a_warning_when_the_campaign_holds) {
  const testkit::LoopResult result{
      .progress = progress_of(senders<Careless>(), refusals_only()), .ended = testkit::Ended::all_made, .failure = {}};
  ::testing::internal::CaptureStdout();
  testkit::report_held("Lost", result, std::source_location::current());
  const std::string said = ::testing::internal::GetCapturedStdout();
  EXPECT_NE(said.find("LOST MESSAGE     Add{amount=7} sender#"), std::string::npos) << said;
  EXPECT_NE(said.find(" -> adder, dropped by fault \"refusal\" at t="), std::string::npos) << said;
  EXPECT_NE(said.find(" of 60 runs (warning)\n"), std::string::npos) << said;
}

}  // namespace
}  // namespace orrery::testing
