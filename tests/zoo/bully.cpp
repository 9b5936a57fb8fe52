// bully.cpp: the machine with the greatest number is to lead. Who wants an election asks the greater ones, and leads if none
// answers in time; nobody is down here, but answers may be late.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <chrono>

namespace orrery::zoo {
namespace {

using namespace std::chrono_literals;

enum class Flaw { none, believes_the_latest };

struct Call {};
struct Election {
  int from = 0;
};
struct Alive {};
struct NobodyAnswered {};
struct Leads {
  int machine = 0;
};

class Machine;
struct Machines : Cast<Machine> {
  Flaw flaw = Flaw::none;
  Machines(sim::World& w, Flaw f) : Cast{w}, flaw{f} {}
};

class Machine {
 public:
  Machine(Machines* machines, int me) : machines_{machines}, me_{me} {}

  [[nodiscard]] int leader() const { return leader_; }

  void handle(Call, Context& context) { elect(context); }
  void handle(Election m, Context& context) {
    machines_->tell(m.from, Alive{});
    elect(context);
  }
  void handle(Alive) { has_answer_ = true; }
  void handle(NobodyAnswered) {
    if (!has_answer_) lead();
  }
  void handle(Leads m, Context& context) {
    if (m.machine < me_) {
      has_called_ = false;
      return elect(context);
    }
    if (m.machine > leader_ || machines_->flaw == Flaw::believes_the_latest) leader_ = m.machine;
  }

 private:
  void elect(Context& context) {
    if (std::exchange(has_called_, true)) return;
    if (me_ + 1 == machines_->size()) return lead();
    has_answer_ = false;
    for (int greater = me_ + 1; greater < machines_->size(); ++greater) machines_->tell(greater, Election{me_});
    context.after(*this, 1s, NobodyAnswered{});
  }
  void lead() {
    if (leader_ > me_) return;
    leader_ = me_;
    machines_->tell_others(me_, Leads{me_});
  }

  Machines* machines_;
  int me_;
  int leader_ = -1;
  bool has_called_ = false;
  bool has_answer_ = false;
};

sim::Body elections(Flaw flaw, int count) {
  return [flaw, count](sim::World& w) {
    Machines machines{w, flaw};
    for (int i = 0; i < count; ++i) machines.add("machine", Machine{&machines, i});
    machines.tell(0, Call{});
    machines.tell(1, Call{});
    w.run();
    for (const Ref<Machine>& machine : machines.nodes) {
      if (w.peek(machine).leader() != count - 1) w.fail("the greatest does not lead everybody");
    }
  };
}

}  // namespace

void add_bully(std::vector<Program>& programs) {
  constexpr std::string_view paper =
      "H. Garcia-Molina: Elections in a Distributed Computing System (IEEE Trans. Computers C-31, 1982)";
  programs.insert(
      programs.end(),
      {
          {"bully_late_announcement", "who leads is whoever said so last, though a greater one did before", paper,
           "the greatest does not lead everybody", elections(Flaw::believes_the_latest, 4), network_with_timeouts(32)},
          {"bully_greatest_counts", "", paper, "", elections(Flaw::none, 4), network_with_timeouts(32)},
      });
}

}  // namespace orrery::zoo
