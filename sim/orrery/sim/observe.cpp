// observe.cpp: what the engine learns from the runtime's visible acts: the trace and the story.
#include "orrery/core/check.hpp"
#include "orrery/core/describe.hpp"
#include "orrery/sim/engine.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace orrery::sim {

namespace {

std::string text_of(const Envelope& envelope) {
  std::string text;
  envelope.operations->message->describe(envelope.payload(), text);
  return text;
}

std::uint64_t hash_of(const Envelope& envelope) {
  TraceHasher hasher;
  envelope.operations->message->hash(envelope.payload(), hasher);
  return hasher.value().lo;
}

EventKind kind_of(Observer::Enqueued outcome) {
  using enum Observer::Enqueued;
  switch (outcome) {
    case accepted:
    case replaced_oldest:
      return EventKind::enqueue;
    case waiting:
      return EventKind::wait_for_place;
    case full:
    case dropped_newest:
    case gone:
    case unknown:
      break;
  }
  return EventKind::refuse;
}

}  // namespace

std::string_view to_string(EventKind kind) noexcept {
  switch (kind) {
    case EventKind::enqueue:
      return "enqueue";
    case EventKind::refuse:
      return "refuse";
    case EventKind::wait_for_place:
      return "wait for place";
    case EventKind::place:
      return "place";
    case EventKind::take:
      return "take";
    case EventKind::end:
      return "end";
    case EventKind::reply:
      return "reply";
    case EventKind::late_reply:
      return "late reply";
    case EventKind::resume:
      return "resume";
    case EventKind::fire:
      return "fire";
    case EventKind::spawn:
      return "spawn";
    case EventKind::restart:
      return "restart";
    case EventKind::exit:
      return "exit";
    case EventKind::dead_letter:
      return "dead letter";
    case EventKind::signal:
      return "signal";
    case EventKind::draw:
      return "draw";
    case EventKind::time:
      return "time";
    case EventKind::stall:
      return "stall";
    case EventKind::finish:
      return "finish";
    case EventKind::fault:
      return "fault";
    case EventKind::log:
      return "log";
  }
  return "unknown";
}

std::string to_string(const Event& event) {
  return fmt::format("{:>4} {:>8} {:<11} {} -> {} {}{}{}", event.step, format_duration(event.at.time_since_epoch()),
                     to_string(event.kind), event.from, event.to, event.message, event.reply.empty() ? "" : " = ",
                     event.reply);
}

// ---- names ------------------------------------------------------------------------------------------------------------

std::string Engine::path_of(Handle handle) const {
  const Agent& who = agent(handle);
  if (!handle.is_set() || &who != &agents_.test()) return agents_.path_of(who);
  return fmt::format("unknown#{}.{}", handle.slot, handle.generation);
}

void Engine::spawned(Cell& cell, Handle parent) {
  release_to(&cell);
  const std::string* const path = cell.extras != nullptr && cell.extras->named ? &cell.extras->path : nullptr;
  const Agent& agent = agents_.add_actor(cell.handle(), parent, *cell.type, path);
  if (is_watched_ && !tearing_down_) strategy_.spawned(agent, *acting_);
  note(EventKind::spawn, agent, cell.type->name_hash, acting_->path_hash);
  if (options_.record_events) record(EventKind::spawn, agents_.path_of(*acting_), agents_.path_of(agent), {});
}

// ---- the trace ----------------------------------------------------------------------------------------------------------

Event& Engine::record(EventKind kind, std::string from, std::string to, std::string message) {
  events_.push_back({.kind = kind,
                     .step = steps_,
                     .at = now_,
                     .from = std::move(from),
                     .to = std::move(to),
                     .message = std::move(message),
                     .reply = {},
                     .before = {},
                     .after = {},
                     .file = {},
                     .rivals = std::exchange(rivals_, {}),
                     .rivals_count = std::exchange(rivals_count_, 0)});
  return events_.back();
}

