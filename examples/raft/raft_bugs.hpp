// raft_bugs.hpp: servers that are wrong in one thing each, for tests: mistakes that are easily made, or that the paper warns of.
// The servers that are shipped know nothing of this: a bug replaces a rule, or the disk.
#pragma once
#include "raft_property.hpp"

#include <functional>
#include <string_view>
#include <vector>

namespace raft::bugs {

/// A server that restarts votes a second time.
struct VoteNotOnDisk final : MemoryStorage {
  void save_vote(Term term, std::optional<ServerId> /*vote*/) override { MemoryStorage::save_vote(term, {}); }
};

/// Figure 8 of the paper.
struct CommitsEarlierTerms : Rules {
  static bool may_commit(Term /*of_entry*/, Term /*current*/) { return true; }
};

/// An old message takes back what was appended since.
struct CutsOffWhatFollows : Rules {
  static Index first_new(const Log& /*own*/, const AppendEntries& m) { return m.previous + 1; }
};

struct StaysLeader : Rules {
  static Role role_in_higher_term(Role before) { return before == Role::leader ? Role::leader : Role::follower; }
};

struct VotesForOlderLogs : Rules {
  static bool may_vote(std::optional<ServerId> voted_for, const Log& /*own*/, const RequestVote& m) {
    return is_free(voted_for, m);
  }
};

/// The log that ends later, whatever its terms.
struct VotesForLongerLogs : Rules {
  static bool may_vote(std::optional<ServerId> voted_for, const Log& own, const RequestVote& m) {
    return is_free(voted_for, m) && m.last >= own.last();
  }
};

/// Of four servers, two here and two there.
struct HalfIsAMajority : Rules {
  static bool is_majority(std::size_t count, std::size_t servers) { return 2 * count >= servers; }
};

struct CountsEarlierVotes : Rules {
  static bool counts(const Vote& vote, Term /*term*/) { return vote.is_granted; }
};

struct DoesNotCompareTheEntryBefore : Rules {
  static bool follows(const Log& own, const AppendEntries& m) { return own.knows(m.previous); }
};

/// Also what it has from somebody else, or has not got.
struct CommitsWhatTheLeaderHas : Rules {
  static Index commit_of_follower(Index leaders, Index /*compared*/) { return leaders; }
};

/// Whoever begins with that snapshot carries out again what is sent again.
struct SessionsNotInTheSnapshot : Rules {
  static Snapshot picture(const Machine& machine, const Log& log, Index applied) {
    Snapshot snapshot = Rules::picture(machine, log, applied);
    snapshot.machine.sessions = {};
    return snapshot;
  }
};

/// The picture was taken before the last command, and says that it is in it.
struct SnapshotLosesTheLast : Rules {
  static Snapshot picture(const Machine& machine, const Log& log, Index applied) {
    Snapshot snapshot = Rules::picture(machine, log, applied);
    const Command& command = log.at(applied).command;
    if (command.kind == Command::Kind::append) snapshot.machine.values[command.key].pop_back();
    return snapshot;
  }
};

struct Bug {
  std::string_view name;
  std::size_t servers;
  void (*body)(orrery::sim::World&, std::size_t servers, const Plan&);
};

[[nodiscard]] inline std::vector<Bug> all() {
  return {
      {"a vote is not on disk", 3, &survives<Rules, VoteNotOnDisk>},
      {"entries of earlier terms are committed", 3, &survives<CommitsEarlierTerms>},
      {"an old message cuts the log off", 3, &survives<CutsOffWhatFollows>},
      {"a leader does not step down", 3, &survives<StaysLeader>},
      {"votes go to older logs", 3, &survives<VotesForOlderLogs>},
      {"votes go to longer logs", 3, &survives<VotesForLongerLogs>},
      {"half is a majority", 4, &survives<HalfIsAMajority>},
      {"votes of earlier terms count", 3, &survives<CountsEarlierVotes>},
      {"the entry before is not compared", 3, &survives<DoesNotCompareTheEntryBefore>},
      {"a follower commits what it has not compared", 3, &survives<CommitsWhatTheLeaderHas>},
      {"sessions are not in the snapshot", 3, &survives<SessionsNotInTheSnapshot>},
      {"a snapshot loses the last command", 3, &survives<SnapshotLosesTheLast>},
  };
}

}  // namespace raft::bugs
