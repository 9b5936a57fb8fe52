// raft_logs.cpp: what a Raft cluster agrees on. A server that leads for the first time has one command to add; election
// timeouts are messages of the test's, one channel per server.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace orrery::zoo {
namespace {

enum class Flaw { none, commits_old_terms, skips_previous_check, follows_stale_leaders, elects_the_backward };

struct Entry {
  int term = 0;
  int command = 0;
  friend bool operator==(const Entry&, const Entry&) = default;
};
struct Timeout {};
struct RequestVote {
  int term = 0;
  int candidate = 0;
  int last_index = 0;
  int last_term = 0;
};
struct Vote {
  int term = 0;
  int voter = 0;
  bool granted = false;
};
struct Append {
  int term = 0;
  int leader = 0;
  int previous_index = 0;
  int previous_term = 0;
  std::vector<Entry> entries;
  int committed = 0;
};
struct Appended {
  int term = 0;
  int follower = 0;
  bool ok = false;
  int match = 0;  ///< if not ok: what to try before
};

class Server;
struct Cluster : Cast<Server> {
  Flaw flaw = Flaw::none;
  std::map<int, Entry> committed;  // by index
  Cluster(sim::World& w, Flaw f) : Cast{w}, flaw{f} {}
  void commits(int index, const Entry& entry) {
    if (const auto [at, is_new] = committed.emplace(index, entry); !is_new && at->second != entry) {
      world.fail("two entries are committed in one place");
    }
  }
};

class Server {
 public:
  /// With a log it has led before.
  Server(Cluster* cluster, int me, const std::vector<Entry>& log, int term)
      : cluster_{cluster}, me_{me}, term_{term}, has_led_{!log.empty()} {
    log_.insert(log_.end(), log.begin(), log.end());
  }

  void handle(Timeout) {
    if (role_ == Role::leader) return;
    step_down_to(term_ + 1);
    role_ = Role::candidate;
    voted_for_ = me_;
    voters_ = {me_};
    cluster_->tell_others(me_, RequestVote{term_, me_, last_index(), log_.back().term});
  }

  void handle(RequestVote m) {
    if (m.term > term_) step_down_to(m.term);
    const bool is_behind = std::pair{m.last_term, m.last_index} < std::pair{log_.back().term, last_index()};
    const bool may = !is_behind || cluster_->flaw == Flaw::elects_the_backward;
    const bool granted = m.term == term_ && may && (voted_for_ == nobody || voted_for_ == m.candidate);
    if (granted) voted_for_ = m.candidate;
    cluster_->tell(m.candidate, Vote{term_, me_, granted});
  }

  void handle(Vote m) {
    if (m.term > term_) step_down_to(m.term);
    if (m.term < term_ || role_ != Role::candidate || !m.granted) return;
    voters_.insert(m.voter);
    if (2 * static_cast<int>(voters_.size()) <= cluster_->size()) return;
    role_ = Role::leader;
    next_.assign(static_cast<std::size_t>(cluster_->size()), last_index() + 1);
    match_.assign(static_cast<std::size_t>(cluster_->size()), 0);
    if (!std::exchange(has_led_, true)) log_.push_back({term_, me_});
    replicate();
  }

  void handle(Append m) {
    if (m.term > term_ || (m.term == term_ && role_ == Role::candidate)) step_down_to(m.term);
    if (m.term < term_ && cluster_->flaw != Flaw::follows_stale_leaders) {
      cluster_->tell(m.leader, Appended{term_, me_, false, 0});
      return;
    }
    const bool fits = m.previous_index <= last_index() && at(m.previous_index).term == m.previous_term;
    if (!fits && cluster_->flaw != Flaw::skips_previous_check) {
      cluster_->tell(m.leader, Appended{m.term, me_, false, m.previous_index - 1});
      return;
    }
    // Entries that are there already stay, and what follows them; the first that differs takes the rest with it.
    int index = std::min(m.previous_index, last_index());
    for (const Entry& entry : m.entries) {
      if (++index <= last_index() && at(index) != entry) log_.resize(static_cast<std::size_t>(index));
      if (index > last_index()) log_.push_back(entry);
    }
    const int match = m.previous_index + static_cast<int>(m.entries.size());
    commit(std::min({m.committed, match, last_index()}));
    cluster_->tell(m.leader, Appended{m.term, me_, true, match});
  }

