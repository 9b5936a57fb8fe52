// token_ring.cpp: a token goes round, and whoever has it may work. One node may lose it once; then node 0, which waits for it,
// makes a new one.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <chrono>

namespace orrery::zoo {
namespace {

using namespace std::chrono_literals;

enum class Flaw { none, trusts_its_clock };

struct Token {
  int lap = 0;
};
struct Begin {};
struct IsLate {
  int lap = 0;
};
struct Probe {  ///< cannot overtake a token: the channels between neighbours keep their order
  int lap = 0;
};

class Node;
struct Ring : Cast<Node> {
  static constexpr int laps = 2;
  Flaw flaw = Flaw::none;
  Ring(sim::World& w, Flaw f) : Cast{w}, flaw{f} {}
};

class Node {
 public:
  Node(Ring* ring, int me) : ring_{ring}, me_{me} {}

  void handle(Begin, Context& context) { start_lap(1, context); }

  void handle(Token m, Context& context) {
    if (me_ == 0) {
      if (m.lap != lap_) ring_->world.fail("there are two tokens");  // it was replaced, and lives
      return start_lap(m.lap + 1, context);
    }
    if (me_ == ring_->size() / 2 && m.lap == 1 && context.draw("loss", 4) == 0) return;
    ring_->tell((me_ + 1) % ring_->size(), m);
  }

  void handle(IsLate m, Context& context) {
    if (m.lap != lap_) return;
    if (ring_->flaw == Flaw::trusts_its_clock) return start_lap(lap_ + 1, context);
    ring_->tell(1, Probe{m.lap});
  }
  void handle(Probe m, Context& context) {
    if (me_ != 0) return ring_->tell((me_ + 1) % ring_->size(), m);
    if (m.lap == lap_) start_lap(lap_ + 1, context);
  }

 private:
  void start_lap(int lap, Context& context) {
    lap_ = lap;
    if (lap > Ring::laps) return;
    ring_->tell(1, Token{lap});
    context.after(*this, 1s, IsLate{lap});
  }

  Ring* ring_;
  int me_;
  int lap_ = 0;
};

sim::Body laps(Flaw flaw, int nodes) {
  return [flaw, nodes](sim::World& w) {
    Ring ring{w, flaw};
    for (int i = 0; i < nodes; ++i) ring.add("node", Node{&ring, i});
    ring.tell(0, Begin{});
    w.run();
  };
}

}  // namespace

void add_token_ring(std::vector<Program>& programs) {
  constexpr std::string_view paper =
      "G. Le Lann: Distributed Systems - Towards a Formal Approach (IFIP 1977); the token ring of the Fest benchmarks";
  programs.insert(programs.end(),
                  {
                      {"token_ring_duplicate", "a token that is only late is replaced as if it were lost", paper,
                       "there are two tokens", laps(Flaw::trusts_its_clock, 9), network_with_timeouts(64)},
                      {"token_ring_with_probe", "", paper, "", laps(Flaw::none, 9), network_with_timeouts(64)},
                  });
}

}  // namespace orrery::zoo