void Engine::note_rivals() {
  rivals_.clear();
  rivals_count_ = 0;
  const bool was_a_choice = decisions_.size() != std::exchange(decisions_seen_, decisions_.size()) &&
                            decisions_.back().kind == DecisionKind::schedule;
  if (!was_a_choice) return;
  rivals_count_ = enabled_.size();
  for (std::uint64_t i = 0; i < rivals_count_ && rivals_.size() < rivals_told_max; ++i) {
    std::string path = agents_.path_of(*enabled_.option(i).agent);
    if (std::ranges::find(rivals_, path) == rivals_.end()) rivals_.push_back(std::move(path));
  }
}

void Engine::attach(std::string name, std::string text) {
  if (!options_.record_events) return;
  std::erase_if(attachments_, [&](const auto& one) { return one.first == name; });
  attachments_.emplace_back(std::move(name), std::move(text));
}

std::string_view Engine::purpose_name(Timer::Purpose purpose) noexcept {
  switch (purpose) {
    case Timer::Purpose::deadline:
      return "ask deadline";
    case Timer::Purpose::sleep:
      return "sleep ends";
    case Timer::Purpose::after:
      return "timer (after)";
    case Timer::Purpose::every:
      return "timer (every)";
    case Timer::Purpose::receive_timeout:
      return "receive timeout";
    case Timer::Purpose::redelivery:
      return "redelivery";
    case Timer::Purpose::pause:
      return "goes on";
  }
  return "timer";
}

// ---- before visible acts --------------------------------------------------------------------------------------------------

/// Others may act before the message arrives: by then its receiver should be in the cache.
void Engine::fetch(std::uint32_t slot, const Agent& to) const {
  const Cell* const cell = runtime_->cell_at(slot);
  if (cell == nullptr) return;
  __builtin_prefetch(&to, 1);
  __builtin_prefetch(&to.path_hash, 1);
  __builtin_prefetch(cell, 1);
  __builtin_prefetch(&cell->bell, 1);
}

void Engine::before_enqueue(Handle target, const Envelope& envelope) {
  release_to(&envelope);
  if (!running_) return;  // the body of the test runs alone
  Agent& to = agent(target);
  if (send_may_hurry(target, to)) {
    ++operations_;
    return;
  }
  if (agents_.size() > near_at_hand_max) fetch(target.slot, to);
  const std::uint32_t ordinal =
      is_reached_by_channel(target) ? agents_.channel(*acting_, to).put : agents_.sent(*acting_, to);
  synchronise(*acting_, OpKind::enqueue, to, envelope.operations->message->name_hash, ordinal);
}

void Engine::before_signal(Handle target, Signal kind) {
  if (tearing_down_) return;
  const bool may_end_it =
      kind == Signal::stop || kind == Signal::kill || kind == Signal::exit || kind == Signal::link_exit;
  Agent& to = agent(target);
  if (may_end_it && &to != acting_) order_matters(to);
  if (!running_) return;
  synchronise(*acting_, OpKind::signal, to, static_cast<std::uint64_t>(kind), agents_.sent(*acting_, to));
  if (!may_end_it) return;
  note(EventKind::signal, to, acting_->path_hash, static_cast<std::uint64_t>(kind));
  if (options_.record_events) {
    record(EventKind::signal, agents_.path_of(*acting_), agents_.path_of(to),
           kind == Signal::kill   ? "kill"
           : kind == Signal::stop ? "stop"
                                  : "exit");
  }
}

void Engine::before_look() {
  if (!running_) return;
  synchronise(*acting_, OpKind::look, *acting_, 0, acting_->looks++);
}

void Engine::before_name(std::string_view path) {
  if (!running_) return;
  synchronise(*acting_, OpKind::name, *acting_, hash_text(path), 0);
}

