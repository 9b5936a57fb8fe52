// systems.cpp: the list of the programs that live within one process.
#include "tests/zoo/systems.hpp"

namespace orrery::zoo {

void add_systems(std::vector<Program>& programs) {
  add_lost_update(programs);
  add_reorder(programs);
  add_late_reply(programs);
  add_locks(programs);
  add_waits(programs);
  add_brokers(programs);
  add_queues(programs);
  add_services(programs);
  add_timeouts(programs);
  add_exclusion(programs);
  add_lives(programs);
  add_answers(programs);
  add_mail(programs);
  add_puzzles(programs);
  add_supervision(programs);
}

}  // namespace orrery::zoo
