// dpor.hpp: every behaviour of a finite program, once: schedules that differ only in the order of independent operations
//           count as one.
// Why:  n operations have up to n! schedules; most of them differ in nothing that anybody could see.
// How:  a run is watched with vector clocks. Where two operations conflict and neither follows from the other, the run is
//       to be repeated with the second one first: one of the operations that lead there is noted at the choice before the
//       first. What has been explored at a choice sleeps in the branches beside it until something conflicts with it, so
//       that no behaviour is explored twice. Draws are tried value by value.
// Always true:  (O1) no two complete runs have the same order of conflicting operations
//               (O2) every order that a run can have is had by one of them
// Pre:          no stalls (FaultProfile::none): they come after so many operations, which depends on the order of
//               independent ones. Subscribing to topics while others publish is not seen as a conflict.
// Source:       Abdulla, Aronis, Jonsson, Sagonas: "Source Sets: A Foundation for Optimal Dynamic Partial Order Reduction"
//               (J. ACM 2017), the source-set algorithm.
#pragma once
#include "orrery/sim/dependence.hpp"
#include "orrery/sim/strategies/under_way.hpp"
#include "orrery/sim/strategy.hpp"

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace orrery::sim {

class Dpor final : public Strategy {
 public:
  /// Goes to the next run. Returns: false when all have been made.
  [[nodiscard]] bool advance();

  /// The present run has ended with a finding, so that what was still enabled never happened: whatever could have come
  /// before its last operation is to be tried.
  void cut_short();

  [[nodiscard]] std::uint64_t choose(const Point& point) override;
  [[nodiscard]] bool watches() const noexcept override { return true; }
  void executed(const Op& op) override;
  void hurried(const Op&) override { is_firing_ = false; }
  void sent(const Agent& who, const Agent& from, const Agent& to, std::uint32_t ordinal) override;
  void carried(const Agent& from, const Agent& channel) override;
  void handles(const Agent& who, const Agent& from, std::uint32_t ordinal) override;
  void wakes(const Agent& by, const Agent& who) override;
  void spawned(const Agent& child, const Agent& parent) override;
  void released(const Op& op) override;
  void withdrawn(const Op& op) override;
  void cut_off(const Op& op) override;
  /// A run gives up where everything that is enabled sleeps: it would repeat an earlier one.
  [[nodiscard]] bool gives_up() const noexcept override { return gives_up_; }

 private:
  /// How many operations of each agent have happened before, by number of the agent.
  using Clock = std::vector<std::uint32_t>;
  static constexpr std::size_t no_node = static_cast<std::size_t>(-1);

  /// An operation of this run.
  struct Event {
    Access access;
    std::uint32_t number = 0;  ///< of its agent, for clocks
    std::size_t node = no_node;
    Clock clock;
  };
  /// A choice on the way to where the search is.
  struct Node {
    DecisionKind kind = DecisionKind::schedule;
    std::uint64_t count = 0;
    std::uint64_t index = 0;   ///< of a draw or a fault
    std::uint64_t chosen = 0;  ///< of the schedule: which agent
    std::vector<Access> enabled;
    std::vector<std::uint64_t> to_explore;  ///< agents
    std::vector<Access> explored;
    std::vector<Access> sleeping;  ///< when the choice is reached
  };

  [[nodiscard]] std::uint32_t number_of(std::uint64_t agent);
  [[nodiscard]] Clock& clock_of(std::uint64_t agent) { return clocks_[agent]; }
  /// Returns: what has happened before what `who` does right now.
  [[nodiscard]] const Clock& clock_now(const Agent& who);
  static void join(Clock& into, const Clock& other);
  [[nodiscard]] static bool is_before(const Event& event, const Clock& clock) noexcept;
  /// Finds the operations that `access` could have come before. Returns: `base` and all that it follows.
  [[nodiscard]] Clock find_races(const Access& access, Clock base, std::vector<std::size_t>& races) const;
  /// Adds it to events_. Returns: those that it could have come before.
  std::vector<std::size_t> append(const Op& op, const Access& access);
  /// Notes what could have come after `op`, which was enabled and will not be executed.
  void miss(const Op& op, const Access& access);
  /// Notes at the choice before event `first` how to come to the last of events_ without it.
  void reverse(std::size_t first);
  [[nodiscard]] std::uint64_t choose_operation(const Point& point);

  std::vector<Node> nodes_;
  std::size_t depth_ = 0;

  // Of the present run.
  bool gives_up_ = false;
  bool is_firing_ = false;      ///< the last operation was a timer's: what it does is not its owner's doing
  std::size_t node_ = no_node;  ///< of the operation that comes next
  std::vector<Access> sleeping_;
  std::vector<Event> events_;
  Clock everything_;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;  // looked up, never iterated, like the next
  std::unordered_map<std::uint64_t, Clock> clocks_;           // by agent
  UnderWay<Clock> under_way_;
};

}  // namespace orrery::sim
