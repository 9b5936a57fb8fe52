// systems.hpp: what the programs of the inside of a process have in common, and who adds them.
#pragma once
#include "orrery/sim/run.hpp"
#include "tests/zoo/zoo.hpp"

#include <vector>

namespace orrery::zoo {

/// Begin with what you are for.
struct Go {};

template <class... Actors>
void start(const Actors&... actors) {
  (actors.tell(Go{}), ...);
}

/// As the default, but no time passes while work waits: for programs whose asks have no business with timeouts.
inline sim::RunOptions without_stalls(sim::RunOptions options = {}) {
  options.faults = sim::FaultProfile::none;
  return options;
}

void add_lost_update(std::vector<Program>& programs);
void add_reorder(std::vector<Program>& programs);
void add_late_reply(std::vector<Program>& programs);
void add_locks(std::vector<Program>& programs);
void add_waits(std::vector<Program>& programs);
void add_brokers(std::vector<Program>& programs);
void add_supervision(std::vector<Program>& programs);

}  // namespace orrery::zoo
