// told_test.cpp: what visitors are told is what the hall has done; it is meant to fail, since a deadline is no answer.
#include "tickets.hpp"

#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <chrono>

namespace tickets {

using namespace std::chrono_literals;

struct HastyWindow {
  orrery::Ref<Hall> hall;
  bool handle(Buy m) { return hall.ask(Take{m.seats}, 1s).value_or(false); }
};

TEST(Told, WhoWasToldNoHasNoSeats) {
  orrery::sim::check([](orrery::sim::World& w) {
    const orrery::Ref<Hall> hall = w.spawn("hall", Hall{});
    const orrery::Ref<HastyWindow> window = w.spawn("window", HastyWindow{hall});
    const bool sold = window.ask(Buy{4}, orrery::no_timeout).value();
    w.run();
    EXPECT_EQ(w.peek(hall).free, sold ? 6 : 10);
  });
}

}  // namespace tickets
