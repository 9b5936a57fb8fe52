// time.cpp: virtual time. It stands still while somebody can act, and goes on to the next timer when nobody can.
#include "orrery/core/check.hpp"
#include "orrery/sim/engine.hpp"

#include <algorithm>

namespace orrery::sim {

namespace {
bool is_lasting(const Timer& timer) {
  return timer.due != Instant::max() && timer.purpose != Timer::Purpose::every &&
         timer.purpose != Timer::Purpose::receive_timeout;
}
}  // namespace

void Engine::arm(Timer& timer, Instant due) {
  ORRERY_CHECK(timer.sequence == 0, "the timer is armed already");
  timer.due = due;
  timer.sequence = ++timer_sequence_;
  timers_.add(timer);
  if (is_lasting(timer)) ++lasting_timers_;
}

bool Engine::cancel(Timer& timer) {
  if (timer.sequence == 0) return false;
  if (timers_.contains(timer)) {
    timers_.remove(timer);
    if (is_lasting(timer)) --lasting_timers_;
  } else {
    const auto at = std::ranges::find(due_, &timer, &FireOp::timer);
    ORRERY_CHECK(at != due_.end(), "an armed timer waits or is due");
    FireOp* const op = *at;
    enabled_.remove(*op);
    due_.erase(at);
    if (is_watched_ && !tearing_down_) strategy_.withdrawn(*op);
    fire_ops_.give(*op);
    if (due_.empty()) release_due_timers();
  }
  timer.sequence = 0;
  return true;
}

void Engine::fire(FireOp& op) {
  Timer& timer = *op.timer;
  std::erase(due_, &op);
  if (stalled_after_ != 0) [[unlikely]]
    judge_stall();
  note(EventKind::fire, *op.object, op.detail, op.ordinal);
  if (options_.record_events) {
    record(EventKind::fire, "clock", agents_.path_of(*op.object), std::string{purpose_name(timer.purpose)});
  }
  fire_ops_.give(op);
  timer.sequence = 0;
  timer.fire();
  if (due_.empty()) release_due_timers();
}

bool Engine::advance_time() {
  const bool nothing_lasts = horizon_ == Horizon::quiescence && lasting_timers_ == 0;
  const bool nothing_due = timers_.empty() || timers_.first().due == Instant::max();
  if (tearing_down_ || nothing_lasts) return false;
  if (nothing_due || (horizon_ == Horizon::time && timers_.first().due > until_)) {
    if (horizon_ == Horizon::time) now_ = std::max(now_, until_);
    return false;
  }
  jump_to(timers_.first().due);
  return true;
}

void Engine::jump_to(Instant instant) {
  now_ = std::max(now_, instant);
  jumped_at_ = operations_;
  release_due_timers();
}

/// Makes the timers of the earliest instant that has come compete with everything else: equal dues are unordered.
void Engine::release_due_timers() {
  if (!due_.empty() || timers_.empty() || timers_.first().due > now_) return;
  const Instant earliest = timers_.first().due;
  while (!timers_.empty() && timers_.first().due == earliest) {
    Timer& timer = timers_.first();
    timers_.remove(timer);
    if (is_lasting(timer)) --lasting_timers_;
    FireOp& op = fire_ops_.take();
    Agent& owner = agent(timer.owner);
    op.kind = OpKind::fire;
    op.agent = op.object = &owner;
    op.detail = static_cast<std::uint64_t>(timer.purpose);
    op.ordinal = owner.timers++;
    op.timer = &timer;
    due_.push_back(&op);
    enabled_.add(op);
    if (is_watched_ && !tearing_down_) strategy_.released(op);
  }
}

}  // namespace orrery::sim