/// Rule 3, for replies: done at once when the asker can do nothing before it (so it sees no difference), and nothing
/// else can settle the ask: no stall is to come, no timer is due, and nobody has stopped the asker or is about to. A stop
/// that comes up later is for order_matters().
void Engine::before_reply(const Ask& ask) {
  if constexpr (has_race_scopes) release_to(runtime_->living_cell(ask.asker));  // whoever waits elsewhere is the body
  if (!running_) return;
  Agent& me = *acting_;  // not always the actor that was asked
  Agent& to = agent(ask.asker);
  const std::uint32_t ordinal = me.replies++;
  if (options_.reduce && !may_strike() && due_.empty() && !to.order_matters && !to.op.enabled) {
    const Cell* const asker = ask.waiter != nullptr ? nullptr : runtime_->living_cell(ask.asker);
    const Wait* const wait = ask.waiter != nullptr ? test_wait_ : asker != nullptr ? asker->wait : nullptr;
    if (wait != nullptr && !wait->ready() && wait->needs(ask)) {
      if (asker != nullptr) to.hurried_in = period_;
      return;
    }
  }
  synchronise(me, OpKind::reply, to, 0, ordinal);
}

void Engine::before_restart(Cell& cell) {
  synchronise(*acting_, OpKind::restart, agent(cell.handle()), 0, cell.incarnation);
}

void Engine::before_exit(Cell& cell) { synchronise(*acting_, OpKind::exit, agent(cell.handle()), 0, 0); }

bool Engine::carry(Handle target, Envelope& envelope) {
  if (!is_reached_by_channel(target)) return false;
  if (is_work_about_) remember_sender(envelope);
  put_into_channel(target, &envelope, nullptr);
  return true;
}

bool Engine::carry_signal(Handle target, Link& signal) {
  if (!is_reached_by_channel(target)) return false;
  put_into_channel(target, nullptr, &signal);
  return true;
}

bool Engine::is_reached_by_channel(Handle target) const {
  if (options_.mode != Mode::per_pair || tearing_down_) return false;
  // Where senders wait for a place, no channel may lose one; such a mailbox is reached as in causal mode.
  BoundedMailbox* const bounded = runtime_->cell_at(target.slot)->bounded.load(std::memory_order_relaxed);
  return bounded == nullptr || bounded->overflow() != Overflow::suspend;
}

void Engine::put_into_channel(Handle target, Envelope* envelope, Link* signal) {
  // What a delivery leads to (the watched actor is gone) comes from whom it was meant for.
  Agent& from = acting_->op.kind == OpKind::deliver ? *acting_->op.object : *acting_;
  Carrier& carrier = agents_.channel(from, agent(target));
  Carried& what = carried_.take();
  what.envelope = envelope;
  what.signal = signal;
  if (is_watched_) strategy_.carried(*acting_, carrier);
  (carrier.first == nullptr ? carrier.first : carrier.last->next) = &what;
  carrier.last = &what;
  ++carrier.put;
  if (carrier.first == &what) enabled_.add(carrier.op);
}

void Engine::deliver_next(Carrier& carrier) {
  Carried& first = *carrier.first;
  const Carried what = first;
  carried_.give(first);
  ++carrier.op.ordinal;
  carrier.first = what.next;
  if (carrier.first != nullptr) enabled_.add(carrier.op);
  const Handle target = carrier.op.object->handle;
  if (what.signal != nullptr) {
    runtime_->deliver_signal(target, *what.signal);
  } else {
    runtime_->deliver(target, what.envelope);
  }
}

// ---- visible acts ---------------------------------------------------------------------------------------------------------

void Engine::enqueued(Handle target, Envelope& envelope, Enqueued outcome) {
  if (tearing_down_) return;
  Agent& to = agent(target);
  Agent& from = (envelope.flags & Envelope::is_tick) != 0 ? to : sending(envelope);
  envelope.ordinal = agents_.sent(from, to)++;
  if (envelope.priority != Priority::normal) order_matters(to);
  const EventKind kind = outcome == Enqueued::accepted ? EventKind::enqueue : kind_of(outcome);
  if (is_watched_) strategy_.sent(*acting_, from, to, envelope.ordinal);
  note(kind, to, from.path_hash ^ mix64(envelope.operations->message->name_hash), hash_of(envelope) + envelope.ordinal);
  if (!lost_.empty() && kind != EventKind::refuse) [[unlikely]]
    sent_again(from, to, envelope);
  if (!options_.record_events) return;
  if (kind != EventKind::enqueue) record_refusal(from, to, envelope, outcome);
  sent_.insert_or_assign({from.index, to.index, envelope.ordinal},
                         SentBy{{steps_, now_}, std::exchange(rivals_, {}), std::exchange(rivals_count_, 0)});
}

