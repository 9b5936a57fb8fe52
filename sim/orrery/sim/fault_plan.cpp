// fault_plan.cpp: what of a plan happens now.
#include "orrery/sim/fault_plan.hpp"

#include "orrery/sim/engine.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

namespace orrery::sim {

namespace {
constexpr std::array<std::string_view, 4> names{"planned crash", "planned slow", "planned refusal",
                                                "planned allocation"};
std::string_view name_of(LocalFault what) noexcept { return names[static_cast<std::size_t>(what)]; }
}  // namespace

void Engine::arm(const FaultPlan& plan) {
  for (const PlannedFault& fault : plan.faults) {
    plan_.push_back({fault, 0});
    const std::string_view name = name_of(fault.what);
    if (std::ranges::find(faults_, name, &FaultCount::name) == faults_.end())
      faults_.push_back({.name = std::string{name}});
  }
}

/// Something of that kind happens to `who`: counts it for all entries that wait for it.
/// Returns: the entry whose turn it is; it is no longer in the plan then.
std::optional<PlannedFault> Engine::planned_now(LocalFault what, const Agent& who) {
  if (plan_.empty() || tearing_down_ || is_healed_) return std::nullopt;
  std::optional<PlannedFault> due;
  const std::string path = agents_.path_of(who);
  for (auto& [fault, passed] : plan_) {
    if (fault.what != what || fault.actor != path) continue;
    if (passed++ == fault.nth && !due) due = fault;
  }
  if (!due) return due;
  plan_.erase(std::ranges::find(plan_, *due, &std::pair<PlannedFault, std::uint32_t>::first));
  FaultCount& count = count_of(name_of(what));
  ++count.armed;
  ++count.fired;
  return due;
}

bool Engine::plan_crashes(const Agent& who, const Envelope& envelope) {
  if (const auto slow = planned_now(LocalFault::slow, who)) {
    slowed_.emplace_back(who.handle, slow->length);
    strike_at_ = 0;
  }
  if (runtime_->cell_at(who.handle.slot)->is(Cell::traps_exits)) return false;
  if (!plan_strikes(LocalFault::crash, who)) return false;  // the message at least is lost
  tell_crash(who, envelope);
  return true;
}

bool Engine::plan_strikes(LocalFault what, const Agent& who) {
  if (!planned_now(what, who)) return false;
  ++count_of(name_of(what)).effects;
  return true;
}

/// Whoever is to be slow, and could act now, does not. Who is idle is slow when he has something to do again.
void Engine::slow_down_planned() {
  std::erase_if(slowed_, [&](const std::pair<Handle, Duration>& one) {
    if (runtime_->living_cell(one.first) == nullptr) return true;
    for (std::uint64_t i = 0; i < enabled_.size(); ++i) {
      Op& op = enabled_.option(i);
      if (op.agent->handle != one.first || op.kind == OpKind::fire || op.kind == OpKind::deliver) continue;
      pause(op, one.second, name_of(LocalFault::slow));
      return true;
    }
    return false;
  });
}

}  // namespace orrery::sim
