// fault_plan.hpp: faults as a value: to whom, and at which of his messages.
// Why:  faults that are drawn by the run (FaultProfile) come at any place, and are named by how often something happened in
//       the whole run. A plan says "alice fails at her third message", in whatever order others act; it is generated, printed and
//       shrunk like any other input, and means the same on threads (props/faults.hpp).
// How:  World::arm(plan), before or during a run. Each entry counts what happens to the actor of that path from then on, and
//       happens once. An entry of an actor that does not come so far does nothing: Outcome::faults counts an entry as armed
//       when its place has come, so that generated plans may hold some that never do.
// Always true:  (P1) whether an entry happens depends on the history of its actor alone, so an order of others that makes no
//                    difference to him makes none to the plan
// Source:       SPEC Z5, P1.
#pragma once
#include "orrery/core/time.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::sim {

enum class LocalFault : std::uint8_t {
  crash,       ///< its handler fails in the place of doing its work; who traps exits is spared
  slow,        ///< having taken the message, it does nothing for `length`, while others go on
  refusal,     ///< its bounded mailbox, if it may refuse, takes itself for full
  allocation,  ///< there is no memory for a message that it sends: the send throws std::bad_alloc
};

/// One fault: at number `nth` (0 is the first) of the messages that the actor takes (crash, slow), that come to its bounded
/// mailbox (refusal), or that it sends (allocation), counted from when it is armed.
struct PlannedFault {
  LocalFault what = LocalFault::crash;
  std::string actor;  ///< its path
  std::uint32_t nth = 0;
  Duration length{};  ///< of slow
  friend bool operator==(const PlannedFault&, const PlannedFault&) = default;
};

struct FaultPlan {
  std::vector<PlannedFault> faults;
  friend bool operator==(const FaultPlan&, const FaultPlan&) = default;
};

}  // namespace orrery::sim
