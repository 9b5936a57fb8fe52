#include "orrery/actor/timers.hpp"

#include "orrery/actor/runtime.hpp"
#include "orrery/core/check.hpp"

#include <algorithm>

namespace orrery {

ActorTimer::ActorTimer(Runtime& home, Handle owner_handle, Purpose why, Duration every) noexcept
    : Timer{why, &ActorTimer::fired}, runtime{home}, target{owner_handle}, period{every} {
  owner = owner_handle;
}

void ActorTimer::fired(Timer& timer) {
  auto& self = static_cast<ActorTimer&>(timer);
  // The reference that was held while armed goes over to the tick.
  if (Envelope* const envelope = self.make_tick(); envelope != nullptr) {
    envelope->flags |= Envelope::is_tick | Envelope::uncounted;
    envelope->timer = &self;
    self.tick_queued.store(true, std::memory_order_relaxed);
    self.runtime.send_tick(self, envelope);
  } else {
    self.release();
  }
}

TimerKey TimerSet::add(World& world, ActorTimer* timer, Duration delay) {
  timer->key = TimerKey{next_key_++};
  timers_.emplace_hint(timers_.end(), timer->key.number, timer);
  timer->retain();  // while armed
  world.arm(*timer, world.now() + std::max(delay, Duration::zero()));
  return timer->key;
}

bool TimerSet::cancel(World& world, TimerKey key) noexcept {
  const auto at = timers_.find(key.number);
  if (at == timers_.end()) return false;
  ActorTimer* const timer = at->second;
  timers_.erase(at);
  timer->cancelled = true;  // R1: read by the same actor when the tick is taken
  if (world.cancel(*timer)) timer->release();
  timer->release();
  return true;
}

void TimerSet::cancel_all(World& world) noexcept {
  while (!timers_.empty()) cancel(world, TimerKey{timers_.rbegin()->first});
}

bool TimerSet::taken(World& world, ActorTimer& timer) noexcept {
  timer.tick_queued.store(false, std::memory_order_relaxed);
  if (timer.cancelled) return false;
  if (timer.period > Duration::zero()) {
    // R2: the next tick is armed only now. Its instant stays on the grid of the first one, without catching up.
    timer.retain();
    Instant due = timer.due + timer.period;
    const Instant now = world.now();
    if (due <= now) due += ((now - due) / timer.period + 1) * timer.period;
    world.arm(timer, due);
  } else {
    timers_.erase(timer.key.number);
    timer.release();
  }
  return true;
}

}  // namespace orrery
