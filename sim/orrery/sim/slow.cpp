#include "orrery/sim/slow.hpp"

#include "orrery/sim/engine.hpp"

#include <fmt/core.h>

#include <utility>

namespace orrery::sim {

/// The fault `slow`: somebody who could act does not, for a while. There are others, or timers, who could meanwhile.
void Engine::maybe_slow() {
  const SlowPlan plan = SlowPlan::of(slows_.back());
  if (tearing_down_ || operations_ < plan.at || (enabled_.size() < 2 && timers_.empty())) return;
  Op* victim = nullptr;
  for (std::uint64_t i = 0; i < enabled_.size() && victim == nullptr; ++i) {
    Op& op = enabled_.option((plan.who + i) % enabled_.size());
    const bool is_an_actors =
        op.agent->handle.is_set() && !op.agent->is_work && op.kind != OpKind::fire && op.kind != OpKind::deliver;
    if (is_an_actors) victim = &op;
  }
  if (victim == nullptr) return;
  FaultCount& count = count_of("slow");
  if (count.armed == 0) count.armed = slows_.size();
  ++count.fired;
  slows_.pop_back();
  pause(*victim, plan.length, "slow");
}

void Engine::pause(Op& op, Duration length, std::string_view counted) {
  enabled_.remove(op);
  Pause& pause = *pauses_.emplace_back(std::make_unique<Pause>(*this, op, counted));
  pause.owner = op.agent->handle;
  pause.began = operations_;
  arm(pause, now_ + length);
  note(EventKind::fault, *op.agent, static_cast<std::uint64_t>(length.count()), 4);
  if (options_.record_events) {
    const std::string path = agents_.path_of(*op.agent);
    record(EventKind::fault, path, path, fmt::format("does nothing for {}", format_duration(length)));
  }
}

void Pause::over(Timer& timer) {
  auto& pause = static_cast<Pause&>(timer);
  pause.engine.go_on(pause);
}

void Engine::go_on(Pause& pause) {
  Op* const op = std::exchange(pause.op, nullptr);
  enabled_.add(*op);
  if (tearing_down_) return;
  if (operations_ - pause.began > 1) ++count_of(pause.counted).effects;  // the timer is one
  if (is_watched_) strategy_.wakes(*acting_, *op->agent);
}

/// Who stands still goes on at once.
void Engine::end_pauses() {
  for (const auto& pause : pauses_) {
    if (pause->op == nullptr) continue;
    cancel(*pause);
    go_on(*pause);
  }
}

}  // namespace orrery::sim
