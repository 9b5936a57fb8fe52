#include "tests/zoo/protocols.hpp"

namespace orrery::zoo {

void add_protocols(std::vector<Program>& programs) {
  add_raft_elections(programs);
  add_raft_logs(programs);
  add_raft_membership(programs);
  add_paxos(programs);
  add_two_phase_commit(programs);
  add_chain_replication(programs);
  add_failure_detector(programs);
  add_chord(programs);
  add_token_ring(programs);
  add_ring_election(programs);
  add_bully(programs);
  add_ben_or(programs);
  add_primary_backup(programs);
  add_quorum_register(programs);
  add_replicated_counter(programs);
  add_lease(programs);
  add_registry_down(programs);
  add_snapshot(programs);
  add_causal_broadcast(programs);
  add_reliable_broadcast(programs);
  add_membership(programs);
  add_abandoned_question(programs);
  add_retried_request(programs);
  add_termination(programs);
  add_ricart_agrawala(programs);
  add_reference_count(programs);
  add_directory_cache(programs);
}

}  // namespace orrery::zoo
