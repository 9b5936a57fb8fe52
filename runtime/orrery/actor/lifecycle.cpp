// lifecycle.cpp: how an actor starts, fails, comes back and ends.
//
//   start     its on_start (or, as a later incarnation, its on_restart) has run
//   fail      a handler threw: an actor with a recipe of its own restarts on the spot, any other ends
//   end       the incarnation is over; a supervised actor then waits, down, for its supervisor's verdict:
//   revive    the next incarnation, with the mail that gathered meanwhile, or
//   bury      the actor is over: name, mail and slot go, who watches it is told
#include "orrery/actor/context.hpp"
#include "orrery/actor/detail/attempt.hpp"
#include "orrery/actor/runtime.hpp"
#include "orrery/core/check.hpp"
#include "orrery/core/describe.hpp"

#include <fmt/core.h>

#include <exception>
#include <optional>
#include <utility>

namespace orrery {

namespace detail {

void note_unwound(Attempt& attempt) { attempt.how = Observer::Ended::unwound; }

void note_failed(Attempt& attempt, const ExitReason& reason) {
  attempt.how = Observer::Ended::failed;
  attempt.reason = std::make_unique<ExitReason>(reason);
}

void note_failed(Attempt& attempt, const char* what) { note_failed(attempt, ExitReason::failed(what)); }

}  // namespace detail

// ---- starting -----------------------------------------------------------------------------------------------------

/// Runs the hook with which an incarnation begins.
void Runtime::begin_incarnation(Cell& cell, const ExitReason& before, detail::Attempt& outcome) {
  Context context{*this, cell, nullptr};
  const detail::OnBehalfOf on_behalf{cell, nullptr};
  detail::attempt(outcome, [&] {
    if (cell.incarnation > 1 && cell.type->on_restart != nullptr) {
      cell.type->on_restart(cell.actor, context, before);
    } else if (cell.type->on_start != nullptr) {
      cell.type->on_start(cell.actor, context);
    }
  });
}

void Runtime::start(Cell& cell) {
  Bond* const bond = cell.extras != nullptr ? cell.extras->bond.get() : nullptr;
  detail::Attempt outcome;
  begin_incarnation(cell, bond != nullptr ? bond->reason : ExitReason{}, outcome);
  if (outcome.how == Observer::Ended::handled) {
    if (bond != nullptr && bond->start_done()) wake_supervisor(*bond);
    return;
  }
  if (outcome.how == Observer::Ended::failed) {
    // A failing start is not restarted by the actor itself: OTP's init failure (SPEC S9).
    ExitReason& reason = cell.need_extras().exit_reason;
    reason = std::move(*outcome.reason);
    if (reason.kind() == ExitReason::Kind::failed) reason = ExitReason::failed("on_start: " + reason.detail());
    cell.ending = Cell::Ending::after_handler;
  }
  if (bond != nullptr) bond->start_failed = true;
}

void Runtime::wake_supervisor(Bond& bond) noexcept {
  if (bond.thread != nullptr) {
    bond.thread->wake();
  } else {
    wake(bond.supervisor);
  }
}

void Runtime::count_restarted() noexcept {
  if (Execution* const execution = execution_of(*this); execution != nullptr) {
    execution->restarted.add();
  } else {
    foreign_restarted_.fetch_add(1, std::memory_order_relaxed);
  }
}

// ---- failing ------------------------------------------------------------------------------------------------------

/// The actor's handler threw: it comes back, or it ends.
void Runtime::fail(Cell& cell, ExitReason reason) {
  if (cell.ending != Cell::Ending::none && cell.ending != Cell::Ending::after_handler) return;
  if (restart(cell, reason)) return;
  cell.need_extras().exit_reason = std::move(reason);
  cell.ending = Cell::Ending::after_handler;
}

/// What an incarnation leaves behind that the next one must not see: watches, stash, and, if so asked for, mail. Assured
/// messages stay all the same: in the place of the stash, to be handled before anything newer.
void Runtime::clear_for_restart(Cell& cell) {
  CellExtras& extras = *cell.extras;
  extras.receive_timeout.reset();
  extras.watching.reset();
  extras.unstashed = 0;
  std::unique_ptr<std::deque<Envelope*>> kept;
  const auto put_away = [&](Envelope* envelope) {
    const bool stray = envelope->target_generation != cell.generation.load(std::memory_order_relaxed);
    if (stray || !envelope->is(Envelope::is_assured)) {
      return dead_letter(cell, envelope, DeadLetterReason::restart_dropped, stray);
    }
    if (kept == nullptr) kept = std::make_unique<std::deque<Envelope*>>();
    kept->push_back(envelope);
  };
  if (const auto stash = std::exchange(extras.stash, nullptr); stash != nullptr) {
    for (Envelope* const stashed : *stash) put_away(stashed);
  }
  while (extras.mail_on_restart == MailOnRestart::drop) {
    if (Envelope* const queued = next_queued(cell); queued != nullptr) {
      put_away(queued);
    } else if (cell.signals.load(std::memory_order_relaxed) != nullptr) {
      take_signals(cell);
    } else {
      break;
    }
  }
  if (kept != nullptr) extras.unstashed = kept->size();
  extras.stash = std::move(kept);
  cell.care = care_of(cell);
}

bool Runtime::restart(Cell& cell, const ExitReason& why) {
  if (cell.extras == nullptr || !cell.extras->factory) return false;
  CellExtras& extras = *cell.extras;
  if (observer_ != nullptr) observer_->before_restart(cell);
  ExitReason reason = why;
  if (const auto links = std::exchange(extras.links, nullptr); links != nullptr) {
    break_links(cell.handle(), *links, reason);
  }
  while (true) {
    if (!extras.restarts.admit(extras.restart, world_.now())) return false;
    extras.timers.cancel_all(world_);
    clear_for_restart(cell);
    cell.standing.store(0, std::memory_order_relaxed);
    ++cell.incarnation;
    count_restarted();
    detail::Attempt outcome;
    {
      const detail::OnBehalfOf on_behalf{cell, nullptr};
      if (cell.actor != nullptr) cell.type->destroy(std::exchange(cell.actor, nullptr));
      detail::attempt(outcome, [&] { cell.actor = extras.factory(); });
    }
    if (outcome.how == Observer::Ended::handled) begin_incarnation(cell, reason, outcome);
    if (observer_ != nullptr) observer_->restarted(cell);
    if (is_watched_ && observer_ == nullptr) record_life(FlightKind::restart, cell, {}, &reason);
    if (outcome.how != Observer::Ended::failed) return true;
    reason = std::move(*outcome.reason);
  }
}

// ---- ending -------------------------------------------------------------------------------------------------------

void Runtime::end(Cell& cell) {
  ExitReason reason = cell.extras != nullptr ? std::move(cell.extras->exit_reason) : ExitReason::normal();
  cell.ending = Cell::Ending::unwinding;  // nothing that runs from here on may wait
  {
    Context context{*this, cell, nullptr};
    const detail::OnBehalfOf on_behalf{cell, nullptr};
    if (cell.actor != nullptr && !cell.killed && cell.type->on_stop != nullptr) {
      detail::Attempt outcome;
      detail::attempt(outcome, [&] { cell.type->on_stop(cell.actor, context, reason); });
      if (outcome.how == Observer::Ended::failed) {
        world_.report("on_stop failed", fmt::format("{}: {}", path_of(cell.handle()), to_string(*outcome.reason)));
      }
    }
    if (cell.extras != nullptr) cell.extras->timers.cancel_all(world_);
    if (cell.actor != nullptr) cell.type->destroy(std::exchange(cell.actor, nullptr));
  }
  const Handle self = cell.handle();
  std::unique_ptr<std::vector<Linked>> links;
  if (cell.extras != nullptr) links = std::move(cell.extras->links);
  if (observer_ != nullptr) {
    observer_->before_exit(cell);
    observer_->exited(cell, reason);
  }
  if (is_watched_ && observer_ == nullptr) record_life(FlightKind::exit, cell, {}, &reason);
  if (cell.extras != nullptr && cell.extras->bond != nullptr) {
    if (links != nullptr) break_links(self, *links, reason);
    const BondPtr bond = cell.extras->bond;
    if (go_down(cell, std::move(reason))) bury(cell, bond->reason);
    return;
  }
  bury(cell, reason);
  if (links != nullptr) break_links(self, *links, reason);
}

/// The incarnation of a supervised actor is over.
/// Returns: whether nobody supervises it any more, so that the caller must bury it. Else the cell is the supervisor's.
bool Runtime::go_down(Cell& cell, ExitReason reason) {
  const BondPtr bond = cell.extras->bond;
  const std::uint32_t life = bond->life;
  cell.life = Cell::Life::down;
  cell.standing.store(Cell::is_supervised | Cell::is_down, std::memory_order_relaxed);
  const Bond::State before = bond->go_down(std::move(reason));
  if (before == Bond::orphaned) return true;
  if (before != Bond::living || bond->notice == nullptr) {  // it waits for this, or only waited for the start
    wake_supervisor(*bond);
    return false;
  }
  Envelope* const envelope = new_envelope(sizeof(ChildEnded), false);
  envelope->operations = bond->notice;
  envelope->flags |= Envelope::uncounted;
  ::new (envelope->payload()) ChildEnded{bond, life};
  // With going down one act: in between, whoever saw that could bring the actor back while its last one is not over.
  (void)send_at_once(bond->supervisor, envelope, false);  // one that has gone has found the child down
  return false;
}

std::string orrery_describe(const ChildEnded& notice) { return "ChildEnded{" + to_string(notice.bond->reason) + "}"; }

// ---- the supervisor's verdict -------------------------------------------------------------------------------------

/// While it exists, nothing that the calling handler does may wait: destructors of other actors' mail run on its behalf.
class Runtime::NoWaits {
 public:
  NoWaits() noexcept : cell_{current_execution() == nullptr ? nullptr : current_execution()->cell} {
    if (cell_ != nullptr) before_ = std::exchange(cell_->ending, Cell::Ending::unwinding);
  }
  NoWaits(const NoWaits&) = delete;
  NoWaits& operator=(const NoWaits&) = delete;
  ~NoWaits() {
    if (cell_ != nullptr) cell_->ending = before_;
  }

