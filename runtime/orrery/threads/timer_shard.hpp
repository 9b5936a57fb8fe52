// timer_shard.hpp: the timers that one worker (or all foreign threads together) armed.
// Why:  nearly every ask arms a deadline and cancels it a moment later. One wheel for all workers would make its
//       lock the busiest line of the process; a wheel per worker is locked by others only when an actor has moved.
// How:  a wheel under a small lock. Callbacks run with the lock held: they only put a message into a mailbox or
//       wake somebody, and neither takes a lock of this kind. A timer remembers its shard, so any thread finds it.
// Always true:  (S1) after cancel() returned, the callback neither runs nor will run: it runs under the lock that
//                    cancel() takes
//               (S2) next_due() is never later than the earliest timer that a completed arm() left
//               (S3) pending() counts exactly the armed timers whose purpose somebody waits for
// Not chosen:   firing outside the lock with a "firing" state per timer: a cancel must then wait for the callback,
//               which is what the lock does already.
// Source:       SPEC R4; World::cancel's W2.
#pragma once
#include "orrery/core/spin_lock.hpp"
#include "orrery/core/time.hpp"
#include "orrery/core/timer_wheel.hpp"
#include "orrery/world/world.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace orrery {

class alignas(64) TimerShard {
 public:
  /// `world` tells the time.
  TimerShard(World& world, unsigned tick_bits) : world_{world}, tick_bits_{tick_bits}, wheel_{Instant{}, tick_bits} {}

  /// Threads: any.    Blocks: the thread, on a short lock.    Cost: O(1).
  void arm(Timer& timer, Instant due);
  /// Arms `timer` for `delay` from now, where now is read in the next expire(): never early, and late by no more than
  /// the time until then. Most asks are answered before, and so have cost no reading of the clock (26 ns).
  /// Threads: any.    Blocks: the thread, on a short lock.    Cost: O(1).
  void arm_in(Timer& timer, Duration delay);
  /// Returns: false when the timer has fired already (S1).    Threads: any, never from within a callback.
  bool cancel(Timer& timer) noexcept;
  /// Fires what is due. Returns: how many fired.    Threads: any, not from within a callback.
  std::size_t expire();

  /// Returns: a time before which nothing fires, Instant::max() when nothing is armed (S2); the epoch when the clock is
  ///          to be read for a timer of arm_in().    Cost: one load.
  [[nodiscard]] Instant next_due() const noexcept {
    return Instant{Duration{next_due_.load(std::memory_order_acquire)}};
  }
  /// Returns: how many timers are armed that are neither periodic nor receive timeouts. Callbacks that had begun have
  ///          ended when it returns.
  [[nodiscard]] std::size_t pending() noexcept;

 private:
  static bool is_awaited(const Timer& timer) noexcept {
    return timer.purpose != Timer::Purpose::every && timer.purpose != Timer::Purpose::receive_timeout;
  }

  World& world_;
  const unsigned tick_bits_;
  SpinLock lock_;
  TimerWheel wheel_;
  Instant reached_{};        // the latest time it was expired for: two threads may come in either order
  std::size_t pending_ = 0;  // S3
  std::atomic<Duration::rep> next_due_{Duration::max().count()};  // written under the lock
};

}  // namespace orrery
