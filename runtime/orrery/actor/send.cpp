// send.cpp: how a message, a reply or a signal reaches a cell.
#include "orrery/actor/flight_ring.hpp"
#include "orrery/actor/race_scope.hpp"
#include "orrery/actor/runtime.hpp"
#include "orrery/core/check.hpp"
#include "orrery/core/mix.hpp"

#include <algorithm>
#include <new>
#include <thread>
#include <utility>

namespace orrery {

Envelope* Runtime::new_envelope(std::size_t payload_bytes, bool is_ask) {
  [[maybe_unused]] const RuntimeScope inside;
  const std::size_t bytes = Envelope::header_bytes + (is_ask ? Envelope::ask_bytes : 0) + payload_bytes;
  Execution* const execution = execution_of(*this);
  BlockPool& pool = execution != nullptr ? *execution->pool : BlockPool::local();
  auto* const envelope = ::new (pool.allocate(bytes)) Envelope;
  envelope->block_bytes = static_cast<std::uint32_t>(bytes);
  if (is_ask) {
    envelope->flags = Envelope::is_ask;
    envelope->ask = ::new (reinterpret_cast<std::byte*>(envelope) + Envelope::header_bytes) Ask;
    envelope->ask->home = envelope;
  }
  return envelope;
}

void Runtime::free_envelope(Envelope* envelope) noexcept {
  [[maybe_unused]] const RuntimeScope inside;
  if (envelope->trace != nullptr) [[unlikely]]
    drop_trace(*envelope);
  const std::size_t bytes = envelope->block_bytes;
  if (Execution* const execution = current_execution(); execution != nullptr) [[likely]] {
    BlockPool::release(*execution->pool, envelope, bytes);
  } else {
    BlockPool::release(envelope, bytes);
  }
}

void Runtime::count_offered(Execution* execution, Envelope& envelope) noexcept {
  if (execution != nullptr) {
    if (execution->offered.add() == execution->next_timed) [[unlikely]]
      time_message(execution, envelope);
    return;
  }
  const std::uint64_t before = foreign_offered_.fetch_add(1, std::memory_order_relaxed);
  // Drawn, too: nobody here has a place to keep the next one's number.
  if (observer_ == nullptr && options_.time_one_in != 0 && mix64(before + 1) % options_.time_one_in == 0) {
    time_message(nullptr, envelope);
  }
}

/// The message that was counted last is one of those whose times are taken.
void Runtime::time_message(Execution* execution, Envelope& envelope) noexcept {
  if (execution != nullptr) execution->next_timed += execution->times->next_gap();
  if ((envelope.flags & Envelope::needs_admission) != 0) return;  // assured, or not sent by anybody
  envelope.ordinal = SentStamp::of(world_.now());
  envelope.flags |= Envelope::is_timed;
}

void Runtime::count_refused(Execution* execution, TellError error) noexcept {
  const auto index = static_cast<std::size_t>(error);
  if (execution != nullptr) {
    execution->refused[index].add();
  } else {
    foreign_refused_[index].fetch_add(1, std::memory_order_relaxed);
  }
}

/// Ends the block of a message that was not accepted and whose payload is gone. V4: an asker who waits elsewhere is told.
void Runtime::free_or_settle(Envelope* envelope, AskError error) noexcept {
  if ((envelope->flags & Envelope::passed_on) != 0 && (envelope->flags & Envelope::is_ask) != 0) {
    settle_error(*envelope->ask, error);
  } else {
    free_envelope(envelope);
  }
}

/// Destroys a message that its target never accepted. An ask's asker is the caller, who gets `error` from its send.
std::expected<void, TellError> Runtime::refuse(Envelope* envelope, TellError error, Execution* execution) {
  count_refused(execution, error);
  if (execution != nullptr && execution->flight != nullptr) execution->flight->refused(*envelope);
  envelope->operations->drop(*envelope);
  free_or_settle(envelope, to_ask_error(error));
  return std::unexpected(error);
}

/// A sender that waits for a place in a full mailbox.
class Runtime::PlaceWait final : public Wait {
 public:
  PlaceWait(const PlaceWaiter& waiter, Handle target, const MessageInfo* message, const std::atomic<bool>* expired)
      : Wait{Kind::place}, waiter_{waiter}, target_{target}, message_{message}, expired_{expired} {}
  [[nodiscard]] bool ready() const noexcept override {
    return waiter_.state.load(std::memory_order_seq_cst) != PlaceWaiter::waiting ||
           (expired_ != nullptr && expired_->load(std::memory_order_seq_cst));
  }
  [[nodiscard]] Handle target() const noexcept override { return target_; }
  [[nodiscard]] bool has_deadline() const noexcept override { return expired_ != nullptr; }
  [[nodiscard]] const MessageInfo* message() const noexcept override { return message_; }

