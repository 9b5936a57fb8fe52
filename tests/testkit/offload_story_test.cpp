// Goal:   a failure in offloaded work names whose work it was, and the story marks the step that it happened in.
#include "orrery/sim/run.hpp"
#include "orrery/testkit/assertions.hpp"
#include "orrery/testkit/story.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace orrery::testkit {
namespace {

struct Go {};

sim::Outcome run(const sim::Body& body) {
  sim::RunOptions options;
  options.faults = sim::FaultProfile::none;
  options.record_events = true;
  return run_once(body, [] { return std::make_unique<sim::Calm>(); }, options);
}

TEST(OffloadStory, a_failed_check_in_offloaded_work_names_the_actor_and_marks_the_step) {
  struct Loader {
    void handle(Go, Context& context) {
      context.offload([] { EXPECT_EQ(1, 2); });
    }
  };
  const auto outcome = run([](sim::World& world) {
    world.spawn("loader", Loader{})->tell(Go{});
    world.run();
  });
  ASSERT_TRUE(outcome.finding);
  EXPECT_EQ(outcome.finding->kind, sim::FindingKind::assertion_failed);
  EXPECT_TRUE(outcome.finding->detail.starts_with("in work that loader offloaded\n")) << outcome.finding->detail;
  const std::string steps = tell_steps(outcome, StoryLength::terminal, "");
  EXPECT_NE(steps.find(" X  2  loader"), std::string::npos) << steps;
  EXPECT_NE(steps.find("offloaded work"), std::string::npos) << steps;
  EXPECT_NE(steps.find("offload_story_test.cpp:"), std::string::npos) << steps;
}

TEST(OffloadStory, work_that_throws_is_told_to_have_thrown) {
  struct Loader {
    void handle(Go, Context& context) {
      context.offload([] { throw std::runtime_error{"disk"}; });
    }
  };
  const auto outcome = run([](sim::World& world) {
    world.spawn("loader", Loader{})->tell(Go{});
    world.run();
  });
  EXPECT_FALSE(outcome.finding);
  const std::string steps = tell_steps(outcome, StoryLength::terminal, "");
  EXPECT_NE(steps.find("offloaded work threw"), std::string::npos) << steps;
  EXPECT_NE(steps.find("ends: failed: disk"), std::string::npos) << steps;
}

}  // namespace
}  // namespace orrery::testkit
