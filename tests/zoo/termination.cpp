// termination.cpp: work spreads from node to node, and a token on a ring finds out when there is none left, neither at a node
// nor under way. Then everybody is told, and whoever gets work after that knows better.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

namespace orrery::zoo {
namespace {

enum class Flaw { none, ignores_colours, ignores_counts };

struct Begin {};
struct Over {};
struct Work {
  int left = 0;  ///< generations that it makes yet, of two each
};
struct Token {
  int balance = 0;  ///< work sent less work received, by those who have had the token
  bool is_black = false;
};

class Node;
struct Ring : Cast<Node> {
  Flaw flaw = Flaw::none;
  int work;
  Ring(sim::World& w, Flaw f, int n) : Cast{w}, flaw{f}, work{n} {}
};

class Node {
 public:
  static constexpr int probes_max = 4;
  Node(Ring* ring, int me) : ring_{ring}, me_{me} {}

  void handle(Begin, Context& context) {
    send_work(ring_->work, context);
    if (me_ == 0) probe();
  }
  void handle(Work m, Context& context) {
    if (is_over_) ring_->world.fail("work goes on after its end was announced");
    --balance_;
    is_black_ = true;
    send_work(m.left, context);
    send_work(m.left, context);
  }
  void handle(Token m) {
    m.balance += ring_->flaw == Flaw::ignores_counts ? 0 : balance_;
    m.is_black = m.is_black || (is_black_ && ring_->flaw != Flaw::ignores_colours);
    if (me_ != 0) {
      is_black_ = false;
      return ring_->tell((me_ + 1) % ring_->size(), m);
    }
    if (m.is_black || m.balance != 0) return probe();
    is_over_ = true;
    ring_->tell_others(me_, Over{});
  }
  void handle(Over) { is_over_ = true; }

 private:
  void probe() {
    is_black_ = false;
    if (probes_++ < probes_max) ring_->tell(1, Token{});
  }
  void send_work(int left, Context& context) {
    if (left == 0) return;
    const int other = static_cast<int>(context.draw("to", static_cast<std::uint64_t>(ring_->size() - 1)));
    ++balance_;
    ring_->tell(other < me_ ? other : other + 1, Work{left - 1});
  }

  Ring* ring_;
  int me_;
  int balance_ = 0;
  int probes_ = 0;
  bool is_black_ = false;
  bool is_over_ = false;
};

sim::Body working(Flaw flaw, int nodes, int work) {
  return [=](sim::World& w) {
    Ring ring{w, flaw, work};
    for (int i = 0; i < nodes; ++i) ring.add("node", Node{&ring, i});
    ring.tell(0, Begin{});
    w.run();
  };
}

}  // namespace

void add_termination(std::vector<Program>& programs) {
  constexpr std::string_view paper = "E. W. Dijkstra: Shmuel Safra's Version of Termination Detection (EWD 998, 1987)";
  constexpr std::string_view after = "work goes on after its end was announced";
  programs.insert(programs.end(),
                  {
                      {"termination_without_colours", "work that is sent behind the token is not noticed", paper, after,
                       working(Flaw::ignores_colours, 4, 3), network()},
                      {"termination_without_counts", "work that is under way is not noticed", paper, after,
                       working(Flaw::ignores_counts, 4, 3), network()},
                      {"termination", "", paper, "", working(Flaw::none, 4, 4), network()},
                  });
}

}  // namespace orrery::zoo
