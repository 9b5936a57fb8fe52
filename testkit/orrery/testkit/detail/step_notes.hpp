// step_notes.hpp: which operation is behind which step of a run.
// Why:  a report speaks of steps (a message is handled); a schedule is made of operations (it is sent, it is taken). To turn
//       the order of two steps is to turn the operations that brought their messages.
// How:  a strategy that lets another one answer. What brings a message into a mailbox is told apart from what takes it out.
// Source:  docs/simulation.md for the operations.
#pragma once
#include "orrery/sim/dependence.hpp"
#include "orrery/sim/strategies/around.hpp"
#include "orrery/sim/strategies/follow.hpp"
#include "orrery/sim/trace.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace orrery::testkit::detail {

struct StepNotes {
  static constexpr std::size_t nobody = static_cast<std::size_t>(-1);
  struct Done {
    std::uint64_t name = 0;  ///< of the operation, as in sim::Followed
    sim::OpKind kind = sim::OpKind::take;
    sim::OpLabel label;
    sim::Access access;
    bool is_own = false;        ///< takes or resumes: its place among those of other actors is seen only by predicates
    std::size_t take = nobody;  ///< of the message that it brings
    std::size_t during = nobody;  ///< the take whose handler did it
  };
  /// A message was handled.
  struct Take {
    std::size_t by = nobody;    ///< the operation that brought it; nobody: the body of the test, which runs alone
    std::size_t done = nobody;  ///< the operation that took it
    std::uint32_t to = 0;       ///< index of the agent
    std::uint32_t from = 0;
  };
  struct Draw {
    std::uint64_t stream = 0;
    std::uint64_t counter = 0;
    std::uint64_t count = 0;  ///< of values; 0: all there are
    std::uint64_t value = 0;
    std::size_t done = nobody;  ///< after so many operations, less one
  };
  std::vector<Done> done;
  std::vector<Take> takes;
  std::vector<Draw> draws;
};

/// Lets another strategy answer, and writes down what is done.
class NotingSteps final : public sim::Around {
 public:
  /// `notes` outlives it; what stands in it is forgotten.
  NotingSteps(std::unique_ptr<sim::Strategy> inner, StepNotes& notes) : Around{std::move(inner)}, notes_{notes} {
    notes_ = {};
  }
  [[nodiscard]] std::uint64_t choose(const sim::Point& point) override;
  void executed(const sim::Op& op) override;
  void hurried(const sim::Op& op) override;
  void sent(const sim::Agent& who, const sim::Agent& from, const sim::Agent& to, std::uint32_t ordinal) override;
  void handles(const sim::Agent& who, const sim::Agent& from, std::uint32_t ordinal) override;

 private:
  void note(const sim::Op& op);

  StepNotes& notes_;
  sim::OpNames names_;
  std::uint32_t last_agent_ = 0;                                                            ///< of the last operation
  std::map<std::uint32_t, std::size_t> handling_;                                           ///< by agent: its last take
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, std::size_t> brought_;  ///< from, to, ordinal
};

}  // namespace orrery::testkit::detail
