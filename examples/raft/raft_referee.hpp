// raft_referee.hpp: the promises of Raft (figure 3 of the paper), watched in a simulated world whenever a handler has ended.
// How:  the referee looks at every server after each step, and remembers who has led in which term and what was committed first
//       at each index. What it knows is more than any server does.
#pragma once
#include "server.hpp"

#include <orrery/test.hpp>
#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace raft {

template <class Server>
class Referee {
 public:
  using World = orrery::sim::World;

  /// Outlives the last step of `world`.
  Referee(World& world, std::vector<orrery::Ref<Server>> servers) : world_{world}, servers_{std::move(servers)} {
    for (ServerId i = 0; i < servers_.size(); ++i) {
      world_.always("a term has one leader", [this, i] { return each(i, [&](auto& s) { return leads_alone(i, s); }); });
      world_.always("an index has one committed entry",
                    [this, i] { return each(i, [&](auto& s) { return agrees(s); }); });
      world_.always("a leader has all that was committed",
                    [this, i] { return each(i, [&](auto& s) { return is_complete(s); }); });
      world_.always("a machine is what the committed commands make of it",
                    [this, i] { return each(i, [&](auto& s) { return has_applied_right(s); }); });
    }
    world_.always("logs that agree on an entry agree on all before it", [this] { return logs_match(); });
    world_.always("a command has one effect", [this] { return !has_twice(machines_.back()); });
  }
  Referee(const Referee&) = delete;
  Referee& operator=(const Referee&) = delete;

  /// What was committed, from the first entry on.
  [[nodiscard]] const std::vector<Entry>& committed() const noexcept { return committed_; }

  /// Returns: how many terms have had a leader.
  [[nodiscard]] std::size_t leaders() const noexcept { return leaders_.size(); }
  [[nodiscard]] bool has_snapshot() const {
    return std::ranges::any_of(servers_, [&](const auto& ref) {
      const Server* const server = look_at(ref);
      return server != nullptr && server->log().start() > 0;
    });
  }
  /// Returns: whether something is committed, and everybody has carried out all that is, and has nothing else.
  [[nodiscard]] bool all_agree() const {
    return !committed_.empty() && std::ranges::all_of(servers_, [&](const auto& ref) {
      const Server* const server = look_at(ref);
      return server != nullptr && server->applied() == committed_.size() && server->log().last() == committed_.size();
    });
  }

 private:
  /// Returns: null for one that has fallen over and is about to be restarted: it has no state.
  const Server* look_at(const orrery::Ref<Server>& ref) const {
    try {
      return &world_.peek(ref);
    } catch (const std::logic_error&) {
      return nullptr;
    }
  }
  template <class Predicate>
  bool each(ServerId i, Predicate holds) const {
    const Server* const server = look_at(servers_[i]);
    return server == nullptr || holds(*server);
  }

  bool leads_alone(ServerId i, const Server& server) {
    return server.role() != Role::leader || leaders_.try_emplace(server.term(), i).first->second == i;
  }

  /// Remembers what is committed for the first time. What has gone into a snapshot has been seen before.
  bool agrees(const Server& server) {
    const Log& log = server.log();
    if (server.commit() > log.last()) return false;
    for (Index index = log.start() + 1; index <= server.commit(); ++index) {
      if (index > committed_.size()) {
        if (index != committed_.size() + 1) return false;
        committed_.push_back(log.at(index));
        committed_in_.push_back(server.term());
        machines_.push_back(machines_.back());
        machines_.back().apply(log.at(index));
      } else if (log.at(index) != committed_[index - 1]) {
        return false;
      }
    }
    return true;
  }

  bool is_complete(const Server& server) const {
    if (server.role() != Role::leader) return true;
    const Log& log = server.log();
    for (Index index = log.start() + 1; index <= committed_.size(); ++index) {
      if (committed_in_[index - 1] >= server.term()) return true;  // it need not know yet; terms only grow from here
      if (index > log.last() || log.at(index) != committed_[index - 1]) return false;
    }
    return true;
  }

  bool has_applied_right(const Server& server) const {
    return server.applied() < machines_.size() && server.machine().values == machines_[server.applied()].values;
  }

  bool logs_match() const {
    for (std::size_t a = 0; a < servers_.size(); ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        const Server* const one = look_at(servers_[a]);
        const Server* const other = look_at(servers_[b]);
        if (one != nullptr && other != nullptr && !match(one->log(), other->log())) return false;
      }
    }
    return true;
  }
  static bool match(const Log& a, const Log& b) {
    bool must_agree = false;
    for (Index index = std::min(a.last(), b.last()); index > std::max(a.start(), b.start()); --index) {
      if (a.at(index).term == b.at(index).term) must_agree = true;
      if (must_agree && a.at(index) != b.at(index)) return false;
    }
    return true;
  }

  /// Every command of the property appends a letter of its own.
  static bool has_twice(const Machine& machine) {
    return std::ranges::any_of(machine.values, [](const auto& one) {
      std::string letters = one.second;
      std::ranges::sort(letters);
      return std::ranges::adjacent_find(letters) != letters.end();
    });
  }

  World& world_;
  std::vector<orrery::Ref<Server>> servers_;
  std::map<Term, ServerId> leaders_;
  std::vector<Entry> committed_;
  std::vector<Term> committed_in_;     ///< by index: the term of whoever committed it first
  std::vector<Machine> machines_{{}};  ///< after so many commands
};

}  // namespace raft
