// ring_watch.hpp: handlers that wait for each other in a ring.
// Why:  actors that ask each other in a ring, or send into each other's full mailboxes, wait for ever, or until a timeout
//       that says nothing about why. In the simulator the ring is found as it closes, and is a finding; in production
//       nothing on the way of an ask may pay for that.
// How:  when the whole system has stood still for a while, somebody looks through all cells. Whoever takes a cell's
//       `parked` bit may read its wait; he gives the bit back as a world does that has parked a handler, so nobody is
//       woken. What is found may have changed during the walk: a ring counts if each of its handlers still stands in the
//       same suspension afterwards.
// Always true:  (G1) every ring that is returned existed at one moment
//               (G2) looking changes nothing that an actor could notice
// Known limit:  a ring in a system that never stands still is not looked for.
// Source:       SPEC R6, A6.
#pragma once
#include <string>
#include <vector>

namespace orrery {

class Runtime;

/// Returns: each ring as "alice --ask Audit--> auditor --ask GetBalance--> alice", from its smallest name on.
/// Threads: any but workers.    Cost: O(cells).
[[nodiscard]] std::vector<std::string> find_rings(Runtime& runtime);

}  // namespace orrery
