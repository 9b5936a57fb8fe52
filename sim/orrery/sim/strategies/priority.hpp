// priority.hpp: strategies that run the most important of what is enabled, and change what is important.
// Why:  a uniform walk starves nobody for long, so it hardly ever finds what needs one slow actor, or one actor that is
//       always first. Random priorities do, with a probability that can be computed.
// How:  everything is a number drawn from the run's seed; ties cannot happen but for equal draws, and then the older wins.
// Source:  PCT: Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs" (ASPLOS 2010).
//          PCTCP: Ozkan et al., "Randomized Testing of Distributed Systems with Probabilistic Guarantees" (OOPSLA 2018).
//          POS: Yuan, Yang, Gu, "Partial Order Aware Concurrency Sampling" (CAV 2018).
//          Delays: Emmi, Qadeer, Rakamaric, "Delay-Bounded Scheduling" (POPL 2011).
#pragma once
#include "orrery/sim/dependence.hpp"
#include "orrery/sim/strategies/under_way.hpp"
#include "orrery/sim/strategy.hpp"

#include <cstdint>
#include <vector>

namespace orrery::sim {

/// Where the priorities of a run change: `count` steps below `steps`, drawn uniformly; fewer when two are the same. Each has
/// the number of its draw, so that who is demoted later need not be below who was demoted earlier.
class ChangePoints {
 public:
  ChangePoints(Entropy& entropy, std::uint64_t count, std::uint64_t steps);
  /// Counts a step. Returns: whether the priorities change at it.
  [[nodiscard]] bool step() noexcept;
  /// Returns: how many changes there have been.
  [[nodiscard]] std::uint64_t passed() const noexcept { return passed_; }
  /// Returns: the number of the latest change, from 1 on.    Pre: there has been one.
  [[nodiscard]] std::uint64_t number() const noexcept { return at_[passed_ - 1].number; }

 private:
  struct Change {
    std::uint64_t step = 0;
    std::uint64_t number = 0;
  };
  std::vector<Change> at_;  // by step
  std::uint64_t steps_ = 0;
  std::uint64_t passed_ = 0;
};

/// PCT: every actor has a priority; at depth - 1 random choices the most important one becomes the least important.
/// Finds a bug that needs `depth` ordered steps of n actors in k choices with probability at least 1 / (n k^(depth-1)).
/// What a channel delivers counts as a step of the receiver.
class Pct final : public RandomWalk {
 public:
  /// `choices`: how many choices a run has, at most, as learned from other runs.
  Pct(std::uint64_t seed, std::uint64_t depth, std::uint64_t choices);

 protected:
  [[nodiscard]] std::uint64_t schedule(const Point& point) override;

 private:
  [[nodiscard]] std::uint64_t& priority_of(const Op& op);

  ChangePoints changes_;
  std::vector<std::uint64_t> priority_;  // by agent; 0: not drawn yet
};

/// PCTCP: the same over causal chains. A message joins the chain of what sent it as long as that is the chain's last, so
/// that a conversation is demoted as a whole, however many actors take part in it.
class Pctcp final : public RandomWalk {
 public:
  Pctcp(std::uint64_t seed, std::uint64_t depth, std::uint64_t choices);
  [[nodiscard]] bool watches() const noexcept override { return true; }
  void executed(const Op& op) override;
  void sent(const Agent& who, const Agent& from, const Agent& to, std::uint32_t ordinal) override;
  void carried(const Agent& from, const Agent& channel) override;
  void handles(const Agent& who, const Agent& from, std::uint32_t ordinal) override;

 protected:
  [[nodiscard]] std::uint64_t schedule(const Point& point) override;

 private:
  struct Chain {
    std::uint64_t priority = 0;
    std::uint64_t tail = 0;  ///< the number of its last event
  };
  /// Where an agent stands: the event it comes from. 0: none.
  struct Cause {
    std::uint32_t chain = 0;
    std::uint64_t event = 0;
  };
  [[nodiscard]] std::uint32_t chain_of(const Op& op);
  [[nodiscard]] Cause& cause_of(std::uint32_t agent);

  ChangePoints changes_;
  std::vector<Chain> chains_{1};
  std::vector<Cause> causes_;                   // by agent
  std::vector<std::uint32_t> chain_by_serial_;  // of the enabled operations; 0: none yet
  UnderWay<Cause> under_way_;
  std::uint64_t events_ = 0;
};

/// POS: every operation has a priority; when one is executed, those that conflict with it get new ones. Samples partial
/// orders far more evenly than a walk does.
class Pos final : public RandomWalk {
 public:
  explicit Pos(std::uint64_t seed) : RandomWalk{seed} {}

 protected:
  [[nodiscard]] std::uint64_t schedule(const Point& point) override;

 private:
  std::vector<std::uint64_t> priority_;  // by serial number; 0: to be drawn
};

/// First come, first served, but for a few operations that are put last when it is their turn. With `delays` delays in k
/// choices there are no more than k^delays schedules.
class Delays final : public RandomWalk {
 public:
  Delays(std::uint64_t seed, std::uint64_t delays, std::uint64_t choices);

 protected:
  [[nodiscard]] std::uint64_t schedule(const Point& point) override;

 private:
  ChangePoints changes_;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> delayed_;  // serial number, from when on it is as old as others
};

/// Stays with the actor that acted last with probability 1 - 1/`turns`: long uninterrupted stretches.
class Sticky final : public RandomWalk {
 public:
  Sticky(std::uint64_t seed, std::uint64_t turns) : RandomWalk{seed}, turns_{turns} {}

 protected:
  [[nodiscard]] std::uint64_t schedule(const Point& point) override;

 private:
  std::uint64_t turns_;
  std::uint32_t last_ = no_agent;
  static constexpr std::uint32_t no_agent = 0xffff'ffff;
};

/// Returns: whose step an operation is: the receiver's, for what a channel delivers.
[[nodiscard]] inline std::uint32_t owner_of(const Op& op) noexcept {
  return op.kind == OpKind::deliver ? op.object->index : op.agent->index;
}

}  // namespace orrery::sim
