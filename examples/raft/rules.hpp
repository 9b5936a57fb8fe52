// rules.hpp: the decisions on which the safety of Raft rests, as functions that touch nothing. A server asks them and obeys.
// Why:  each is one sentence of the paper; here they stand together, and whoever doubts one can replace it (a test does so with
//       each: raft_bugs.hpp).
#pragma once
#include "log.hpp"
#include "messages.hpp"

#include <algorithm>
#include <optional>
#include <span>

namespace raft {

enum class Role : std::uint8_t { follower, candidate, leader };

struct Rules {
  /// Any two majorities have a server in common.
  [[nodiscard]] static bool is_majority(std::size_t count, std::size_t servers) { return 2 * count > servers; }

  /// Returns: what a server is when it has heard of a term higher than its own.    Source: 5.1.
  [[nodiscard]] static Role role_in_higher_term(Role /*before*/) { return Role::follower; }

  /// Once in a term, and only for a candidate whose log is no older than one's own.    Source: 5.2, 5.4.1.
  /// `voted_for`: in the candidate's term.
  [[nodiscard]] static bool may_vote(std::optional<ServerId> voted_for, const Log& own, const RequestVote& m) {
    return is_free(voted_for, m) && is_up_to_date(own, m);
  }
  [[nodiscard]] static bool is_free(std::optional<ServerId> voted_for, const RequestVote& m) {
    return !voted_for || *voted_for == m.candidate;
  }
  [[nodiscard]] static bool is_up_to_date(const Log& own, const RequestVote& m) {
    if (m.last_term != own.last_term()) return m.last_term > own.last_term();
    return m.last >= own.last();
  }
  /// A vote counts in the term for which it was given.
  [[nodiscard]] static bool counts(const Vote& vote, Term term) { return vote.is_granted && vote.term == term; }

  /// Returns: whether `own` has the entry before the new ones.    Source: 5.3.
  [[nodiscard]] static bool follows(const Log& own, const AppendEntries& m) {
    return own.knows(m.previous) && own.term_at(m.previous) == m.previous_term;
  }
  /// Returns: the first of the new entries that `own` has not got; one more than the last: it has all. What is the same stays,
  /// and so does what comes after it: the message may be an old one.    Source: 5.3.
  /// Pre:     follows(own, m).
  [[nodiscard]] static Index first_new(const Log& own, const AppendEntries& m) {
    Index index = m.previous + 1;
    for (const Entry& entry : m.entries) {
      if (index > own.last() || own.term_at(index) != entry.term) break;
      ++index;
    }
    return index;
  }
  /// Returns: what a follower takes for committed: nothing that it has not compared with the leader's log.
  [[nodiscard]] static Index commit_of_follower(Index leaders, Index compared) { return std::min(leaders, compared); }

  /// A leader commits entries of its own term; those of earlier ones are committed with them. That a majority has an old
  /// entry is not enough: a later leader may still replace it.    Source: 5.4.2, figure 8.
  [[nodiscard]] static bool may_commit(Term of_entry, Term current) { return of_entry == current; }

  /// Pre: log.knows(applied), and `machine` has carried out everything up to there.
  [[nodiscard]] static Snapshot picture(const Machine& machine, const Log& log, Index applied) {
    return {applied, log.term_at(applied), machine};
  }
};

}  // namespace raft
