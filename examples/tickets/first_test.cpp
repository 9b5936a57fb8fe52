// first_test.cpp: one actor and one message, in a simulated world (docs/tutorial.md).
#include <gtest/gtest.h>

#include <orrery/test.hpp>

struct FreeSeats {
  using Reply = int;
};

struct Hall {
  int free = 10;
  int handle(FreeSeats) { return free; }
};

TEST(First, AHallSaysHowManySeatsAreFree) {
  orrery::sim::check([](orrery::sim::World& w) {
    const orrery::Ref<Hall> hall = w.spawn("hall", Hall{});
    EXPECT_EQ(hall.ask(FreeSeats{}, orrery::no_timeout), 10);
  });
}
