#include "orrery/actor/timers.hpp"
#include "orrery/actor/race_scope.hpp"

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

TimerSet::Slot* TimerSet::find(TimerKey key) noexcept {
  const std::size_t index = key.number % slots_max;
  if (index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  return slot.timer != nullptr && slot.timer->key == key ? &slot : nullptr;
}

void TimerSet::forget(Slot& slot) noexcept {
  slot.timer = nullptr;
  slot.next_free = std::exchange(first_free_, static_cast<std::uint32_t>(&slot - slots_.data()));
  --size_;
}

TimerKey TimerSet::add(World& world, ActorTimer* timer, Duration delay) {
  [[maybe_unused]] const RuntimeScope inside;
  std::uint32_t index = first_free_;
  if (index == none) {
    ORRERY_CHECK(slots_.size() < slots_max, "an actor with more than {} timers", slots_max);
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    first_free_ = slots_[index].next_free;
  }
  slots_[index].timer = timer;
  ++size_;
  timer->key = TimerKey{++added_ * slots_max + index};  // a key is never used twice
  timer->retain();                                      // while armed
  world.arm_in(*timer, std::max(delay, Duration::zero()));
  return timer->key;
}

bool TimerSet::cancel(World& world, TimerKey key) noexcept {
  [[maybe_unused]] const RuntimeScope inside;
  Slot* const slot = find(key);
  if (slot == nullptr) return false;
  ActorTimer* const timer = slot->timer;
  forget(*slot);
  timer->cancelled = true;  // R1: read by the same actor when the tick is taken
  if (world.cancel(*timer)) timer->release();
  timer->release();
  return true;
}

void TimerSet::cancel_all(World& world) noexcept {
  [[maybe_unused]] const RuntimeScope inside;
  for (std::size_t i = slots_.size(); size_ > 0 && i-- > 0;) {
    if (slots_[i].timer != nullptr) cancel(world, slots_[i].timer->key);
  }
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
    if (Slot* const slot = find(timer.key); slot != nullptr) forget(*slot);
    timer.release();
  }
  return true;
}

}  // namespace orrery
