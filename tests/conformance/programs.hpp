// programs.hpp: small actor programs whose outcome is a text, to be run in either world.
// Why:  what both worlds promise is one body of code run in two arms; and the simulator is sound only if no outcome that
//       threads can produce is missing from what its exhaustive search gives.
// How:  a program builds its actors on a Runtime, waits until everything is at rest, asks the actors what they saw, and
//       returns that as a text. It must end in finitely many steps under every schedule.
#pragma once
#include <orrery/actor.hpp>

#include <functional>
#include <string>
#include <vector>

namespace conformance {

/// Waits until the world is at rest: run() in a simulation, await_quiescence() on threads.
using Settle = std::function<void()>;

struct Program {
  const char* name;
  std::string (*run)(orrery::Runtime& runtime, const Settle& settle);
  /// How many distinct outcomes the exhaustive search must find; what is known by counting on paper, 0 if not.
  std::size_t outcomes_known;
};

[[nodiscard]] const std::vector<Program>& programs();
/// Those of forwarding_programs.cpp, which programs() lists as well.
[[nodiscard]] std::vector<Program> forwarding_programs();

/// Called by the programs' handlers between two visible acts. Does nothing until the arm on threads sets a pause of random
/// length, which shakes up who comes first.
void between_acts();
void set_pause(void (*pause)());

}  // namespace conformance
