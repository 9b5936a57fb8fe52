// assured.cpp: how an assured message is sent, handled, handled again, and given up. delivery.hpp says what that promises.
#include "orrery/actor/assured.hpp"

#include "orrery/actor/context.hpp"
#include "orrery/actor/detail/attempt.hpp"
#include "orrery/actor/runtime.hpp"
#include "orrery/actor/sendable.hpp"
#include "orrery/core/check.hpp"

#include <limits>
#include <utility>

namespace orrery {

namespace detail {

const Operations& operations_for(const Operations& usual, Delivery delivery) {
  if (delivery == Delivery::at_most_once) return usual;
  ORRERY_CHECK(usual.assured != nullptr, "{} may be handled more than once, and must be copyable", usual.message->name);
  return *usual.assured;
}

void apply(Runtime& runtime, Envelope& envelope, Delivery delivery, const SendOptions& options) {
  if (options.priority) envelope.priority = *options.priority;
  if (delivery != Delivery::at_most_once) runtime.assure(envelope, delivery, options.id);
}

}  // namespace detail

// ---- sending --------------------------------------------------------------------------------------------------------

void Runtime::assure(Envelope& envelope, Delivery delivery, const std::optional<MessageId>& id) {
  const bool is_once = delivery == Delivery::exactly_once;
  envelope.flags = static_cast<std::uint8_t>(envelope.flags & ~Envelope::is_timed);  // the bit has another meaning then
  envelope.flags |= is_once ? Envelope::is_assured | Envelope::is_exactly_once : Envelope::is_assured;
  Extension*& extension = envelope.extension_slot();
  extension = nullptr;
  const bool is_given = id && id->is_set();
  if (!is_given && !is_once) return;
  extension = new Extension;
  if (is_given) {
    extension->id = *id;
  } else if (Execution* const here = current_execution(); here != nullptr && here->runtime == this) {
    extension->id = world_.new_id(here->index, here->message_ids++);
  } else {
    constexpr std::uint64_t of_other_threads = std::numeric_limits<std::uint64_t>::max();
    extension->id = world_.new_id(of_other_threads, foreign_message_ids_.fetch_add(1, std::memory_order_relaxed));
  }
}

bool Runtime::holds_back() const noexcept {
  const Execution* const here = execution_of(*this);
  return here != nullptr && here->runtime_index == 0 && here->cell != nullptr;
}

void Runtime::hold_back(Handle target, Envelope* envelope, std::shared_ptr<const std::atomic<bool>> still) {
  if (traces_) trace_send(*envelope);  // on behalf of the handler that is still there
  current_execution()->cell->extras->assured->sends.push_back({target, envelope, std::move(still)});
}

std::expected<void, TellError> Runtime::tell(Handle target, Envelope* envelope, bool may_wait) {
  if (!holds_back() || cell_at(target.slot) == nullptr) return send(target, envelope, may_wait);
  hold_back(target, envelope);
  return {};
}

/// Lets a message for which there is no place wait without its sender.
/// Returns: as push_or_wait(); with must_wait the observer was told, and the receiver may have the message already.
BoundedMailbox::Outcome Runtime::put_outside(Handle target, BoundedMailbox& bounded, Envelope& envelope) {
  auto waiter = std::make_unique<PlaceWaiter>();
  waiter->is_outside = true;
  const auto outcome = bounded.push_or_wait(envelope, target, *waiter, options_.delivery.waiting_max);
  if (outcome != BoundedMailbox::Outcome::must_wait) return outcome;
  (void)waiter.release();  // NOLINT: whoever takes it off the list deletes it
  if (observer_ != nullptr) observer_->enqueued(target, envelope, Observer::Enqueued::waiting);
  return outcome;
}

/// The handler has returned: what it told leaves. A refusal cannot be told it any more, and goes to the dead letters.
void Runtime::send_held(Cell& cell) {
  std::vector<HeldSend> sends;
  sends.swap(cell.extras->assured->sends);
  const Handle self = cell.handle();
  std::size_t sent = 0;
  try {
    for (; sent < sends.size(); ++sent) {
      const auto& [target, envelope, still] = sends[sent];
      if (still != nullptr && !still->load(std::memory_order_acquire)) {
        destroy_unsent(envelope);
        continue;
      }
      envelope->sender = self;
      envelope->target_generation = target.generation;
      if (observer_ != nullptr) observer_->before_enqueue(target, *envelope);
      Execution* const execution = current_execution();
      count_offered(execution, *envelope);
      if (execution->flight != nullptr) execution->flight->sent(&cell, target, *envelope);
      if (observer_ == nullptr || !observer_->carry(target, *envelope)) deliver(target, envelope);
    }
  } catch (const Unwind&) {  // the world ends
    cell.extras->assured->sends.assign(sends.begin() + static_cast<std::ptrdiff_t>(sent), sends.end());
    drop_held(cell);
  }
}

/// The handler has failed: what it told was never sent.
void Runtime::drop_held(Cell& cell) noexcept {
  std::vector<HeldSend> sends;
  sends.swap(cell.extras->assured->sends);
  for (const HeldSend& one : sends) destroy_unsent(one.envelope);
}

void Runtime::destroy_unsent(Envelope* envelope) noexcept {
  envelope->operations->drop(*envelope);
  free_envelope(envelope);
}

/// The handler has returned, and passes its message on: a new one for whom it goes to, with the class and the id that it had.
void Runtime::send_forwarded(Cell& cell, Context& context) {
  AssuredMail& assured = *cell.extras->assured;
  const HeldForward forward = std::move(*assured.forward);
  assured.forward.reset();
  assured.redelivery.finished(*context.envelope_);
  Envelope* const envelope = context.stand_in();
  envelope->where = forward.where;
  if (Extension* const extension = envelope->extension_slot(); extension != nullptr) {
    extension->forgiven = extension->failures;
    extension->reply = {};
  }
  const bool is_ask = envelope->is(Envelope::is_ask);
  if (forward.operations == nullptr) {  // the handler knows
    envelope->operations->drop(*envelope);
    return free_or_settle(envelope, AskError::actor_not_found);
  }
  envelope->operations = forward.operations;
  envelope->target_generation = forward.target.generation;
  if (is_ask) envelope->ask->move_to(forward.target);
  if (observer_ != nullptr) {
    try {
      observer_->before_enqueue(forward.target, *envelope);
    } catch (const Unwind&) {  // the world ends
      envelope->operations->drop(*envelope);
      return free_or_settle(envelope, AskError::actor_stopped);
    }
  }
  count_offered(current_execution(), *envelope);
  if (traces_) trace_send(*envelope);
  if (observer_ == nullptr || !observer_->carry(forward.target, *envelope)) deliver(forward.target, envelope);
}

// ---- handling -------------------------------------------------------------------------------------------------------

AssuredMail& Runtime::need_assured(Cell& cell) {
  auto& assured = cell.need_extras().assured;
  if (assured == nullptr) assured = std::make_unique<AssuredMail>(*this, cell);
  return *assured;
}

/// Returns: whether the message is to be handled now.
bool Runtime::admit_assured(Cell& cell, Envelope* envelope) {
  AssuredMail* const assured = cell.extras == nullptr ? nullptr : cell.extras->assured.get();
  if (assured == nullptr) return true;
  if (assured->redelivery.queue_behind_pair(*envelope)) return false;
  if (!envelope->is(Envelope::is_exactly_once) || assured->seen == nullptr) return true;
  const auto* const first = assured->seen->find(envelope->extension_slot()->id, world_.now());
  if (first == nullptr) return true;
  assured->redelivery.finished(*envelope);
  cell.care = care_of(cell);
  put_away_duplicate(cell, envelope, *first);
  return false;
}

/// A message with its id was handled before. Whoever asks gets the same reply, as far as that is known.
void Runtime::put_away_duplicate(Cell& cell, Envelope* envelope, const DedupeWindow::Handled& first) {
  ++cell.dead_lettered;
  (void)record_dead_letter(*envelope, cell.handle(), DeadLetterReason::duplicate);  // it is not kept: it was done
  const MessageInfo& info = *envelope->operations->message;
  envelope->operations->drop(*envelope);
  if (!envelope->is(Envelope::is_ask)) return free_envelope(envelope);
  Ask& ask = *envelope->ask;
  if (first.message == &info && first.reply.is_set()) {
    try {
      first.reply.copy_to(envelope->payload());
      ask.has_reply = true;
    } catch (...) {  // NOLINT: then the reply is not to be had
    }
  } else {
    ask.has_reply = info.drop_reply == nullptr && first.is_done;  // `void`
  }
  if (observer_ != nullptr) observer_->before_reply(ask);
  if (ask.has_reply) {
    settle_reply(ask, cell.handle());
  } else {
    settle_error(ask, AskError::duplicate);
  }
}

/// handle() for an assured message.
Execution* Runtime::handle_assured(Execution* execution, Cell& cell, Envelope* envelope) {
  const bool is_once = envelope->is(Envelope::is_exactly_once);
  if (is_once) (void)need_assured(cell);
  const bool crashes = observer_ != nullptr && observer_->taken(cell, *envelope);
  if (traces_) trace_take(*envelope);
  const Instant began = traces_ ? world_.now() : Instant{};
  if (execution->flight != nullptr) execution->flight->take(cell, *envelope);
  Context context{*this, cell, envelope};
  detail::Attempt outcome;
  {
    const detail::OnBehalfOf on_behalf{*execution, cell, envelope};
    if (is_once) execution->runtime_index = 0;  // from here on tells are held back
    detail::attempt(outcome, [&] {
      if (crashes) throw detail::InjectedCrash{};
      envelope->operations->run(cell.actor, *envelope, context);
    });
    if (is_once) current_execution()->runtime_index = index_;
    const bool has_returned = outcome.how == Observer::Ended::handled;
    if (traces_ && !(has_returned && context.was_stashed()))
      export_span(cell, *context.envelope_, began, outcome.how == Observer::Ended::failed);
    envelope = context.envelope_;  // a question that is kept open is not in it any more
    ORRERY_CHECK(!has_returned || cell.ending != Cell::Ending::unwinding,
                 "{} swallowed orrery::Unwind while it handled {}: rethrow it", path_of(cell.handle()),
                 envelope->operations->message->name);
    if (is_once && !has_returned) drop_held(cell);
    if (is_once && has_returned) {
      if (!context.was_stashed()) remember(cell, *envelope, !context.was_given_away());
      send_held(cell);
    }
    if (has_returned && context.fate_ == Context::Fate::forwarded) send_forwarded(cell, context);
  }
  after_assured(cell, context, outcome);
  return current_execution();
}

/// From here on the message counts as handled, whatever comes. `is_done`: and not passed on.
void Runtime::remember(Cell& cell, Envelope& envelope, bool is_done) {
  auto& seen = cell.extras->assured->seen;
  if (seen == nullptr) {
    const DeliveryOptions& options = options_.delivery;
    seen = std::make_unique<DedupeWindow>(options.dedupe_ids_max, options.dedupe_for);
  }
  Extension& extension = *envelope.extension_slot();
  const Instant now = world_.now();
  const auto* const earlier = seen->find(extension.id, now);
  ORRERY_CHECK(earlier == nullptr, "an actor handles one message at a time");
  seen->remember(extension.id, now, {envelope.operations->message, std::move(extension.reply), is_done});
}

/// What follows the handler of an assured message, in all its cases: as after_handler().
void Runtime::after_assured(Cell& cell, Context& context, detail::Attempt& outcome) {
  Envelope* const envelope = context.envelope_;
  const bool was_stashed = context.was_stashed();
  if (cell.extras != nullptr && cell.extras->receive_timeout != nullptr) restart_receive_timeout(cell);
  const bool has_returned = outcome.how == Observer::Ended::handled;
  if (has_returned && cell.extras != nullptr && cell.extras->assured != nullptr) {
    cell.extras->assured->redelivery.finished(*envelope);
  }
  cell.care = care_of(cell);
  if (has_returned && was_stashed) {
    if (observer_ != nullptr) observer_->ended(cell, *envelope, Observer::Ended::stashed);
    return;
  }
  if (was_stashed) std::erase(*cell.extras->stash, envelope);  // it failed after all
  if (!has_returned && context.fate_ == Context::Fate::forwarded) cell.extras->assured->forward.reset();
  if (has_returned) {  // D2: this is the acknowledgement
    ++cell.handled;
    if (context.fate_ == Context::Fate::opened) envelope->flags |= Envelope::given_away;
    if (envelope->is(Envelope::is_assured)) delete std::exchange(envelope->extension_slot(), nullptr);
    if (observer_ != nullptr) observer_->ended(cell, *envelope, outcome.how);
    if (context.has_parted()) return drop_trace(*envelope);  // it was passed on; this stood in for it
    if (!envelope->is(Envelope::is_ask)) return free_envelope(envelope);
    if (observer_ != nullptr) observer_->before_reply(*envelope->ask);
    return settle_reply(*envelope->ask, cell.handle());
  }
  if (observer_ != nullptr) observer_->ended(cell, *envelope, outcome.how);
  if (outcome.how == Observer::Ended::failed) {
    retry_later(cell, envelope, {world_.now(), to_string(*outcome.reason)});
    fail(cell, std::move(*outcome.reason));
  } else {
    retry_later(cell, envelope, {world_.now(), "unwound: " + to_string(cell.need_extras().exit_reason)});
  }
}

/// The message stays with the actor, to be handled again after a while; or that was its last attempt.
void Runtime::retry_later(Cell& cell, Envelope* envelope, FailedAttempt failure) {
  const DeliveryOptions& options = options_.delivery;
  Extension*& extension = envelope->extension_slot();
  if (extension == nullptr) extension = new Extension;
  const Instant now = failure.when;
  extension->add(std::move(failure));
  Redelivery& redelivery = need_assured(cell).redelivery;
  if (is_exhausted(options, extension->counted())) {
    redelivery.finished(*envelope);
    cell.care = care_of(cell);
    if (observer_ != nullptr && envelope->is(Envelope::is_ask)) observer_->before_reply(*envelope->ask);
    return dead_letter(cell, envelope, DeadLetterReason::delivery_exhausted, false);
  }
  if (envelope->attempt < std::numeric_limits<std::uint16_t>::max()) ++envelope->attempt;
  const Duration wait = backoff_of(options, extension->counted());
  const auto jitter = static_cast<std::uint64_t>(wait.count()) / 100 * options.jitter_percent;
  const auto more = static_cast<Duration::rep>(draw(cell, "redelivery", jitter + 1));
  redelivery.hold(*envelope, now + wait + Duration{more});
  cell.care = care_of(cell);
}

Cell::Care Runtime::care_of(const Cell& cell) noexcept {
  if (cell.extras == nullptr) return Cell::Care::none;
  const CellExtras& extras = *cell.extras;
  const bool has_stash = extras.stash != nullptr && !extras.stash->empty();
  const bool holds = extras.assured != nullptr && !extras.assured->redelivery.empty();
  if (has_stash || holds || extras.receive_timeout != nullptr) return Cell::Care::full;
  return extras.bounded != nullptr ? Cell::Care::capacity : Cell::Care::none;
}

}  // namespace orrery
