// raft.hpp: a table of keys and values that survives its servers.
//
//   auto cluster = raft::start_cluster(rt, {.servers = 5}, disks);
//   auto client = raft::connect(rt, cluster, 1);
//   auto value = client.ask(raft::Perform{{Command::Kind::put, "colour", "blue"}}, orrery::no_timeout);
//
//   client --ask Request--> Server 0 <--RequestVote, Vote, AppendEntries, Appended, InstallSnapshot--> Server 1, Server 2 ...
//                              '--writes--> Storage
//
// A file an idea: types, log, machine, session (a command has one effect), messages, storage, rules (what safety rests on),
// election, replication, server, client. Not here: changes of the membership.
#pragma once
#include "client.hpp"
#include "server.hpp"

#include <orrery/supervision.hpp>
#include <memory>
#include <string>
#include <vector>

namespace raft {

template <class Server>
struct ClusterOf {
  std::vector<orrery::Ref<Server>> servers;
};
using Cluster = ClusterOf<Server>;
using Client = ClientOf<Server>;

using Disks = std::vector<std::shared_ptr<Storage>>;

/// Starts the servers in either world, each with a disk of its own, under a supervisor that restarts whoever falls over.
///
/// Pre: as many disks as servers; nothing else is called "raft".
template <class DecideBy = Rules>
ClusterOf<ServerOf<DecideBy>> start_cluster(orrery::Runtime& rt, const Options& options, const Disks& disks) {
  using AServer = ServerOf<DecideBy>;
  ORRERY_CHECK(disks.size() == options.servers);
  orrery::SupervisorSpec spec{.intensity = 1'000'000, .period = std::chrono::seconds{1}};
  for (ServerId i = 0; i < options.servers; ++i) {
    spec.children.push_back(
        orrery::child(std::to_string(i), [i, options, disk = disks[i]] { return AServer{i, options, disk}; }));
  }
  (void)orrery::start_supervisor(rt, "raft", spec).value();
  ClusterOf<AServer> cluster;
  for (ServerId i = 0; i < options.servers; ++i) {
    cluster.servers.push_back(rt.find<AServer>(path_of_server(i)).value());
  }
  for (const auto& server : cluster.servers) (void)server.tell(Begin{});
  return cluster;
}

/// Returns: a new client. Pre: no other one of that cluster has had this number.
template <class Server>
orrery::Ref<ClientOf<Server>> connect(orrery::Runtime& rt, const ClusterOf<Server>& cluster, ClientId id,
                                      std::shared_ptr<ClientListener> listener = nullptr) {
  return rt.spawn(ClientOf<Server>{id, cluster.servers, std::move(listener)});
}

}  // namespace raft
