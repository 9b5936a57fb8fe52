// reliable_broadcast.cpp: what anybody delivers, everybody who stays up delivers. A sender tells one after the other, and may
// crash in between; whoever gets the message passes it on.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

namespace orrery::zoo {
namespace {

enum class Flaw { none, does_not_pass_on, delivers_first };

struct Next {
  int to = 0;
};
struct Message {};
struct PassOn {};
struct Crash {};

class Node;
struct Group : Cast<Node> {
  Flaw flaw = Flaw::none;
  Group(sim::World& w, Flaw f) : Cast{w}, flaw{f} {}
};

class Node {
 public:
  Node(Group* group, int me) : group_{group}, me_{me} {}
  [[nodiscard]] bool is_up() const { return is_up_; }
  [[nodiscard]] bool has_delivered() const { return has_delivered_; }

  void handle(Next m, Context& context) {
    if (!is_up_) return;
    if (m.to == group_->size()) {
      has_delivered_ = true;
      return;
    }
    group_->tell(m.to, Message{});
    (void)context.self(*this).tell(Next{m.to + 1});
  }
  void handle(Message, Context& context) {
    if (!is_up_ || has_delivered_) return;
    if (group_->flaw == Flaw::none) group_->tell_others(me_, Message{});
    has_delivered_ = true;
    if (group_->flaw == Flaw::delivers_first) (void)context.self(*this).tell(PassOn{});
  }
  void handle(PassOn) {
    if (is_up_) group_->tell_others(me_, Message{});
  }
  void handle(Crash) { is_up_ = false; }

 private:
  Group* group_;
  int me_;
  bool is_up_ = true;
  bool has_delivered_ = false;
};

sim::Body broadcast(Flaw flaw, int nodes, int crashes) {
  return [=](sim::World& w) {
    Group group{w, flaw};
    for (int i = 0; i < nodes; ++i) group.add("node", Node{&group, i});
    group.tell(0, Next{1});
    for (int i = 0; i < crashes; ++i) group.tell(i, Crash{});
    w.run();
    bool any = false;
    bool all = true;
    for (const Ref<Node>& node : group.nodes) {
      any = any || w.peek(node).has_delivered();
      all = all && (w.peek(node).has_delivered() || !w.peek(node).is_up());
    }
    if (any && !all) w.fail("some deliver what others never get");
  };
}

}  // namespace

void add_reliable_broadcast(std::vector<Program>& programs) {
  constexpr std::string_view paper =
      "V. Hadzilacos, S. Toueg: Fault-Tolerant Broadcasts and Related Problems (in Distributed Systems, 1993)";
  constexpr std::string_view some = "some deliver what others never get";
  programs.insert(programs.end(),
                  {
                      {"broadcast_sender_crashes", "who gets a message does not pass it on", paper, some,
                       broadcast(Flaw::does_not_pass_on, 4, 1), network()},
                      {"broadcast_delivers_first", "a message is passed on some time after it is delivered", paper,
                       some, broadcast(Flaw::delivers_first, 5, 3), network()},
                      {"broadcast_passes_on_first", "", paper, "", broadcast(Flaw::none, 4, 2), network()},
                  });
}

}  // namespace orrery::zoo
