// careless_test.cpp: the property that finds the careless box office out; it is meant to fail.
#include "careless_tickets.hpp"

#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <cstdint>
#include <vector>

namespace careless {

struct Visitor {
  std::uint8_t window;
  std::uint8_t seats;
};

TEST(Careless, NoSeatIsSoldTwice) {
  orrery::sim::check([](orrery::sim::World& w, const std::vector<Visitor>& visitors) {
    const Theatre theatre = wire(w);
    w.always("no seat is sold twice", [&] { return w.peek(theatre.hall).free >= 0; });
    for (const Visitor& visitor : visitors) {
      theatre.window[visitor.window % 2].tell(Buy{visitor.seats % 10}, orrery::ignore_reply);
    }
    w.run();
  });
}

}  // namespace careless
