// strategy.hpp: who answers when a run asks "what next?".
// Why:  everything random in a run goes through one stream of decisions, so that a run is a value: it can be named,
//       repeated, searched and shrunk.
// How:  a decision point has a kind and a number of options; the answer is an index. Index 0 is always the calm option
//       (the operation enabled longest, no fault, the smallest value), so a list of zeros is the first-come-first-served
//       run, and simpler means more zeros.
// Always true:  (D1) an answer is a function of the strategy's seed and of the answers before it: no clock, no address
//               (D2) the record of a run replays it, whatever strategy produced it
// Source:       SPEC Z3, X1, X2; DESIGN section 3.
#pragma once
#include "orrery/core/entropy.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace orrery::sim {

enum class DecisionKind : std::uint8_t { schedule, draw, fault };

/// One answered decision.
struct Decision {
  DecisionKind kind = DecisionKind::schedule;
  std::uint64_t count = 0;
  std::uint64_t index = 0;
  friend bool operator==(const Decision&, const Decision&) = default;
};
using Decisions = std::vector<Decision>;

class EnabledOps;
struct Agent;
struct Op;

struct Point {
  DecisionKind kind = DecisionKind::schedule;
  std::uint64_t count = 0;   ///< options; at least 2, or 0 for a draw over all 64 bits
  std::uint64_t stream = 0;  ///< draws: the named stream, and how often it was used
  std::uint64_t counter = 0;
  const EnabledOps* enabled = nullptr;  ///< schedule: the operations, by index
};

class Strategy {
 public:
  virtual ~Strategy() = default;
  /// Returns: an index below `point.count`.
  [[nodiscard]] virtual std::uint64_t choose(const Point& point) = 0;
  /// Returns: what went wrong with a replay, once it is over.
  [[nodiscard]] virtual std::optional<std::string> divergence() const { return std::nullopt; }

  /// Returns: whether the strategy wants to be told the rest; the same answer all the time.
  [[nodiscard]] virtual bool watches() const noexcept { return false; }
  /// An operation that was offered is about to have its effect, chosen or the only one. What it leads to is told next.
  virtual void executed(const Op&) {}
  /// An operation is done that was never offered, because its place in the order makes no difference.
  virtual void hurried(const Op&) {}
  /// `who` (the sender, or the channel) has brought a message of `from` to a mailbox; `ordinal` counts those of the pair.
  virtual void sent(const Agent& who, const Agent& from, const Agent& to, std::uint32_t ordinal) {
    static_cast<void>(who), static_cast<void>(from), static_cast<void>(to), static_cast<void>(ordinal);
  }
  /// `from` has put something into a channel, which will deliver it after what it carries already.
  virtual void carried(const Agent& from, const Agent& channel) { static_cast<void>(from), static_cast<void>(channel); }
  /// `who` begins to handle that message.
  virtual void handles(const Agent& who, const Agent& from, std::uint32_t ordinal) {
    static_cast<void>(who), static_cast<void>(from), static_cast<void>(ordinal);
  }
  /// What `by` does right now lets `who` go on, or is part of what it waits for.
  virtual void wakes(const Agent& by, const Agent& who) { static_cast<void>(by), static_cast<void>(who); }
  virtual void spawned(const Agent& child, const Agent& parent) { static_cast<void>(child), static_cast<void>(parent); }
  /// A timer has come due: its operation is enabled from now on.
  virtual void released(const Op&) {}
  /// An operation that was enabled will never be executed: its timer was cancelled.
  virtual void withdrawn(const Op&) {}
  /// The run ends, with a finding or its body, while this operation stood before its effect.
  virtual void cut_off(const Op&) {}
  /// Returns: whether nothing can be learned from this run any more; it ends then, without a finding.
  [[nodiscard]] virtual bool gives_up() const noexcept { return false; }
};

/// A strategy goes on as a random walk after so many choices, so that whatever is enabled for long is done at last: a run
/// that makes no progress is then a fair one.
inline constexpr std::uint64_t fair_after = 2'000;

/// Uniform over the enabled operations; draws are a function of (seed, stream, counter), so that an extra draw in one
/// actor changes nothing elsewhere.
class RandomWalk : public Strategy {
 public:
  explicit RandomWalk(std::uint64_t seed) : seed_{seed}, schedule_{seed, 1}, faults_{seed, 2} {}
  [[nodiscard]] std::uint64_t choose(const Point& point) override;

 protected:
  /// Who goes next. What derives from this class has its own idea of that, and the same draws and faults.
  [[nodiscard]] virtual std::uint64_t schedule(const Point& point);
  [[nodiscard]] Entropy& entropy() noexcept { return schedule_; }

 private:
  std::uint64_t seed_;
  std::uint64_t choices_ = 0;
  Entropy schedule_;
  Entropy faults_;
};

/// Always the calm option.
class Calm final : public Strategy {
 public:
  [[nodiscard]] std::uint64_t choose(const Point&) override { return 0; }
};

/// Answers from a record. Strict: the first decision that differs in kind or number of options is a divergence. Lenient:
/// schedule, draws and faults are three records, so that one fault less does not move the schedule; what is out of range
/// is the last option, and everything past a record's end is answered calmly.
class Replay final : public Strategy {
 public:
  enum class Mode : std::uint8_t { strict, lenient };
  Replay(Decisions decisions, Mode mode) : decisions_{std::move(decisions)}, mode_{mode} {}
  [[nodiscard]] std::uint64_t choose(const Point& point) override;
  [[nodiscard]] std::optional<std::string> divergence() const override;

 private:
  [[nodiscard]] std::uint64_t choose_leniently(const Point& point);

  Decisions decisions_;
  Mode mode_;
  std::size_t next_ = 0;
  std::array<std::size_t, 3> next_of_kind_{};  ///< lenient
  std::optional<std::string> divergence_;
};

/// Prefers the operations that came early in another run, recognised by their keys: the schedule of that run carried over
/// to a program whose input has changed.
class FollowOrder final : public Strategy {
 public:
  /// `order`: the keys of the operations in the order in which the other run executed them.
  FollowOrder(const std::vector<std::uint64_t>& order, const Decisions& draws_and_faults);
  [[nodiscard]] std::uint64_t choose(const Point& point) override;

 private:
  std::vector<std::pair<std::uint64_t, std::size_t>> position_;  // sorted by key
  Replay others_;
};

/// Every run of a finite program, once: an odometer over the answers.
class Exhaustive final : public Strategy {
 public:
  [[nodiscard]] std::uint64_t choose(const Point& point) override;
  /// Goes to the next run. Returns: false when all have been made.
  [[nodiscard]] bool advance();

 private:
  Decisions path_;
  std::size_t depth_ = 0;
};

}  // namespace orrery::sim
