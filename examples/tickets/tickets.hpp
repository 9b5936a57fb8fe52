// tickets.hpp: the box office as docs/tutorial.md leaves it: whoever has the seats decides who gets them.
#pragma once
#include <orrery/actor.hpp>

#include <array>

namespace tickets {

struct FreeSeats {
  using Reply = int;
};
struct Take {
  using Reply = bool;
  int seats;
};
struct Buy {
  using Reply = bool;
  int seats;
};

struct Hall {
  int free = 10;
  int handle(FreeSeats) { return free; }
  bool handle(Take m) {
    if (m.seats > free) return false;
    free -= m.seats;
    return true;
  }
};

struct Window {
  orrery::Ref<Hall> hall;
  bool handle(Buy m) { return hall.ask(Take{m.seats}, orrery::no_timeout).value_or(false); }
};

struct Theatre {
  orrery::Ref<Hall> hall;
  std::array<orrery::Ref<Window>, 2> window;
};

inline Theatre wire(orrery::Runtime& rt) {
  const orrery::Ref<Hall> hall = rt.spawn("hall", Hall{});
  return {hall, {rt.spawn("window#0", Window{hall}), rt.spawn("window#1", Window{hall})}};
}

}  // namespace tickets
