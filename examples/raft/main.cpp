// raft: five servers on every core lose their leader again and again, while clients write.
//   raft [--threads N]     runs for some seconds; the exit code is 0 if no acknowledged write was lost
#include "raft.hpp"

#include <fmt/core.h>

#include <orrery/system.hpp>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Kind = raft::Command::Kind;

struct Write {};
struct HowMany {
  using Reply = std::uint64_t;
};

/// Counts up a number of its own in the table, one write after the other, until it is stopped.
class Writer {
 public:
  Writer(std::string key, orrery::Ref<raft::Client> client) : key_{std::move(key)}, client_{client} {}
  void handle(Write, orrery::Context& context) {
    const std::string next = std::to_string(acknowledged_ + 1);
    if (client_.ask(raft::Perform{{Kind::put, key_, next}}, orrery::no_timeout)) ++acknowledged_;
    if (!is_done_) context.self(*this).tell(Write{});
  }
  std::uint64_t handle(HowMany) {
    is_done_ = true;
    return acknowledged_;
  }

 private:
  std::string key_;
  orrery::Ref<raft::Client> client_;
  std::uint64_t acknowledged_ = 0;
  bool is_done_ = false;
};

/// Returns: who leads, if somebody is sure of it.
std::optional<raft::ServerId> find_leader(const raft::Cluster& cluster) {
  // An old leader that has not heard of the new one believes in itself: the latest term counts.
  std::optional<raft::ServerId> leader;
  raft::Term term = 0;
  for (raft::ServerId i = 0; i < cluster.servers.size(); ++i) {
    const auto state = cluster.servers[i].ask(raft::WhoLeads{}, 100ms);
    if (!state || state->leader != i || state->term < term) continue;
    leader = i;
    term = state->term;
  }
  return leader;
}

}  // namespace

int main(int argc, char** argv) {
  orrery::System system{argc, argv};
  const raft::Options options{.servers = 5};
  raft::Disks disks;
  for (std::size_t i = 0; i < options.servers; ++i) disks.push_back(std::make_shared<raft::MemoryStorage>());
  const raft::Cluster cluster = raft::start_cluster(system, options, disks);

  constexpr raft::ClientId clients = 32;
  std::vector<orrery::Ref<raft::Client>> connections;
  std::vector<orrery::Ref<Writer>> writers;
  for (raft::ClientId i = 1; i <= clients; ++i) {
    connections.push_back(raft::connect(system, cluster, i));
    writers.push_back(system.spawn(Writer{std::to_string(i), connections.back()}));
  }
  const auto began = std::chrono::steady_clock::now();
  for (const auto& writer : writers) (void)writer.tell(Write{});

  constexpr int kills = 4;
  int killed = 0;
  while (killed < kills) {
    std::this_thread::sleep_for(700ms);
    if (const auto leader = find_leader(cluster)) {
      (void)system.kill(cluster.servers[*leader]);
      ++killed;
    }
  }
  std::this_thread::sleep_for(700ms);

  std::uint64_t acknowledged = 0;
  std::uint64_t lost = 0;
  std::vector<std::uint64_t> counts;
  for (const auto& writer : writers) counts.push_back(writer.ask(HowMany{}, orrery::no_timeout).value());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  for (raft::ClientId i = 0; i < clients; ++i) {
    // What the table holds may be one more than what the writer has counted: it asked us to wait behind its last write.
    const auto value =
        connections[i].ask(raft::Perform{{Kind::get, std::to_string(i + 1), {}}}, orrery::no_timeout).value();
    acknowledged += counts[i];
    if (value.empty() || std::stoull(value) < counts[i]) ++lost;
  }
  fmt::print(
      "{} servers, {} clients, {} threads: {} writes in {:.1f} s, {:.0f} per second; the leader was killed {} times\n",
      options.servers, clients, system.options().threads, acknowledged, took.count(),
      static_cast<double>(acknowledged) / took.count(), killed);
  fmt::print("{}\n", lost == 0 ? "no acknowledged write was lost" : "acknowledged writes were lost");
  return lost == 0 ? 0 : 1;
}
