// paxos.cpp: single-decree Paxos; each proposer wants a value of its own, and begins again with a higher ballot when told so,
// which may be at any time. A proposer that hears from a majority has decided.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <map>
#include <optional>

namespace orrery::zoo {
namespace {

enum class Flaw { none, adopts_lowest, small_quorum, forgets_promises, counts_old_answers };

struct Propose {};
struct Prepare {
  int ballot = 0;
  int proposer = 0;
};
struct Promise {
  int ballot = 0;
  int accepted_ballot = 0;  ///< 0: none
  int accepted_value = 0;
};
struct Accept {
  int ballot = 0;
  int proposer = 0;
  int value = 0;
};
struct Accepted {
  int ballot = 0;
};

class Acceptor;
class Proposer;
struct Parliament {
  Flaw flaw;
  sim::World& world;
  Cast<Acceptor> acceptors{world};
  Cast<Proposer> proposers{world};
  std::optional<int> decision{};
  [[nodiscard]] int quorum() const { return acceptors.size() / 2 + (flaw == Flaw::small_quorum ? 0 : 1); }
  void decides(int value) {
    if (decision.value_or(value) != value) world.fail("two values are decided");
    decision = value;
  }
};

class Acceptor {
 public:
  explicit Acceptor(Parliament* parliament) : parliament_{parliament} {}
  void handle(Prepare m) {
    if (m.ballot <= promised_) return;
    promised_ = m.ballot;
    parliament_->proposers.tell(m.proposer, Promise{m.ballot, accepted_ballot_, accepted_value_});
  }
  void handle(Accept m) {
    if (m.ballot < promised_ && parliament_->flaw != Flaw::forgets_promises) return;
    promised_ = m.ballot;
    accepted_ballot_ = m.ballot;
    accepted_value_ = m.value;
    parliament_->proposers.tell(m.proposer, Accepted{m.ballot});
  }

 private:
  Parliament* parliament_;
  int promised_ = 0;
  int accepted_ballot_ = 0;
  int accepted_value_ = 0;
};

class Proposer {
 public:
  Proposer(Parliament* parliament, int me) : parliament_{parliament}, me_{me}, value_{me} {}
  void handle(Propose) {
    if (has_decided_) return;
    ballot_ = ++rounds_ * parliament_->proposers.size() + me_;
    promises_ = 0;
    accepts_ = 0;
    adopted_ballot_ = 0;
    value_ = me_;
    parliament_->acceptors.tell_all(Prepare{ballot_, me_});
  }
  void handle(Promise m) {
    if (is_old(m.ballot) || promises_ == parliament_->quorum()) return;
    if (m.accepted_ballot != 0 && is_better(m.accepted_ballot)) {
      adopted_ballot_ = m.accepted_ballot;
      value_ = m.accepted_value;
    }
    if (++promises_ == parliament_->quorum()) parliament_->acceptors.tell_all(Accept{ballot_, me_, value_});
  }
  void handle(Accepted m) {
    if (is_old(m.ballot)) return;
    if (++accepts_ != parliament_->quorum()) return;
    has_decided_ = true;
    parliament_->decides(value_);
  }

 private:
  [[nodiscard]] bool is_old(int ballot) const {
    return ballot != ballot_ && parliament_->flaw != Flaw::counts_old_answers;
  }
  [[nodiscard]] bool is_better(int ballot) const {
    if (adopted_ballot_ == 0) return true;
    return parliament_->flaw == Flaw::adopts_lowest ? ballot < adopted_ballot_ : ballot > adopted_ballot_;
  }

  Parliament* parliament_;
  int me_;
  int rounds_ = 0;
  int ballot_ = 0;
  int promises_ = 0;
  int accepts_ = 0;
  int adopted_ballot_ = 0;
  int value_;
  bool has_decided_ = false;
};

struct Shape {
  int acceptors = 3;
  int proposers = 2;
  int rounds = 1;  ///< how often each proposer begins
};

sim::Body paxos(Flaw flaw, Shape shape) {
  return [flaw, shape](sim::World& w) {
    Parliament parliament{flaw, w};
    for (int i = 0; i < shape.acceptors; ++i) parliament.acceptors.add("acceptor", Acceptor{&parliament});
    for (int i = 0; i < shape.proposers; ++i) parliament.proposers.add("proposer", Proposer{&parliament, i});
    for (int i = 0; i < shape.rounds; ++i) parliament.proposers.tell_all(Propose{});
    w.run();
  };
}

}  // namespace

void add_paxos(std::vector<Program>& programs) {
  constexpr std::string_view paper = "L. Lamport: The Part-Time Parliament (ACM TOCS 16, 1998)";
  constexpr std::string_view psharp =
      "the Paxos of the P# benchmarks (S. Mukherjee et al.: Learning-Based Controlled Concurrency Testing, OOPSLA "
      "2020)";
  constexpr std::string_view two = "two values are decided";
  programs.insert(
      programs.end(),
      {
          {"paxos_lowest_ballot", "a proposer adopts the value accepted with the lowest ballot, not the highest",
           psharp, two, paxos(Flaw::adopts_lowest, {.acceptors = 3, .proposers = 3}), network()},
          {"paxos_lowest_ballot_5", "the same with five acceptors", psharp, two,
           paxos(Flaw::adopts_lowest, {.acceptors = 5, .proposers = 3}), network()},
          {"paxos_small_quorum", "one acceptor less than a majority is enough",
           "Paxos of the P repository's evaluation of feedback-guided search", two,
           paxos(Flaw::small_quorum, {.acceptors = 5, .proposers = 2}), network()},
          {"paxos_forgotten_promise", "an acceptor accepts a ballot below the one it has promised", paper, two,
           paxos(Flaw::forgets_promises, {.acceptors = 3, .proposers = 2}), network()},
          {"paxos_old_answers", "a proposer counts the answers to its earlier ballot", paper, two,
           paxos(Flaw::counts_old_answers, {.acceptors = 3, .proposers = 2, .rounds = 2}), network()},
          {"paxos_3_acceptors", "", paper, "", paxos(Flaw::none, {.acceptors = 3, .proposers = 3, .rounds = 2}),
           network()},
          {"paxos_5_acceptors", "", paper, "", paxos(Flaw::none, {.acceptors = 5, .proposers = 2, .rounds = 2}),
           network()},
      });
}

}  // namespace orrery::zoo
