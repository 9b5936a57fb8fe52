// search.hpp: which interleaving is next.
// Why:  two threads of ten steps have 184,756 interleavings, of which a few dozen differ. The search must not miss one of
//       those, and should not run many of the others.
// How:  an execution is a list of choices: which thread goes on, which store a load reads. The list is kept and its last
//       choice that has another answer is changed, depth first. Which threads are worth a try at a step is found out
//       afterwards: when two steps of different threads conflict and nothing orders them, somebody who leads to the
//       second is tried before the first (dynamic partial order reduction, with source sets). A thread whose turn was tried already sleeps until a
//       step conflicts with its own (sleep sets). A load needs no second order with a store that came before it: it
//       may read the older store instead, and then is taken to have come before.
//       Beside that: all executions with at most so many preemptions, and random ones by priorities that change at a
//       few places (PCT).
// Always true:  (S1) the same list of choices gives the same execution
//               (S2) Mode::all that ends by itself has seen every outcome of the model (memory.hpp)
// Source:       C. Flanagan, P. Godefroid: "Dynamic Partial-Order Reduction for Model Checking Software" (POPL 2005);
//               P. Abdulla et al.: "Optimal Dynamic Partial Order Reduction" (POPL 2014), source sets;
//               P. Godefroid: sleep sets (1996); M. Musuvathi, S. Qadeer: "Iterative Context Bounding for Systematic
//               Testing of Multithreaded Programs" (PLDI 2007); S. Burckhardt et al.: "A Randomized Scheduler with
//               Probabilistic Guarantees of Finding Bugs" (ASPLOS 2010).
#pragma once
#include "tests/interleavings/checker/memory.hpp"
#include "tests/support/scale.hpp"

#include <string>
#include <vector>

namespace orrery::interleave {

enum class Effect : std::uint8_t { none, read, write, lock, unlock, everywhere };

/// What a thread is about to do, as far as others can notice.
struct Operation {
  Effect effect = Effect::none;
  bool sc = false;
  bool fence = false;  ///< sc and of no location
  LocationId location = locations_max;
  bool may_read_older = false;  ///< a load for which a store that came before it is as good as one that comes later
};
/// Returns: whether the order of the two can matter to anybody.
[[nodiscard]] bool conflict(const Operation& a, const Operation& b) noexcept;

struct Mode {
  enum Kind : std::uint8_t { all, bounded, random, replay };
  Kind kind = all;
  unsigned preemptions = 0;      ///< bounded: at most
  unsigned stale_reads = ~0U;    ///< bounded: at most so many loads of older stores, and stores before newer ones
  std::uint64_t seed = 1;        ///< random
  std::uint64_t executions = 0;  ///< random: how many; else: at most so many, 0 is no limit
  std::string choices;           ///< replay
};

class Search {
 public:
  explicit Search(Mode mode) : mode_{std::move(mode)}, random_{mode_.seed} {}

  void begin_execution();
  static constexpr unsigned nobody = threads_max;
  /// Returns: who goes on, of the set `enabled`; nobody when all that is left was seen elsewhere.
  [[nodiscard]] unsigned pick_thread(unsigned enabled, unsigned current, const Operation* next);
  /// Returns: a number below `count`; 0 is the plain answer.
  [[nodiscard]] unsigned pick_value(unsigned count);
  /// `thread` has executed `operation`. A load that may read older stores says which steps stored something newer than
  /// what it read: it is as if it had come before them.
  void step(unsigned thread, const Operation& operation, const std::vector<std::uint32_t>& newer = {});
  /// Returns: the number of the step that comes next; the first is 1.
  [[nodiscard]] std::uint32_t next_step() const noexcept { return static_cast<std::uint32_t>(steps_.size() + 1); }
  /// `waker` made `sleeper` go on.
  void ordered(unsigned waker, unsigned sleeper) { known_[sleeper].join(known_[waker]); }
  /// `thread` could go on only because of step number `step`.
  void ordered_by_step(std::uint32_t step, unsigned thread) { known_[thread].join(steps_[step - 1].known); }
  /// The execution is over, with `thread` before `operation`, which it will not do any more.
  void left_over(unsigned thread, const Operation& operation) { find_races(thread, operation, {}); }
  /// Prepares the next execution. Returns: false when there is none.
  [[nodiscard]] bool next();

  /// Returns: the choices of this execution so far, for Mode::replay.
  [[nodiscard]] std::string choices() const;
  [[nodiscard]] unsigned preemptions() const noexcept { return preemptions_; }
  /// Whether an execution did not follow its own prefix: S1 does not hold, the program is to blame.
  [[nodiscard]] bool diverged() const noexcept { return diverged_; }

 private:
  struct Node {
    bool is_thread = false;
    unsigned chosen = 0;
    unsigned count = 0;    ///< of a value: how many answers
    unsigned limit = 0;    ///< of a value: how many of them may be tried
    unsigned enabled = 0;  ///< of a thread: sets
    unsigned done = 0;
    unsigned wanted = 0;
    unsigned asleep = 0;
    unsigned current = nobody;
    unsigned preemptions_before = 0;
  };
  struct Step {
    unsigned thread;
    Operation operation;
    std::size_t node;  ///< that chose the thread, or no_node
    Clock known;       ///< steps that happened before it, itself included
  };
  static constexpr std::size_t no_node = ~std::size_t{0};

  void reverse(std::size_t earlier, unsigned thread, const Clock& known);
  Clock find_races(unsigned thread, const Operation& operation, const std::vector<std::uint32_t>& newer);
  [[nodiscard]] bool costs_preemption(const Node& node, unsigned thread) const noexcept {
    return node.current != nobody && ((node.enabled >> node.current) & 1U) != 0 && node.current != thread;
  }
  [[nodiscard]] unsigned allowed(const Node& node) const noexcept;
  [[nodiscard]] unsigned first_choice(const Node& node);
  void fall_asleep(unsigned candidates, unsigned chosen, const Operation* next);

  Mode mode_;
  test_support::Random random_;
  std::vector<Node> nodes_;
  std::size_t at_ = 0;  ///< the next node of this execution
  std::vector<Step> steps_;
  std::array<Clock, threads_max> known_;
  std::size_t last_node_ = no_node;
  unsigned asleep_ = 0;
  unsigned preemptions_ = 0;
  unsigned stale_ = 0;
  bool diverged_ = false;
  std::uint64_t executions_ = 1;
  std::array<unsigned, threads_max> priorities_{};
  std::vector<std::size_t> change_at_;
  std::size_t longest_ = 64;
  std::vector<std::size_t> races_;    // scratch
  std::vector<std::size_t> between_;  // scratch
};

}  // namespace orrery::interleave
