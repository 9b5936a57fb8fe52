// faults.cpp: what goes wrong in a run, planned before it begins; and what user code lets go wrong.
#include "orrery/core/check.hpp"
#include "orrery/core/hash.hpp"
#include "orrery/sim/engine.hpp"

#include <algorithm>
#include <exception>
#include <functional>

namespace orrery::sim {

std::uint64_t Engine::draw_places(std::vector<std::uint64_t>& places, std::string_view name, int count_max,
                                  std::uint64_t reach) {
  if (count_max <= 0 || reach == 0) return 0;
  const std::uint64_t stream = hash_text(name);
  const std::uint64_t count =
      decide({.kind = DecisionKind::fault, .count = static_cast<std::uint64_t>(count_max) + 1, .stream = stream});
  for (std::uint64_t i = 0; i < count; ++i)
    places.push_back(reach == 1 ? 0 : decide({.kind = DecisionKind::fault, .count = reach, .stream = stream}));
  std::ranges::sort(places, std::greater{});
  faults_.push_back({.name = std::string{name}, .armed = count});
  return count;
}

void Engine::draw_places_if_any(std::vector<std::uint64_t>& places, std::string_view name, int count_max,
                                std::uint64_t reach) {
  if (draw_places(places, name, count_max, reach) != 0) faults_.back().armed = 0;
}

void Engine::plan_faults() {
  if (options_.faults == FaultProfile::none) return;
  draw_places(stalls_, "stall", options_.stalls_max, options_.stall_reach);
  plan_next_strike();
  if (options_.faults != FaultProfile::heavy) return;
  draw_places(crashes_, "crash", options_.crashes_max, options_.crash_reach);
  draw_places_if_any(refusals_, "refusal", options_.refusals_max, options_.refusal_reach);
  draw_places_if_any(failing_, "allocation", options_.allocations_max, options_.allocation_reach);
  draw_places_if_any(slows_, "slow", options_.slows_max, options_.slow_reach * SlowPlan::variants);
  plan_next_strike();
}

FaultCount& Engine::count_of(std::string_view name) {
  const auto at = std::ranges::find(faults_, name, &FaultCount::name);
  ORRERY_CHECK(at != faults_.end());
  return *at;
}

bool Engine::strikes(std::vector<std::uint64_t>& places, std::string_view name, std::uint64_t passed) {
  if (passed == 0) count_of(name).armed = places.size();
  if (passed < places.back()) return false;
  places.pop_back();
  FaultCount& count = count_of(name);
  ++count.fired;
  ++count.effects;
  return true;
}

void Engine::plan_next_strike() noexcept {
  if (!slowed_.empty()) {
    strike_at_ = 0;
    return;
  }
  strike_at_ =
      std::min(stalls_.empty() ? never : stalls_.back(), slows_.empty() ? never : SlowPlan::of(slows_.back()).at);
}

void Engine::strike() {
  if (!stalls_.empty()) maybe_stall();
  if (!slows_.empty()) maybe_slow();
  if (!slowed_.empty()) slow_down_planned();
  plan_next_strike();
}

void Engine::heal() {
  stalls_.clear();
  crashes_.clear();
  refusals_.clear();
  failing_.clear();
  slows_.clear();
  plan_.clear();
  slowed_.clear();
  plan_next_strike();
  is_healed_ = true;
  end_pauses();
}

std::vector<std::size_t> Engine::heal_core(std::size_t count, std::size_t quorum) {
  heal();
  std::vector<std::size_t> dead;
  ORRERY_CHECK(quorum <= count);
  if (options_.faults == FaultProfile::none || quorum == count) return dead;
  constexpr std::string_view name = "core";
  const std::uint64_t stream = hash_text(name);
  std::vector<std::size_t> living;
  for (std::size_t i = 0; i < count; ++i) living.push_back(i);
  const std::uint64_t deaths = decide({.kind = DecisionKind::fault, .count = count - quorum + 1, .stream = stream});
  for (std::uint64_t i = 0; i < deaths; ++i) {
    const std::uint64_t who =
        living.size() == 1 ? 0 : decide({.kind = DecisionKind::fault, .count = living.size(), .stream = stream});
    dead.push_back(living[who]);
    living.erase(living.begin() + static_cast<std::ptrdiff_t>(who));
  }
  std::ranges::sort(dead);
  faults_.push_back({.name = std::string{name}, .armed = deaths, .fired = deaths, .effects = deaths});
  return dead;
}

void Engine::tell_death(Handle who) {
  if (options_.record_events) record(EventKind::fault, path_of(who), path_of(who), "is killed, and stays dead");
}

/// The fault `stall`: a busy core lets time pass although work waits.
void Engine::maybe_stall() {
  if (stalls_.empty() || tearing_down_ || operations_ < stalls_.back()) return;
  if (timers_.empty() || !due_.empty()) return;
  const Instant due = timers_.first().due;
  if (horizon_ == Horizon::time && due > until_) return;  // time passes there when the test lets it
  stalls_.pop_back();
  if (due <= now_ || due - now_ > options_.stall_max) return;
  ++count_of("stall").fired;
  stalled_after_ = enabled_.newest_serial();
  note(EventKind::stall, agents_.test(), static_cast<std::uint64_t>((due - now_).count()), 0);
  if (options_.record_events) {
    record(EventKind::stall, "clock", "", format_duration(due - now_) + " passes while work waits");
  }
  jump_to(due);
}

/// A timer fires after a stall: does anything still wait that was enabled before it?
void Engine::judge_stall() {
  if (!enabled_.empty() && enabled_.option(0).serial <= stalled_after_) ++count_of("stall").effects;
  stalled_after_ = 0;
}

/// Returns: whether others can tell that `who` fails on that message, or it loses more than that message.
bool Engine::has_something_to_lose(const Agent& who, const Envelope& envelope) const {
  const Cell& cell = *runtime_->cell_at(who.handle.slot);
  const CellExtras* const extras = cell.extras;
  if (envelope.is(Envelope::is_ask) || who.takes > 1 || cell.is(Cell::is_supervised)) return true;
  const std::size_t mine = cell.mailbox.front() == &envelope ? 1 : 0;  // it may stay there while it is handled
  if (cell.mailbox.count(mine + 1, &cell.bell) > mine) return true;
  return extras != nullptr && (!extras->watchers.empty() || extras->links != nullptr ||
                               (extras->bounded != nullptr && !extras->bounded->empty()));
}

/// The fault `crash`: a handler fails in the place of doing its work.
/// Who traps exits is spared, supervisors above all: their work is what a crash of others is to try out.
bool Engine::crashes_now(const Agent& who, const Envelope& envelope) {
  if (crashes_.empty() || takes_ <= crashes_.back()) return false;
  if (runtime_->cell_at(who.handle.slot)->is(Cell::traps_exits)) return false;
  crashes_.pop_back();
  FaultCount& count = count_of("crash");
  ++count.fired;
  if (has_something_to_lose(who, envelope)) ++count.effects;
  tell_crash(who, envelope);
  return true;
}

std::uint64_t Engine::key_of_loss(const Agent& from, const Agent& to, const Envelope& envelope) {
  TraceHasher hasher;
  hasher.add(from.path_hash);
  hasher.add(to.path_hash);
  hasher.add(envelope.operations->message->name_hash);
  envelope.operations->message->hash(envelope.payload(), hasher);
  return hasher.value().lo;
}

void Engine::lose(const Agent& to, const Envelope& envelope, std::string_view fault) {
  constexpr auto others = Envelope::is_ask | Envelope::is_assured | Envelope::is_tick | Envelope::is_notice |
                          Envelope::uncounted | Envelope::given_away;
  // A timed message carries the flag of exactly_once, which means nothing without is_assured.
  if ((envelope.flags & others) != 0 || lost_.size() == lost_told_max) return;
  const Agent& from = sender_of(envelope);
  const MessageInfo& message = *envelope.operations->message;
  Lost lost{.key = key_of_loss(from, to, envelope),
            .told = {.type = std::string{message.name},
                     .text = {},
                     .from = agents_.path_of(from),
                     .to = agents_.path_of(to),
                     .fault = std::string{fault},
                     .at = now_}};
  message.describe(envelope.payload(), lost.told.text);
  if (lost.told.text.size() > lost_text_max) lost.told.text.resize(lost_text_max);
  lost_.push_back(std::move(lost));
}

/// The same message from the same sender to the same receiver, fields and all: a retry.
void Engine::sent_again(const Agent& from, const Agent& to, const Envelope& envelope) {
  if ((envelope.flags & Envelope::given_away) != 0) return;
  const auto found = std::ranges::find(lost_, key_of_loss(from, to, envelope), &Lost::key);
  if (found != lost_.end()) lost_.erase(found);
}

std::vector<LostMessage> Engine::lost() const {
  std::vector<LostMessage> told;
  for (const Lost& one : lost_) told.push_back(one.told);
  return told;
}

void Engine::tell_crash(const Agent& who, const Envelope& envelope) {
  note(EventKind::fault, who, envelope.operations->message->name_hash, 0);
  if (std::ranges::find(crashed_, &who) == crashed_.end()) {  // else a planned crash and a drawn one met
    crashed_.push_back(&who);
    lose(who, envelope, "crash");
  }
  if (options_.record_events) {
    record(EventKind::fault, agents_.path_of(who), agents_.path_of(who),
           "fails as it is about to handle " + std::string{envelope.operations->message->name});
  }
}

/// The fault `refusal`: a mailbox that may refuse mail does so though it has room.
bool Engine::refuses(Handle target, const Envelope& envelope) {
  if ((refusals_.empty() && plan_.empty()) || tearing_down_) return false;
  const Agent& to = agent(target);
  const bool is_planned = plan_strikes(LocalFault::refusal, to);
  const bool is_drawn = !refusals_.empty() && strikes(refusals_, "refusal", refusable_++);
  if (!is_planned && !is_drawn) return false;
  note(EventKind::fault, to, envelope.operations->message->name_hash, 2);
  lose(to, envelope, "refusal");
  if (options_.record_events) {
    const std::string path = agents_.path_of(to);
    record(EventKind::fault, path, path,
           "takes its mailbox for full: no " + std::string{envelope.operations->message->name});
  }
  return true;
}

/// The fault `allocation`: a handler sends, and there is no memory for the message. As in production it is the send that
/// throws, before anybody else has heard of the message. Whoever traps exits is spared, as by a crash.
/// Only where a handler can be left by an exception, and never for the runtime's own messages: those that are passed on,
/// notices, ticks.
bool Engine::runs_out_of_memory(const Envelope& envelope) {
  if ((failing_.empty() && plan_.empty()) || tearing_down_ || !running_) return false;
  const Cell* const cell = execution_.cell;
  if (cell == nullptr || !cell->in_handler || execution_.message == nullptr || cell->ending != Cell::Ending::none ||
      cell->is(Cell::traps_exits)) {
    return false;
  }
  if ((envelope.flags & (Envelope::uncounted | Envelope::is_tick | Envelope::is_notice | Envelope::passed_on)) != 0) {
    return false;
  }
  if (std::uncaught_exceptions() > 0) return false;  // a destructor's, which cannot throw
  const Agent& who = agent(cell->handle());
  const bool is_planned = plan_strikes(LocalFault::allocation, who);
  const bool is_drawn = !failing_.empty() && strikes(failing_, "allocation", sends_++);
  if (!is_planned && !is_drawn) return false;
  note(EventKind::fault, who, envelope.operations->message->name_hash, 3);
  if (options_.record_events) {
    const std::string path = agents_.path_of(who);
    record(EventKind::fault, path, path, "has no memory to send " + std::string{envelope.operations->message->name});
  }
  return true;
}

bool Engine::fault_point(std::string_view name) {
  if (!running_ || tearing_down_ || is_healed_ || options_.faults == FaultProfile::none) return false;
  constexpr std::uint64_t one_in = 4;  // the last of so many options, so that the first, calm one is "no"
  const std::uint64_t hash = hash_text(name);
  auto site = std::ranges::find(fault_sites_, hash, &FaultSite::name_hash);
  if (site == fault_sites_.end()) {
    const bool is_active = decide({.kind = DecisionKind::fault, .count = one_in, .stream = hash}) == one_in - 1;
    site = fault_sites_.insert(fault_sites_.end(), {hash, faults_.size(), is_active});
    faults_.push_back({.name = std::string{name}, .armed = is_active ? 1U : 0U});
  }
  if (!site->is_active || decide({.kind = DecisionKind::fault, .count = one_in, .stream = hash}) != one_in - 1) {
    return false;
  }
  ++faults_[site->count].fired;
  ++faults_[site->count].effects;
  note(EventKind::fault, *acting_, hash, 1);
  if (options_.record_events) {
    const std::string who = agents_.path_of(*acting_);
    record(EventKind::fault, who, who, "goes wrong: " + std::string{name});
  }
  return true;
}

}  // namespace orrery::sim
