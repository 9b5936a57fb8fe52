// ben_or.cpp: consensus on a bit by rounds of two phases, with coins. Each waits for all but `down_max` of the others' messages,
// since so many may be down (none is).
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <array>
#include <map>
#include <optional>

namespace orrery::zoo {
namespace {

enum class Flaw { none, decides_on_one_proposal, proposes_on_most_of_the_received };

struct Begin {};
struct Report {
  int round = 0;
  int bit = 0;
};
struct Proposal {
  int round = 0;
  std::optional<int> bit;
};

class Process;
struct Assembly : Cast<Process> {
  struct Shape {
    int processes = 3;
    int down_max = 1;
    int rounds = 3;
  };
  Flaw flaw = Flaw::none;
  Shape shape;
  std::optional<int> decision{};
  Assembly(sim::World& w, Flaw f, Shape s) : Cast{w}, flaw{f}, shape{s} {}
  void decides(int bit) {
    if (decision.value_or(bit) != bit) world.fail("two processes decide differently");
    decision = bit;
  }
};

class Process {
 public:
  Process(Assembly* assembly, int bit) : assembly_{assembly}, bit_{bit} {}

  void handle(Begin) { next_round(); }
  void handle(Report m, Context& context) {
    Heard& heard = heard_[m.round];
    ++heard.reports[static_cast<std::size_t>(m.bit)];
    go_on(context);
  }
  void handle(Proposal m, Context& context) {
    Heard& heard = heard_[m.round];
    ++heard.proposals[m.bit ? static_cast<std::size_t>(*m.bit) : 2];
    go_on(context);
  }

 private:
  struct Heard {
    std::array<int, 2> reports{};    // for each bit
    std::array<int, 3> proposals{};  // for each bit, and of none
  };
  enum class Phase { reports, proposals, over };

  void next_round() {
    if (++round_ > assembly_->shape.rounds) {
      phase_ = Phase::over;
      return;
    }
    phase_ = Phase::reports;
    assembly_->tell_all(Report{round_, bit_});
  }

  /// What came ahead of its round has been counted there, so several steps may be due.
  void go_on(Context& context) {
    const int enough = assembly_->shape.processes - assembly_->shape.down_max;
    for (;;) {
      const Heard heard = heard_[round_];
      if (phase_ == Phase::reports && heard.reports[0] + heard.reports[1] >= enough) {
        propose(heard);
      } else if (phase_ == Phase::proposals && heard.proposals[0] + heard.proposals[1] + heard.proposals[2] >= enough) {
        conclude(heard, context);
      } else {
        return;
      }
    }
  }
  void propose(const Heard& heard) {
    const bool counts_received = assembly_->flaw == Flaw::proposes_on_most_of_the_received;
    const int all = counts_received ? heard.reports[0] + heard.reports[1] : assembly_->shape.processes;
    std::optional<int> proposal;
    if (2 * heard.reports[0] > all) proposal = 0;
    if (2 * heard.reports[1] > all) proposal = 1;
    phase_ = Phase::proposals;
    assembly_->tell_all(Proposal{round_, proposal});
  }
  void conclude(const Heard& heard, Context& context) {
    const int needed = assembly_->flaw == Flaw::decides_on_one_proposal ? 1 : assembly_->shape.down_max + 1;
    const int likely = heard.proposals[1] > heard.proposals[0] ? 1 : 0;
    const int votes = heard.proposals[static_cast<std::size_t>(likely)];
    if (votes >= needed) assembly_->decides(likely);
    bit_ = votes > 0 ? likely : static_cast<int>(context.draw("coin", 2));
    next_round();
  }

  Assembly* assembly_;
  int bit_;
  int round_ = 0;
  Phase phase_ = Phase::over;
  std::map<int, Heard> heard_{};
};

sim::Body rounds(Flaw flaw, Assembly::Shape shape) {
  return [flaw, shape](sim::World& w) {
    Assembly assembly{w, flaw, shape};
    for (int i = 0; i < shape.processes; ++i) assembly.add("process", Process{&assembly, i % 2});
    assembly.tell_all(Begin{});
    w.run();
  };
}

}  // namespace

void add_ben_or(std::vector<Program>& programs) {
  constexpr std::string_view paper =
      "M. Ben-Or: Another Advantage of Free Choice - Completely Asynchronous Agreement Protocols (PODC 1983)";
  constexpr std::string_view differ = "two processes decide differently";
  programs.insert(
      programs.end(),
      {
          {"ben_or_decides_on_one", "one proposal is enough to decide", paper, differ,
           rounds(Flaw::decides_on_one_proposal, {.processes = 5, .down_max = 2, .rounds = 2}), network()},
          {"ben_or_counts_the_received", "a bit is proposed that has most of the reports received, not of all", paper,
           differ, rounds(Flaw::proposes_on_most_of_the_received, {.processes = 4, .down_max = 1, .rounds = 2}),
           network()},
          {"ben_or_3", "", paper, "", rounds(Flaw::none, {.processes = 3, .down_max = 1, .rounds = 4}), network()},
          {"ben_or_4", "", paper, "", rounds(Flaw::none, {.processes = 4, .down_max = 1, .rounds = 2}), network()},
      });
}

}  // namespace orrery::zoo
