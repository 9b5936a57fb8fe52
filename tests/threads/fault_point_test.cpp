// Goal:   fault points also go wrong under real threads, when the options ask for it; else never.
#include "orrery/system.hpp"

#include <gtest/gtest.h>

#include <string>

namespace orrery::testing {
namespace {

struct Write {
  using Reply = int;
};
/// Tries ten thousand writes. Returns: how many were refused.
struct Disk {
  std::string name;
  int handle(Write, Context& context) {
    int refused = 0;
    for (int i = 0; i < 10'000; ++i) refused += context.fault_point(name) ? 1 : 0;
    return refused;
  }
};

int refused_in(SystemOptions options, const std::string& name = "disk full") {
  System system{options};
  return system.spawn(Disk{name}).ask(Write{}).value();
}

TEST(FaultPoint, never_goes_wrong_in_production_unless_it_is_asked_for) { EXPECT_EQ(refused_in({}), 0); }

TEST(FaultPoint, goes_wrong_as_often_as_the_options_say_and_is_counted) {
  SystemOptions options;
  options.runtime.fault_points = {.one_in = 10, .active_one_in = 1, .seed = 7};
  System system{options};
  const int refused = system.spawn(Disk{"disk full"}).ask(Write{}).value();
  // Ten thousand draws of one in ten: 1,000, with a deviation of 30. The draws follow from the seed.
  EXPECT_GT(refused, 850);
  EXPECT_LT(refused, 1'150);
  EXPECT_EQ(refused_in(options), refused) << "one thread passes it, so that the seed decides all";
  options.runtime.fault_points.seed = 8;
  EXPECT_NE(refused_in(options), refused);
}

TEST(FaultPoint, is_active_by_its_name_as_often_as_the_options_say) {
  SystemOptions options;
  options.runtime.fault_points = {.one_in = 1, .active_one_in = 4, .seed = 7};
  int active = 0;
  for (int i = 0; i < 40; ++i) {
    const int refused = refused_in(options, "point " + std::to_string(i));
    EXPECT_TRUE(refused == 0 || refused == 10'000) << refused;
    active += refused != 0 ? 1 : 0;
  }
  EXPECT_GT(active, 2);
  EXPECT_LT(active, 22);
}

}  // namespace
}  // namespace orrery::testing
