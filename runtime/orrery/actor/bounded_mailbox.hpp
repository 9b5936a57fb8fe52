// bounded_mailbox.hpp: mail with a capacity, and what happens when it is reached.
// Why:  a queue that grows in silence hides the overload that it should report. A bounded mailbox makes the sender, or
//       the dead letters, feel it.
// How:  four lanes under one small lock. The lock-free mailbox of the cell still wakes the owner (by its bell); this
//       one only holds the mail. Senders that wait for a place stand in a FIFO list of waiters, each on its own stack.
//       An assured message for which there is no place stands in that list too, without its sender: it was accepted, and
//       waits outside. So it needs no clock to try again by, and keeps its order; and as it is not given up while its
//       receiver lives, a receiver that is only slow loses nothing. How many stand outside has a limit.
// Always true:  (B1) counted mail never exceeds the capacity; ticks and death notices are not counted and never refused
//               (B2) a place that becomes free goes to the first waiter, before any later push can take it
//               (B3) a waiter leaves the list exactly once: placed, closed, or withdrawn by its sender
//               (B4) every push presents the handle it was meant for, so mail for a dead actor cannot reach its heir
//               (B5) an assured message is neither refused (up to the limit outside) nor dropped, whatever the policy;
//                    drop_oldest drops others, or, if there are none, the one that comes
// Not chosen:   a lock-free ring: drop_oldest and waiters need both ends at once. Dropping an assured message from the front
//               to send it again later: those behind it would overtake it.
// Source:       SPEC Q1, Q3.
#pragma once
#include "orrery/actor/lanes.hpp"
#include "orrery/core/atomic.hpp"
#include "orrery/core/spin_lock.hpp"

#include <cstdint>

namespace orrery {

/// What a full mailbox does with one more message.
enum class Overflow : std::uint8_t {
  suspend,      ///< the sender's fiber (or foreign thread) waits for a place
  reject,       ///< the sender gets mailbox_full
  drop_newest,  ///< the message goes to the dead letters, the sender gets mailbox_full
  drop_oldest   ///< the oldest message of the lowest waiting priority goes to the dead letters
};

/// A sender that waits for a place, or a message alone. Lives on the sender's stack until it has left the list (B3); that of a
/// message alone in a block of its own.
struct PlaceWaiter {
  enum State : std::uint32_t { waiting, placed, closed };
  Atomic<std::uint32_t> state{waiting};
  Plain<Envelope*> envelope = nullptr;
  Handle sender{};           ///< the cell to wake, or unset
  Waiter* thread = nullptr;  ///< the thread (or test body) to wake otherwise
  bool is_outside = false;   ///< nobody waits: the message stands outside alone
  Plain<PlaceWaiter*> next = nullptr;
};

class BoundedMailbox {
 public:
  enum class Outcome : std::uint8_t { accepted, replaced_oldest, full, dropped_newest, must_wait, gone };
  struct Pushed {
    Outcome outcome;
    Envelope* victim = nullptr;  ///< with replaced_oldest: what was dropped
  };
  struct Counts {
    std::uint64_t offered = 0;
    std::uint64_t refused = 0;
    std::uint64_t dropped = 0;
    std::uint32_t depth = 0;
    std::uint32_t high_water = 0;
    std::uint32_t outside = 0;  ///< assured messages that wait for a place
  };
  /// Wakes a waiter after it was taken off the list. Called outside the lock with copies, since the waiter's stack may
  /// be gone by then.
  struct Wake {
    Handle sender{};
    Waiter* thread = nullptr;
    Envelope* envelope = nullptr;    ///< what entered
    PlaceWaiter* outside = nullptr;  ///< nobody is to be woken; this is the caller's now
  };

  /// Opens the mailbox for one actor. Pre: closed.
  void open(Handle owner, std::uint32_t capacity, std::uint32_t resume_at, Overflow overflow) noexcept;

  /// Closes it. Threads: the owner. Returns: the waiters, off the list. The caller sets each one's state to `closed`, after
  /// which its stack may go, and wakes it; their envelopes are still theirs. Those outside are the caller's, with their
  /// envelopes.
  [[nodiscard]] PlaceWaiter* close() noexcept;

  /// Offers `envelope`, which stays the caller's unless the outcome is accepted or replaced_oldest. must_wait only if it is
  /// assured: then nothing has happened, and push_or_wait() is next.
  ///
  /// Threads: any.    Cost: one lock, O(1) except for drop_oldest behind uncounted mail.
  [[nodiscard]] Pushed push(Envelope& envelope, Handle target) noexcept;

  /// push() into a mailbox that takes itself for full, whatever room it has. Pre: may_refuse(), and it is not assured.
  [[nodiscard]] Pushed push_as_if_full(Envelope& envelope, Handle target) noexcept;

  /// Like push, and when there is no place appends `waiter` in the same critical section.
  /// Returns: accepted, gone, must_wait when the waiter now stands in the list; full when it is one of a message alone and
  /// `outside_max` such stand there already.
  [[nodiscard]] Outcome push_or_wait(Envelope& envelope, Handle target, PlaceWaiter& waiter,
                                     std::uint32_t outside_max = 0) noexcept;

  /// Takes `waiter` off the list. Returns: false when it had left already (placed or closed).
  [[nodiscard]] bool withdraw(PlaceWaiter& waiter) noexcept;

  /// Takes the next envelope; moves waiting senders' messages into freed places (B2) and reports whom to wake.
  ///
  /// Pre: `wakes` has room for `wakes_max`.    Threads: the owner.
  static constexpr std::size_t wakes_max = 8;
  [[nodiscard]] Envelope* take(Wake* wakes, std::size_t& wake_count) noexcept;

  /// The same while no sender waits, which is cheaper. Returns: null also when one does, with `somebody_waits` set.
  [[nodiscard]] Envelope* take_alone(bool& somebody_waits) noexcept;

  [[nodiscard]] bool empty() noexcept;
  [[nodiscard]] Counts counts() noexcept;
  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] Overflow overflow() const noexcept { return overflow_; }
  /// Returns: whether a sender may get mailbox_full from it.
  [[nodiscard]] bool may_refuse() const noexcept {
    return overflow_ == Overflow::reject || overflow_ == Overflow::drop_newest;
  }
  [[nodiscard]] bool has_waiters() noexcept;
  /// Returns: whether the next push would not be accepted at once.
  [[nodiscard]] bool is_full() noexcept;

 private:
  void accept(Envelope& envelope) noexcept;
  [[gnu::noinline]] Pushed push_into_full(Envelope& envelope) noexcept;

  SpinLock lock_;
  Lanes lanes_;
  Plain<PlaceWaiter*> first_waiter_ = nullptr;
  Plain<PlaceWaiter*> last_waiter_ = nullptr;
  Handle owner_{};
  std::uint32_t capacity_ = 0;
  std::uint32_t resume_at_ = 0;
  std::uint32_t counted_ = 0;
  std::uint32_t high_water_ = 0;
  Overflow overflow_ = Overflow::reject;
  bool open_ = false;
  bool draining_to_mark_ = false;
  std::uint32_t outside_ = 0;  ///< how many of the waiters are messages alone
  std::uint64_t offered_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace orrery
