// raft_property.hpp: what must hold of a cluster, whoever stands for election when, whichever disk fails, and whatever the
// network does.
#pragma once
#include "raft.hpp"
#include "raft_history.hpp"
#include "raft_referee.hpp"

#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace raft {

/// What happens to a cluster, one thing after the other, but nobody waits for the end of one before the next.
struct Step {
  enum class Kind : std::uint8_t { append, get, stand, wait, fail, kill };
  Kind kind = Kind::append;
  std::uint8_t who = 0;
};

/// Plans of which all is a little do not go far in any direction, so most leave something out.
/// Source: A. Groce et al.: Swarm Testing (ISSTA 2012).
struct Plan {
  enum class Begin : std::uint8_t { empty, two_have_led };
  enum class Bias : std::uint8_t { none, no_pauses, elections, elections_and_crashes };
  Begin begin = Begin::empty;
  Bias bias = Bias::none;
  std::vector<Step> steps;
};

/// A disk that fails when it is told to: a few writes later, what it is to write is lost, or is written, but its server falls
/// over before it knows.
template <class Disk>
class FailingDisk final : public Storage {
 public:
  enum class Failure : std::uint8_t { none, lost, written };
  Saved load() override { return disk_.load(); }
  void save_vote(Term term, std::optional<ServerId> vote) override {
    write([&] { disk_.save_vote(term, vote); });
  }
  void save_entries(Index from, std::span<const Entry> entries) override {
    write([&] { disk_.save_entries(from, entries); });
  }
  void save_snapshot(const Snapshot& snapshot) override {
    write([&] { disk_.save_snapshot(snapshot); });
  }
  void fail_after(unsigned writes, Failure failure) {
    writes_left_ = writes;
    next_ = failure;
  }

 private:
  template <class Write>
  void write(Write&& write) {
    const bool is_time = next_ != Failure::none && writes_left_-- == 0;
    const Failure failure = is_time ? std::exchange(next_, Failure::none) : Failure::none;
    if (failure != Failure::lost) write();
    if (failure != Failure::none) throw std::runtime_error{"the disk has failed"};
  }
  Disk disk_;
  Failure next_ = Failure::none;
  unsigned writes_left_ = 0;
};

/// What is on the disks when two servers have led, one after the other, and have told nobody of the first entry of their term:
/// figure 8 of the paper begins like this, and from empty disks it takes four elections in the right order to get there.
template <class DiskList>
void write_two_lost_terms(const DiskList& disks) {
  constexpr Term second = 2;
  for (ServerId i = 0; i < disks.size(); ++i) disks[i]->save_vote(second, i == 0 ? std::nullopt : std::optional{1U});
  for (ServerId i = 0; i < second; ++i) disks[i]->save_entries(1, std::vector{Entry{.term = i + 1}});
}

/// Returns: what the plan makes of a step.
[[nodiscard]] inline Step::Kind bend(Step::Kind kind, Plan::Bias bias) {
  switch (bias) {
    case Plan::Bias::elections:
      return Step::Kind::stand;
    case Plan::Bias::elections_and_crashes:
      if (kind == Step::Kind::fail || kind == Step::Kind::kill) return kind;
      return kind == Step::Kind::wait ? Step::Kind::fail : Step::Kind::stand;
    default:
      return kind;
  }
}

/// What the property runs with: short logs and short messages, so that snapshots and partial copies happen in short runs.
[[nodiscard]] inline Options small_cluster(std::size_t servers) {
  return {.servers = servers, .entries_per_message = 1, .log_entries_max = 2};
}
[[nodiscard]] inline orrery::sim::CheckOptions in_a_bad_network(std::uint64_t runs) {
  orrery::sim::CheckOptions options{.runs = runs, .commands_max = 14};
  options.run.mode = orrery::sim::Mode::per_pair;
  options.run.faults = orrery::sim::FaultProfile::heavy;
  return options;
}

template <class DecideBy = Rules, class Disk = MemoryStorage>
void survives(orrery::sim::World& w, std::size_t server_count, const Plan& plan) {
  using AServer = ServerOf<DecideBy>;
  using ADisk = FailingDisk<Disk>;
  std::vector<std::shared_ptr<ADisk>> disks;
  for (std::size_t i = 0; i < server_count; ++i) disks.push_back(std::make_shared<ADisk>());
  if (plan.begin == Plan::Begin::two_have_led) write_two_lost_terms(disks);
  const auto cluster = start_cluster<DecideBy>(w, small_cluster(server_count), Disks(disks.begin(), disks.end()));
  Referee<AServer> referee{w, cluster.servers};
  const auto history = std::make_shared<History>();
  const std::vector clients{connect(w, cluster, 1, history), connect(w, cluster, 2, history)};
  w.sometimes("the leader changes", [&] { return referee.leaders() > 1; });
  w.sometimes("a server has a snapshot", [&] { return referee.has_snapshot(); });

  std::map<ClientId, std::size_t> asked;
  const auto ask = [&](std::uint8_t who, Command command) {
    const auto client = static_cast<ClientId>(1 + who % clients.size());
    ++asked[client];
    (void)clients[client - 1].tell(Perform{std::move(command)}, orrery::ignore_reply);
  };
  char letter = 'a';
  for (const Step& step : plan.steps) {
    const std::size_t server = step.who % server_count;
    switch (bend(step.kind, plan.bias)) {
      case Step::Kind::append:
        ask(step.who, {Command::Kind::append, "x", std::string{letter++}});
        break;
      case Step::Kind::get:
        ask(step.who, {Command::Kind::get, "x", {}});
        break;
      case Step::Kind::stand:
        // The last server only votes: so the others take the lead from each other the more often.
        (void)cluster.servers[step.who % (server_count - 1)].tell(TimeoutNow{});
        break;
      case Step::Kind::wait:
        if (plan.bias != Plan::Bias::no_pauses) w.run_for(std::chrono::milliseconds{4 * step.who});
        break;
      case Step::Kind::fail:
        disks[server]->fail_after(step.who / 4 % 4, step.who % 2 == 0 ? ADisk::Failure::lost : ADisk::Failure::written);
        break;
      case Step::Kind::kill:
        (void)w.kill(cluster.servers[step.who % 4 == 0 ? server : server_count - 1]);
        break;
    }
  }
  w.run_for(std::chrono::milliseconds{200});
  // Everybody is answered, in spite of all that goes wrong, but who has fallen over himself; and when nothing does any more, the
  // servers agree. A run in which that does not come true is found as one without progress.
  w.run_until([&] {
    return std::ranges::all_of(asked, [&](const auto& one) {
      return history->answers(one.first) == one.second || !w.is_living(clients[one.first - 1]);
    });
  });
  w.heal();
  for (const auto& disk : disks) disk->fail_after(0, ADisk::Failure::none);
  w.run_until([&] { return referee.all_agree(); });
  EXPECT_EQ(history->find_fault(referee.committed()), "");
  EXPECT_EQ(history->find_illegal(), "");
}

}  // namespace raft
