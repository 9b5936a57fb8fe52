// What no example can show: the flags of the model itself. What supervisors do is in examples/.
#include "tests/scenario/model.hpp"

#include "orrery/testkit/scenario/parse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace orrery::scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ModelRun run(const std::string& text) {
  const auto scenario = parse("scenario x\n" + text);
  if (!scenario) {
    ADD_FAILURE() << to_string(scenario.error());
    return {};
  }
  return run_model(*scenario, true);
}

// Goal:   O2, each thing that OTP leaves open or does by mistake is named, and its neighbour that is well defined is not.
TEST(Undefined, a_worker_that_needs_exactly_the_time_it_has) {
  const std::string text = "sup root parent=-\nwork a parent=root trap=1 shutdown=50 slow=";
  EXPECT_THAT(run(text + "50\nrun\nterminate root a\nend\n").undefined,
              ElementsAre("a#1 needs as long to stop as it may"));
  EXPECT_THAT(run(text + "49\nrun\nterminate root a\nend\n").undefined, IsEmpty());
  EXPECT_THAT(run(text + "51\nrun\nterminate root a\nend\n").undefined, IsEmpty());
  EXPECT_THAT(run(text + "50\nrun\nkill a\nend\n").undefined, IsEmpty()) << "nobody waits";
  EXPECT_THAT(run("sup root parent=-\nwork a parent=root shutdown=0\nrun\nterminate root a\nend\n").undefined,
              IsEmpty())
      << "without a handler the signal that came first decides";
}

TEST(Undefined, a_worker_that_never_stops) {
  const std::string worker = "sup root parent=-\nwork a parent=root trap=1 stubborn=1 shutdown=";
  EXPECT_THAT(run(worker + "infinity\nrun\nterminate root a\nend\n").undefined, ElementsAre("a#1 never stops"));
  EXPECT_THAT(run(worker + "infinity\nrun\nkill a\nend\n").undefined, IsEmpty());
  EXPECT_THAT(run(worker + "10\nrun\nterminate root a\nend\n").undefined, IsEmpty());
}

TEST(Undefined, an_instance_whose_restart_is_ignored) {
  const std::string text =
      "sup root parent=- strategy=simple_one_for_one\ntmpl t parent=root plan=oi\nrun\nspawn root\n";
  EXPECT_THAT(run(text + "exit t.1 crash\nend\n").undefined, ElementsAre("the instance t.1 ignores its restart"));
  EXPECT_THAT(run(text + "spawn root\nend\n").undefined, IsEmpty());
}

TEST(Undefined, a_count_after_a_restarting_instance_was_terminated) {
  const std::string text =
      "sup root parent=- strategy=simple_one_for_one\ntmpl t parent=root plan=oe\nrun\nspawn root\n"
      "batch root 2\nexit t.1 crash\nterminate root t.1\n";
  EXPECT_THAT(run(text + "end\n").undefined, IsEmpty());
  EXPECT_THAT(run(text + "count root\nend\n").undefined,
              ElementsAre("OTP counts instances wrongly that were terminated while restarting"));
}

TEST(Undefined, a_supervisor_and_its_child_that_run_out_of_time_together) {
  const std::string root = "sup root parent=-\nsup s parent=root shutdown=50\n";
  EXPECT_THAT(run(root + "work a parent=s trap=1 slow=50 shutdown=90\nrun\nterminate root s\nend\n").undefined,
              ElementsAre("a supervisor's time is over when its child's is"));
  EXPECT_THAT(run(root + "work a parent=s trap=1 slow=60 shutdown=90\nrun\nterminate root s\nend\n").undefined,
              IsEmpty());
  EXPECT_THAT(run("sup root parent=-\nsup s parent=root shutdown=0\nrun\nterminate root s\nend\n").undefined,
              ElementsAre("a supervisor needs as long to stop as it may"));
  EXPECT_THAT(
      run(root + "sup u parent=s\nwork a parent=u trap=1 slow=60 shutdown=90\nrun\nterminate root s\nend\n").undefined,
      ElementsAre("a supervisor is killed while its child supervisor stops"));
  EXPECT_THAT(run(root + "sup u parent=s strategy=simple_one_for_one\ntmpl t parent=u trap=1 slow=60\n"
                         "run\nspawn u\nterminate root u\nterminate root s\nend\n")
                  .undefined,
              ElementsAre("instances take longer than their supervisor may"));
}

TEST(Undefined, the_end_of_one_who_is_paused) {
  EXPECT_THAT(run("sup root parent=-\nsup s parent=root\nrun\nbatch s 1\nterminate root s\nend\n").undefined,
              ElementsAre("s#1 ends while it is paused"));
}

TEST(Undefined, restarts_without_end) {
  const ModelRun endless =
      run("sup root parent=- intensity=1000000000\nwork a parent=root plan=oe*\nrun\nkill a\nend\n");
  EXPECT_THAT(endless.undefined, ElementsAre("root#1 does not come to rest"));
}

TEST(Model, leaves_reports_out_when_asked_to) {
  const auto scenario = parse("scenario x\nsup root parent=-\nwork a parent=root\nrun\nexit a crash\nend\n");
  ASSERT_TRUE(scenario);
  EXPECT_THAT(model_trace(*scenario, true), HasSubstr("  rep root#1 child_terminated a crash\n"));
  EXPECT_THAT(model_trace(*scenario, false), Not(HasSubstr("rep")));
}

// Goal:   reports of orphans have no place among those of the living, so they come last, sorted.
TEST(Model, sorts_what_orphans_report) {
  const std::string text =
      "sup root parent=- intensity=9 period=3600\nsup s parent=root\n"
      "sup u parent=s\nwork a parent=u trap=1 exit=late\nsup v parent=s\nwork b parent=v trap=1 exit=late\n"
      "run\nkill s\nend\n";
  EXPECT_THAT(run(text).trace, HasSubstr("  orphans a#1=late b#1=late u#1=killed v#1=killed\n"
                                         "  rep root#1 child_terminated s killed\n"
                                         "  rep u#1 shutdown_error a late\n"
                                         "  rep v#1 shutdown_error b late\n"));
}

}  // namespace
}  // namespace orrery::scenario
