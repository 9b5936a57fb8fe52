// membership.cpp: nodes tell each other by gossip who is a member. One member is removed, which everybody is told; whoever knows
// of that must not take it for a member again.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <set>

namespace orrery::zoo {
namespace {

enum class Flaw { none, forgets_who_was_removed };

struct Gossip {};
struct Remove {
  int member = 0;
};
struct View {
  std::set<int> members;
  std::set<int> removed;
};

class Node;
struct Group : Cast<Node> {
  Flaw flaw = Flaw::none;
  Group(sim::World& w, Flaw f) : Cast{w}, flaw{f} {}
};

class Node {
 public:
  Node(Group* group, int me, std::set<int> members) : group_{group}, me_{me}, members_{std::move(members)} {}

  void handle(Gossip, Context& context) {
    const int other = static_cast<int>(context.draw("peer", static_cast<std::uint64_t>(group_->size() - 1)));
    group_->tell(other < me_ ? other : other + 1, View{members_, removed_});
  }
  void handle(Remove m) {
    if (!known_.insert(m.member).second) return;
    remove(m.member);
    group_->tell_others(me_, m);
  }
  void handle(const View& m) {
    for (const int member : m.removed) remove(member);
    for (const int member : m.members) {
      if (removed_.contains(member)) continue;
      if (known_.contains(member)) group_->world.fail("a removed member comes back");
      members_.insert(member);
    }
  }

 private:
  void remove(int member) {
    members_.erase(member);
    if (group_->flaw != Flaw::forgets_who_was_removed) removed_.insert(member);
  }

  Group* group_;
  int me_;
  std::set<int> members_;
  std::set<int> removed_{};
  std::set<int> known_{};  ///< whom this node was told to remove; for the check and for telling others once
};

sim::Body gossip(Flaw flaw, int nodes, int gossips) {
  return [=](sim::World& w) {
    Group group{w, flaw};
    std::set<int> members;
    for (int i = 0; i <= nodes; ++i) members.insert(i);
    for (int i = 0; i < nodes; ++i) group.add("node", Node{&group, i, members});
    for (int i = 0; i < gossips; ++i) group.tell(nodes - 1 - i % nodes, Gossip{});
    group.tell(0, Remove{nodes});
    w.run();
  };
}

}  // namespace

void add_membership(std::vector<Program>& programs) {
  constexpr std::string_view paper =
      "A. Das, I. Gupta, A. Motivala: SWIM (DSN 2002), of which this is the gossip without the probing";
  programs.insert(programs.end(),
                  {
                      {"membership_comes_back", "a view that is older than a removal brings the member back", paper,
                       "a removed member comes back", gossip(Flaw::forgets_who_was_removed, 5, 1), network()},
                      {"membership_remembers_removals", "", paper, "", gossip(Flaw::none, 4, 8), network()},
                  });
}

}  // namespace orrery::zoo
