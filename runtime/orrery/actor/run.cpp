// run.cpp: what happens when a cell's turn comes: signals, then mail, one handler at a time. How an actor starts and ends
// is in lifecycle.cpp.
#include "orrery/actor/context.hpp"
#include "orrery/actor/detail/attempt.hpp"
#include "orrery/actor/down.hpp"
#include "orrery/actor/flight_ring.hpp"
#include "orrery/actor/handlers.hpp"
#include "orrery/actor/runtime.hpp"
#include "orrery/core/check.hpp"

#include <fmt/core.h>

#include <exception>
#include <optional>
#include <utility>

namespace orrery {

bool Runtime::is_unwinding() noexcept {
  const Execution* const execution = current_execution();
  return execution != nullptr && execution->cell != nullptr && execution->cell->ending == Cell::Ending::unwinding;
}

bool Runtime::go_idle(Cell& cell) {
  while (true) {
    if (cell.ending != Cell::Ending::none || cell.signals.load(std::memory_order_seq_cst) != nullptr) return false;
    if (cell.extras != nullptr) {
      CellExtras& extras = *cell.extras;
      if (extras.unstashed > 0 || (extras.assured != nullptr && extras.assured->redelivery.has_ready())) return false;
      if (extras.lanes != nullptr && !extras.lanes->empty()) return false;
      if (extras.bounded != nullptr && !extras.bounded->empty()) return false;
    }
    Link* const front = cell.mailbox.first();
    if (front == &cell.bell) {
      cell.mailbox.remove(cell.bell);
      cell.attention.bell_taken();  // then look again at what it rang for
      continue;
    }
    if (front != nullptr) return false;
    // Once nobody is home, nothing of the cell may be touched: somebody else may run it, or spawn into it.
    if (cell.mailbox.go_idle()) return true;
  }
}

inline Envelope* Runtime::next_envelope(Cell& cell) {
  // The plain case: an unbounded mailbox without priorities, nothing stashed, no bell.
  if (cell.extras == nullptr && !cell.uses_priorities.load(std::memory_order_relaxed)) [[likely]] {
    Link* const node = cell.mailbox.take();
    if (node != &cell.bell) [[likely]]
      return static_cast<Envelope*>(node);
    cell.attention.bell_taken();
    if (cell.signals.load(std::memory_order_seq_cst) != nullptr) return nullptr;
  }
  return next_of_many(cell);
}

Envelope* Runtime::next_of_many(Cell& cell) {
  if (cell.extras != nullptr && cell.extras->assured != nullptr) {
    if (Envelope* const envelope = cell.extras->assured->redelivery.take_ready(); envelope != nullptr) return envelope;
  }
  return next_queued(cell);
}

/// The same of mail alone, without what waits to be handled again.
Envelope* Runtime::next_queued(Cell& cell) {
  CellExtras* const extras = cell.extras;
  if (extras != nullptr && extras->unstashed > 0) {
    Envelope* const envelope = extras->stash->front();
    extras->stash->pop_front();
    --extras->unstashed;
    return envelope;
  }
  constexpr int sorted_at_once = 1'024;
  for (int sorted = 0; sorted < sorted_at_once;) {
    Link* const node = cell.mailbox.take();
    if (node == nullptr) break;
    if (node == &cell.bell) {
      cell.attention.bell_taken();
      if (cell.signals.load(std::memory_order_seq_cst) != nullptr) return nullptr;
      continue;
    }
    auto* const envelope = static_cast<Envelope*>(node);
    if (!cell.uses_priorities.load(std::memory_order_relaxed)) [[likely]]
      return envelope;
    CellExtras& needed = cell.need_extras();
    if (needed.lanes == nullptr) needed.lanes = std::make_unique<Lanes>();
    needed.lanes->push(*envelope);
    ++sorted;
  }
  if (cell.extras == nullptr) return nullptr;
  if (cell.extras->lanes != nullptr) {
    if (Envelope* const envelope = cell.extras->lanes->take(); envelope != nullptr) return envelope;
  }
  return cell.extras->bounded == nullptr ? nullptr : take_bounded(cell, *cell.extras->bounded);
}

inline Envelope* Runtime::take_bounded(Cell& cell, BoundedMailbox& bounded) {
  bool somebody_waits = false;
  Envelope* const envelope = bounded.take_alone(somebody_waits);
  return somebody_waits ? take_and_let_in(cell, bounded) : envelope;
}

Envelope* Runtime::take_and_let_in(Cell& cell, BoundedMailbox& bounded) {
  BoundedMailbox::Wake wakes[BoundedMailbox::wakes_max];
  std::size_t wake_count = 0;
  Envelope* const envelope = bounded.take(wakes, wake_count);
  for (std::size_t i = 0; i < wake_count; ++i) {
    if (observer_ != nullptr) observer_->placed(cell, *wakes[i].envelope);
    if (wakes[i].outside != nullptr) {
      delete wakes[i].outside;
    } else if (wakes[i].thread != nullptr) {
      wakes[i].thread->wake();
    } else {
      wake(wakes[i].sender);
    }
  }
  return envelope;
}

/// Returns: whether the actor still watches, or is linked to, the one whose end it is told of.
bool Runtime::is_still_wanted(Cell& cell, Envelope& notice) {
  CellExtras* const extras = cell.extras;
  if (extras == nullptr) return false;
  if (notice.operations->message == &detail::message_info<Down>) {
    if (extras->watching == nullptr) return false;
    const auto at = extras->watching->find(key_of(static_cast<const Down*>(notice.payload())->who.handle()));
    if (at == extras->watching->end()) return false;
    if (--at->second == 0) extras->watching->erase(at);
    return true;
  }
  const Exit& exit = *static_cast<const Exit*>(notice.payload());
  if (exit.incarnation != 0 && exit.incarnation != cell.incarnation) return false;
  return exit.kind != Exit::Kind::linked || drop_link(cell, exit.from);
}

/// Takes over everything about a message that is not a plain tell to the actor that lives here.
/// Returns: whether it is to be handled.
bool Runtime::admit(Cell& cell, Envelope* envelope) {
  if (envelope->target_generation != cell.generation.load(std::memory_order_relaxed)) {  // C3
    dead_letter(cell, envelope, DeadLetterReason::actor_stopped, true);
    return false;
  }
  if ((envelope->flags & Envelope::is_notice) != 0 && !is_still_wanted(cell, *envelope)) {
    dead_letter(cell, envelope, DeadLetterReason::notice_cancelled, false);
    return false;
  }
  if ((envelope->flags & Envelope::is_tick) != 0) {
    ActorTimer* const timer = envelope->timer;
    if (!cell.need_extras().timers.taken(world_, *timer)) {
      dead_letter(cell, envelope, DeadLetterReason::timer_cancelled, false);
      return false;
    }
    envelope->timer = nullptr;
    envelope->flags = static_cast<std::uint8_t>(envelope->flags & ~Envelope::is_tick);
    timer->release();
  }
  return (envelope->flags & Envelope::is_assured) == 0 || admit_assured(cell, envelope);
}

/// Handles one message with all that can go with it.
/// Returns: the record of the thread that we are on afterwards.
Execution* Runtime::handle(Execution* execution, Cell& cell, Envelope* envelope) {
  if (envelope->target_generation != cell.generation.load(std::memory_order_relaxed) ||
      (envelope->flags & Envelope::needs_admission) != 0) [[unlikely]] {
    if (envelope->is_timed_plain()) return handle_timed(execution, cell, envelope);
    if (!admit(cell, envelope)) return execution;
    if ((envelope->flags & Envelope::is_assured) != 0) return handle_assured(execution, cell, envelope);
  }
  const bool crashes = observer_ != nullptr && observer_->taken(cell, *envelope);
  if (traces_) trace_take(*envelope);
  const Instant began = traces_ ? world_.now() : Instant{};
  if (execution->flight != nullptr) execution->flight->take(cell, *envelope);
  Context context{*this, cell, envelope};
  detail::Attempt outcome;
  {
    const detail::OnBehalfOf on_behalf{*execution, cell, envelope};
    detail::attempt(outcome, [&] {
      if (crashes) throw detail::InjectedCrash{};
      envelope->operations->run(cell.actor, *envelope, context);
    });
  }
  if (traces_ && !(outcome.how == Observer::Ended::handled && context.was_stashed()))  // else it is not over yet
    export_span(cell, *context.envelope_, began, outcome.how == Observer::Ended::failed);
  after_handler(cell, context, outcome.how, outcome.reason.get());
  return current_execution();
}

/// Handles a message whose times are taken.
Execution* Runtime::handle_timed(Execution* execution, Cell& cell, Envelope* envelope) {
  const std::uint32_t sent = envelope->take_stamp();
  if (envelope->target_generation != cell.generation.load(std::memory_order_relaxed)) {
    return handle(execution, cell, envelope);
  }
  const Operations& operations = *envelope->operations;
  const std::string_view type = cell.type->name;
  const Instant began = world_.now();
  const Duration waited = SentStamp::since(sent, began);
  world_.saw_wait(cell, *operations.message, waited);
  const std::uint64_t handled = cell.handled;
  execution = handle(execution, cell, envelope);
  if (cell.handled != handled && execution->times != nullptr) {  // it returned, and was not put aside
    execution->times->add(operations, type, waited, world_.now() - began);
  }
  return execution;
}

/// What follows a handler, in all its cases.
void Runtime::after_handler(Cell& cell, Context& context, Observer::Ended how, ExitReason* reason) {
  Envelope* const envelope = context.envelope_;
  if (context.fate_ == Context::Fate::parted) cell.care = care_of(cell);
  if (cell.extras != nullptr && cell.extras->receive_timeout != nullptr) restart_receive_timeout(cell);
  if (context.fate_ == Context::Fate::stashed) {
    if (how == Observer::Ended::handled) {
      if (observer_ != nullptr) observer_->ended(cell, *envelope, Observer::Ended::stashed);
      return;
    }
    std::erase(*cell.extras->stash, envelope);  // it failed after all: it is accounted for here, and only here
    envelope->operations->drop(*envelope);
  }
  if (how == Observer::Ended::handled) {
    ORRERY_CHECK(cell.ending != Cell::Ending::unwinding, "{} swallowed orrery::Unwind while it handled {}: rethrow it",
                 path_of(cell.handle()), envelope->operations->message->name);
    ++cell.handled;
  } else {
    ++cell.failed;
  }
  if (observer_ != nullptr) observer_->ended(cell, *envelope, how);
  if (context.fate_ == Context::Fate::parted) {
    // Its block is somebody else's; what stood in for it has a context of its own.
    drop_trace(*envelope);
  } else if ((envelope->flags & Envelope::is_ask) == 0) {
    free_envelope(envelope);
  } else if (how == Observer::Ended::handled) {
    Ask& ask = *envelope->ask;
    if (observer_ != nullptr) observer_->before_reply(ask);
    settle_reply(ask, cell.handle());
  } else if (how == Observer::Ended::failed) {
    if (observer_ != nullptr) observer_->before_reply(*envelope->ask);
    settle_error(*envelope->ask, AskError::actor_failed);
  } else {
    settle_error(*envelope->ask, AskError::actor_stopped);
  }
  if (how == Observer::Ended::failed) fail(cell, std::move(*reason));
}

/// Handles mail while all is as it nearly always is in production: nobody observes, nothing rings, every message is
/// for the actor that lives here, handlers return. Whatever is different is left to run(). An unbounded mailbox keeps
/// the message until its handler has returned, which makes the last one cheap (MailQueue::finish).
/// Returns: true when nobody is home any more, so that nothing of the cell may be touched.
/// (always_inline: the call would cost more than the compiler thinks.)
template <bool has_capacity, bool is_recorded>
[[gnu::always_inline]] inline bool Runtime::run_usual(Execution& worker, Cell& cell, std::uint32_t& budget) {
  Execution* execution = &worker;
  Context context{*this, cell, nullptr};
  constexpr Cell::Care usual = has_capacity ? Cell::Care::capacity : Cell::Care::none;
  const std::uint32_t generation = cell.generation.load(std::memory_order_relaxed);
  std::uint32_t suspensions = cell.suspensions;
  execution->cell = &cell;
  bool is_idle = false;
  detail::Attempt outcome;
  while (budget > 0 && cell.signals.load(std::memory_order_relaxed) == nullptr) {
    Link* const node = cell.mailbox.first();
    Envelope* envelope = nullptr;
    if constexpr (has_capacity) {
      if (node != nullptr) break;  // the bell
      envelope = take_bounded(cell, *cell.extras->bounded);
      if (envelope == nullptr) break;
    } else {
      if (node == nullptr || node == &cell.bell || cell.uses_priorities.load(std::memory_order_relaxed)) break;
      envelope = static_cast<Envelope*>(node);
    }
    if (envelope->target_generation != generation || (envelope->flags & Envelope::needs_admission) != 0) [[unlikely]] {
      if constexpr (!has_capacity) break;
      execution->cell = nullptr;
      execution->message = nullptr;
      --budget;
      (void)handle(execution, cell, envelope);
      return false;
    }
    const Operations& operations = *envelope->operations;
    context.envelope_ = envelope;
    execution->message.set(envelope, operations);
    --budget;
    if constexpr (is_recorded) {
      if (execution->flight != nullptr) execution->flight->take(cell, *envelope);
    }
    detail::attempt(outcome, [&] { operations.run(cell.actor, *envelope, context); });
    if (cell.suspensions != suspensions) {  // only then can we be on another thread
      suspensions = cell.suspensions;
      execution = current_execution();
    }
    if (outcome.how != Observer::Ended::handled || cell.ending != Cell::Ending::none || cell.care != usual)
        [[unlikely]] {
      execution->cell = nullptr;
      execution->message = nullptr;
      if (!has_capacity && !context.has_parted()) cell.mailbox.remove(*envelope);
      after_handler(cell, context, outcome.how, outcome.reason.get());
      return false;
    }
    ++cell.handled;
    const bool is_ask = (envelope->flags & Envelope::is_ask) != 0;
    if constexpr (!has_capacity) is_idle = cell.mailbox.finish(*envelope);  // with true, the cell is somebody else's
    if (is_ask) {
      settle_reply(*execution, *envelope->ask);
      if (!is_idle) execution->cell = &cell;  // a late reply was put away on behalf of nobody
    } else {
      const std::size_t bytes = envelope->block_bytes;
      BlockPool::release(*execution->pool, envelope, bytes);
    }
    if (is_idle) break;
  }
  execution->cell = nullptr;
  execution->message = nullptr;
  return is_idle;
}

/// The same where there is a flight recorder. (Out of line: run() stays what it is without.)
bool Runtime::run_recorded(Execution& execution, Cell& cell, std::uint32_t& budget) {
  return cell.care == Cell::Care::none ? run_usual<false, true>(execution, cell, budget)
                                       : run_usual<true, true>(execution, cell, budget);
}

/// The same for one message where somebody observes. Asks are left to run(): their replies are choices.
/// Returns: as run_usual().
inline bool Runtime::run_observed(Execution& execution, Cell& cell, std::uint32_t& budget) {
  if (cell.signals.load(std::memory_order_relaxed) != nullptr || cell.uses_priorities.load(std::memory_order_relaxed)) {
    return false;
  }
  Link* const node = cell.mailbox.first();
  if (node == nullptr || node == &cell.bell) return false;
  auto* const envelope = static_cast<Envelope*>(node);
  if (envelope->target_generation != cell.generation.load(std::memory_order_relaxed) ||
      (envelope->flags & (Envelope::needs_admission | Envelope::is_ask)) != 0) {
    return false;
  }
  --budget;
  const bool crashes = observer_->taken(cell, *envelope);
  Context context{*this, cell, envelope};
  detail::Attempt outcome;
  {
    const detail::OnBehalfOf on_behalf{execution, cell, envelope};
    detail::attempt(outcome, [&] {
      if (crashes) throw detail::InjectedCrash{};
      envelope->operations->run(cell.actor, *envelope, context);
    });
  }
  if (outcome.how != Observer::Ended::handled || cell.ending != Cell::Ending::none || cell.care != Cell::Care::none)
      [[unlikely]] {
    if (!context.has_parted()) cell.mailbox.remove(*envelope);
    after_handler(cell, context, outcome.how, outcome.reason.get());
    return false;
  }
  ++cell.handled;
  const bool is_idle = cell.mailbox.finish(*envelope);
  observer_->ended(cell, *envelope, outcome.how);
  const std::size_t bytes = envelope->block_bytes;
  BlockPool::release(*execution.pool, envelope, bytes);
  return is_idle;
}

bool Runtime::run(Execution& worker, Cell& cell, std::uint32_t budget) {
  if (cell.wait != nullptr) {
    if (may_continue(cell)) {
      world_.continue_handler(cell);
    } else {
      parked(cell);
    }
    return false;
  }
  if (cell.life == Cell::Life::vacant) {
    drain(cell);
    return false;
  }
  Execution* execution = &worker;
  if (cell.needs_start) {
    cell.needs_start = false;
    start(cell);
    if (budget > 0) --budget;
    execution = current_execution();
  }
  while (budget > 0) {
    if (cell.care != Cell::Care::full && cell.ending == Cell::Ending::none) [[likely]] {
      const bool is_plain = cell.care == Cell::Care::none;
      bool is_idle = false;
      if (!is_watched_) [[likely]] {
        is_idle = is_plain ? run_usual<false, false>(*execution, cell, budget)
                           : run_usual<true, false>(*execution, cell, budget);
      } else if (observer_ != nullptr) {
        if (is_plain && !traces_) is_idle = run_observed(*execution, cell, budget);
      } else if (!traces_) {
        is_idle = run_recorded(*execution, cell, budget);
      }
      if (is_idle) return false;
      execution = current_execution();
      if (budget == 0) break;
    }
    if (cell.signals.load(std::memory_order_relaxed) != nullptr) take_signals(cell);
    if (cell.ending != Cell::Ending::none) break;
    Envelope* const envelope = next_envelope(cell);
    if (envelope == nullptr) {
      if (go_idle(cell)) return false;
      continue;
    }
    --budget;
    execution = handle(execution, cell, envelope);
  }
  if (cell.ending != Cell::Ending::none) {
    end(cell);
    return false;
  }
  if (go_idle(cell)) return false;
  if (observer_ != nullptr) {
    if (options_.mailbox_depth_warning != 0 && !cell.reported_depth && (cell.handled & 1023) < options_.batch) {
      warn_of_depth(cell);
    }
  } else if (cell.backlog_look != backlog_look_.load(std::memory_order_relaxed)) {
    look_at_backlog(cell);
  }
  return true;
}

void Runtime::look_at_backlog(Cell& cell) {
  cell.backlog_look = backlog_look_.load(std::memory_order_relaxed);
  world_.saw_backlog(cell, count_backlog(cell));
}

std::size_t Runtime::count_backlog(const Cell& cell) const {
  std::size_t depth = cell.mailbox.count(backlog_counted_max, &cell.bell);
  if (cell.extras != nullptr) {
    if (cell.extras->lanes != nullptr) depth += cell.extras->lanes->depth();
    if (cell.extras->bounded != nullptr) depth += cell.extras->bounded->counts().depth;
  }
  return depth;
}

void Runtime::restart_receive_timeout(Cell& cell) {
  ReceiveTimeout& timeout = *cell.extras->receive_timeout;
  cell.extras->timers.cancel(world_, timeout.key);
  timeout.key = cell.extras->timers.add(world_, timeout.make(), timeout.after);
}

void Runtime::warn_of_depth(Cell& cell) {
  const std::size_t threshold = options_.mailbox_depth_warning;
  if (cell.mailbox.count(threshold + 1, &cell.bell) <= threshold) return;
  cell.reported_depth = true;
  world_.report("mailbox depth",
                fmt::format("{} has more than {} messages waiting", path_of(cell.handle()), threshold));
}

}  // namespace orrery