void Engine::record_refusal(const Agent& from, const Agent& to, const Envelope& envelope, Enqueued outcome) {
  Event& event = record(kind_of(outcome), agents_.path_of(from), agents_.path_of(to), text_of(envelope));
  event.file = envelope.where.file_name();
  event.line = envelope.where.line();
  event.reply = outcome == Enqueued::gone      ? "actor_stopped"
                : outcome == Enqueued::unknown ? "actor_not_found"
                : outcome == Enqueued::waiting ? "waits for a place"
                                               : "mailbox_full";
}

void Engine::placed(Cell& target, Envelope& envelope) {
  note(EventKind::place, agent(target.handle()), sender_of(envelope).path_hash, envelope.ordinal);
}

bool Engine::taken(Cell& cell, Envelope& envelope) {
  acquire_from(&envelope);
  if (tearing_down_) return false;
  ++steps_;
  ++takes_;
  Agent& me = agents_.in_slot(cell.slot);
  ++me.takes;
  const Agent& from = sender_of(envelope);
  if (is_watched_) strategy_.handles(me, from, envelope.ordinal);
  std::uint64_t ordinal = envelope.ordinal;
  if (envelope.attempt != 0) [[unlikely]]
    ordinal += std::uint64_t{envelope.attempt} << 32;
  note(EventKind::take, me, from.path_hash ^ mix64(envelope.operations->message->name_hash), ordinal);
  if (options_.record_events) record_take(from, me, cell, envelope);
  if (crashes_.empty() && plan_.empty()) [[likely]]
    return false;
  const bool is_planned = plan_crashes(me, envelope);
  if ((!crashes_.empty() && crashes_now(me, envelope)) || is_planned) return true;
  if (!lost_.empty()) sent_again(from, me, envelope);  // it had been sent again before the first one was lost
  return false;
}

void Engine::record_take(const Agent& from, const Agent& to, const Cell& cell, const Envelope& envelope) {
  if (event_of_.size() <= to.index) event_of_.resize(to.index + 1);
  event_of_[to.index] = events_.size();
  std::string message = text_of(envelope);
  if (envelope.attempt != 0) message += fmt::format(" (attempt {})", envelope.attempt + 1);
  Event& event = record(EventKind::take, agents_.path_of(from), agents_.path_of(to), std::move(message));
  event.file = envelope.where.file_name();
  event.line = envelope.where.line();
  if (const auto sent = sent_.find({from.index, to.index, envelope.ordinal}); sent != sent_.end()) {
    event.sent = sent->second.when;
    if (event.rivals_count == 0) {
      event.rivals = sent->second.rivals;
      event.rivals_count = sent->second.rivals_count;
    }
  }
  cell.type->fields(cell.actor, event.before);
}

void Engine::ended(Cell& cell, Envelope& envelope, Ended how) {
  if (tearing_down_) return;
  const Agent& me = agents_.in_slot(cell.slot);
  note(EventKind::end, me, static_cast<std::uint64_t>(how), 0);
  handling_ = cell.handle();
  last_message_ = envelope.operations->message;
  if (options_.record_events) record_end(me, cell, envelope, how);
  if (how != Ended::stashed) check_invariants();
}

void Engine::record_end(const Agent& who, const Cell& cell, const Envelope& envelope, Ended how) {
  last_event_ = event_of_[who.index];
  Event& event = events_[last_event_];
  if (cell.actor != nullptr) cell.type->fields(cell.actor, event.after);
  const MessageInfo& info = *envelope.operations->message;
  if (how == Ended::handled && (envelope.flags & Envelope::is_ask) != 0 && info.describe_reply != nullptr) {
    info.describe_reply(envelope.payload(), event.reply);
  } else if (how == Ended::handled && (envelope.flags & Envelope::given_away) != 0) {
    event.reply = "passed on";
  } else if (how == Ended::failed) {
    event.reply = "failed";
  } else if (how == Ended::unwound) {
    event.reply = "unwound";
  } else if (how == Ended::stashed) {
    event.reply = "stashed";
  }
}

