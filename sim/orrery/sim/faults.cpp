// faults.cpp: what goes wrong in a run, planned before it begins; and what user code lets go wrong.
#include "orrery/core/check.hpp"
#include "orrery/core/hash.hpp"
#include "orrery/sim/engine.hpp"

#include <algorithm>
#include <functional>

namespace orrery::sim {

void Engine::draw_places(std::vector<std::uint64_t>& places, std::string_view name, int count_max,
                         std::uint64_t reach) {
  if (count_max <= 0 || reach == 0) return;
  const std::uint64_t stream = hash_text(name);
  const std::uint64_t count =
      decide({.kind = DecisionKind::fault, .count = static_cast<std::uint64_t>(count_max) + 1, .stream = stream});
  for (std::uint64_t i = 0; i < count; ++i)
    places.push_back(reach == 1 ? 0 : decide({.kind = DecisionKind::fault, .count = reach, .stream = stream}));
  std::ranges::sort(places, std::greater{});
  faults_.push_back({.name = std::string{name}, .armed = count, .fired = 0});
}

void Engine::plan_faults() {
  if (options_.faults == FaultProfile::none) return;
  draw_places(stalls_, "stall", options_.stalls_max, options_.stall_reach);
  if (options_.faults == FaultProfile::heavy) {
    draw_places(crashes_, "crash", options_.crashes_max, options_.crash_reach);
  }
}

void Engine::count_fired(std::string_view name) {
  const auto at = std::ranges::find(faults_, name, &FaultCount::name);
  ORRERY_CHECK(at != faults_.end());
  ++at->fired;
}

/// The fault `stall`: a busy core lets time pass although work waits.
void Engine::maybe_stall() {
  if (stalls_.empty() || tearing_down_ || operations_ < stalls_.back()) return;
  if (timers_.empty() || !due_.empty()) return;
  const Instant due = timers_.first().due;
  if (horizon_ == Horizon::time && due > until_) return;  // time passes there when the test lets it
  stalls_.pop_back();
  if (due <= now_ || due - now_ > options_.stall_max) return;
  count_fired("stall");
  note(EventKind::stall, agents_.test(), static_cast<std::uint64_t>((due - now_).count()), 0);
  if (options_.record_events) {
    record(EventKind::stall, "clock", "", format_duration(due - now_) + " passes while work waits");
  }
  jump_to(due);
}

/// The fault `crash`: a handler fails in the place of doing its work.
/// Who traps exits is spared, supervisors above all: their work is what a crash of others is to try out.
bool Engine::crashes_now(const Agent& who, const Envelope& envelope) {
  if (crashes_.empty() || takes_ <= crashes_.back()) return false;
  if (runtime_->cell_at(who.handle.slot)->is(Cell::traps_exits)) return false;
  crashes_.pop_back();
  count_fired("crash");
  note(EventKind::fault, who, envelope.operations->message->name_hash, 0);
  if (options_.record_events) {
    record(EventKind::fault, agents_.path_of(who), agents_.path_of(who),
           "fails as it is about to handle " + std::string{envelope.operations->message->name});
  }
  return true;
}

bool Engine::fault_point(std::string_view name) {
  if (!running_ || tearing_down_ || options_.faults == FaultProfile::none) return false;
  constexpr std::uint64_t one_in = 4;  // the last of so many options, so that the first, calm one is "no"
  const std::uint64_t hash = hash_text(name);
  auto site = std::ranges::find(fault_sites_, hash, &FaultSite::name_hash);
  if (site == fault_sites_.end()) {
    const bool is_active = decide({.kind = DecisionKind::fault, .count = one_in, .stream = hash}) == one_in - 1;
    site = fault_sites_.insert(fault_sites_.end(), {hash, faults_.size(), is_active});
    faults_.push_back({.name = std::string{name}, .armed = is_active ? 1U : 0U, .fired = 0});
  }
  if (!site->is_active || decide({.kind = DecisionKind::fault, .count = one_in, .stream = hash}) != one_in - 1) {
    return false;
  }
  ++faults_[site->count].fired;
  note(EventKind::fault, *acting_, hash, 1);
  if (options_.record_events) {
    const std::string who = agents_.path_of(*acting_);
    record(EventKind::fault, who, who, "goes wrong: " + std::string{name});
  }
  return true;
}

}  // namespace orrery::sim
