// ricart_agrawala.cpp: mutual exclusion by asking everybody; requests are ordered by logical time, and whoever is earlier lets
// the others wait. The room itself sees who comes and goes.
#include "orrery/actor.hpp"
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <set>

namespace orrery::zoo {
namespace {

enum class Flaw { none, yields_to_equals, keeps_its_clock };

struct Enter {
  using Reply = bool;
};
struct Leave {
  using Reply = bool;
};
struct Want {};
struct Request {
  int time = 0;
  int from = 0;
};
struct Consent {
  int from = 0;
};

class Room {
 public:
  explicit Room(sim::World* world) : world_{world} {}
  bool handle(Enter) {
    if (std::exchange(is_taken_, true)) world_->fail("two are in the room");
    return true;
  }
  bool handle(Leave) { return std::exchange(is_taken_, false); }

 private:
  sim::World* world_;
  bool is_taken_ = false;
};

class Node;
struct Group : Cast<Node> {
  Flaw flaw = Flaw::none;
  Ref<Room> room{};
  Group(sim::World& w, Flaw f) : Cast{w}, flaw{f} {}
};

class Node {
 public:
  Node(Group* group, int me) : group_{group}, me_{me} {}

  void handle(Want) {
    if (is_asking_) {
      ++wants_later_;
      return;
    }
    is_asking_ = true;
    asked_at_ = ++clock_;
    consents_.clear();
    group_->tell_others(me_, Request{asked_at_, me_});
  }
  void handle(Request m) {
    if (group_->flaw != Flaw::keeps_its_clock && m.time > clock_) clock_ = m.time;
    if (is_asking_ && !must_yield(m)) {
      put_off_.insert(m.from);
    } else {
      group_->tell(m.from, Consent{me_});
    }
  }
  void handle(Consent m) {
    consents_.insert(m.from);
    if (static_cast<int>(consents_.size()) + 1 < group_->size()) return;
    (void)group_->room.ask(Enter{}, no_timeout);
    (void)group_->room.ask(Leave{}, no_timeout);
    is_asking_ = false;
    for (const int other : std::exchange(put_off_, {})) group_->tell(other, Consent{me_});
    if (wants_later_ > 0) {
      --wants_later_;
      handle(Want{});
    }
  }

 private:
  [[nodiscard]] bool must_yield(const Request& m) const {
    if (m.time == asked_at_) return m.from < me_ || group_->flaw == Flaw::yields_to_equals;
    return m.time < asked_at_;
  }

  Group* group_;
  int me_;
  int clock_ = 0;
  int asked_at_ = 0;
  bool is_asking_ = false;
  int wants_later_ = 0;
  std::set<int> consents_{};
  std::set<int> put_off_{};
};

/// `wants`: how often each node wants to enter.
sim::Body visits(Flaw flaw, std::vector<int> wants) {
  return [flaw, wants = std::move(wants)](sim::World& w) {
    Group group{w, flaw};
    group.room = w.spawn("room", Room{&w}).value();
    for (std::size_t i = 0; i < wants.size(); ++i) group.add("node", Node{&group, static_cast<int>(i)});
    for (int i = 0; i < group.size(); ++i) {
      for (int j = 0; j < wants[static_cast<std::size_t>(i)]; ++j) group.tell(i, Want{});
    }
    w.run();
  };
}

}  // namespace

void add_ricart_agrawala(std::vector<Program>& programs) {
  constexpr std::string_view paper =
      "G. Ricart, A. Agrawala: An Optimal Algorithm for Mutual Exclusion in Computer Networks (CACM 24, 1981)";
  constexpr std::string_view two = "two are in the room";
  programs.insert(
      programs.end(),
      {
          {"exclusion_yields_to_equals", "who asks at the same logical time is let in by both", paper, two,
           visits(Flaw::yields_to_equals, {1, 1, 1}), network()},
          {"exclusion_keeps_its_clock", "a node does not move its logical clock when it hears of a later time", paper,
           two, visits(Flaw::keeps_its_clock, {2, 0, 1}), network()},
          {"exclusion_3", "", paper, "", visits(Flaw::none, {2, 1, 2}), network()},
      });
}

}  // namespace orrery::zoo
