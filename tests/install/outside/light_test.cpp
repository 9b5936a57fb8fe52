// light_test.cpp: a project that knows an installed Orrery and nothing of its repository.
#include <gtest/gtest.h>

#include <orrery/test.hpp>

#include <vector>

namespace {

struct Press {};
struct IsOn {
  using Reply = bool;
};

struct Light {
  bool on = false;
  void handle(Press) { on = !on; }
  bool handle(IsOn) { return on; }
};

TEST(Light, IsOnAfterAnOddNumberOfPresses) {
  orrery::sim::check([](orrery::sim::World& w, const std::vector<bool>& presses) {
    const auto light = w.spawn("light", Light{});
    for (std::size_t i = 0; i < presses.size(); ++i) light.tell(Press{});
    w.run();
    EXPECT_EQ(w.peek(light).on, presses.size() % 2 == 1);
  });
}

TEST(Light, AnswersInVirtualTime) {
  orrery::sim::check([](orrery::sim::World& w) {
    const auto light = w.spawn("light", Light{});
    light.tell(Press{});
    EXPECT_EQ(light.ask(IsOn{}, orrery::no_timeout).value(), true);
  });
}

}  // namespace
