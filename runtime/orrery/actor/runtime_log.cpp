// runtime_log.cpp: what a runtime adds to an entry of its log, and what it says of itself. Sinks are user code: they run in no
// RuntimeScope.
#include "orrery/actor/race_scope.hpp"
#include "orrery/actor/runtime.hpp"

namespace orrery {

namespace {

void add_message(LogEntry& entry, const Envelope& envelope) {
  entry.message = envelope.operations->message->name;
  if (envelope.trace == nullptr) return;
  entry.context = envelope.trace->context;
  entry.cause = envelope.trace->parent;
}

}  // namespace

std::optional<std::uint64_t> Runtime::admit_log(const std::source_location& where) {
  [[maybe_unused]] const RuntimeScope inside;
  if (limiter_ == nullptr) return 0;
  return limiter_->admit(where, world_.now(), options_.log.per_place_max);
}

void Runtime::write_log(LogEntry& entry) {
  const Execution* const execution = execution_of(*this);
  const Cell* const cell = execution == nullptr ? nullptr : execution->cell;
  entry.actor = path_of(cell == nullptr ? Handle{} : cell->handle());
  if (cell != nullptr) {
    entry.type = cell->type->name;
    entry.incarnation = cell->incarnation;
    if (const Envelope* const handled = execution->message; handled != nullptr) add_message(entry, *handled);
  }
  hand_over_log(entry);
}

void Runtime::hand_over_log(LogEntry& entry) {
  entry.at = world_.now();
  entry.unix_nanoseconds = world_.unix_nanoseconds();
  if (observer_ != nullptr) {
    [[maybe_unused]] const RuntimeScope inside;
    observer_->logged(entry);
  }
  if (options_.log.sink) {
    (void)heard_.run([&] { options_.log.sink(entry); });  // what a sink itself gives reason to say is not said
  } else if (observer_ == nullptr) {
    orrery::write_log(entry);
  }
}

void Runtime::set_log_level(LogLevel level) noexcept {
  if (log_is_heard_) log_level_.store(level, std::memory_order_relaxed);
}

void Runtime::tell_held_back_logs() {
  const std::uint64_t untold = limiter_ == nullptr ? 0 : limiter_->untold();
  if (untold == 0 || !logs(LogLevel::warning)) return;
  LogEntry entry;
  entry.level = LogLevel::warning;
  entry.text = "entries were held back by the limit for one place, and nothing came after them";
  entry.actor = path_of({});
  entry.held_back = untold;
  hand_over_log(entry);
}

void Runtime::record_life(FlightKind kind, const Cell& who, Handle from, const ExitReason* reason) {
  if (logs_events_) log_life(kind, who, from, reason);
  if (const Execution* const execution = execution_of(*this); execution != nullptr && execution->flight != nullptr) {
    execution->flight->happened(kind, who, from);
  }
}

/// What became of an actor. Pre: RuntimeOptions::log.runtime_events.
void Runtime::log_life(FlightKind kind, const Cell& who, Handle from, const ExitReason* reason) {
  const bool is_ordinary = reason == nullptr || !reason->is_abnormal();
  const LogLevel level = kind == FlightKind::restart || !is_ordinary ? LogLevel::warning : LogLevel::debug;
  if (!logs(level)) return;
  LogEntry entry;
  entry.level = level;
  entry.kind = to_string(kind);
  // Who runs here has the cell, and goes by its name even when its supervisor has left it without.
  const std::string path =
      who.extras != nullptr && !who.extras->path.empty() ? who.extras->path : path_of(who.handle());
  entry.actor = kind == FlightKind::spawn ? path_of(from) : path;
  if (kind == FlightKind::spawn) entry.to = path;
  entry.type = who.type->name;
  entry.incarnation = who.incarnation;
  const std::string text = reason == nullptr ? std::string{} : to_string(*reason);
  entry.text = text;
  hand_over_log(entry);
}

void Runtime::log_dead_letter(const Envelope& envelope, Handle target, DeadLetterReason reason) {
  if (!logs(LogLevel::info)) return;
  const auto held = admit_log(envelope.where);
  if (!held) return;
  LogEntry entry;
  entry.kind = to_string(FlightKind::dead_letter);
  entry.held_back = *held;
  entry.actor = path_of(envelope.sender);
  entry.to = path_of(target);
  add_message(entry, envelope);
  entry.text = to_string(reason);
  entry.where = envelope.where;
  hand_over_log(entry);
}

}  // namespace orrery
