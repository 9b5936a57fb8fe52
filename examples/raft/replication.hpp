// replication.hpp: what a leader knows of the others' logs, and how far a majority has the same as it.
// How:  one message is under way to each follower; its answer says what comes next. When the answer stays away, the next heartbeat
//       sends the same again. So whatever arrives while a follower is busy goes to it together.
#pragma once
#include "types.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace raft {

class Replication {
 public:
  struct Follower {
    Index next = 1;           ///< what is to be sent
    Index match = 0;          ///< up to here its log is the leader's, for certain
    Index sent = 0;           ///< what it has when the latest message is accepted
    bool is_waiting = false;  ///< for the answer to that
  };

  /// Of a new leader whose log ends with `last`: it takes the others' for equal until they refuse.
  void begin(std::size_t servers, Index last) { followers_.assign(servers, {.next = last + 1, .match = 0}); }
  [[nodiscard]] Follower& operator[](ServerId server) { return followers_[server]; }

  /// Both return: whether the answer says something new. One that does not may have been on its way for long, and nothing is
  /// sent because of it: otherwise every message of a backlog would bring forth another.
  bool accept(ServerId server, Index index) {
    Follower& follower = followers_[server];
    if (index <= follower.match && index != follower.sent) return false;
    follower.is_waiting = false;
    follower.match = std::max(follower.match, index);
    follower.next = std::max(follower.next, follower.match + 1);
    return true;
  }
  bool refuse(ServerId server, Index at_most) {
    Follower& follower = followers_[server];
    const Index next = std::max(follower.match + 1, at_most + 1);
    if (next >= follower.next) return false;
    follower.is_waiting = false;
    follower.next = next;
    return true;
  }

  /// Returns: the last entry that a majority has, the leader among them.    Cost: O(servers log servers).
  template <class Rules>
  [[nodiscard]] Index on_majority(ServerId me, Index last) const {
    std::vector<Index> matches;
    for (ServerId i = 0; i < followers_.size(); ++i) matches.push_back(i == me ? last : followers_[i].match);
    std::ranges::sort(matches, std::greater{});
    std::size_t count = 1;
    while (!Rules::is_majority(count, matches.size())) ++count;
    return matches[count - 1];
  }

 private:
  std::vector<Follower> followers_;
};

}  // namespace raft
