// op.hpp: what an agent may do next, and the set of all that may be done now.
// Why:  every step picks one of the enabled operations, so picking, entering and leaving must cost the same however many
//       there are, and option i must mean the same in every replay.
// How:  the enabled operations stand in a dense array (for "the i-th") and in a list by age (for "the oldest"). Both are
//       links inside the operations, which belong to whoever can do them.
// Always true:  (E1) option 0 is the operation enabled longest; the others follow in the order of the dense array
//               (E2) the dense array is a function of the sequence of add() and remove() alone
// Source:       SPEC Z4; docs/simulation.md has the whole table of operations.
#pragma once
#include "orrery/core/check.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace orrery {
class Timer;
namespace fiber {
class Fiber;
}
}  // namespace orrery

namespace orrery::sim {

struct Agent;

enum class OpKind : std::uint8_t {
  take = 1,
  resume,
  enqueue,
  signal,
  reply,
  exit,
  name,
  fire,
  deliver,
  look,
  restart,
  finish
};

/// A pending operation. An agent has at most one; timers that are due have their own.
struct Op {
  Op* older = nullptr;  ///< these two and `dense`: of EnabledOps
  Op* newer = nullptr;
  Agent* agent = nullptr;
  Agent* object = nullptr;        ///< the agent that is touched
  fiber::Fiber* fiber = nullptr;  ///< where the agent's handler stands, for operations in mid-handler
  std::uint64_t detail = 0;       ///< message type, name, purpose: part of the key
  std::uint32_t ordinal = 0;      ///< of its kind at this agent (or pair)
  std::uint32_t dense = 0;
  OpKind kind = OpKind::take;
  bool enabled = false;
  std::uint32_t serial = 0;  ///< which of the run's operations this is, in the order in which they were enabled
};

/// A timer that competes because its time has come.
struct FireOp : Op {
  Timer* timer = nullptr;
};

class EnabledOps {
 public:
  [[nodiscard]] bool empty() const noexcept { return dense_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return dense_.size(); }

  /// Pre: not enabled.    Cost: O(1).
  void add(Op& op) {
    ORRERY_CHECK(!op.enabled);
    op.enabled = true;
    op.serial = ++serial_;
    op.dense = static_cast<std::uint32_t>(dense_.size());
    dense_.push_back(&op);
    op.older = newest_;
    op.newer = nullptr;
    (newest_ == nullptr ? oldest_ : newest_->newer) = &op;
    newest_ = &op;
  }

  /// Pre: enabled.    Cost: O(1); the last of the array takes the place of `op`.
  void remove(Op& op) noexcept {
    op.enabled = false;
    Op* const last = dense_.back();
    dense_[op.dense] = last;
    last->dense = op.dense;
    dense_.pop_back();
    (op.older == nullptr ? oldest_ : op.older->newer) = op.newer;
    (op.newer == nullptr ? newest_ : op.newer->older) = op.older;
  }

  /// Pre: `index` < size().
  [[nodiscard]] Op& option(std::uint64_t index) const noexcept {
    if (index == 0) return *oldest_;
    return *dense_[index - 1 < oldest_->dense ? index - 1 : index];
  }

  /// Returns: the serial of the operation enabled last; the older an operation, the smaller its serial.
  [[nodiscard]] std::uint32_t newest_serial() const noexcept { return serial_; }

  /// Forgets all of them, wherever they are now; keeps its memory.
  void clear() noexcept {
    dense_.clear();
    oldest_ = newest_ = nullptr;
    serial_ = 0;
  }

 private:
  std::vector<Op*> dense_;
  std::uint32_t serial_ = 0;
  Op* oldest_ = nullptr;
  Op* newest_ = nullptr;
};

}  // namespace orrery::sim
