// observe.cpp: what the engine learns from the runtime's visible acts: the trace, the story and the findings.
#include "orrery/core/check.hpp"
#include "orrery/core/describe.hpp"
#include "orrery/sim/engine.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>
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

std::string_view headline(FindingKind kind) noexcept {
  switch (kind) {
    case FindingKind::invariant_violated:
      return "INVARIANT VIOLATED";
    case FindingKind::assertion_failed:
      return "ASSERTION FAILED";
    case FindingKind::exception_in_test:
      return "EXCEPTION IN TEST";
    case FindingKind::stuck:
      return "STUCK";
    case FindingKind::ask_cycle:
      return "ASK CYCLE";
    case FindingKind::no_progress:
      return "NO PROGRESS";
    case FindingKind::ledger_broken:
      return "LEDGER BROKEN";
    case FindingKind::non_determinism:
      return "NON-DETERMINISM";
  }
  return "UNKNOWN";
}

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
  const std::string* const path = cell.extras != nullptr && cell.extras->named ? &cell.extras->path : nullptr;
  const Agent& agent = agents_.add_actor(cell.handle(), parent, *cell.type, path);
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
                     .file = {}});
  return events_.back();
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
  if (!running_) return;  // the body of the test runs alone
  Agent& to = agent(target);
  if (agents_.size() > near_at_hand_max) fetch(target.slot, to);
  synchronise(*acting_, OpKind::enqueue, to, envelope.operations->message->name_hash, agents_.sent(*acting_, to));
}

void Engine::before_signal(Handle target, bool kill) {
  if (tearing_down_) return;
  Agent& to = agent(target);
  if (&to != acting_) order_matters(to);
  if (!running_) return;
  synchronise(*acting_, OpKind::signal, to, kill ? 2 : 1, agents_.sent(*acting_, to));
  note(EventKind::signal, to, acting_->path_hash, kill ? 2 : 1);
  if (options_.record_events) {
    record(EventKind::signal, agents_.path_of(*acting_), agents_.path_of(to), kill ? "kill" : "stop");
  }
}

void Engine::before_watch(Handle target) {
  if (!running_) return;
  Agent& to = agent(target);
  synchronise(*acting_, OpKind::signal, to, 3, agents_.sent(*acting_, to));
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
/// else can settle the ask: no stall is to come and no timer is due. A stop of the asker could; see order_matters().
void Engine::before_reply(Cell& replier, const Ask& ask) {
  if (!running_) return;
  Agent& me = agent(replier.handle());
  const std::uint32_t ordinal = me.replies++;
  if (options_.reduce && stalls_.empty() && due_.empty()) {
    const Cell* const asker = ask.waiter != nullptr ? nullptr : runtime_->living_cell(ask.asker);
    const Wait* const wait = ask.waiter != nullptr ? test_wait_ : asker != nullptr ? asker->wait : nullptr;
    if (wait != nullptr && !wait->ready() && wait->needs(ask)) {
      if (asker != nullptr) agent(ask.asker).hurried_in = period_;
      return;
    }
  }
  synchronise(me, OpKind::reply, agent(ask.asker), 0, ordinal);
}

void Engine::before_restart(Cell& cell) {
  Agent& me = agent(cell.handle());
  synchronise(me, OpKind::restart, me, 0, cell.incarnation);
}

void Engine::before_exit(Cell& cell) {
  Agent& me = agent(cell.handle());
  synchronise(me, OpKind::exit, me, 0, 0);
}

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
  (carrier.first == nullptr ? carrier.first : carrier.last->next) = &what;
  carrier.last = &what;
  if (carrier.first == &what) enabled_.add(carrier.op);
}

