// raft_membership.cpp: Raft servers that remove one of them, with an entry that counts as soon as it is in a log. A leader sends
// its whole log, which the ordered channels between servers allow; elections are as in raft_logs.cpp.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace orrery::zoo {
namespace {

enum class Flaw { none, changes_before_its_term };

using Members = std::set<int>;

struct Entry {
  int term = 0;
  Members members;  ///< empty: of an entry that says nothing
  friend bool operator==(const Entry&, const Entry&) = default;
};
using Log = std::vector<Entry>;

struct Timeout {};
struct RequestVote {
  int term = 0;
  int candidate = 0;
  int last_term = 0;
  std::size_t length = 0;
};
struct Vote {
  int term = 0;
  int voter = 0;
};
struct Append {
  int term = 0;
  int leader = 0;
  Log log;
};
struct Appended {
  int term = 0;
  int follower = 0;
  std::size_t length = 0;
};

class Server;
struct Cluster : Cast<Server> {
  Flaw flaw = Flaw::none;
  std::map<std::size_t, Entry> committed;  // by index
  Cluster(sim::World& w, Flaw f) : Cast{w}, flaw{f} {}
  void commits(std::size_t index, const Entry& entry) {
    if (const auto [at, is_new] = committed.emplace(index, entry); !is_new && at->second != entry) {
      world.fail("two entries are committed in one place");
    }
  }
};

class Server {
 public:
  /// `removes`: whom it removes when it first leads; itself: nobody.
  Server(Cluster* cluster, int me, const Members& all, int removes)
      : cluster_{cluster}, me_{me}, removes_{removes}, log_{{0, all}} {}

  void handle(Timeout) {
    if (role_ == Role::leader || !members().contains(me_)) return;
    step_down_to(term_ + 1);
    role_ = Role::candidate;
    voted_for_ = me_;
    holders_ = {{me_, 0}};
    for (const int to : members()) {
      if (to != me_) cluster_->tell(to, RequestVote{term_, me_, log_.back().term, log_.size()});
    }
  }

  void handle(RequestVote m) {
    if (m.term > term_) step_down_to(m.term);
    const bool is_behind = std::pair{m.last_term, m.length} < std::pair{log_.back().term, log_.size()};
    if (m.term < term_ || is_behind || (voted_for_ != nobody && voted_for_ != m.candidate)) return;
    voted_for_ = m.candidate;
    cluster_->tell(m.candidate, Vote{term_, me_});
  }

  void handle(Vote m) {
    if (m.term != term_ || role_ != Role::candidate) return;
    holders_[m.voter] = 0;
    if (!is_majority(0)) return;
    role_ = Role::leader;
    if (cluster_->flaw == Flaw::changes_before_its_term && removes_ != me_) {
      append_change();
    } else {
      append({term_, {}});
    }
  }

  void handle(const Append& m) {
    if (m.term < term_) return;
    step_down_to(m.term);
    log_ = m.log;
    cluster_->tell(m.leader, Appended{term_, me_, log_.size()});
  }

  void handle(Appended m) {
    if (m.term != term_ || role_ != Role::leader) return;
    holders_[m.follower] = m.length;
    std::size_t length = log_.size();
    while (length > committed_ && !(log_[length - 1].term == term_ && is_majority(length))) --length;
    if (length <= committed_) return;
    for (; committed_ < length; ++committed_) cluster_->commits(committed_, log_[committed_]);
    // Something of this term is committed: nobody with other members can be elected any more.
    if (removes_ != me_ && committed_ == log_.size()) append_change();
  }

 private:
  enum class Role { follower, candidate, leader };
  static constexpr int nobody = -1;

  [[nodiscard]] const Members& members() const {
    return std::ranges::find_if(log_.rbegin(), log_.rend(), [](const Entry& e) { return !e.members.empty(); })->members;
  }
  /// Whether most members are known to have so much of the log; of a candidate and 0: to have voted for it.
  [[nodiscard]] bool is_majority(std::size_t length) const {
    const auto have = std::ranges::count_if(members(), [&](int server) {
      const auto at = holders_.find(server);
      return at != holders_.end() && at->second >= length;
    });
    return 2 * static_cast<std::size_t>(have) > members().size();
  }
  void step_down_to(int term) {
    if (term > term_) voted_for_ = nobody;
    term_ = term;
    role_ = Role::follower;
  }
  void append_change() {
    Members fewer = members();
    fewer.erase(std::exchange(removes_, me_));
    append({term_, fewer});
  }
  void append(Entry entry) {
    log_.push_back(std::move(entry));
    holders_[me_] = log_.size();
    for (const int to : members()) {
      if (to != me_) cluster_->tell(to, Append{term_, me_, log_});
    }
  }

  Cluster* cluster_;
  int me_;
  int removes_;
  Role role_ = Role::follower;
  int term_ = 0;
  int voted_for_ = nobody;
  Log log_;
  std::size_t committed_ = 1;             // the members at first
  std::map<int, std::size_t> holders_{};  // how much of the log each has, as far as the leader knows
};

/// Of four servers, the first two want to remove each other.
sim::Body removals(Flaw flaw, int first_timeouts, int second_timeouts) {
  return [=](sim::World& w) {
    Cluster cluster{w, flaw};
    for (int i = 0; i < 4; ++i) cluster.add("server", Server{&cluster, i, {0, 1, 2, 3}, i < 2 ? 1 - i : i});
    for (int i = 0; i < first_timeouts; ++i) cluster.tell(0, Timeout{});
    for (int i = 0; i < second_timeouts; ++i) cluster.tell(1, Timeout{});
    w.run();
  };
}

}  // namespace

void add_raft_membership(std::vector<Program>& programs) {
  constexpr std::string_view source =
      "D. Ongaro: Bug in Single-Server Membership Changes (raft-dev mailing list, 10 July 2015)";
  programs.insert(
      programs.end(),
      {
          {"raft_change_before_its_term", "a leader changes the members before anything of its own term is committed",
           source, "two entries are committed in one place", removals(Flaw::changes_before_its_term, 2, 1), network()},
          {"raft_change_in_its_term", "", source, "", removals(Flaw::none, 2, 2), network()},
      });
}

}  // namespace orrery::zoo
