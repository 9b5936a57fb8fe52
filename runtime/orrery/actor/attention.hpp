// attention.hpp: how a cell whose handler waits is woken exactly once, and its bell rung exactly once.
// Why:  what a wait waits for may happen before, while or after the handler is put aside, on any thread; so may a stop,
//       and mail that does not fit the mailbox. None of it may be missed, and the cell must not be scheduled twice.
// How:  one word of three bits. Whoever changes something that a wait looks at does so first and then comes here; the
//       waiting side comes here first and then looks. All changes of the word have one order, so one sees the other.
//
//          running --park()--> parked --wait_changed(), signal_arrived()--> to be scheduled, by exactly that caller
//             ^  wait_changed(), signal_arrived() before park(): notified, and park() refuses
//
// Always true:  (A1) of all who meet a parked cell, exactly one is told to schedule it
//               (A2) what changed before park() was refused or after it succeeded is looked at once more
//               (A3) the bell is pushed only while it is not in the mailbox
#pragma once
#include "orrery/core/atomic.hpp"

#include <cstdint>

namespace orrery {

class Attention {
 public:
  enum class Summons : std::uint8_t {
    none,
    schedule,  ///< the cell
    push_bell  ///< into its mailbox, and schedule the cell if nobody is home
  };

  // ---- any thread, after it changed what the cell shall look at ----

  /// A signal waits at the cell: wakes a parked handler, or rings.    Cost: one CAS when uncontended.
  [[nodiscard]] Summons signal_arrived() noexcept {
    std::uint32_t seen = word_.load(std::memory_order_seq_cst);
    while (true) {
      const bool is_parked = (seen & parked) != 0;
      const std::uint32_t changed = is_parked ? seen & ~parked : seen | notified | belled;
      if (!word_.compare_exchange_weak(seen, changed, std::memory_order_seq_cst)) continue;
      if (is_parked) return Summons::schedule;
      return (seen & belled) == 0 ? Summons::push_bell : Summons::none;
    }
  }
  /// Mail waits beside the mailbox. A parked handler is left alone: it looks there when it has ended.
  ///
  /// Pre:     it was put there under a lock under which it is also looked for after bell_taken().
  /// Returns: whether the bell must be pushed.    Cost: a load while the bell is in the mailbox.
  [[nodiscard]] bool mail_arrived() noexcept {
    // A plain look is enough: whoever took the bell looked for mail later, under the lock that we have just held.
    if ((word_.load(std::memory_order_acquire) & belled) != 0) return false;
    return (word_.fetch_or(belled, std::memory_order_seq_cst) & belled) == 0;
  }
  /// Something that the cell's wait may depend on has changed.
  /// Returns: whether the caller must schedule the cell.    Cost: one CAS when uncontended.
  [[nodiscard]] bool wait_changed() noexcept {
    std::uint32_t seen = word_.load(std::memory_order_seq_cst);
    while (true) {
      const bool is_parked = (seen & parked) != 0;
      const std::uint32_t changed = is_parked ? seen & ~parked : seen | notified;
      if (word_.compare_exchange_weak(seen, changed, std::memory_order_seq_cst)) return is_parked;
    }
  }

  /// Returns: whether a handler is parked there, at about this moment.
  [[nodiscard]] bool is_parked() const noexcept { return (word_.load(std::memory_order_relaxed) & parked) != 0; }

  // ---- whoever runs the cell ----

  /// Before each look at what is waited for.
  void about_to_look() noexcept {
    if ((word_.load(std::memory_order_seq_cst) & notified) != 0) word_.fetch_and(~notified, std::memory_order_seq_cst);
  }
  /// Returns: false when something changed since the last look: look again. With true the cell is somebody else's.
  [[nodiscard]] bool park() noexcept {
    std::uint32_t seen = word_.load(std::memory_order_seq_cst);
    do {
      if ((seen & notified) != 0) return false;
    } while (!word_.compare_exchange_weak(seen, seen | parked, std::memory_order_seq_cst));
    return true;
  }
  /// Takes the right to run a parked cell, as a waker does, to look at its wait; give it back with park().
  /// Returns: false when it is not parked.    Threads: any.
  [[nodiscard]] bool claim_parked() noexcept {
    std::uint32_t seen = word_.load(std::memory_order_seq_cst);
    do {
      if ((seen & parked) == 0) return false;
    } while (!word_.compare_exchange_weak(seen, seen & ~parked, std::memory_order_seq_cst));
    return true;
  }
  /// The bell was taken out of the mailbox; then look at what it rang for.
  void bell_taken() noexcept { word_.fetch_and(~belled, std::memory_order_seq_cst); }

 private:
  static constexpr std::uint32_t belled = 1;    // the bell is in the mailbox, or about to be
  static constexpr std::uint32_t parked = 2;    // a handler is parked and nobody has been asked to run the cell
  static constexpr std::uint32_t notified = 4;  // something a wait may depend on has changed

  Atomic<std::uint32_t> word_{0};
};

}  // namespace orrery