 private:
  Cell* cell_;
  Cell::Ending before_ = Cell::Ending::none;
};

void Runtime::revive(Bond& bond, void* actor) {
  Cell& cell = *cell_at(bond.child.slot);
  try {
    if (observer_ != nullptr) observer_->before_restart(cell);
    const NoWaits no_waits;
    clear_for_restart(cell);
    take_signals(cell);  // those meant for the dead are void
  } catch (...) {        // the world ends, and unwinds the supervisor
    cell.type->destroy(actor);
    throw;
  }
  ++cell.incarnation;
  count_restarted();
  cell.extras->exit_reason = ExitReason::normal();
  cell.actor = actor;
  cell.ending = Cell::Ending::none;
  cell.killed = false;
  cell.needs_start = has_start(cell);
  cell.standing.store(Cell::is_supervised, std::memory_order_relaxed);
  cell.life = Cell::Life::living;
  bond.begin(cell.needs_start);
  if (observer_ != nullptr) observer_->restarted(cell);
  if (is_watched_ && observer_ == nullptr) record_life(FlightKind::restart, cell, {}, &bond.reason);
  world_.schedule(cell);
}

void Runtime::bury(Bond& bond) {
  Cell& cell = *cell_at(bond.child.slot);
  if (observer_ != nullptr) observer_->before_exit(cell);
  const BondPtr keeps_reason{&bond};
  const NoWaits no_waits;
  bury(cell, bond.reason);
}

void Runtime::bury(Cell& cell, const ExitReason& why) {
  const ExitReason reason = why;                          // it may live in what goes now
  if (cell.life == Cell::Life::down) take_signals(cell);  // who began to watch meanwhile learns the reason
  const Handle old = cell.handle();
  std::unique_ptr<CellExtras> extras{std::exchange(cell.extras, nullptr)};
  if (extras != nullptr && extras->named) {
    dead_letters_.note_name(old, extras->path);
    names_.free(old);
  }
  cell.life = Cell::Life::vacant;
  const bool was_supervised = cell.is(Cell::is_supervised);
  cell.standing.store(0, std::memory_order_relaxed);
  cell.bounded.store(nullptr, std::memory_order_release);
  cell.generation.store(old.generation + 1 == 0 ? 1 : old.generation + 1, std::memory_order_release);  // C2, I1

  if (extras != nullptr) {
    if (extras->assured != nullptr) {
      for (Envelope* const held : extras->assured->redelivery.clear()) {
        dead_letter(cell, held, DeadLetterReason::actor_stopped, false);
      }
    }
    if (extras->stash != nullptr) {
      for (Envelope* const stashed : *extras->stash) dead_letter(cell, stashed, DeadLetterReason::actor_stopped, false);
    }
    if (extras->lanes != nullptr) {
      while (Envelope* const queued = extras->lanes->take()) {
        dead_letter(cell, queued, DeadLetterReason::actor_stopped, queued->target_generation != old.generation);
      }
    }
    if (extras->bounded != nullptr) close_bounded(cell, *extras->bounded);
  }
  put_away_mail(cell, old.generation);
  const std::uint32_t incarnation = cell.incarnation;
  if (extras != nullptr) {
    for (const Watcher& watcher : extras->watchers) send_down(watcher, old, incarnation, reason);
  }
  if (extras != nullptr && extras->bounded != nullptr) {
    const std::lock_guard guard{table_mutex_};
    free_bounded_.push_back(extras->bounded);
  }
  if (Execution* const execution = current_execution(); execution != nullptr && execution->runtime == this) {
    retire(execution->retired, cell, was_supervised);
    execution->gone.add();
  } else {
    foreign_gone_.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard guard{foreign_retired_mutex_};
    retire(foreign_retired_, cell, was_supervised);
  }
  drain(cell);
  release_cell(cell);
}

/// What the cell has counted of the actor that has ended in it becomes part of the counts of its type.
inline void Runtime::retire(TypeTable& table, Cell& cell, bool was_supervised) noexcept {
  TypeCounts& counts = table.of(*cell.type, cell.type->name_hash);
  counts.ended.add();
  counts.handled.add(std::exchange(cell.handled, 0));
  counts.failed.add(std::exchange(cell.failed, 0));
  counts.dead_lettered.add(std::exchange(cell.dead_lettered, 0));
  if (cell.incarnation > 1) [[unlikely]]
    (was_supervised ? counts.supervised_restarts : counts.own_restarts).add(cell.incarnation - 1);
}

void Runtime::free_supervised_names(std::string_view prefix) {
  names_.free_supervised(prefix, [&](Handle handle) {
    const Cell* const holder = living_cell(handle);
    return holder != nullptr && holder->is(Cell::is_supervised);
  });
}

void Runtime::close_bounded(Cell& cell, BoundedMailbox& bounded) {
  std::vector<std::unique_ptr<PlaceWaiter>> outside;
  for (PlaceWaiter* waiter = bounded.close(); waiter != nullptr;) {
    PlaceWaiter* const next = waiter->next;
    if (waiter->is_outside) {
      outside.emplace_back(waiter);
      waiter = next;
      continue;
    }
    const Handle sender = waiter->sender;
    Waiter* const thread = waiter->thread;
    waiter->state.store(PlaceWaiter::closed, std::memory_order_seq_cst);  // its stack may go from here on
    if (thread != nullptr) {
      thread->wake();
    } else {
      wake(sender);
    }
    waiter = next;
  }
  BoundedMailbox::Wake unused[BoundedMailbox::wakes_max];
  std::size_t none = 0;
  while (Envelope* const queued = bounded.take(unused, none)) {
    dead_letter(cell, queued, DeadLetterReason::actor_stopped, false);
  }
  for (const auto& one : outside) dead_letter(cell, one->envelope, DeadLetterReason::actor_stopped, false);
}

/// Empties the mailbox of a cell whose actor (of `generation`) has ended.
void Runtime::put_away_mail(Cell& cell, std::uint32_t generation) {
  take_signals(cell);
  while (Link* const node = cell.mailbox.take()) {
    if (node == &cell.bell) {
      cell.attention.bell_taken();
      take_signals(cell);
      continue;
    }
    auto* const envelope = static_cast<Envelope*>(node);
    dead_letter(cell, envelope, DeadLetterReason::actor_stopped, envelope->target_generation != generation);
  }
}

/// Puts away what still arrives at a vacant cell, until nobody is home.
void Runtime::drain(Cell& cell) {
  do {
    put_away_mail(cell, 0);
  } while (!cell.mailbox.go_idle());
}

}  // namespace orrery
