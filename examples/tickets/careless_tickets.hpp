// careless_tickets.hpp: a box office that is wrong on purpose: its windows look, and then they take (docs/tutorial.md).
#pragma once
#include <orrery/actor.hpp>

#include <array>

namespace careless {

struct FreeSeats {
  using Reply = int;
};
struct Take {
  using Reply = int;  ///< what is left
  int seats;
};
struct Buy {
  using Reply = bool;
  int seats;
};

struct Hall {
  int free = 10;
  int handle(FreeSeats) { return free; }
  int handle(Take m) { return free -= m.seats; }
};

struct Window {
  orrery::Ref<Hall> hall;
  bool handle(Buy m) {
    const auto free = hall.ask(FreeSeats{}, orrery::no_timeout);
    if (!free || *free < m.seats) return false;
    return hall.ask(Take{m.seats}, orrery::no_timeout).has_value();
  }
};

struct Theatre {
  orrery::Ref<Hall> hall;
  std::array<orrery::Ref<Window>, 2> window;
};

inline Theatre wire(orrery::Runtime& rt) {
  const orrery::Ref<Hall> hall = rt.spawn("hall", Hall{});
  return {hall, {rt.spawn("window#0", Window{hall}), rt.spawn("window#1", Window{hall})}};
}

}  // namespace careless