/// Returns: the message that was handled last; with its fields and its sender, while recording.
std::string Engine::last_handled() const {
  if (last_message_ == nullptr) return {};
  if (!options_.record_events) return std::string{last_message_->name};
  return fmt::format("{} from {}", events_[last_event_].message, events_[last_event_].from);
}

void Engine::replied(const Ask& ask, bool in_time) {
  if (tearing_down_) return;
  const Agent& me = *acting_;
  // Done without a choice, it may be one of several replies that are waited for; else who is woken is told there.
  if (is_watched_ && me.op.kind != OpKind::reply) strategy_.wakes(me, agent(ask.asker));
  std::uint64_t value = 0;
  const MessageInfo& info = *ask.home->operations->message;
  if (ask.has_reply && info.hash_reply != nullptr) {
    TraceHasher hasher;
    info.hash_reply(ask.home->payload(), hasher);
    value = hasher.value().lo;
  }
  note(in_time ? EventKind::reply : EventKind::late_reply, me, agent(ask.asker).path_hash, value);
  if (options_.record_events && !in_time) {
    record(EventKind::late_reply, agents_.path_of(me), agents_.path_of(agent(ask.asker)), std::string{info.name});
  }
}

/// Told in the story and nowhere else: whether a handler says something changes no run.
void Engine::logged(const LogEntry& entry) {
  if (!options_.record_events || tearing_down_) return;
  Event& event = record(EventKind::log, entry.actor, {}, entry.sentence());
  event.file = entry.where.file_name();
  event.line = entry.where.line();
}

void Engine::resumed(Cell& cell) {
  if (tearing_down_) return;
  ++steps_;
  Agent& me = agent(cell.handle());
  ++me.resumes;
  note(EventKind::resume, me, me.resumes, 0);
  if (options_.record_events) record(EventKind::resume, agents_.path_of(me), agents_.path_of(me), {});
}

void Engine::exited(Cell& cell, const ExitReason& reason) {
  if (tearing_down_) return;
  Agent& me = agent(cell.handle());
  if (options_.mode == Mode::per_pair) order_matters(me);  // see send_may_hurry()
  note(EventKind::exit, me, static_cast<std::uint64_t>(reason.kind()), 0);
  if (options_.record_events) {
    record(EventKind::exit, agents_.path_of(me), agents_.path_of(me), to_string(reason));
  }
}

void Engine::restarted(Cell& cell) {
  if (tearing_down_) return;
  const Agent& me = agent(cell.handle());
  note(EventKind::restart, me, cell.incarnation, 0);
  if (!crashed_.empty()) std::erase(crashed_, &me);  // what it loses from now on is not the fault's doing
  if (options_.record_events) {
    record(EventKind::restart, agents_.path_of(me), agents_.path_of(me),
           fmt::format("incarnation {}", cell.incarnation));
  }
}

void Engine::dead_letter(const Envelope& envelope, std::string_view reason) {
  if (tearing_down_) return;
  const Agent& from = sender_of(envelope);
  note(EventKind::dead_letter, from, envelope.operations->message->name_hash, hash_text(reason));
  // Mail that goes with the actor, or with the life of it, that a fault has ended.
  if (!crashed_.empty() && std::ranges::find(crashed_, acting_) != crashed_.end() &&
      (reason == to_string(DeadLetterReason::actor_stopped) || reason == to_string(DeadLetterReason::restart_dropped)))
    lose(*acting_, envelope, "crash");
  if (options_.record_events) {
    record(EventKind::dead_letter, agents_.path_of(from), "dead letters",
           fmt::format("{} ({})", envelope.operations->message->name, reason));
  }
}

void Engine::report(std::string_view kind, const std::string& text) {
  if (options_.record_events && !tearing_down_) record(EventKind::signal, "runtime", std::string{kind}, text);
}

}  // namespace orrery::sim
