// check_then_act_test.cpp: a desk looks whether a room is free, and then takes it. Between the two acts another desk may do the same.
#include <gtest/gtest.h>

#include <orrery/test.hpp>

namespace {

struct FreeRooms {
  using Reply = int;
};
struct TakeRoom {
  using Reply = bool;
};
struct Arrive {};

struct TrustingHotel {
  int free = 1;
  int handle(FreeRooms) { return free; }
  bool handle(TakeRoom) {
    --free;
    return true;
  }
};
struct LookingDesk {
  orrery::Ref<TrustingHotel> hotel;
  void handle(Arrive) {
    if (hotel.ask(FreeRooms{}, orrery::no_timeout).value_or(0) == 0) return;
    (void)hotel.ask(TakeRoom{}, orrery::no_timeout);
  }
};

// Who has the rooms also decides: check and act are one handler.
struct Hotel {
  int free = 1;
  bool handle(TakeRoom) {
    if (free == 0) return false;
    --free;
    return true;
  }
};
struct Desk {
  orrery::Ref<Hotel> hotel;
  void handle(Arrive) { (void)hotel.ask(TakeRoom{}, orrery::no_timeout); }
};

template <class HotelType, class DeskType>
void no_room_is_taken_twice(orrery::sim::World& w) {
  const orrery::Ref<HotelType> hotel = w.spawn("hotel", HotelType{});
  w.always("no room is taken twice", [&] { return w.peek(hotel).free >= 0; });
  for (const char* name : {"desk#0", "desk#1"}) w.spawn(name, DeskType{hotel})->tell(Arrive{});
  w.run();
}

TEST(CheckThenAct, Wrong) { orrery::sim::check(no_room_is_taken_twice<TrustingHotel, LookingDesk>); }
TEST(CheckThenAct, Mended) { orrery::sim::check(no_room_is_taken_twice<Hotel, Desk>); }

}  // namespace
