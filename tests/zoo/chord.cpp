// chord.cpp: a ring in which each node knows its successor. Who joins is taken in by the node before its place; who leaves has
// the node before it point past it. Both requests travel along the ring, from its node 0 to that node.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <set>
#include <variant>

namespace orrery::zoo {
namespace {

enum class Flaw { none, takes_in_while_leaving, lets_go_while_leaving };

struct Enter {};   ///< to who shall join
struct Depart {};  ///< to who shall leave
struct Join {
  int node = 0;
  int hops = 0;
};
struct Leave {
  int node = 0;
  int successor = 0;
  int hops = 0;
};
struct Joined {
  int successor = 0;
};
struct Left {};

class Peer;
struct Ring : Cast<Peer> {
  Flaw flaw = Flaw::none;
  Ring(sim::World& w, Flaw f) : Cast{w}, flaw{f} {}
  /// A request that has gone round so often will never arrive.
  [[nodiscard]] int hops_max() const { return 4 * size(); }
};

class Peer {
 public:
  static constexpr int nobody = -1;
  Peer(Ring* ring, int me, int successor) : ring_{ring}, me_{me}, successor_{successor} {}

  [[nodiscard]] bool is_member() const { return successor_ != nobody && !has_left_; }
  [[nodiscard]] int successor() const { return successor_; }

  void handle(Enter) { ring_->tell(0, Join{me_}); }
  void handle(Depart) {
    is_leaving_ = true;
    ring_->tell(0, Leave{me_, successor_});
  }

  void handle(Join m) {
    if (!is_between(m.node)) return pass_on(m);
    if (is_leaving_ && ring_->flaw != Flaw::takes_in_while_leaving) return wait(m);
    ring_->tell(m.node, Joined{successor_});
    successor_ = m.node;
  }
  void handle(Leave m) {
    if (m.node != successor_) return pass_on(m);
    if (is_leaving_ && ring_->flaw != Flaw::lets_go_while_leaving) return wait(m);
    successor_ = m.successor;
    ring_->tell(m.node, Left{});
  }

  void handle(Joined m) { successor_ = m.successor; }
  void handle(Left) {
    has_left_ = true;
    for (const auto& request : waiting_) std::visit([this](auto m) { pass_on(m); }, request);
  }

 private:
  /// Whether the place of `node` is between this one and its successor.
  [[nodiscard]] bool is_between(int node) const {
    if (has_left_) return false;
    return me_ < successor_ ? me_ < node && node < successor_ : me_ < node || node < successor_;
  }
  template <class M>
  void pass_on(M m) {
    if (++m.hops < ring_->hops_max()) ring_->tell(successor_, m);
  }
  /// While this node leaves, what it says of its successor must stay true; afterwards another is responsible.
  template <class M>
  void wait(M m) {
    if (has_left_) return pass_on(m);
    waiting_.push_back(m);
  }

  Ring* ring_;
  int me_;
  int successor_;
  bool is_leaving_ = false;
  bool has_left_ = false;
  std::vector<std::variant<Join, Leave>> waiting_{};
};

struct Change {
  std::set<int> joining;
  std::set<int> leaving;
};

sim::Body changes(Flaw flaw, int places, const Change& change) {
  return [flaw, places, change](sim::World& w) {
    Ring ring{w, flaw};
    for (int i = 0; i < places; ++i) {
      int successor = (i + 1) % places;
      while (change.joining.contains(successor)) successor = (successor + 1) % places;
      ring.add("peer", Peer{&ring, i, change.joining.contains(i) ? Peer::nobody : successor});
    }
    for (const int node : change.joining) ring.tell(node, Enter{});
    for (const int node : change.leaving) ring.tell(node, Depart{});
    w.run();

    std::set<int> members;
    for (int i = 0; i < places; ++i) {
      if (w.peek(ring.node(i)).is_member()) members.insert(i);
    }
    std::set<int> reached;
    for (int at = 0; at != Peer::nobody && reached.insert(at).second;) at = w.peek(ring.node(at)).successor();
    if (members != reached) w.fail("the ring is broken");
  };
}

}  // namespace

void add_chord(std::vector<Program>& programs) {
  constexpr std::string_view paper =
      "I. Stoica et al.: Chord (SIGCOMM 2001); P. Zave: Using Lightweight Modeling to Understand Chord (ACM CCR 42, "
      "2012)";
  constexpr std::string_view broken = "the ring is broken";
  programs.insert(
      programs.end(),
      {
          {"chord_join_beside_a_leave", "a node that is about to leave takes in another one behind it", paper, broken,
           changes(Flaw::takes_in_while_leaving, 6, {.joining = {3}, .leaving = {2}}), network()},
          {"chord_two_leave_side_by_side",
           "a node that is about to leave lets its successor go, whom it has named as its heir", paper, broken,
           changes(Flaw::lets_go_while_leaving, 6, {.joining = {}, .leaving = {2, 3}}), network()},
          {"chord_joins_and_leaves", "", paper, "", changes(Flaw::none, 7, {.joining = {3, 5}, .leaving = {2, 4}}),
           network()},
      });
}

}  // namespace orrery::zoo
