#include "orrery/props/watched.hpp"

#include <utility>

namespace orrery::props {

void Gate::handle(Enter, Context& context) {
  if (is_open) return;
  held.push_back(context.open_ask<Enter>());
  for (OpenAsk<AwaitEntered>& asker : std::exchange(askers, {})) asker.answer();
}
void Gate::handle(AwaitEntered, Context& context) {
  if (is_open || !held.empty()) return;
  askers.push_back(context.open_ask<AwaitEntered>());
}
void Gate::handle(OpenUp) {
  is_open = true;
  for (OpenAsk<Enter>& one : std::exchange(held, {})) one.answer();
}

void Watch::crash_on(std::uint64_t number, Place place, std::size_t times) const {
  const std::lock_guard guard{shared_->mutex};
  shared_->planned[{number, place}] = times;
}
std::vector<Watch::Life> Watch::lives() const {
  const std::lock_guard guard{shared_->mutex};
  return shared_->lives;
}
std::vector<Instant> Watch::crashes() const {
  const std::lock_guard guard{shared_->mutex};
  return shared_->crashes;
}
void Watch::begin_life(Instant now) const {
  const std::lock_guard guard{shared_->mutex};
  shared_->lives.push_back({.began = now, .state = {}});
}
void Watch::meet(const std::function<std::string()>& state) const {
  const std::lock_guard guard{shared_->mutex};
  if (shared_->lives.empty() || std::exchange(shared_->lives.back().has_met, true)) return;
  shared_->lives.back().state = state();
}
void Watch::maybe_crash(std::uint64_t number, Place place, Instant now) const {
  {
    const std::lock_guard guard{shared_->mutex};
    const auto at = shared_->planned.find({number, place});
    if (at == shared_->planned.end() || at->second == 0) return;
    --at->second;
  }
  crash(now);
}
void Watch::follow(const sim::FaultPlan& plan, std::string_view actor) const {
  const std::lock_guard guard{shared_->mutex};
  shared_->takes = 0;
  for (const sim::PlannedFault& fault : plan.faults) {
    if (fault.actor == actor) shared_->plan.push_back(fault);
  }
}
Duration Watch::take(Instant now) const {
  Duration wait{};
  bool fails = false;
  {
    const std::lock_guard guard{shared_->mutex};
    if (shared_->plan.empty()) return wait;
    const std::uint32_t number = shared_->takes++;
    std::erase_if(shared_->plan, [&](const sim::PlannedFault& fault) {
      if (fault.nth != number) return false;
      if (fault.what == sim::LocalFault::slow) wait += fault.length;
      fails = fails || fault.what == sim::LocalFault::crash;
      return true;
    });
  }
  if (fails) crash(now);
  return wait;
}
void Watch::crash(Instant now) const {
  {
    const std::lock_guard guard{shared_->mutex};
    shared_->crashes.push_back(now);
  }
  throw InjectedFailure{"a test wants it to fail here"};
}

}  // namespace orrery::props
