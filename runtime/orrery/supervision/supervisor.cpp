#include "orrery/supervision/supervisor.hpp"

#include "orrery/actor/alarm.hpp"
#include "orrery/actor/spawn.hpp"
#include "orrery/core/check.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <list>
#include <unordered_map>
#include <utility>

namespace orrery {

namespace {

/// The wait for one child to start or to end.
class BondWait final : public Wait {
 public:
  BondWait(Kind kind, const Bond& bond, const Alarm* alarm = nullptr, bool is_freed = false)
      : Wait{kind}, bond_{bond}, alarm_{alarm}, is_freed_{is_freed} {}
  [[nodiscard]] bool ready() const noexcept override {
    const Bond::State state = bond_.state();
    return kind() == Kind::child_start ? state != Bond::starting
                                       : state == Bond::down || (alarm_ != nullptr && alarm_->rang());
  }
  [[nodiscard]] Handle target() const noexcept override { return bond_.child; }
  /// A ring through a child that is asked to end is none if that frees the child from its own waits, or a kill will.
  [[nodiscard]] Handle blocked_by() const noexcept override {
    return is_freed_ || alarm_ != nullptr ? Handle{} : bond_.child;
  }
  [[nodiscard]] bool has_deadline() const noexcept override { return alarm_ != nullptr; }

