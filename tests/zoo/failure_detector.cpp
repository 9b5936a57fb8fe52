// failure_detector.cpp: a detector pings its nodes round by round, and its clock says when a round is over: after so many ticks
// of its own, which the nodes may outrun or not. Nobody is dead here, and nobody is to be pinged on and on.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

namespace orrery::zoo {
namespace {

enum class Flaw { none, pings_the_silent };

struct Ping {};
struct Pong {
  int node = 0;
};
struct Tick {
  int left = 0;
};
struct RoundOver {};

class Detector;
class Clock;
class Node;
struct Network {
  Flaw flaw;
  sim::World& world;
  int rounds;
  int ticks_per_round;
  Cast<Node> nodes{world};
  Ref<Detector> detector{};
  Ref<Clock> clock{};
};

class Clock {
 public:
  explicit Clock(Network* network) : network_{network} {}
  void handle(Tick m);

 private:
  Network* network_;
};

class Node {
 public:
  Node(Network* network, int me) : network_{network}, me_{me} {}
  void handle(Ping);

 private:
  Network* network_;
  int me_;
};

class Detector {
 public:
  static constexpr int open_max = 3;
  explicit Detector(Network* network) : network_{network} {}

  void handle(RoundOver) {
    open_.resize(network_->nodes.nodes.size());
    if (rounds_++ == network_->rounds) return;
    for (int node = 0; node < network_->nodes.size(); ++node) {
      int& open = open_[static_cast<std::size_t>(node)];
      if (open == open_max && network_->flaw != Flaw::pings_the_silent) continue;
      if (++open > open_max) network_->world.fail("more than three pings of a node are unanswered");
      network_->nodes.tell(node, Ping{});
    }
    (void)network_->clock.tell(Tick{network_->ticks_per_round});
  }
  void handle(Pong m) { --open_[static_cast<std::size_t>(m.node)]; }

 private:
  Network* network_;
  int rounds_ = 0;
  std::vector<int> open_{};  // unanswered pings, by node
};

void Clock::handle(Tick m) {
  if (m.left > 0) {
    (void)network_->clock.tell(Tick{m.left - 1});
  } else {
    (void)network_->detector.tell(RoundOver{});
  }
}
void Node::handle(Ping) { (void)network_->detector.tell(Pong{me_}); }

sim::Body detection(Flaw flaw, int nodes, int rounds, int ticks_per_round) {
  return [=](sim::World& w) {
    Network network{flaw, w, rounds, ticks_per_round};
    for (int i = 0; i < nodes; ++i) network.nodes.add("node", Node{&network, i});
    network.clock = w.spawn("clock", Clock{&network}).value();
    network.detector = w.spawn("detector", Detector{&network}).value();
    (void)network.detector.tell(RoundOver{});
    w.run();
  };
}

}  // namespace

void add_failure_detector(std::vector<Program>& programs) {
  constexpr std::string_view source =
      "the failure detector of the P# benchmarks (S. Mukherjee et al.: Learning-Based Controlled Concurrency Testing, "
      "OOPSLA "
      "2020), which a random walk does not find";
  programs.insert(
      programs.end(),
      {
          {"failure_detector_starved_node", "a node that is slow for three rounds is pinged on and on", source,
           "more than three pings of a node are unanswered", detection(Flaw::pings_the_silent, 3, 6, 4), network()},
          {"failure_detector_with_a_limit", "", source, "", detection(Flaw::none, 3, 6, 4), network()},
      });
}

}  // namespace orrery::zoo
