// spin_lock.hpp: a lock for sections of a few instructions.
// Why:  the rare paths of a mailbox or a table exclude each other for tens of nanoseconds; a mutex of 40
//       bytes and a system call is the wrong size for that.
// How:  test-and-test-and-set: waiters read until the lock looks free, so its cache line stays shared, and
//       only then try to take it. After a while a waiter gives its core away: the owner may be waiting for
//       one.
// Always true:  (L1) what one owner wrote before unlock() is seen by the next after lock()
// Pre for all:  never held across a suspension, a handler or a blocking call; not recursive, not fair.
// Source:       L. Rudolph, Z. Segall: "Dynamic Decentralized Cache Schemes for MIMD Parallel Processors"
//               (1984).
#pragma once
#include "orrery/core/atomic.hpp"

namespace orrery {
/// Meets Lockable: use it with std::lock_guard. 1 byte.
class SpinLock {
 public:
  constexpr SpinLock() noexcept = default;
  SpinLock(const SpinLock&) = delete;
  SpinLock& operator=(const SpinLock&) = delete;

  /// Threads: any.    Blocks: the thread, spinning.    Cost: one exchange when uncontended.
  void lock() noexcept {
    if (!try_take()) wait_and_take();
  }

  /// Returns: whether the lock was taken; it may be refused only while somebody holds it.
  [[nodiscard]] bool try_lock() noexcept { return !locked_.load(std::memory_order_relaxed) && try_take(); }

  /// Pre: this thread holds the lock.
  void unlock() noexcept { locked_.store(false, std::memory_order_release); }  // pairs with the acquire in try_take

 private:
  static constexpr unsigned spins_before_yield = 64;

  bool try_take() noexcept {
    return !locked_.exchange(true, std::memory_order_acquire);  // L1: pairs with the release in unlock
  }

  [[gnu::noinline, gnu::cold]] void wait_and_take() noexcept {
    unsigned spins = 0;
    do {
      // Relaxed: only a hint that trying is worth it; try_take orders what follows.
      while (locked_.load(std::memory_order_relaxed)) {
        if (++spins < spins_before_yield) {
          spin_pause();
        } else {
          yield_thread();
        }
      }
    } while (!try_take());
  }

  Atomic<bool> locked_{false};
};
}  // namespace orrery
