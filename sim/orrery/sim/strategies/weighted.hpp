// weighted.hpp: strategies that know from other runs how much each choice leads to.
// Why:  a uniform choice among what is enabled is not uniform over schedules: an actor with one thing to do goes early,
//       one with fifty goes late. Choosing by what remains makes schedules equally likely; doing so for the events of one
//       mailbox alone makes the orders of just that mailbox equally likely.
// How:  the first runs of a campaign are watched: how many operations follow from each sort of operation, and which
//       senders meet at which receiver. These counts are then frozen, so that run 7,919 is the same wherever it is made.
// Source:  URW and SURW: Zhao et al., "Selectively Uniform Concurrency Testing" (ASPLOS 2025).
#pragma once
#include "orrery/sim/dependence.hpp"
#include "orrery/sim/strategies/around.hpp"
#include "orrery/sim/strategies/under_way.hpp"
#include "orrery/sim/strategy.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace orrery::sim {

/// What the first runs of a campaign have shown. Ordered containers: what is drawn from them follows their order.
class Learned {
 public:
  /// How often something happened in `runs` runs together.
  struct Mean {
    std::uint64_t sum = 0;
    std::uint64_t count = 0;
    /// Returns: the mean, rounded up, at least 1.
    [[nodiscard]] std::uint64_t value() const noexcept {
      return count == 0 ? 1 : std::max<std::uint64_t>(1, (sum + count - 1) / count);
    }
  };
  std::uint64_t runs = 0;
  std::uint64_t choices_max = 0;  ///< of the schedule, in one run
  std::map<std::uint64_t, Mean>
      following;  ///< by sort of operation and the how-manieth it is: itself and all that it led to
  std::map<std::uint64_t, std::map<std::uint64_t, Mean>> met;  ///< by receiver, by sender: messages that arrived; paths

  /// Returns: the receivers that at least two senders met at, in the order of their hashes.
  [[nodiscard]] std::vector<std::uint64_t> contended() const;
};

/// Makes a run's choices as `inner` would, and adds what it sees to `learned`.
class Learning final : public Around {
 public:
  /// `learned` outlives this, and is added to when it is destroyed.
  Learning(std::unique_ptr<Strategy> inner, Learned& learned) : Around{std::move(inner)}, learned_{learned} {}
  Learning(const Learning&) = delete;
  Learning& operator=(const Learning&) = delete;
  ~Learning() override;

  [[nodiscard]] std::uint64_t choose(const Point& point) override;
  void executed(const Op& op) override;
  void sent(const Agent& who, const Agent& from, const Agent& to, std::uint32_t ordinal) override;
  void carried(const Agent& from, const Agent& channel) override;
  void handles(const Agent& who, const Agent& from, std::uint32_t ordinal) override;

 private:
  struct Event {
    std::uint64_t sort = 0;
    std::uint32_t parent = 0;  ///< number of the event that it follows from
  };
  /// Returns: the number of the event that what `agent` does next follows from; 0 at first.
  [[nodiscard]] std::uint32_t& last_of(const Agent& agent);

  Learned& learned_;
  std::uint64_t choices_ = 0;
  std::vector<Event> events_{1};     // 0: the body of the test
  std::vector<std::uint32_t> last_;  // by agent
  UnderWay<std::uint32_t> under_way_;
  std::map<std::uint64_t, std::map<std::uint64_t, std::uint64_t>> met_;
};

/// URW: chooses by how much is expected to follow; one choice in four is uniform, because expectations can be wrong.
class Urw final : public RandomWalk {
 public:
  Urw(std::uint64_t seed, const Learned& learned) : RandomWalk{seed}, learned_{learned} {}

 protected:
  [[nodiscard]] std::uint64_t schedule(const Point& point) override;

 private:
  const Learned& learned_;
  std::vector<std::uint64_t> weights_;
};

/// SURW: makes the orders in which messages reach one receiver equally likely. Which receiver, among those that several
/// senders meet at, is drawn per run. An arrival other than the intended one waits until it is its turn.
class Surw final : public RandomWalk {
 public:
  Surw(std::uint64_t seed, const Learned& learned);
  [[nodiscard]] bool watches() const noexcept override { return true; }
  void executed(const Op& op) override;

 protected:
  [[nodiscard]] std::uint64_t schedule(const Point& point) override;

 private:
  /// Returns: whether the operation is one whose order is to be uniform.
  [[nodiscard]] bool is_selected(const Op& op) const noexcept;
  /// Draws who is to arrive next.
  void intend();

  std::uint64_t receiver_ = 0;                   ///< hash of its path; 0: nobody is contended
  std::map<std::uint64_t, std::uint64_t> left_;  ///< by sender: how many are expected still
  std::uint64_t intended_ = 0;
  std::vector<std::uint64_t> candidates_;
};

}  // namespace orrery::sim
