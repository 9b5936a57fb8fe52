// ring_election.cpp: on a ring of machines, the one with the greatest number is to lead. A number travels until it meets a
// greater one, and the one that comes home has won.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

namespace orrery::zoo {
namespace {

enum class Flaw { none, passes_on_without_running };

struct Run {};
struct Number {
  int number = 0;
};

class Node;
struct Ring : Cast<Node> {
  Flaw flaw = Flaw::none;
  int leader = -1;
  Ring(sim::World& w, Flaw f) : Cast{w}, flaw{f} {}
  void wins(int number) {
    if (leader >= 0 && leader != number) world.fail("two machines lead");
    leader = number;
  }
};

class Node {
 public:
  Node(Ring* ring, int place, int number) : ring_{ring}, next_{place + 1}, number_{number} {}

  void handle(Run) { run(); }
  void handle(Number m) {
    if (m.number == number_) return ring_->wins(number_);
    if (m.number > number_) {
      has_seen_greater_ = true;
      return send(m.number);
    }
    // Whoever has not run yet runs now, in the place of the smaller number.
    if (is_running_) return;
    if (ring_->flaw == Flaw::passes_on_without_running) return send(m.number);
    run();
  }

 private:
  void run() {
    if (is_running_ || has_seen_greater_) return;
    is_running_ = true;
    send(number_);
  }
  void send(int number) { ring_->tell(next_ % ring_->size(), Number{number}); }

  Ring* ring_;
  int next_;
  int number_;
  bool is_running_ = false;
  bool has_seen_greater_ = false;
};

sim::Body election(Flaw flaw, std::vector<int> numbers) {
  return [flaw, numbers = std::move(numbers)](sim::World& w) {
    Ring ring{w, flaw};
    for (const int number : numbers) ring.add("node", Node{&ring, ring.size(), number});
    ring.tell_all(Run{});
    w.run();
  };
}

}  // namespace

void add_ring_election(std::vector<Program>& programs) {
  constexpr std::string_view paper =
      "E. Chang, R. Roberts: An Improved Algorithm for Decentralized Extrema-Finding in Circular Configurations of "
      "Processes "
      "(CACM 22, 1979)";
  programs.insert(
      programs.end(),
      {
          {"ring_election_late_runner", "who does not run yet passes a smaller number on", paper, "two machines lead",
           election(Flaw::passes_on_without_running, {9, 1, 8, 2, 7, 3, 6, 4, 5}), network()},
          {"ring_election", "", paper, "", election(Flaw::none, {6, 1, 5, 2, 4, 3}), network()},
      });
}

}  // namespace orrery::zoo
