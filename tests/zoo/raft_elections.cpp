// raft_elections.cpp: who leads in which term. Election timeouts are messages of the test's, one channel per server, so that
// each may go off at any time; a candidate that times out once more asks again before it gives up its term.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <map>
#include <set>

namespace orrery::zoo {
namespace {

enum class Flaw { none, counts_votes, forgets_vote_on_heartbeat, forgets_vote_on_restart, takes_votes_of_other_terms };

struct Timeout {};
struct Crash {};  ///< and back again at once, with what was on disk
struct RequestVote {
  int term = 0;
  int candidate = 0;
};
struct Vote {
  int term = 0;
  int voter = 0;
};

struct Heartbeat {
  int term = 0;
};

class Server;
struct Cluster : Cast<Server> {
  Flaw flaw = Flaw::none;
  std::map<int, int> leaders;  // by term
  Cluster(sim::World& w, Flaw f) : Cast{w}, flaw{f} {}
  void leads(int term, int server) {
    if (const auto [at, is_new] = leaders.emplace(term, server); !is_new && at->second != server) {
      world.fail("two leaders in one term");
    }
  }
};

class Server {
 public:
  Server(Cluster* cluster, int me) : cluster_{cluster}, me_{me} {}

  void handle(Timeout) {
    if (role_ == Role::leader) return;
    if (role_ == Role::candidate && !has_retried_) {
      has_retried_ = true;
    } else {
      begin_term(term_ + 1);
      role_ = Role::candidate;
      has_retried_ = false;
      voted_for_ = me_;
      voters_ = {me_};
      votes_ = 1;
    }
    const int term = term_;
    for (int to = 0; to < cluster_->size(); ++to) {
      if (to != me_ && !voters_.contains(to)) cluster_->tell(to, RequestVote{term, me_});
    }
  }

  void handle(RequestVote m) {
    if (m.term > term_) begin_term(m.term);
    if (m.term < term_ || (voted_for_ != nobody && voted_for_ != m.candidate)) return;
    voted_for_ = m.candidate;
    cluster_->tell(m.candidate, Vote{term_, me_});
  }

  void handle(Vote m) {
    if (m.term > term_ || role_ != Role::candidate) return;
    if (m.term < term_ && cluster_->flaw != Flaw::takes_votes_of_other_terms) return;
    voters_.insert(m.voter);
    ++votes_;
    const int votes = cluster_->flaw == Flaw::counts_votes ? votes_ : static_cast<int>(voters_.size());
    if (2 * votes <= cluster_->size()) return;
    role_ = Role::leader;
    cluster_->leads(term_, me_);
    cluster_->tell_others(me_, Heartbeat{term_});
  }

  void handle(Heartbeat m) {
    if (m.term < term_) return;
    if (m.term > term_ || cluster_->flaw == Flaw::forgets_vote_on_heartbeat) {
      begin_term(m.term);
    } else {
      role_ = Role::follower;
    }
  }

  void handle(Crash) {
    role_ = Role::follower;
    if (cluster_->flaw == Flaw::forgets_vote_on_restart) voted_for_ = nobody;
  }

 private:
  enum class Role { follower, candidate, leader };
  static constexpr int nobody = -1;

  void begin_term(int term) {
    term_ = term;
    role_ = Role::follower;
    voted_for_ = nobody;
  }

  Cluster* cluster_;
  int me_;
  Role role_ = Role::follower;
  int term_ = 0;
  int voted_for_ = nobody;
  bool has_retried_ = false;
  std::set<int> voters_;
  int votes_ = 0;
};

struct Shape {
  int servers = 3;
  int candidates = 2;  ///< the first so many time out
  int timeouts = 2;    ///< of each
  int crashes = 0;     ///< of the last server
};

sim::Body elections(Flaw flaw, Shape shape) {
  return [flaw, shape](sim::World& w) {
    Cluster cluster{w, flaw};
    for (int i = 0; i < shape.servers; ++i) cluster.add("server", Server{&cluster, i});
    for (int i = 0; i < shape.candidates; ++i) {
      for (int j = 0; j < shape.timeouts; ++j) cluster.tell(i, Timeout{});
    }
    for (int i = 0; i < shape.crashes; ++i) cluster.tell(shape.servers - 1, Crash{});
    w.run();
  };
}

constexpr std::string_view paper =
    "D. Ongaro, J. Ousterhout: In Search of an Understandable Consensus Algorithm (ATC 2014)";
constexpr std::string_view two = "two leaders in one term";

}  // namespace

void add_raft_elections(std::vector<Program>& programs) {
  constexpr std::string_view psharp =
      "the Raft of the P# benchmarks (S. Mukherjee et al.: Learning-Based Controlled Concurrency Testing, OOPSLA 2020)";
  programs.insert(
      programs.end(),
      {
          {"raft_duplicate_votes_5", "a candidate that asks again counts the second vote of the same server", psharp,
           two, elections(Flaw::counts_votes, {.servers = 5}), network()},
          {"raft_duplicate_votes_7", "the same with seven servers, where the second vote must be one of few", psharp,
           two, elections(Flaw::counts_votes, {.servers = 7, .candidates = 2, .timeouts = 3}), network()},
          {"raft_vote_forgotten_on_heartbeat", "whoever hears of the leader of its own term forgets whom it voted for",
           "after microsoft/CCF issue 5891, where who steps down votes twice; section 5.2 of Ongaro and Ousterhout",
           two, elections(Flaw::forgets_vote_on_heartbeat, {.servers = 7, .candidates = 3, .timeouts = 1}), network()},
          {"raft_vote_not_on_disk", "a server that restarts has forgotten whom it voted for", paper, two,
           elections(Flaw::forgets_vote_on_restart, {.servers = 5, .candidates = 3, .timeouts = 1, .crashes = 1}),
           network()},
          {"raft_votes_of_an_earlier_term", "a late vote for a term that is over is counted for the present one", paper,
           two, elections(Flaw::takes_votes_of_other_terms, {.servers = 5, .candidates = 2, .timeouts = 3}), network()},
          {"raft_elections_3", "", paper, "", elections(Flaw::none, {.servers = 3, .candidates = 3, .crashes = 2}),
           network()},
          {"raft_elections_5", "", paper, "",
           elections(Flaw::none, {.servers = 5, .candidates = 3, .timeouts = 3, .crashes = 1}), network()},
      });
}

}  // namespace orrery::zoo
