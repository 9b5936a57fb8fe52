#include "orrery/threads/timer_shard.hpp"

#include <algorithm>
#include <mutex>

namespace orrery {

void TimerShard::arm(Timer& timer, Instant due) {
  const std::lock_guard guard{lock_};
  timer.due = due;
  wheel_.arm(timer, due);
  if (is_awaited(timer)) ++pending_;
  // The wheel fires it when the tick after `due` begins, so that is when to wake up.
  const Duration::rep last_of_tick = (Duration::rep{1} << tick_bits_) - 1;
  Duration::rep at = due.time_since_epoch().count();
  if (at < Duration::max().count() - last_of_tick) at = (at + last_of_tick) & ~last_of_tick;
  if (at < next_due_.load(std::memory_order_relaxed)) next_due_.store(at, std::memory_order_release);
}

void TimerShard::arm_in(Timer& timer, Duration delay) {
  const std::lock_guard guard{lock_};
  timer.due = Instant{delay};  // until it is placed
  wheel_.postpone(timer);
  if (is_awaited(timer)) ++pending_;
  next_due_.store(0, std::memory_order_release);
}

bool TimerShard::cancel(Timer& timer) noexcept {
  const std::lock_guard guard{lock_};
  if (!wheel_.cancel(timer)) return false;
  if (is_awaited(timer)) --pending_;
  if (wheel_.size() == 0) next_due_.store(Duration::max().count(), std::memory_order_release);
  return true;
}

std::size_t TimerShard::expire() {
  const std::lock_guard guard{lock_};
  reached_ = std::max(reached_, world_.now());  // read under the lock: a timer postponed before it must not be early
  wheel_.place_postponed([this](TimerNode& node) {
    auto& timer = static_cast<Timer&>(node);
    const Duration delay = timer.due.time_since_epoch();
    timer.due = delay > Instant::max() - reached_ ? Instant::max() : reached_ + delay;
    return timer.due;
  });
  const std::size_t fired = wheel_.expire(reached_, [this](TimerNode& node) {
    auto& timer = static_cast<Timer&>(node);
    if (is_awaited(timer)) --pending_;
    timer.fire();  // the timer may be gone from here on
  });
  next_due_.store(wheel_.next_due().value_or(Instant::max()).time_since_epoch().count(), std::memory_order_release);
  return fired;
}

std::size_t TimerShard::pending() noexcept {
  const std::lock_guard guard{lock_};
  return pending_;
}

}  // namespace orrery
