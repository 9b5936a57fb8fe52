// hot_slot.hpp: one worker's place for the actor that was made runnable last.
// Why:  what was just sent to is warm in the cache and is served next; most messages pass through here, so it must cost
//       a few plain instructions. Yet when the worker is stuck in a handler, somebody else must be able to take it.
// How:  the owner loads and stores. A thief, who comes rarely, first says so and then makes every thread pass a fence:
//       after it, either the owner's next access sees the thief and waits for the lock, or the thief sees that the
//       owner is in the middle of one, is hence not stuck, and goes away.
// Always true:  (H1) an item that was put leaves exactly once: by put() as the one replaced, by take() or by steal()
//               (H2) only the owner puts something in
// Not chosen:   an exchange by everybody, 4.7 ns twice per message that wakes its receiver; a slot that nobody else can
//               take from (Tokio before 1.43), which strands an actor behind a handler that computes for long.
// Source:       the LIFO slot of Tokio and Go's runnext; J. Dekker's algorithm made asymmetric (asymmetric_fence.hpp).
#pragma once
#include "orrery/core/asymmetric_fence.hpp"
#include "orrery/core/atomic.hpp"
#include "orrery/core/spin_lock.hpp"

#include <mutex>

namespace orrery {

template <class T>
class HotSlot {
 public:
  /// Puts `item` in. Returns: what was there, or null.    Threads: the owner.
  T* put(T& item) noexcept {
    if (item_.load(std::memory_order_relaxed) == nullptr) {  // H2: nobody else makes it non-null
      item_.store(&item, std::memory_order_release);         // pairs with steal()
      return nullptr;
    }
    return swap(&item);
  }
  /// Returns: what is there, or null; the slot is empty afterwards.    Threads: the owner.
  [[nodiscard]] T* take() noexcept {
    return item_.load(std::memory_order_relaxed) == nullptr ? nullptr : swap(nullptr);
  }
  [[nodiscard]] bool empty() const noexcept { return item_.load(std::memory_order_relaxed) == nullptr; }

  /// Returns: what is there, or null, also when the owner is just using the slot.
  /// Threads: any but the owner.    Blocks: the thread, on a short lock.    Cost: a heavy_fence().
  [[nodiscard]] T* steal() noexcept {
    if (empty()) return nullptr;
    const std::lock_guard guard{lock_};
    has_thief_.store(true, std::memory_order_relaxed);
    heavy_fence();
    T* const stolen =
        in_use_.load(std::memory_order_acquire) ? nullptr : item_.exchange(nullptr, std::memory_order_acquire);
    has_thief_.store(false, std::memory_order_release);  // pairs with the owner's load: it sees the slot as we left it
    return stolen;
  }

 private:
  T* swap(T* item) noexcept {
    in_use_.store(true, std::memory_order_relaxed);
    light_fence();
    if (has_thief_.load(std::memory_order_acquire)) [[unlikely]]
      return swap_after_thief(item);
    T* const before = item_.load(std::memory_order_relaxed);
    item_.store(item, std::memory_order_release);
    in_use_.store(false, std::memory_order_release);
    return before;
  }
  [[gnu::noinline]] T* swap_after_thief(T* item) noexcept {
    in_use_.store(false, std::memory_order_release);
    const std::lock_guard guard{lock_};  // until it has gone
    return item_.exchange(item, std::memory_order_acq_rel);
  }

  Atomic<T*> item_{nullptr};
  Atomic<bool> in_use_{false};     // one writer, the owner
  Atomic<bool> has_thief_{false};  // written under the lock
  SpinLock lock_;
};

}  // namespace orrery
