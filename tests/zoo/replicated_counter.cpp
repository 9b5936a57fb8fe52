// replicated_counter.cpp: a counter that each node counts up in a place of its own; nodes send each other all places, through
// whichever node, and merge what they get. A place never goes back.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <algorithm>
#include <array>

namespace orrery::zoo {
namespace {

enum class Flaw { none, takes_the_latest };

constexpr int nodes = 4;
using Places = std::array<int, nodes>;

struct Increment {};
struct Gossip {};
struct Merge {
  Places places;
};

class Node;
struct Counter : Cast<Node> {
  Flaw flaw = Flaw::none;
  Counter(sim::World& w, Flaw f) : Cast{w}, flaw{f} {}
};

class Node {
 public:
  Node(Counter* counter, int me) : counter_{counter}, me_{me} {}

  void handle(Increment) { ++places_[static_cast<std::size_t>(me_)]; }
  void handle(Gossip, Context& context) {
    const int other = static_cast<int>(context.draw("peer", nodes - 1));
    counter_->tell(other < me_ ? other : other + 1, Merge{places_});
  }
  void handle(Merge m) {
    for (int node = 0; node < nodes; ++node) {
      if (node == me_) continue;
      int& mine = places_[static_cast<std::size_t>(node)];
      const int other = m.places[static_cast<std::size_t>(node)];
      if (counter_->flaw == Flaw::takes_the_latest) {
        if (other < mine) counter_->world.fail("the counter goes back");
        mine = other;
      } else {
        mine = std::max(mine, other);
      }
    }
  }

 private:
  Counter* counter_;
  int me_;
  Places places_{};
};

sim::Body counting(Flaw flaw, int rounds) {
  return [flaw, rounds](sim::World& w) {
    Counter counter{w, flaw};
    for (int i = 0; i < nodes; ++i) counter.add("node", Node{&counter, i});
    for (int i = 0; i < rounds; ++i) {
      counter.tell(0, Increment{});
      counter.tell_all(Gossip{});
    }
    w.run();
  };
}

}  // namespace

void add_replicated_counter(std::vector<Program>& programs) {
  constexpr std::string_view paper =
      "M. Shapiro, N. Preguica, C. Baquero, M. Zawirski: Conflict-free Replicated Data Types (SSS 2011)";
  programs.insert(programs.end(),
                  {
                      {"counter_takes_the_latest", "a node believes what came last, though it may have left first",
                       paper, "the counter goes back", counting(Flaw::takes_the_latest, 1), network()},
                      {"counter_takes_the_greatest", "", paper, "", counting(Flaw::none, 3), network()},
                  });
}

}  // namespace orrery::zoo