 private:
  const Bond& bond_;
  const Alarm* alarm_;
  bool is_freed_;
};

/// Runs a start function; what it throws is why there is no actor.
StartOutcome make(StartFunction& function) {
  const auto refused = [](ExitReason reason) {
    return StartOutcome{StartOutcome::Kind::refused, nullptr, std::move(reason)};
  };
  try {
    return function();
  } catch (const Unwind&) {
    throw;
  } catch (const ExitWith& exit) {
    return refused(exit.reason);
  } catch (const std::exception& error) {
    return refused(ExitReason::failed(error.what()));
  } catch (...) {
    return refused(ExitReason::failed("exception of a type that is not a std::exception"));
  }
}

/// From here on nobody supervises the actor. Pre: the bond is not let go yet, so that the actor still has its slot.
void set_free(Runtime& runtime, const Bond& bond) {
  runtime.cell_at(bond.child.slot)
      ->standing.fetch_and(static_cast<std::uint8_t>(~Cell::is_supervised), std::memory_order_relaxed);
}

std::string prefix_of(const Runtime& runtime, Handle supervisor) {
  const Cell* const cell = runtime.living_cell(supervisor);
  return cell != nullptr && cell->extras != nullptr && cell->extras->named ? cell->extras->path + "/" : std::string{};
}

/// Takes the nodes of a container from where messages are: children come and go with them.
template <class T>
struct PoolAllocator {
  using value_type = T;
  PoolAllocator() = default;
  template <class U>
  explicit(false) PoolAllocator(const PoolAllocator<U>&) noexcept {}
  [[nodiscard]] T* allocate(std::size_t count) {
    return static_cast<T*>(BlockPool::local().allocate(count * sizeof(T), alignof(T)));
  }
  void deallocate(T* block, std::size_t count) noexcept { BlockPool::release(block, count * sizeof(T), alignof(T)); }
  friend bool operator==(const PoolAllocator&, const PoolAllocator&) = default;
};

}  // namespace

class Supervisor::Impl {
 public:
  explicit Impl(std::shared_ptr<const SupervisorSpec> tree) : spec_{std::move(tree)} {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { leave_children(); }

  struct Child {
    const ChildSpec* spec = nullptr;
    std::unique_ptr<const ChildSpec> added;  ///< of a child that was not in the tree
    std::shared_ptr<StartFunction> start;
    BondPtr bond;  ///< set while there is an actor, which may be down
    ChildStatus status = ChildStatus::undefined;
    std::uint32_t repeats = 0;  ///< for the backoff
    std::uint64_t timer = 0;    ///< the number of the latest backoff
    Instant started_at{};
    std::list<Child, PoolAllocator<Child>>::iterator at;
  };
  using Children = std::list<Child, PoolAllocator<Child>>;
  using Started = std::expected<bool, ExitReason>;  ///< whether there is an actor (else: ignored), or why not

  // ---- life of the supervisor ----
  void begin(Supervisor& self, Context& context);
  void shut_down(Context& context, const ExitReason& reason);
  void ended(const ExitReason& reason) {
    if (!std::exchange(is_up_, false)) return;
    if (spec_->listener != nullptr) spec_->listener->ended(reason);
  }

  // ---- life of the children ----
  void child_ended(const ChildEnded& notice, Supervisor& self, Context& context);
  void retry(const detail::RetryRestart& retry, Supervisor& self, Context& context);

  // ---- requests ----
  StartChild::Reply start_child(ChildSpec spec, Context& context);
  StartInstance::Reply start_instance(std::shared_ptr<StartFunction> start, Context& context);
  TerminateChild::Reply terminate_child(const std::string& id, Context& context);
  TerminateInstance::Reply terminate_instance(const ActorId& actor, Context& context);
  RestartChild::Reply restart_child(const std::string& id, Context& context);
  DeleteChild::Reply delete_child(const std::string& id);
  [[nodiscard]] WhichChildren::Reply which_children() const;
  [[nodiscard]] CountChildren::Reply count_children() const;
  [[nodiscard]] std::string describe() const;

 private:
  [[nodiscard]] bool is_simple() const noexcept { return spec_->strategy == RestartStrategy::simple_one_for_one; }
  [[nodiscard]] Child* find(const std::string& id) {
    const auto at = ids_.find(id);
    return at == ids_.end() ? nullptr : at->second;
  }
  [[nodiscard]] static std::optional<ChildStatus> status_of(const Child* child) {
    return child == nullptr ? std::nullopt : std::optional{child->status};
  }
  [[nodiscard]] ChildInfo info_of(const Child& child) const;
  Child& add(const ChildSpec& spec, std::shared_ptr<StartFunction> start);
  void erase(Child& child);
  void bury(Child& child);

  [[nodiscard]] Started start(Child& child, Context& context);
  void stop(Child& child);
  void stop_together();
  void ask_to_end(Child& child);
  void kill(Child& child);
  [[nodiscard]] bool is_orphan() const;
  void await_end(Child& child, const Alarm* alarm);
  void report_end(const Child& child, std::size_t count = 0);

  void restart(Child& child, Supervisor& self, Context& context);
  void attempt_restart(Child& child, Supervisor& self, Context& context);
  void stop_group(Child& child);
  void try_again(Child& child, Supervisor& self, Context& context);
  [[nodiscard]] detail::RetryRestart note_for(const Child& child) const {
    if (!is_simple()) return {.id = child.spec->id, .instance = {}};
    return {.id = child.spec->id, .instance = child.bond, .life = child.bond->life};
  }
  void give_up(Child& child, Context& context);
  [[nodiscard]] bool is_in_limit();
  [[nodiscard]] Duration next_wait(Child& child, Context& context);

  void report(SupervisorReport::Kind kind, const Child& child, const ExitReason& reason, std::size_t count = 0);
  void leave_children() noexcept;

  std::shared_ptr<const SupervisorSpec> spec_;
  Runtime* runtime_ = nullptr;
  Handle self_{};
  std::string prefix_;  ///< of its children's names
  bool is_up_ = false;
  Children children_;  // in start order
  std::unordered_map<std::string, Child*> ids_;
  std::unordered_map<std::uint64_t, Child*> instances_;  // by actor, of simple_one_for_one
  bool are_instances_known_ = false;                     // instances_ is kept from when it is first asked for
  RestartWindow restarts_;
  Instant last_crash_report_ = Instant::min();
  std::uint64_t crashes_unreported_ = 0;
  Instant now_{};  // as it was when the present message was handled; one look at the clock is enough for all
};

// ---- life of the supervisor -----------------------------------------------------------------------------------------

void Supervisor::Impl::begin(Supervisor& self, Context& context) {
  runtime_ = &context.runtime();
  now_ = context.now();
  self_ = context.handle();
  prefix_ = prefix_of(*runtime_, self_);
  context.trap_exits(self);
  if (!runtime_->cell_at(self_.slot)->is(Cell::is_supervised)) runtime_->add_leading_supervisor(self_);
  const auto fail = [&](const ExitReason& reason) {
    if (spec_->listener != nullptr) spec_->listener->init_failed(reason);
    throw ExitWith{reason};
  };
  if (spec_->listener != nullptr) spec_->listener->started(context.id());
  if (const auto fault = find_fault(*spec_)) fail(*fault);
  is_up_ = true;
  if (is_simple()) return;
  for (const ChildSpec& spec : spec_->children) {
    Child& child = add(spec, spec.start);
    const Started started = is_orphan() ? std::unexpected(ExitReason::killed()) : start(child, context);
    if (!started) {
      report(SupervisorReport::Kind::start_error, child, started.error());
      const ExitReason reason =
          ExitReason::shutdown(fmt::format("failed_to_start({},{})", spec.id, to_string(started.error())));
      for (auto at = children_.rbegin(); at != children_.rend(); ++at) {
        if (at->status == ChildStatus::running) stop(*at);
        bury(*at);
      }
      is_up_ = false;
      fail(reason);
    }
    if (!*started && spec.options.restart == RestartType::temporary) erase(child);
  }
}

void Supervisor::Impl::shut_down(Context& context, const ExitReason& reason) {
  if (is_simple()) stop_together();
  while (!children_.empty()) {
    Child& last = children_.back();
    if (last.status == ChildStatus::running) stop(last);
    erase(last);
  }
  context.stop(reason);
}

/// The supervisor goes without having stopped its children: it was killed, or the world ends. They are told, and are on their
/// own; whoever takes the supervisor's place finds their names free.
void Supervisor::Impl::leave_children() noexcept {
  if (runtime_ == nullptr) return;
  bool is_anybody_left = false;
  for (Child& child : children_) {  // first, what cannot fail
    if (child.bond == nullptr) continue;
    child.bond->record = nullptr;
    is_anybody_left = true;
  }
  try {
    ended(ExitReason::killed());
    if (is_anybody_left && !prefix_.empty()) runtime_->free_supervised_names(prefix_);
    for (Child& child : children_) {
      if (child.bond == nullptr || !child.bond->child.is_set()) continue;
      const BondPtr bond = std::move(child.bond);
      const std::uint32_t life = bond->life;
      set_free(*runtime_, *bond);
      if (bond->let_go()) {
        runtime_->bury(*bond);
      } else {
        (void)runtime_->signal(bond->child, Signal::stop, ExitReason::killed(), self_, life);
      }
    }
  } catch (...) {  // NOLINT: a listener that throws, or the world ends and all actors with it
  }
  for (Child& child : children_) {
    if (child.bond != nullptr) (void)child.bond->let_go();
  }
}

/// Returns: whether the supervisor's own supervisor has gone, so that this one is about to be told to end.
bool Supervisor::Impl::is_orphan() const {
  const Cell& cell = *runtime_->cell_at(self_.slot);
  return cell.extras != nullptr && cell.extras->bond != nullptr && cell.extras->bond->state() == Bond::orphaned;
}

// ---- the table of children ------------------------------------------------------------------------------------------

Supervisor::Impl::Child& Supervisor::Impl::add(const ChildSpec& spec, std::shared_ptr<StartFunction> start) {
  Child& child = children_.emplace_back();
  child.at = std::prev(children_.end());
  child.spec = &spec;
  child.start = std::move(start);
  if (!is_simple()) ids_[spec.id] = &child;
  return child;
}

void Supervisor::Impl::erase(Child& child) {
  bury(child);
  if (!is_simple()) ids_.erase(child.spec->id);
  children_.erase(child.at);
}

/// Ends the actor of a child for good. Pre: there is none, or it is down.
void Supervisor::Impl::bury(Child& child) {
  child.status = ChildStatus::undefined;
  ++child.timer;
  if (child.bond == nullptr) return;
  runtime_->bury(*child.bond);  // throws, having done nothing, when the world ends
  if (are_instances_known_) instances_.erase(key_of(child.bond->child));
  child.bond->record = nullptr;
  child.bond.reset();
}

ChildInfo Supervisor::Impl::info_of(const Child& child) const {
  const bool has_actor = child.status == ChildStatus::running && child.bond != nullptr;
  return {.id = child.spec->id,
          .status = child.status,
          .actor = has_actor ? ActorId{0, child.bond->child.slot, child.bond->child.generation, child.bond->life}
                             : ActorId{},
          .runtime = runtime_->index(),
          .type = &child.start->type(),
          .restart = child.spec->options.restart,
          .is_supervisor = child.spec->is_supervisor()};
}

// ---- starting and stopping one child --------------------------------------------------------------------------------

Supervisor::Impl::Started Supervisor::Impl::start(Child& child, Context& context) {
  StartOutcome made = make(*child.start);
  if (made.kind == StartOutcome::Kind::refused) return std::unexpected(std::move(made.reason));
  if (made.kind == StartOutcome::Kind::ignored) {
    bury(child);
    return false;
  }
  const bool is_new = child.bond == nullptr;
  if (is_new) {
    child.bond = new Bond{self_, &detail::operations<Supervisor, ChildEnded>};
    child.bond->record = &child;
    SpawnRequest request;
    request.actor = made.actor;
    request.type = &child.start->type();
    request.options.mailbox = child.spec->options.mailbox;
    request.options.mail_on_restart = child.spec->options.mail_on_restart;
    if (!is_simple() && !prefix_.empty()) request.options.name = child.spec->id;
    request.bond = child.bond.get();
    const auto spawned = runtime_->spawn_cell(std::move(request), self_);
    if (!spawned) {
      child.bond.reset();
      return std::unexpected(ExitReason::custom(std::string{to_string(spawned.error())}));
    }
    if (are_instances_known_) instances_[key_of(*spawned)] = &child;
  } else {
    runtime_->revive(*child.bond, made.actor);
  }
  const Bond& bond = *child.bond;
  if (bond.state() == Bond::starting) {
    BondWait wait{Wait::Kind::child_start, bond};
    runtime_->wait(wait);
  }
  if (bond.state() == Bond::down && bond.start_failed) {
    ExitReason reason = bond.reason;
    if (is_new) bury(child);
    return std::unexpected(std::move(reason));
  }
  child.status = ChildStatus::running;
  child.started_at = spec_->backoff.is_on() ? context.now() : Instant{};
  return true;
}

void Supervisor::Impl::ask_to_end(Child& child) {
  if (child.spec->shutdown().is_brutal_kill()) return kill(child);
  (void)runtime_->signal(child.bond->child, Signal::stop, ExitReason::shutdown(), self_, child.bond->life);
}

void Supervisor::Impl::kill(Child& child) {
  (void)runtime_->signal(child.bond->child, Signal::kill, ExitReason::killed(), self_, child.bond->life);
}

/// Waits until a child that was asked to has ended; when the alarm rings, says who has not, and kills it.
void Supervisor::Impl::await_end(Child& child, const Alarm* alarm) {
  const Bond& bond = *child.bond;
  if (bond.state() != Bond::down && (alarm == nullptr || !alarm->rang())) {
    const bool traps = runtime_->cell_at(bond.child.slot)->is(Cell::traps_exits);
    BondWait wait{Wait::Kind::child_end, bond, alarm, !traps || child.spec->shutdown().is_brutal_kill()};
    runtime_->wait(wait);
  }
  if (bond.state() == Bond::down) return;
  runtime_->world().report("shutdown deadline",
                           fmt::format("{} did not end within {} of being asked to; it is killed",
                                       runtime_->path_of(bond.child), to_string(child.spec->shutdown())));
  kill(child);
  BondWait wait{Wait::Kind::child_end, bond, nullptr, true};
  runtime_->wait(wait);
}

/// Pre: it runs, or ended a moment ago.    Blocks: the supervisor, until the child is down.
void Supervisor::Impl::stop(Child& child) {
  if (child.bond->expect_end()) {
    const Shutdown how = child.spec->shutdown();
    std::optional<Alarm> alarm;
    if (!how.is_brutal_kill() && !how.is_infinity()) alarm.emplace(*runtime_, how.limit());
    ask_to_end(child);
    await_end(child, alarm ? &*alarm : nullptr);
  }
  child.status = ChildStatus::undefined;
  report_end(child);
}

void Supervisor::Impl::report_end(const Child& child, std::size_t count) {
  const ExitReason& reason = child.bond->reason;
  if (ended_as_asked(child.spec->options.restart, child.spec->shutdown(), reason)) return;
  report(SupervisorReport::Kind::shutdown_error, child, reason, count);
}

/// Stops all instances of simple_one_for_one side by side, with one deadline for all.
void Supervisor::Impl::stop_together() {
  if (children_.empty()) return;
  const Shutdown how = children_.front().spec->shutdown();
  std::optional<Alarm> alarm;
  if (!how.is_brutal_kill() && !how.is_infinity()) alarm.emplace(*runtime_, how.limit());
  for (Child& child : children_) {
    if (child.status == ChildStatus::running && child.bond->expect_end()) ask_to_end(child);
  }
  bool is_late = false;
  std::vector<std::pair<const Child*, std::size_t>> kinds;  // one child for each reason to report
  for (Child& child : children_) {
    if (child.status != ChildStatus::running) continue;
    if (alarm && alarm->rang() && !std::exchange(is_late, true)) {  // side by side to the last
      for (Child& late : children_) {
        if (late.status == ChildStatus::running && late.bond->state() != Bond::down) kill(late);
      }
    }
    await_end(child, alarm ? &*alarm : nullptr);
    child.status = ChildStatus::undefined;
    const ExitReason& reason = child.bond->reason;
    if (ended_as_asked(child.spec->options.restart, how, reason)) continue;
    const auto same = std::ranges::find_if(kinds, [&](const auto& kind) { return kind.first->bond->reason == reason; });
    if (same == kinds.end()) {
      kinds.emplace_back(&child, 1);
    } else {
      ++same->second;
    }
  }
  std::ranges::sort(kinds, {}, [](const auto& kind) { return to_string(kind.first->bond->reason); });
  for (const auto& [child, count] : kinds) report_end(*child, count);
}

// ---- when a child ends by itself ------------------------------------------------------------------------------------

void Supervisor::Impl::child_ended(const ChildEnded& notice, Supervisor& self, Context& context) {
  auto* const record = static_cast<Child*>(notice.bond->record);
  // Void: of a child that was forgotten, or stopped, or revived since; or of an earlier incarnation of this supervisor.
  if (record == nullptr || notice.bond->life != notice.life || record->status != ChildStatus::running) return;
  Child& child = *record;
  now_ = context.now();
  const BondPtr bond = child.bond;
  const ExitReason& reason = bond->reason;
  const RestartType type = child.spec->options.restart;
  if (runtime_->is_closing()) return is_simple() ? erase(child) : bury(child);
  if (now_ - child.started_at >= spec_->backoff.reset_after) child.repeats = 0;
  if (is_reported(type, reason)) report(SupervisorReport::Kind::child_terminated, child, reason);
  const Fate fate = fate_of(type, reason);
  if (fate == Fate::restart) return restart(child, self, context);
  const bool is_significant = child.spec->options.significant;
  if (fate == Fate::keep && !is_simple()) {
    bury(child);
  } else {
    erase(child);
  }
  const auto is_up = [](const Child& other) {
    return other.spec->options.significant && other.status != ChildStatus::undefined;
  };
  const bool looks = is_significant && spec_->auto_shutdown == AutoShutdown::all_significant;
  const std::size_t others_up = looks && std::ranges::any_of(children_, is_up) ? 1 : 0;  // one is enough to know
  if (is_auto_shutdown(spec_->auto_shutdown, is_significant, others_up)) shut_down(context, ExitReason::shutdown());
}

// ---- restarting -----------------------------------------------------------------------------------------------------

bool Supervisor::Impl::is_in_limit() {
  return restarts_.admit({spec_->intensity, spec_->period}, spec_->clock != nullptr ? spec_->clock->now() : now_);
}

void Supervisor::Impl::give_up(Child& child, Context& context) {
  report(SupervisorReport::Kind::shutdown, child, ExitReason::custom("reached_max_restart_intensity"));
  bury(child);
  shut_down(context, ExitReason::shutdown());
}

Duration Supervisor::Impl::next_wait(Child& child, Context& context) {
  const Backoff& backoff = spec_->backoff;
  if (!backoff.is_on()) return Duration::zero();
  const Duration wait = backoff_of(backoff, child.repeats++);
  const auto jitter_max = static_cast<std::uint64_t>(jitter_of(backoff, wait).count());
  return wait + Duration{static_cast<Duration::rep>(context.draw("backoff", jitter_max + 1))};
}

/// Restarts a child that is down, and whoever goes with it, now or after its backoff.
void Supervisor::Impl::restart(Child& child, Supervisor& self, Context& context) {
  if (!is_in_limit()) return give_up(child, context);
  child.status = ChildStatus::restarting;
  const Duration wait = next_wait(child, context);
  if (wait <= Duration::zero()) return attempt_restart(child, self, context);
  stop_group(child);
  child.status = ChildStatus::restarting;
  detail::RetryRestart later = note_for(child);
  later.timer = ++child.timer;
  (void)context.after(self, wait, std::move(later));
}

/// Stops those who are restarted with `child`, the last one first; it itself is down.
void Supervisor::Impl::stop_group(Child& child) {
  child.status = ChildStatus::undefined;
  if (spec_->strategy != RestartStrategy::one_for_all && spec_->strategy != RestartStrategy::rest_for_one) return;
  const bool are_all = spec_->strategy == RestartStrategy::one_for_all;
  const auto is_first = [&](Children::iterator at) { return at == (are_all ? children_.begin() : child.at); };
  for (auto at = children_.end(); !is_first(at);) {
    --at;
    if (at->status == ChildStatus::running) stop(*at);
    at->status = ChildStatus::undefined;
    ++at->timer;
    if (at->spec->options.restart != RestartType::temporary) continue;
    const auto next = std::next(at);
    erase(*at);
    at = next;
  }
}

void Supervisor::Impl::attempt_restart(Child& child, Supervisor& self, Context& context) {
  stop_group(child);
  const bool is_group =
      spec_->strategy == RestartStrategy::one_for_all || spec_->strategy == RestartStrategy::rest_for_one;
  auto at = spec_->strategy == RestartStrategy::one_for_all ? children_.begin() : child.at;
  while (at != children_.end()) {
    Started started = start(*at, context);
    if (!started) {
      at->status = ChildStatus::restarting;
      report(SupervisorReport::Kind::start_error, *at, started.error());
      return try_again(*at, self, context);
    }
    if (!*started && is_simple()) return erase(*at);  // OTP keeps it, and stumbles over it at shutdown
    if (!is_group) return;
    ++at;
  }
}

/// Behind what has arrived meanwhile. Nothing takes the note back: whoever is being restarted when its turn comes, for
/// whatever failure, is tried, and each try counts, as in OTP.
void Supervisor::Impl::try_again(Child& child, Supervisor& self, Context& context) {
  if (spec_->backoff.is_on()) {
    now_ = context.now();  // the start may have taken its time
    return restart(child, self, context);
  }
  Envelope* const envelope = detail::make_message(*runtime_, detail::operations<Supervisor, detail::RetryRestart>,
                                                  note_for(child), std::source_location::current());
  envelope->flags |= Envelope::uncounted;
  (void)runtime_->send(self_, envelope, false);
}

void Supervisor::Impl::retry(const detail::RetryRestart& retry, Supervisor& self, Context& context) {
  Child* const child = retry.instance != nullptr ? static_cast<Child*>(retry.instance->record) : find(retry.id);
  if (child == nullptr || child->status != ChildStatus::restarting) return;
  now_ = context.now();
  if (retry.instance != nullptr && retry.life != retry.instance->life) return;
  if (runtime_->is_closing()) return is_simple() ? erase(*child) : bury(*child);
  if (retry.timer == 0) return restart(*child, self, context);
  if (retry.timer == child->timer) attempt_restart(*child, self, context);  // it was counted when it was put off
}

// ---- requests -------------------------------------------------------------------------------------------------------

StartChild::Reply Supervisor::Impl::start_child(ChildSpec spec, Context& context) {
  const auto refused = [](ChildError why, ExitReason reason = {}, std::optional<ChildInfo> existing = {}) {
    return std::unexpected(StartError{why, std::move(reason), std::move(existing)});
  };
  if (is_simple()) return refused(ChildError::simple_one_for_one);
  if (spec.start == nullptr) return refused(ChildError::start_failed, ExitReason::custom("missing_start"));
  if (is_bad_combination(spec.options.restart, spec.options.significant, spec_->auto_shutdown)) {
    return refused(ChildError::bad_combination);
  }
  const Child* const existing = find(spec.id);
  if (const auto why = refuse_start(status_of(existing))) {
    return *why == ChildError::already_started ? refused(*why, {}, info_of(*existing)) : refused(*why);
  }
  auto own = std::make_unique<const ChildSpec>(std::move(spec));
  Child& child = add(*own, own->start);
  child.added = std::move(own);
  Started started = start(child, context);
  if (!started) {
    erase(child);
    return refused(ChildError::start_failed, std::move(started.error()));
  }
  ChildInfo info = info_of(child);
  if (!*started && child.spec->options.restart == RestartType::temporary) erase(child);
  return info;
}

StartInstance::Reply Supervisor::Impl::start_instance(std::shared_ptr<StartFunction> start_with, Context& context) {
  if (!is_simple()) return std::unexpected(StartError{ChildError::bad_combination, {}, {}});
  const ChildSpec& spec = spec_->children.front();
  Child& child = add(spec, start_with != nullptr ? std::move(start_with) : spec.start);
  Started started = start(child, context);
  if (!started) {
    erase(child);
    return std::unexpected(StartError{ChildError::start_failed, std::move(started.error()), {}});
  }
  ChildInfo info = info_of(child);
  if (!*started) erase(child);
  return info;
}

TerminateChild::Reply Supervisor::Impl::terminate_child(const std::string& id, Context&) {
  if (is_simple()) return std::unexpected(ChildError::simple_one_for_one);
  Child* const child = find(id);
  if (const auto why = refuse_stop(status_of(child))) return std::unexpected(*why);
  if (child->status == ChildStatus::running) stop(*child);
  if (child->status == ChildStatus::restarting) {  // nobody will bring back those who were stopped with it
    for (Child& other : children_) {
      if (other.status == ChildStatus::undefined) bury(other);
    }
  }
  bury(*child);
  if (child->spec->options.restart == RestartType::temporary) erase(*child);
  return {};
}

TerminateInstance::Reply Supervisor::Impl::terminate_instance(const ActorId& actor, Context&) {
  if (!std::exchange(are_instances_known_, true)) {
    for (Child& child : children_) {
      if (child.bond != nullptr) instances_[key_of(child.bond->child)] = &child;
    }
  }
  const auto at = instances_.find(key_of(actor.handle()));
  if (at == instances_.end()) {
    if (runtime_->living_cell(actor.handle()) == nullptr) return {};
    return std::unexpected(ChildError::not_found);
  }
  Child& child = *at->second;
  if (actor.incarnation != 0 && actor.incarnation != child.bond->life) return {};
  if (child.status == ChildStatus::running) stop(child);
  erase(child);
  return {};
}

RestartChild::Reply Supervisor::Impl::restart_child(const std::string& id, Context& context) {
  const auto refused = [](ChildError why, ExitReason reason = {}) {
    return std::unexpected(StartError{why, std::move(reason), {}});
  };
  if (is_simple()) return refused(ChildError::simple_one_for_one);
  Child* const child = find(id);
  if (const auto why = refuse_unless_undefined(status_of(child))) return refused(*why);
  Started started = start(*child, context);
  if (!started) {
    bury(*child);
    return refused(ChildError::start_failed, std::move(started.error()));
  }
  return info_of(*child);
}

DeleteChild::Reply Supervisor::Impl::delete_child(const std::string& id) {
  if (is_simple()) return std::unexpected(ChildError::simple_one_for_one);
  Child* const child = find(id);
  if (const auto why = refuse_unless_undefined(status_of(child))) return std::unexpected(*why);
  erase(*child);
  return {};
}

WhichChildren::Reply Supervisor::Impl::which_children() const {
  WhichChildren::Reply list;
  list.reserve(children_.size());
  for (auto at = children_.rbegin(); at != children_.rend(); ++at) list.push_back(info_of(*at));
  return list;
}

CountChildren::Reply Supervisor::Impl::count_children() const {
  ChildCounts counts;
  for (const Child& child : children_) {
    ++counts.specs;
    ++(child.spec->is_supervisor() ? counts.supervisors : counts.workers);
    const bool is_active =
        child.status == ChildStatus::running && (is_simple() || child.bond->state() != Bond::down);  // OTP's difference
    if (is_active) ++counts.active;
  }
  if (is_simple()) counts.specs = 1;
  return counts;
}

// ---- reports --------------------------------------------------------------------------------------------------------

void Supervisor::Impl::report(SupervisorReport::Kind kind, const Child& child, const ExitReason& reason,
                              std::size_t count) {
  using Kind = SupervisorReport::Kind;
  if (spec_->listener != nullptr) {
    return spec_->listener->report({kind, runtime_->path_of(self_), child.spec->id, count, reason});
  }
  std::string more;
  if (kind == Kind::child_terminated || kind == Kind::start_error) {  // in a storm, one line a second
    const Instant now = now_;
    if (last_crash_report_ != Instant::min() && now - last_crash_report_ < std::chrono::seconds{1}) {
      ++crashes_unreported_;
      return;
    }
    last_crash_report_ = now;
    if (crashes_unreported_ > 0) more = fmt::format(" (and {} more like it)", std::exchange(crashes_unreported_, 0));
  }
  if (count > 1) more = fmt::format(" ({} of them)", count);
  runtime_->world().report(
      fmt::format("supervisor: {}", to_string(kind)),
      fmt::format("{}, child {}: {}{}", runtime_->path_of(self_), child.spec->id, to_string(reason), more));
}

std::string Supervisor::Impl::describe() const {
  std::string text = std::string{to_string(spec_->strategy)} + " {";
  constexpr std::size_t named_max = 10;
  std::size_t named = 0;
  for (const Child& child : children_) {
    if (named == named_max) return text + fmt::format(", and {} more}}", children_.size() - named_max);
    text += fmt::format("{}{}: {}", named++ == 0 ? "" : ", ", child.spec->id, to_string(child.status));
  }
  return text + "}";
}

// ---- the actor ------------------------------------------------------------------------------------------------------

Supervisor::Supervisor(SupervisorSpec spec) : Supervisor{std::make_shared<const SupervisorSpec>(std::move(spec))} {}
Supervisor::Supervisor(std::shared_ptr<const SupervisorSpec> spec) : impl_{std::make_unique<Impl>(std::move(spec))} {}
Supervisor::Supervisor(Supervisor&&) noexcept = default;
Supervisor& Supervisor::operator=(Supervisor&&) noexcept = default;
Supervisor::~Supervisor() = default;

void Supervisor::on_start(Context& context) { impl_->begin(*this, context); }
void Supervisor::on_stop(Context&, const ExitReason& reason) { impl_->ended(reason); }
StartChild::Reply Supervisor::handle(StartChild request, Context& context) {
  return impl_->start_child(std::move(request.spec), context);
}
StartInstance::Reply Supervisor::handle(StartInstance request, Context& context) {
  return impl_->start_instance(std::move(request.start), context);
}
TerminateChild::Reply Supervisor::handle(TerminateChild request, Context& context) {
  return impl_->terminate_child(request.id, context);
}
TerminateInstance::Reply Supervisor::handle(TerminateInstance request, Context& context) {
  return impl_->terminate_instance(request.actor, context);
}
RestartChild::Reply Supervisor::handle(RestartChild request, Context& context) {
  return impl_->restart_child(request.id, context);
}
DeleteChild::Reply Supervisor::handle(DeleteChild request, Context&) { return impl_->delete_child(request.id); }
WhichChildren::Reply Supervisor::handle(WhichChildren, Context&) { return impl_->which_children(); }
CountChildren::Reply Supervisor::handle(CountChildren, Context&) { return impl_->count_children(); }
void Supervisor::handle(SuspendUntil request) { (void)request.until.ask(MayResume{}, no_timeout); }
void Supervisor::handle(ChildEnded notice, Context& context) { impl_->child_ended(notice, *this, context); }
void Supervisor::handle(detail::RetryRestart retry, Context& context) { impl_->retry(retry, *this, context); }
void Supervisor::handle(Exit exit, Context& context) {
  if (exit.kind == Exit::Kind::stop) impl_->shut_down(context, exit.reason);  // a stranger's exit() is ignored
}
std::string orrery_describe(const Supervisor& supervisor) { return supervisor.impl_->describe(); }

std::string orrery_describe(const ChildInfo& info) { return fmt::format("{} {}", info.id, to_string(info.status)); }
std::string orrery_describe(const StartError& error) {
  if (error.why != ChildError::start_failed) return std::string{to_string(error.why)};
  return fmt::format("start_failed: {}", to_string(error.reason));
}

std::expected<Ref<Supervisor>, ExitReason> start_supervisor(Runtime& runtime, std::string name, SupervisorSpec spec) {
  const Execution* const execution = current_execution();
  const bool is_actor = execution != nullptr && execution->runtime == &runtime && execution->cell != nullptr;
  if (is_actor && Runtime::is_unwinding()) return std::unexpected(ExitReason::shutdown("the caller ends"));
  const BondPtr bond = is_actor ? new Bond{execution->cell->handle(), nullptr} : new Bond{runtime.world().waiter()};
  SpawnRequest request;
  request.actor = detail::make_actor(Supervisor{std::move(spec)});
  request.type = &detail::actor_type<Supervisor>;
  request.options.name = std::move(name);
  request.bond = bond.get();
  const auto spawned = runtime.spawn_cell(std::move(request), {});
  if (!spawned) return std::unexpected(ExitReason::custom(std::string{to_string(spawned.error())}));
  try {
    if (bond->state() == Bond::starting) {
      BondWait wait{Wait::Kind::child_start, *bond};
      runtime.wait(wait);
    }
  } catch (...) {  // the caller is being stopped, or the world ends
    set_free(runtime, *bond);
    if (bond->let_go()) {
      runtime.bury(*bond);
    } else {
      (void)runtime.signal(*spawned, Signal::stop, ExitReason::shutdown(), {});
    }
    throw;
  }
  set_free(runtime, *bond);
  runtime.add_leading_supervisor(*spawned);
  if (bond->state() == Bond::orphaned) return std::unexpected(ExitReason::shutdown());  // the world ends
  if (bond->let_go()) {
    const bool has_failed = bond->start_failed;
    ExitReason reason = bond->reason;
    runtime.bury(*bond);
    if (has_failed) return std::unexpected(std::move(reason));
  }
  return Ref<Supervisor>{runtime.index(), *spawned};
}

}  // namespace orrery
