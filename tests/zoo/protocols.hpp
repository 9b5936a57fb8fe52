// protocols.hpp: the files with programs between machines; each adds its own, the bugs and their controls.
#pragma once
#include "tests/zoo/zoo.hpp"

namespace orrery::zoo {

void add_raft_elections(std::vector<Program>& programs);
void add_raft_logs(std::vector<Program>& programs);
void add_raft_membership(std::vector<Program>& programs);
void add_paxos(std::vector<Program>& programs);
void add_two_phase_commit(std::vector<Program>& programs);
void add_chain_replication(std::vector<Program>& programs);
void add_failure_detector(std::vector<Program>& programs);
void add_chord(std::vector<Program>& programs);
void add_token_ring(std::vector<Program>& programs);
void add_ring_election(std::vector<Program>& programs);
void add_bully(std::vector<Program>& programs);
void add_ben_or(std::vector<Program>& programs);
void add_primary_backup(std::vector<Program>& programs);
void add_quorum_register(std::vector<Program>& programs);
void add_replicated_counter(std::vector<Program>& programs);
void add_lease(std::vector<Program>& programs);
void add_registry_down(std::vector<Program>& programs);
void add_snapshot(std::vector<Program>& programs);
void add_causal_broadcast(std::vector<Program>& programs);
void add_reliable_broadcast(std::vector<Program>& programs);
void add_membership(std::vector<Program>& programs);
void add_abandoned_question(std::vector<Program>& programs);
void add_retried_request(std::vector<Program>& programs);
void add_termination(std::vector<Program>& programs);
void add_ricart_agrawala(std::vector<Program>& programs);
void add_reference_count(std::vector<Program>& programs);
void add_directory_cache(std::vector<Program>& programs);

}  // namespace orrery::zoo