void Engine::deliver_next(Carrier& carrier) {
  Carried& first = *carrier.first;
  const Carried what = first;
  carried_.give(first);
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
  note(kind, to, from.path_hash ^ mix64(envelope.operations->message->name_hash), hash_of(envelope) + envelope.ordinal);
  if (options_.record_events && kind != EventKind::enqueue) record_refusal(from, to, envelope, outcome);
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

void Engine::taken(Cell& cell, Envelope& envelope) {
  if (tearing_down_) return;
  ++steps_;
  Agent& me = agents_.in_slot(cell.slot);
  ++me.takes;
  const Agent& from = sender_of(envelope);
  note(EventKind::take, me, from.path_hash ^ mix64(envelope.operations->message->name_hash), envelope.ordinal);
  if (options_.record_events) record_take(from, me, cell, envelope);
}

void Engine::record_take(const Agent& from, const Agent& to, const Cell& cell, const Envelope& envelope) {
  if (event_of_.size() <= to.index) event_of_.resize(to.index + 1);
  event_of_[to.index] = events_.size();
  Event& event = record(EventKind::take, agents_.path_of(from), agents_.path_of(to), text_of(envelope));
  event.file = envelope.where.file_name();
  event.line = envelope.where.line();
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

void Engine::replied(Cell& replier, const Ask& ask, bool in_time) {
  if (tearing_down_) return;
  const Agent& me = agent(replier.handle());
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
  const Agent& me = agent(cell.handle());
  note(EventKind::exit, me, static_cast<std::uint64_t>(reason.kind()), 0);
  if (options_.record_events) {
    record(EventKind::exit, agents_.path_of(me), agents_.path_of(me), to_string(reason));
  }
}

void Engine::restarted(Cell& cell) {
  if (tearing_down_) return;
  const Agent& me = agent(cell.handle());
  note(EventKind::restart, me, cell.incarnation, 0);
  if (options_.record_events) {
    record(EventKind::restart, agents_.path_of(me), agents_.path_of(me),
           fmt::format("incarnation {}", cell.incarnation));
  }
}

void Engine::dead_letter(const Envelope& envelope, std::string_view reason) {
  if (tearing_down_) return;
  const Agent& from = sender_of(envelope);
  note(EventKind::dead_letter, from, envelope.operations->message->name_hash, hash_text(reason));
  if (options_.record_events) {
    record(EventKind::dead_letter, agents_.path_of(from), "dead letters",
           fmt::format("{} ({})", envelope.operations->message->name, reason));
  }
}

void Engine::report(std::string_view kind, const std::string& text) {
  if (options_.record_events && !tearing_down_) record(EventKind::signal, "runtime", std::string{kind}, text);
}

// ---- findings ---------------------------------------------------------------------------------------------------------------

void Engine::report_finding(Finding finding) {
  if (finding_ || tearing_down_) return;  // stop at the first
  finding.step = steps_;
  finding_ = std::move(finding);
  look_up_at_ = 0;
}

void Engine::report_ledger(std::string account) {
  finding_ = Finding{
      .kind = FindingKind::ledger_broken, .name = "ledger", .detail = std::move(account), .file = {}, .step = steps_};
}

void Engine::add_invariant(std::string name, std::function<bool()> holds, std::source_location where) {
  invariants_.push_back({std::move(name), std::move(holds), where});
}

void Engine::add_sometimes(std::string name, std::function<bool()> holds) {
  sometimes_hit_.emplace_back(name, false);
  sometimes_.push_back({std::move(name), std::move(holds)});
}

const void* Engine::peek(Handle handle, const ActorType* type) {
  peeked_.push_back(handle);
  const Cell* const cell = runtime_->living_cell(handle);
  if (cell == nullptr || cell->life != Cell::Life::living) return nullptr;
  ORRERY_CHECK(cell->type == type, "peek() takes the reference of a {}", cell->type->name);
  if (Agent& who = agent(handle); in_predicate_) {
    order_matters(who);
  } else if (options_.reduce && !tearing_down_ && who.hurried_in == period_) {
    rerun_without_reductions();  // what it did before might have come after this look
  }
  if (cell->in_handler) {
    if (in_predicate_) throw MidHandler{};
    throw std::logic_error{"peek: " + path_of(handle) + " is in the middle of a handler"};
  }
  return cell->actor;
}

void Engine::judge_invariants() {
  for (const Invariant& invariant : invariants_) {
    if (evaluate(invariant.name, invariant.holds).value_or(true)) continue;
    std::string detail;
    for (const Handle handle : peeked_) {
      const Cell* const cell = runtime_->living_cell(handle);
      if (cell == nullptr || cell->actor == nullptr) continue;
      ActorType::Fields fields;
      cell->type->fields(cell->actor, fields);
      for (const auto& [name, value] : fields) {
        detail += fmt::format("{}{}.{} == {}", detail.empty() ? "" : ", ", path_of(handle), name, value);
      }
    }
    detail += fmt::format("   after step {}, t={} (virtual)", steps_, format_duration(now_.time_since_epoch()));
    if (handling_.is_set()) detail += fmt::format(", {} handled {}", path_of(handling_), last_handled());
    report_finding({.kind = FindingKind::invariant_violated,
                    .name = invariant.name,
                    .detail = std::move(detail),
                    .file = invariant.where.file_name(),
                    .line = invariant.where.line()});
    return;
  }
  for (std::size_t i = 0; i < sometimes_.size(); ++i) {
    if (!sometimes_hit_[i].second)
      sometimes_hit_[i].second = evaluate(sometimes_[i].name, sometimes_[i].holds).value_or(false);
  }
}

/// Returns: what the predicate says, or nothing: an actor that it looks at is in the middle of a handler, so that its
/// state means nothing now, or the predicate threw, which is a finding.
std::optional<bool> Engine::evaluate(const std::string& name, const std::function<bool()>& predicate) {
  peeked_.clear();
  in_predicate_ = true;
  std::optional<bool> result;
  std::string error;
  try {
    result = predicate();
  } catch (const MidHandler&) {
  } catch (const std::exception& thrown) {
    error = thrown.what();
  } catch (...) {
    error = "not a std::exception";
  }
  in_predicate_ = false;
  if (!error.empty()) {
    report_finding(
        {.kind = FindingKind::exception_in_test, .name = std::move(error), .detail = "in " + name, .file = {}});
  }
  return result;
}

/// Tries every new predicate once, without judging, to learn whose states it looks at: the order of their operations
/// matters. One that looks at no actor depends on something else, nobody knows what: then every order matters.
void Engine::learn_what_is_watched() {
  if (!options_.reduce || tearing_down_) return;
  const auto learn = [&](bool& tried, const std::function<bool()>& predicate) {
    if (std::exchange(tried, true)) return;
    peeked_.clear();
    in_predicate_ = true;
    try {
      (void)predicate();
    } catch (...) {  // NOLINT: judged when it is evaluated for good
    }
    in_predicate_ = false;
    if (peeked_.empty()) rerun_without_reductions();
  };
  for (Invariant& invariant : invariants_) learn(invariant.tried, invariant.holds);
  for (Sometimes& one : sometimes_) learn(one.tried, one.holds);
}

std::string Engine::describe_wait(const std::string& who, const Wait& wait) const {
  const std::string_view message = wait.message() != nullptr ? wait.message()->name : "";
  switch (wait.kind()) {
    case Wait::Kind::ask:
      return fmt::format("{} --ask {}--> {}", who, message, path_of(wait.target()));
    case Wait::Kind::place:
      return fmt::format("{} --waits to send {}--> {}", who, message, path_of(wait.target()));
    case Wait::Kind::sleep:
      return fmt::format("{} sleeps", who);
    case Wait::Kind::mail:
      return fmt::format("{} waits for mail", who);
    case Wait::Kind::offload:
      return fmt::format("{} waits for offloaded work", who);
  }
  return who;
}

void Engine::waiting(Handle who, const Wait&) {
  if (!tearing_down_) find_ring(who);
}

/// Follows the wait-for edges from `start`; a way back to it is a ring. It is told from the smallest name on, so that one
/// ring has one name whoever closed it.
void Engine::find_ring(Handle start) {
  std::vector<std::pair<std::string, std::string>> edges;  // who, and what he does to whom
  Handle at = start;
  for (std::size_t hops = 0; hops <= agents_.size(); ++hops) {
    const Cell* const cell = runtime_->living_cell(at);
    if (cell == nullptr || cell->wait == nullptr || cell->wait->ready() || !cell->wait->target().is_set()) return;
    const std::string who = path_of(at);
    edges.emplace_back(who, describe_wait(who, *cell->wait).substr(who.size()));
    at = cell->wait->target();
    if (at == start) {
      std::ranges::rotate(edges, std::ranges::min_element(edges));
      std::string ring = edges.front().first;
      for (const auto& [from, edge] : edges) ring += edge;
      report_finding({.kind = FindingKind::ask_cycle, .name = ring, .detail = {}, .file = {}});
      return;
    }
  }
}

void Engine::find_stuck(const Wait* of_the_test) {
  std::string who;
  std::uint64_t waits = 0;
  const auto add = [&](const std::string& text) {
    who += (who.empty() ? "" : "; ") + text;
    ++waits;
  };
  if (of_the_test != nullptr) add(describe_wait(agents_.path_of(agents_.test()), *of_the_test));
  runtime_->for_each_cell([&](Cell& cell) {
    if (cell.wait != nullptr && cell.wait->fiber != nullptr && !cell.wait->ready()) {
      add(describe_wait(path_of(cell.handle()), *cell.wait));
    }
  });
  for (const std::string& text : describe_waiting_works()) add(text);
  if (waits == 0) return;
  // A periodic tick may still help; the body of the test waits with them, and has found that they do not.
  if (of_the_test == nullptr && !timers_.empty() && timers_.first().due != Instant::max()) return;
  report_finding({.kind = FindingKind::stuck,
                  .name = who,
                  .detail = fmt::format("nothing runnable, {} {} unanswered", waits, waits == 1 ? "wait" : "waits"),
                  .file = {}});
}

void Engine::check_at_rest() {
  if (!finding_) check_invariants();
  if (!finding_) find_stuck(nullptr);
}

}  // namespace orrery::sim
