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

/// Names the options of a decision point by what they are, not by where they stand: sender, receiver, type, ordinal.
class OptionKeys {
 public:
  [[nodiscard]] virtual std::uint64_t key(std::uint64_t index) const = 0;

 protected:
  ~OptionKeys() = default;
};

struct Point {
  DecisionKind kind = DecisionKind::schedule;
  std::uint64_t count = 0;   ///< options; at least 2, or 0 for a draw over all 64 bits
  std::uint64_t stream = 0;  ///< draws: the named stream, and how often it was used
  std::uint64_t counter = 0;
  const OptionKeys* keys = nullptr;  ///< schedule: what the options are
};

class Strategy {
 public:
  virtual ~Strategy() = default;
  /// Returns: an index below `point.count`.
  [[nodiscard]] virtual std::uint64_t choose(const Point& point) = 0;
  /// Returns: what went wrong with a replay, once it is over.
  [[nodiscard]] virtual std::optional<std::string> divergence() const { return std::nullopt; }
};

/// Uniform over the enabled operations; draws are a function of (seed, stream, counter), so that an extra draw in one
/// actor changes nothing elsewhere.
class RandomWalk final : public Strategy {
 public:
  explicit RandomWalk(std::uint64_t seed) : seed_{seed}, schedule_{seed, 1}, faults_{seed, 2} {}
  [[nodiscard]] std::uint64_t choose(const Point& point) override;

 private:
  std::uint64_t seed_;
  Entropy schedule_;
  Entropy faults_;
};

/// Always the calm option.
class Calm final : public Strategy {
 public:
  [[nodiscard]] std::uint64_t choose(const Point&) override { return 0; }
};

/// Answers from a record. Strict: the first decision that differs in kind or number of options is a divergence. Lenient:
/// such a decision, and everything past the record's end, is answered calmly.
class Replay final : public Strategy {
 public:
  enum class Mode : std::uint8_t { strict, lenient };
  Replay(Decisions decisions, Mode mode) : decisions_{std::move(decisions)}, mode_{mode} {}
  [[nodiscard]] std::uint64_t choose(const Point& point) override;
  [[nodiscard]] std::optional<std::string> divergence() const override;

 private:
  Decisions decisions_;
  Mode mode_;
  std::size_t next_ = 0;
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
  Decisions others_;
  std::size_t next_other_ = 0;
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