  void handle(Appended m) {
    if (m.term > term_) step_down_to(m.term);
    if (m.term < term_ || role_ != Role::leader) return;
    const auto follower = static_cast<std::size_t>(m.follower);
    if (!m.ok) {
      next_[follower] = m.match + 1;
      return send_entries(m.follower);
    }
    match_[follower] = std::max(match_[follower], m.match);
    next_[follower] = match_[follower] + 1;
    for (int index = last_index(); index > committed_; --index) {
      if (at(index).term != term_ && cluster_->flaw != Flaw::commits_old_terms) break;
      const auto others = std::ranges::count_if(match_, [index](int match) { return match >= index; });
      if (2 * (static_cast<int>(others) + 1) <= cluster_->size()) continue;
      commit(index);
      return replicate();
    }
  }

 private:
  enum class Role { follower, candidate, leader };
  static constexpr int nobody = -1;

  [[nodiscard]] int last_index() const { return static_cast<int>(log_.size()) - 1; }
  [[nodiscard]] const Entry& at(int index) const { return log_[static_cast<std::size_t>(index)]; }

  void step_down_to(int term) {
    if (term > term_) voted_for_ = nobody;
    term_ = term;
    role_ = Role::follower;
  }
  void commit(int index) {
    for (; committed_ < index; ++committed_) cluster_->commits(committed_ + 1, at(committed_ + 1));
  }
  void replicate() {
    for (int to = 0; to < cluster_->size(); ++to) {
      if (to != me_) send_entries(to);
    }
  }
  void send_entries(int to) {
    const int previous = next_[static_cast<std::size_t>(to)] - 1;
    cluster_->tell(
        to, Append{term_, me_, previous, at(previous).term, {log_.begin() + previous + 1, log_.end()}, committed_});
  }

  Cluster* cluster_;
  int me_;
  Role role_ = Role::follower;
  int term_;
  int voted_for_ = nobody;
  std::set<int> voters_;
  std::vector<Entry> log_{Entry{}};
  int committed_ = 0;
  bool has_led_;
  std::vector<int> next_;  // of each server, while leading
  std::vector<int> match_;
};

struct Begin {
  int timeouts = 0;
  std::vector<Entry> log{};
};

/// `term`: the one that all servers are in when it begins.
sim::Body logs(Flaw flaw, std::vector<Begin> servers, int term = 0) {
  return [=](sim::World& w) {
    Cluster cluster{w, flaw};
    for (const Begin& server : servers) cluster.add("server", Server{&cluster, cluster.size(), server.log, term});
    for (int i = 0; i < cluster.size(); ++i) {
      for (int j = 0; j < servers[static_cast<std::size_t>(i)].timeouts; ++j) cluster.tell(i, Timeout{});
    }
    w.run();
  };
}

}  // namespace

void add_raft_logs(std::vector<Program>& programs) {
  constexpr std::string_view paper =
      "D. Ongaro, J. Ousterhout: In Search of an Understandable Consensus Algorithm (ATC 2014)";
  constexpr std::string_view two = "two entries are committed in one place";
  programs.insert(programs.end(),
                  {
                      {"raft_figure_8", "a leader commits an entry of an earlier term because a majority has it",
                       "figure 8 of Ongaro and Ousterhout with three servers, of which the first has led", two,
                       logs(Flaw::commits_old_terms, {{2, {{1, 0}}}, {0}, {3}}, 1), network()},
                      {"raft_figure_8_from_nothing", "the same, before anybody has led",
                       "figure 8 of Ongaro and Ousterhout, with three servers", two,
                       logs(Flaw::commits_old_terms, {{2}, {0}, {3}}), network(), 100'000},
                      {"raft_without_previous_check", "a follower appends without looking at the entry before", paper,
                       two, logs(Flaw::skips_previous_check, {{2}, {1}, {1}}), network()},
                      {"raft_stale_leader", "a follower accepts entries from the leader of an earlier term", paper, two,
                       logs(Flaw::follows_stale_leaders, {{1}, {0}, {2}}), network()},
                      {"raft_backward_leader", "votes go to candidates whose logs are behind", paper, two,
                       logs(Flaw::elects_the_backward, {{1}, {1}, {0}, {0}, {0}}), network()},
                      {"raft_logs_3", "", paper, "", logs(Flaw::none, {{2}, {1}, {3}}), network()},
                      {"raft_logs_5", "", paper, "", logs(Flaw::none, {{2}, {1}, {1}, {0}, {0}}), network()},
                  });
}

}  // namespace orrery::zoo
