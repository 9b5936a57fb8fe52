// two_phase_commit.cpp: a coordinator and those who vote. Whoever votes no has aborted, so nobody may commit then.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <chrono>
#include <map>

namespace orrery::zoo {
namespace {

using namespace std::chrono_literals;

enum class Flaw { none, one_vote_less, counts_late_votes };

struct Begin {};
struct GiveUp {
  int transaction = 0;
};
struct Prepare {
  int transaction = 0;
};
struct Vote {
  int transaction = 0;
  bool yes = false;
};
struct Decide {
  int transaction = 0;
  bool commit = false;
};

class Participant;
struct Commit : Cast<Participant> {
  struct Shape {
    int participants = 3;
    int transactions = 1;
    std::uint64_t no_once_in = 8;  ///< votes
  };
  Flaw flaw = Flaw::none;
  Shape shape;
  Recipient<Vote> coordinator{};
  std::map<int, bool> outcomes{};  // by transaction
  Commit(sim::World& w, Flaw f, Shape s) : Cast{w}, flaw{f}, shape{s} {}
  void ends(int transaction, bool commit) {
    if (const auto [at, is_new] = outcomes.emplace(transaction, commit); !is_new && at->second != commit) {
      world.fail("a transaction is committed and aborted");
    }
  }
};

class Participant {
 public:
  explicit Participant(Commit* commit) : commit_{commit} {}
  void handle(Prepare m, Context& context) {
    const bool yes = context.draw("vote", commit_->shape.no_once_in) != 0;
    if (!yes) commit_->ends(m.transaction, false);
    (void)commit_->coordinator.tell(Vote{m.transaction, yes});
  }
  void handle(Decide m) { commit_->ends(m.transaction, m.commit); }

 private:
  Commit* commit_;
};

class Coordinator {
 public:
  explicit Coordinator(Commit* commit) : commit_{commit} {}
  void handle(Begin, Context& context) { begin(context); }
  void handle(Vote m, Context& context) {
    if (m.transaction != transaction_ && commit_->flaw != Flaw::counts_late_votes) return;
    if (!m.yes) return decide(false, context);
    const int needed = commit_->size() - (commit_->flaw == Flaw::one_vote_less ? 1 : 0);
    if (++votes_ == needed) decide(true, context);
  }
  void handle(GiveUp m, Context& context) {
    if (m.transaction == transaction_) decide(false, context);
  }

 private:
  void begin(Context& context) {
    votes_ = 0;
    is_open_ = true;
    ++transaction_;
    commit_->tell_all(Prepare{transaction_});
    context.after(*this, 1s, GiveUp{transaction_});
  }
  void decide(bool commit, Context& context) {
    if (!std::exchange(is_open_, false)) return;
    commit_->tell_all(Decide{transaction_, commit});
    if (transaction_ < commit_->shape.transactions) begin(context);
  }

  Commit* commit_;
  int transaction_ = 0;
  int votes_ = 0;
  bool is_open_ = false;
};

sim::Body commits(Flaw flaw, Commit::Shape shape) {
  return [flaw, shape](sim::World& w) {
    Commit commit{w, flaw, shape};
    for (int i = 0; i < shape.participants; ++i) commit.add("participant", Participant{&commit});
    const Ref<Coordinator> coordinator = w.spawn("coordinator", Coordinator{&commit});
    commit.coordinator = coordinator;
    coordinator.tell(Begin{});
    w.run();
  };
}

}  // namespace

void add_two_phase_commit(std::vector<Program>& programs) {
  constexpr std::string_view source =
      "two-phase commit of the P repository's tutorial and evaluation; J. Gray: Notes on Data Base Operating Systems "
      "(1978)";
  constexpr std::string_view both = "a transaction is committed and aborted";
  programs.insert(
      programs.end(),
      {
          {"commit_with_one_vote_less", "the coordinator decides when one vote is still missing", source, both,
           commits(Flaw::one_vote_less, {.participants = 8}), network()},
          {"commit_counts_late_votes", "a vote that comes after the timeout is counted for the next transaction",
           source, both, commits(Flaw::counts_late_votes, {.participants = 6, .transactions = 2}),
           network_with_timeouts(24)},
          {"commit_of_3", "", source, "", commits(Flaw::none, {.participants = 3, .transactions = 3, .no_once_in = 4}),
           network_with_timeouts(24)},
          {"commit_of_8", "", source, "", commits(Flaw::none, {.participants = 8, .transactions = 2}),
           network_with_timeouts(40)},
      });
}

}  // namespace orrery::zoo
