// follow.hpp: schedules that outlive a change of the program, because they name operations by what they are.
// Why:  a list of answers ("the third of five") means nothing any more when the program has got one message more, or the
//       input one command less. "The second Vote of n1 to n3 is held back until n2's first" still does.
// How:  an operation is named by who does what to whom, with which type of message, and the how-manieth of its kind it is.
//       A run is described as its deviations from first come, first served: what was held back, and until when; draws by
//       stream and counter; faults one by one. What is not named is done in its turn, draws the least, fails not at all.
// Always true:  (F1) the deviations of a run, followed in the same program, are that run
//               (F2) nothing is held back for ever: when all that is enabled is held, the oldest goes on
// Not chosen:   positions in the list of enabled operations (they shift with every change); "goes first" instead of "is
//               held back": an operation that goes first would overtake what a change has added, too.
// Source:       SPEC X3; the partial order of a trace as in Mazurkiewicz, "Concurrent Program Schemes" (1977).
#pragma once
#include "orrery/sim/dependence.hpp"
#include "orrery/sim/strategies/around.hpp"
#include "orrery/sim/strategy.hpp"

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace orrery::sim {

/// What an operation is, for whoever wants to print it: hashes of paths and of the message's type.
struct OpLabel {
  OpKind kind = OpKind::take;
  std::uint64_t agent = 0;
  std::uint64_t object = 0;
  std::uint64_t detail = 0;
  std::uint32_t number = 0;  ///< which one of its kind, counted from 1
};

/// Names operations. Watches a run: what is called "the second" depends on what has been done.
class OpNames {
 public:
  /// Returns: the name of an operation that is pending. Never 0.
  [[nodiscard]] std::uint64_t name(const Op& op) const;
  [[nodiscard]] OpLabel label(const Op& op) const;
  /// The operation is about to be done.
  void done(const Op& op);

 private:
  std::unordered_map<std::uint64_t, std::uint32_t> done_;  // by kind of operation; looked up, never iterated
};

/// Counts the answers about each fault.
class FaultCounts {
 public:
  /// Returns: how many there were before this one.
  [[nodiscard]] std::uint64_t next(std::uint64_t stream) { return counts_[stream]++; }

 private:
  std::unordered_map<std::uint64_t, std::uint64_t> counts_;  // looked up, never iterated
};

/// How a run differs from the calm one.
struct Deviations {
  /// `op` is not done before `until` has been done.
  struct Held {
    std::uint64_t op = 0;
    std::uint64_t until = 0;
    friend bool operator==(const Held&, const Held&) = default;
  };
  struct Drawn {
    std::uint64_t stream = 0;
    std::uint64_t counter = 0;
    std::uint64_t value = 0;
    friend bool operator==(const Drawn&, const Drawn&) = default;
  };
  std::vector<Held> held;    ///< in the order in which they were first passed over
  std::vector<Drawn> draws;  ///< those that were not 0
  std::vector<Drawn>
      faults;  ///< the same: which answer about which fault; of `stall` and `crash` the first is how many
  friend bool operator==(const Deviations&, const Deviations&) = default;
};

/// What was done in a run, by name.
struct Followed {
  struct Done {
    std::uint64_t name = 0;
    std::uint32_t where = 0;  ///< index of the agent at which it shows
    bool was_choice = false;  ///< something else could have been done instead
  };
  std::vector<Done> order;
  std::uint64_t hurried = 0;   ///< so many of these were never offered
  std::uint64_t switches = 0;  ///< how often a message was handled by another actor than the one before
  Deviations deviations;
  std::vector<std::pair<OpLabel, OpLabel>> labels;  ///< of what is held, and until what; only when they were asked for
};

/// Lets another strategy answer, and writes down by name what it answers.
class Noting final : public Around {
 public:
  /// `notes` outlives it; what stands in it is forgotten.
  Noting(std::unique_ptr<Strategy> inner, Followed& notes, bool wants_labels = false)
      : Around{std::move(inner)}, notes_{notes}, wants_labels_{wants_labels} {
    notes_ = {};
  }
  [[nodiscard]] std::uint64_t choose(const Point& point) override;
  void executed(const Op& op) override;
  void hurried(const Op& op) override;
  void handles(const Agent& who, const Agent& from, std::uint32_t ordinal) override;

 private:
  Followed& notes_;
  OpNames names_;
  FaultCounts faults_;
  bool wants_labels_;
  bool has_chosen_ = false;
  const Agent* last_handler_ = nullptr;
  std::unordered_map<std::uint64_t, std::size_t> place_;  // of a held operation in the notes; looked up, never iterated
};

/// What both below have in common: draws and faults by name.
class ByName : public Strategy {
 public:
  [[nodiscard]] std::uint64_t choose(const Point& point) final;
  [[nodiscard]] bool watches() const noexcept final { return true; }

 protected:
  /// Returns: whether that draw or fault has been asked for.
  [[nodiscard]] bool was_drawn(const Deviations::Drawn& drawn) const;
  [[nodiscard]] bool was_asked(const Deviations::Drawn& fault) const;
  /// Both outlive it.
  ByName(const std::vector<Deviations::Drawn>& draws, const std::vector<Deviations::Drawn>& faults);
  [[nodiscard]] virtual std::uint64_t schedule(const Point& point) = 0;

 private:
  struct Draw {
    std::uint64_t value = 0;
    bool used = false;
  };
  std::unordered_map<std::uint64_t, Draw> draws_;   // by stream and counter; looked up, never iterated
  std::unordered_map<std::uint64_t, Draw> faults_;  // the same
  FaultCounts counts_;
};

/// Does what is listed in that order, as far as it is there; what is not listed waits until nothing else can be done.
class FollowScript final : public ByName {
 public:
  /// What does not wait though it is not listed: in the run that is followed it was no choice.
  struct AtOnce {
    bool sends = false;
    bool replies = false;
  };
  /// All but the order outlive it.
  FollowScript(const std::vector<std::uint64_t>& order, const std::vector<Deviations::Drawn>& draws,
               const std::vector<Deviations::Drawn>& faults, AtOnce at_once);
  void executed(const Op& op) override { names_.done(op); }
  void hurried(const Op& op) override { names_.done(op); }

 protected:
  [[nodiscard]] std::uint64_t schedule(const Point& point) override;

 private:
  OpNames names_;
  AtOnce at_once_;
  std::unordered_map<std::uint64_t, std::size_t> place_;  // in the order; looked up, never iterated
};

/// Follows deviations. What they name and is not there is skipped.
class FollowDeviations final : public ByName {
 public:
  /// The places in a list of deviations of those that meant nothing.
  struct Lost {
    std::vector<std::size_t> held;
    std::vector<std::size_t> draws;
    std::vector<std::size_t> faults;
  };
  /// Both outlive it; `lost` is filled in when it is over.
  explicit FollowDeviations(const Deviations& deviations, Lost* lost = nullptr);
  ~FollowDeviations() override;
  FollowDeviations(const FollowDeviations&) = delete;
  FollowDeviations& operator=(const FollowDeviations&) = delete;
  void executed(const Op& op) override { note_done(op); }
  void hurried(const Op& op) override { note_done(op); }

 protected:
  [[nodiscard]] std::uint64_t schedule(const Point& point) override;

 private:
  void note_done(const Op& op);
  [[nodiscard]] bool must_wait(std::uint64_t name);

  const Deviations& deviations_;
  Lost* lost_;
  OpNames names_;
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> held_;  // by name; looked up, never iterated
  std::unordered_set<std::uint64_t> awaited_;  // what others wait for, not done yet; never iterated
  std::vector<bool> seen_;                     // by place: the held operation has come up
};

}  // namespace orrery::sim
