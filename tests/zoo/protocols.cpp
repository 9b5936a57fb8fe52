#include "tests/zoo/protocols.hpp"

namespace orrery::zoo {

void add_protocols(std::vector<Program>& programs) {
  add_raft_elections(programs);
  add_raft_logs(programs);
  add_paxos(programs);
  add_two_phase_commit(programs);
  add_chain_replication(programs);
  add_failure_detector(programs);
  add_chord(programs);
}

}  // namespace orrery::zoo
