// main.cpp: the same box office on real threads.
#include "tickets.hpp"

#include <fmt/core.h>

#include <orrery/system.hpp>

int main(int argc, char** argv) {
  orrery::System system{argc, argv};
  const tickets::Theatre theatre = tickets::wire(system);
  const bool first = theatre.window[0].ask(tickets::Buy{7}).value_or(false);
  const bool second = theatre.window[1].ask(tickets::Buy{7}).value_or(false);
  fmt::print("first: {}, second: {}, free: {}\n", first, second, theatre.hall.ask(tickets::FreeSeats{}).value_or(-1));
}