 private:
  const PlaceWaiter& waiter_;
  Handle target_;
  const MessageInfo* message_;
  const std::atomic<bool>* expired_;
};

/// BoundedMailbox::push, in a world in which a mailbox that has room may refuse all the same.
BoundedMailbox::Pushed Runtime::push_observed(BoundedMailbox& bounded, Handle target, Envelope& envelope) {
  constexpr unsigned never_refused = Envelope::uncounted | Envelope::is_assured;
  if (observer_ != nullptr && bounded.may_refuse() && (envelope.flags & never_refused) == 0 &&
      observer_->refuses(target, envelope)) {
    return bounded.push_as_if_full(envelope, target);
  }
  return bounded.push(envelope, target);
}

void Runtime::try_observed_memory(Envelope* envelope) {
  [[maybe_unused]] const RuntimeScope inside;
  if (!observer_->runs_out_of_memory(*envelope)) return;
  destroy_unsent(envelope);
  throw std::bad_alloc{};
}

/// A message is about to be put where others can take it, and something other than an observer watches.
void Runtime::note_send(const Execution* execution, Handle target, Envelope& envelope) {
  if (traces_) trace_send(envelope);
  if (execution != nullptr && execution->flight != nullptr) execution->flight->sent(execution->cell, target, envelope);
}

/// send() after others had their turn.
[[gnu::always_inline]] inline std::expected<void, TellError> Runtime::send_now(Handle target, Envelope* envelope,
                                                                               bool may_wait,
                                                                               const std::atomic<bool>* expired) {
  using Enqueued = Observer::Enqueued;
  Execution* const execution = execution_of(*this);
  const Cell* const sender = execution != nullptr ? execution->cell : nullptr;
  if (sender != nullptr && (envelope->flags & Envelope::passed_on) == 0) envelope->sender = sender->handle();
  envelope->target_generation = target.generation;
  count_offered(execution, *envelope);
  Cell* const cell = cell_at(target.slot);
  const std::uint32_t generation = cell == nullptr ? 0 : cell->generation.load(std::memory_order_acquire);
  if (generation != target.generation || generation == 0) {  // U1
    const bool is_over = target.is_set() && target.generation < generation;
    if (observer_ != nullptr) observer_->enqueued(target, *envelope, is_over ? Enqueued::gone : Enqueued::unknown);
    return refuse(envelope, is_over ? TellError::actor_stopped : TellError::actor_not_found, execution_of(*this));
  }

  if (observer_ != nullptr) {
    if (observer_->carry(target, *envelope)) return {};
  } else if (is_watched_) [[unlikely]] {
    note_send(execution, target, *envelope);
  }
  BoundedMailbox* const bounded = cell->bounded.load(std::memory_order_acquire);
  if (bounded == nullptr) [[likely]] {
    if (envelope->priority != Priority::normal) cell->uses_priorities.store(true, std::memory_order_release);
    if (observer_ != nullptr) observer_->enqueued(target, *envelope, Enqueued::accepted);
    if (cell->mailbox.push(*envelope)) world_.schedule(*cell);
    return {};
  }

  const bool may_suspend = may_wait && bounded->overflow() == Overflow::suspend && cell != sender &&
                           (envelope->flags & Envelope::uncounted) == 0 && !is_unwinding();
  if (may_suspend) return send_or_wait(target, *bounded, envelope, expired);
  auto [outcome, victim] = push_observed(*bounded, target, *envelope);
  if (outcome == BoundedMailbox::Outcome::must_wait) outcome = put_outside(target, *bounded, *envelope);
  switch (outcome) {
    case BoundedMailbox::Outcome::accepted:
    case BoundedMailbox::Outcome::replaced_oldest:
      if (observer_ != nullptr) {
        observer_->enqueued(target, *envelope, victim == nullptr ? Enqueued::accepted : Enqueued::replaced_oldest);
      }
      if (victim != nullptr) dead_letter(*cell, victim, DeadLetterReason::mailbox_full, true);
      ring_mail(*cell);
      return {};
    case BoundedMailbox::Outcome::full:
      if (observer_ != nullptr) observer_->enqueued(target, *envelope, Enqueued::full);
      return refuse(envelope, TellError::mailbox_full, execution_of(*this));
    case BoundedMailbox::Outcome::dropped_newest:
      if (observer_ != nullptr) observer_->enqueued(target, *envelope, Enqueued::dropped_newest);
      drop_newest(*cell, envelope);
      return std::unexpected(TellError::mailbox_full);
    case BoundedMailbox::Outcome::must_wait:  // outside
      return {};
    case BoundedMailbox::Outcome::gone:
      break;
  }
  if (observer_ != nullptr) observer_->enqueued(target, *envelope, Enqueued::gone);
  return refuse(envelope, TellError::actor_stopped, execution_of(*this));
}

std::expected<void, TellError> Runtime::send(Handle target, Envelope* envelope, bool may_wait,
                                             const std::atomic<bool>* expired) {
  [[maybe_unused]] const RuntimeScope inside;
  if (observer_ != nullptr) {
    if (!envelope->is(Envelope::is_ask)) try_memory(envelope);  // that of an ask was tried as it began
    if (traces_) [[unlikely]]
      trace_send(*envelope);
    try {
      observer_->before_enqueue(target, *envelope);
    } catch (...) {  // the world ends, and unwinds the sender
      count_offered(execution_of(*this), *envelope);
      (void)refuse(envelope, TellError::actor_stopped, execution_of(*this));
      throw;
    }
  }
  return send_now(target, envelope, may_wait, expired);
}

std::expected<void, TellError> Runtime::send_while(Handle target, Envelope* envelope, const std::atomic<bool>& still) {
  [[maybe_unused]] const RuntimeScope inside;
  const auto withdraw = [&](Execution* execution) {
    count_offered(execution, *envelope);
    return refuse(envelope, TellError::actor_stopped, execution);
  };
  if (observer_ != nullptr) {
    if (traces_) trace_send(*envelope);
    try {
      observer_->before_enqueue(target, *envelope);
    } catch (...) {  // the world ends, and unwinds the sender
      (void)withdraw(execution_of(*this));
      throw;
    }
    if (!still.load(std::memory_order_acquire)) return withdraw(execution_of(*this));
  }
  return send_now(target, envelope, false, nullptr);
}

std::expected<void, TellError> Runtime::send_at_once(Handle target, Envelope* envelope, bool may_wait) {
  [[maybe_unused]] const RuntimeScope inside;
  return send_now(target, envelope, may_wait, nullptr);
}

std::expected<void, TellError> Runtime::send_from(Execution& execution, Handle target, Envelope* envelope,
                                                  const std::atomic<bool>* expired, bool may_wait) {
  [[maybe_unused]] const RuntimeScope inside;
  Cell* const cell = cell_at(target.slot);
  const bool is_plain = !is_watched_ && cell != nullptr && envelope->priority == Priority::normal &&
                        cell->generation.load(std::memory_order_acquire) == target.generation &&
                        cell->bounded.load(std::memory_order_acquire) == nullptr;
  if (!is_plain) [[unlikely]]
    return send(target, envelope, may_wait, expired);
  if (execution.cell != nullptr) envelope->sender = execution.cell->handle();
  envelope->target_generation = target.generation;
  if (execution.offered.add() == execution.next_timed) [[unlikely]]
    return push_timed(execution, *cell, envelope);
  if (cell->mailbox.push(*envelope)) world_.schedule_from(execution, *cell);
  return {};
}

/// The rest of send_from() for a message whose times are taken. A function of its own, so that the others save nothing for it.
std::expected<void, TellError> Runtime::push_timed(Execution& execution, Cell& cell, Envelope* envelope) {
  time_message(&execution, *envelope);
  if (cell.mailbox.push(*envelope)) world_.schedule_from(execution, cell);
  return {};
}

void Runtime::deliver(Handle target, Envelope* envelope) {
  using Enqueued = Observer::Enqueued;
  const auto tell_observer = [&](Enqueued outcome) {
    if (observer_ != nullptr) observer_->enqueued(target, *envelope, outcome);
  };
  Cell* const cell = cell_at(target.slot);
  ORRERY_CHECK(cell != nullptr, "a carried message was sent to a slot that exists");
  if (cell->generation.load(std::memory_order_acquire) != target.generation) {
    tell_observer(Enqueued::gone);
    dead_letter(*cell, envelope, DeadLetterReason::actor_stopped, true);
    return;
  }
  BoundedMailbox* const bounded = cell->bounded.load(std::memory_order_acquire);
  if (bounded == nullptr) {
    if (envelope->priority != Priority::normal) cell->uses_priorities.store(true, std::memory_order_release);
    tell_observer(Enqueued::accepted);
    if (cell->mailbox.push(*envelope)) world_.schedule(*cell);
    return;
  }
  // Where senders wait for a place, a message that comes without its sender waits alone.
  const bool may_wait = bounded->overflow() == Overflow::suspend && !envelope->is(Envelope::uncounted);
  auto [outcome, victim] = may_wait ? BoundedMailbox::Pushed{BoundedMailbox::Outcome::must_wait}
                                    : push_observed(*bounded, target, *envelope);
  if (outcome == BoundedMailbox::Outcome::must_wait) outcome = put_outside(target, *bounded, *envelope);
  if (outcome == BoundedMailbox::Outcome::must_wait) return;
  if (outcome == BoundedMailbox::Outcome::accepted || outcome == BoundedMailbox::Outcome::replaced_oldest) {
    tell_observer(victim == nullptr ? Enqueued::accepted : Enqueued::replaced_oldest);
    if (victim != nullptr) dead_letter(*cell, victim, DeadLetterReason::mailbox_full, true);
    ring_mail(*cell);
    return;
  }
  const bool is_full = outcome != BoundedMailbox::Outcome::gone;
  tell_observer(is_full ? Enqueued::full : Enqueued::gone);
  dead_letter(*cell, envelope, is_full ? DeadLetterReason::mailbox_full : DeadLetterReason::actor_stopped, true);
}

/// The newest message is dropped: it counts as accepted and dead-lettered. An ask's asker learns it from its send.
void Runtime::drop_newest(Cell& cell, Envelope* envelope) {
  if ((envelope->flags & Envelope::is_ask) == 0) {
    dead_letter(cell, envelope, DeadLetterReason::mailbox_full, true);
    return;
  }
  count_stray_dead_letter();
  (void)record_dead_letter(*envelope, cell.handle(), DeadLetterReason::mailbox_full);
  envelope->operations->drop(*envelope);
  free_or_settle(envelope, AskError::mailbox_full);
}

std::expected<void, TellError> Runtime::send_or_wait(Handle target, BoundedMailbox& bounded, Envelope* envelope,
                                                     const std::atomic<bool>* expired) {
  using Enqueued = Observer::Enqueued;
  Execution* execution = execution_of(*this);
  PlaceWaiter place;
  if (execution != nullptr && execution->cell != nullptr) {
    place.sender = execution->cell->handle();
  } else {
    place.thread = &world_.waiter();
  }
  Cell& cell = *cell_at(target.slot);
  // Once it waits, the receiver may take and free it at any time.
  const MessageInfo* const message = envelope->operations->message;
  const bool is_my_ask = (envelope->flags & (Envelope::is_ask | Envelope::passed_on)) == Envelope::is_ask;
  Ask* const ask = is_my_ask ? envelope->ask : nullptr;
  switch (bounded.push_or_wait(*envelope, target, place)) {
    case BoundedMailbox::Outcome::accepted:
      if (observer_ != nullptr) observer_->enqueued(target, *envelope, Enqueued::accepted);
      ring_mail(cell);
      return {};
    case BoundedMailbox::Outcome::must_wait:
      break;
    default:
      if (observer_ != nullptr) observer_->enqueued(target, *envelope, Enqueued::gone);
      return refuse(envelope, TellError::actor_stopped, execution);
  }
  if (observer_ != nullptr) observer_->enqueued(target, *envelope, Enqueued::waiting);
  PlaceWait waiting{place, target, message, expired};
  const auto finish = [&]() -> std::expected<void, TellError> {
    const bool withdrawn = bounded.withdraw(place);  // B3: exactly one of withdrawn, placed, closed
    // Who closes the mailbox has taken this wait out of its list, and is about to say so; until then it reads it.
    while (!withdrawn && place.state.load(std::memory_order_acquire) == PlaceWaiter::waiting) std::this_thread::yield();
    execution = execution_of(*this);
    if (!withdrawn && place.state.load(std::memory_order_acquire) == PlaceWaiter::placed) return {};
    return refuse(envelope, withdrawn ? TellError::mailbox_full : TellError::actor_stopped, execution);
  };
  try {
    wait(waiting);
  } catch (...) {                                  // the sender is unwound, or the run that it belongs to is over
    if (finish() && ask != nullptr) let_go(*ask);  // its request was placed, but nobody waits for the answer
    throw;
  }
  return finish();
}

void Runtime::send_tick(ActorTimer& timer, Envelope* envelope) {
  envelope->target_generation = timer.target.generation;
  envelope->sender = timer.target;
  Execution* const execution = execution_of(*this);
  count_offered(execution, *envelope);
  Cell* const cell = cell_at(timer.target.slot);
  bool accepted = cell->generation.load(std::memory_order_acquire) == timer.target.generation;
  if (accepted) {
    BoundedMailbox* const bounded = cell->bounded.load(std::memory_order_acquire);
    if (bounded != nullptr) {
      accepted = bounded->push(*envelope, timer.target).outcome == BoundedMailbox::Outcome::accepted;
      if (accepted) {
        if (observer_ != nullptr) observer_->enqueued(timer.target, *envelope, Observer::Enqueued::accepted);
        ring_mail(*cell);
      }
    } else {
      if (envelope->priority != Priority::normal) cell->uses_priorities.store(true, std::memory_order_release);
      if (observer_ != nullptr) observer_->enqueued(timer.target, *envelope, Observer::Enqueued::accepted);
      if (cell->mailbox.push(*envelope)) world_.schedule(*cell);
    }
  }
  if (accepted) return;
  (void)refuse(envelope, TellError::actor_stopped, execution);
  timer.release();
}

// ---- asks ---------------------------------------------------------------------------------------------------------

void Runtime::count_failed_ask(AskError error) noexcept {
  const auto index = static_cast<std::size_t>(error);
  if (Execution* const execution = execution_of(*this); execution != nullptr) {
    execution->asks_failed[index].add();
  } else {
    foreign_asks_failed_[index].fetch_add(1, std::memory_order_relaxed);
  }
}

/// Pre: measures_asks().
void Runtime::note_ask_time(Duration took) noexcept {
  const auto nanoseconds = static_cast<std::uint64_t>(std::max<Duration::rep>(took.count(), 0));
  if (const Execution* const execution = execution_of(*this); execution != nullptr) {
    execution->ask_times->add(nanoseconds);
    return;
  }
  const std::lock_guard guard{foreign_ask_times_->mutex};
  foreign_ask_times_->times.add(nanoseconds);
}

void Runtime::settle_error(Ask& ask, AskError error) noexcept {
  [[maybe_unused]] const RuntimeScope inside;
  if (traces_) drop_trace(*ask.home);
  ask.has_reply = false;
  ask.error = error;
  const Handle asker = ask.asker;
  Waiter* const waiter = ask.waiter;
  if (!ask.settle()) {  // V3
    release_home(ask);
    return;
  }
  if (waiter != nullptr) {  // V2: the block is the asker's from here on
    waiter->wake();
  } else {
    wake(asker);
  }
}

void Runtime::settle_reply(Ask& ask, Handle replier) noexcept {
  [[maybe_unused]] const RuntimeScope inside;
  const Handle asker = ask.asker;
  Waiter* const waiter = ask.waiter;
  if (observer_ != nullptr) {
    observer_->replied(ask, ask.state.load(std::memory_order_relaxed) == Ask::pending);
  }
  if (traces_) drop_trace(*ask.home);
  if (!ask.settle()) {
    put_away_late_reply(ask, asker, replier);
  } else if (waiter != nullptr) {
    waiter->wake();
  } else {
    wake(asker);
  }
}

void Runtime::settle_reply(Execution& execution, Ask& ask) noexcept {
  [[maybe_unused]] const RuntimeScope inside;
  const Handle asker = ask.asker;
  Waiter* const waiter = ask.waiter;
  if (!ask.settle()) [[unlikely]] {
    // The reply's destructor is the user's code, and on behalf of nobody: the cell may be somebody else's already.
    const Handle replier{execution.cell->slot, ask.home->target_generation};
    execution.cell = nullptr;
    execution.message = nullptr;
    put_away_late_reply(ask, asker, replier);
  } else if (waiter != nullptr) {
    waiter->wake();
  } else if (Cell& cell = *cell_at(asker.slot); cell.attention.wait_changed()) {
    world_.schedule_from(execution, cell);
  }
}

/// V3: the asker has let go of the ask.
void Runtime::put_away_late_reply(Ask& ask, Handle asker, Handle replier) noexcept {
  const Envelope& home = *ask.home;
  if (observer_ != nullptr) observer_->dead_letter(home, to_string(DeadLetterReason::late_reply));
  dead_letters_.put_reply(letter_queue(), home, ask.has_reply, asker, replier);
  const MessageInfo& info = *home.operations->message;
  if (ask.has_reply && info.drop_reply != nullptr) info.drop_reply(ask.home->payload());
  release_home(ask);
}

void Runtime::let_go(Ask& ask) noexcept {
  [[maybe_unused]] const RuntimeScope inside;
  const MessageInfo& info = *ask.home->operations->message;  // before the block may go
  if (ask.abandon()) return;
  if (ask.has_reply && info.drop_reply != nullptr) info.drop_reply(ask.home->payload());
  release_home(ask);
}

// ---- dead letters -------------------------------------------------------------------------------------------------

std::uint32_t Runtime::letter_queue() const noexcept {
  const Execution* const execution = execution_of(*this);
  return execution == nullptr ? 0 : execution->letter_queue;
}

/// Returns: whether the message was taken over, to be kept.
bool Runtime::record_dead_letter(Envelope& envelope, Handle target, DeadLetterReason reason) {
  if (observer_ != nullptr) observer_->dead_letter(envelope, to_string(reason));
  if (is_watched_ && observer_ == nullptr) [[unlikely]] {
    const Execution* const execution = execution_of(*this);
    if (execution != nullptr && execution->flight != nullptr) execution->flight->dead_letter(envelope, target);
    if (logs_events_) log_dead_letter(envelope, target, reason);
  }
  return dead_letters_.put(letter_queue(), envelope, target, reason);
}

void Runtime::count_stray_dead_letter() noexcept {
  if (Execution* const execution = execution_of(*this); execution != nullptr) {
    execution->stray_dead_letters.add();
  } else {
    foreign_dead_letters_.fetch_add(1, std::memory_order_relaxed);
  }
}

/// Ends an accepted message that nobody will handle. `stray`: it is not counted with the cell's present actor.
void Runtime::dead_letter(Cell& cell, Envelope* envelope, DeadLetterReason reason, bool stray) {
  if (stray) {
    count_stray_dead_letter();
  } else {
    ++cell.dead_lettered;
  }
  if ((envelope->flags & Envelope::is_tick) != 0) {
    envelope->timer->release();
    envelope->timer = nullptr;
    reason = DeadLetterReason::timer_cancelled;
  }
  if (record_dead_letter(*envelope, {cell.slot, envelope->target_generation}, reason)) return;
  const Extension* const extension = envelope->extension_if_any();
  const bool has_failed = extension != nullptr && extension->failures != 0;
  envelope->operations->drop(*envelope);
  if ((envelope->flags & Envelope::is_ask) != 0) {
    settle_error(*envelope->ask, has_failed                                 ? AskError::actor_failed
                                 : reason == DeadLetterReason::mailbox_full ? AskError::mailbox_full
                                                                            : AskError::actor_stopped);
  } else {
    free_envelope(envelope);
  }
}

}  // namespace orrery
