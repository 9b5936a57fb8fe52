#include "orrery/actor/tracing.hpp"

#include "orrery/actor/context.hpp"
#include "orrery/actor/race_scope.hpp"
#include "orrery/actor/runtime.hpp"
#include "orrery/core/hash.hpp"

#include <utility>

namespace orrery {

namespace {

// Reached only through this function: a compiler may keep the address of a thread-local across a fiber switch.
[[gnu::noinline]] TraceScope*& innermost() {
  thread_local TraceScope* scope = nullptr;
  return scope;
}

}  // namespace

TraceScope::TraceScope(const Runtime& runtime, const TraceContext& context) noexcept
    : runtime_{runtime.index()}, context_{context}, outer_{innermost()} {
  innermost() = this;
}

TraceScope::~TraceScope() { innermost() = outer_; }

TraceContext TraceScope::current(const Runtime& runtime) noexcept {
  for (const TraceScope* scope = innermost(); scope != nullptr; scope = scope->outer_) {
    if (scope->runtime_ == runtime.index()) return scope->context_;
  }
  return {};
}

/// Returns: the context of what is being handled on this thread, or what a scope says.
TraceContext Runtime::current_trace() const noexcept {
  if (!traces_) return {};
  const Execution* const execution = execution_of(*this);
  if (execution == nullptr || execution->cell == nullptr) return TraceScope::current(*this);
  const Envelope* const handled = execution->message;
  return handled == nullptr || handled->trace == nullptr ? TraceContext{} : handled->trace->context;
}

MessageId Runtime::next_trace_number() noexcept {
  static constexpr std::uint64_t stream = hash_text("orrery.trace");
  Execution* const execution = execution_of(*this);
  const std::uint64_t who = execution == nullptr ? 0 : 1 + std::uint64_t{execution->index};
  const std::uint64_t number =
      execution == nullptr ? foreign_traces_.fetch_add(1, std::memory_order_relaxed) : execution->trace_numbers++;
  MessageId id = world_.new_id(stream + who, number);
  if (id.low == 0) id.low = 1;  // X1
  return id;
}

TraceContext Runtime::new_trace() noexcept {
  const MessageId trace = next_trace_number();
  return {.trace = trace, .span = next_trace_number().low, .is_sampled = options_.trace.sampled};
}

/// The message is about to leave. Pre: traces().
void Runtime::trace_send(Envelope& envelope) {
  [[maybe_unused]] const RuntimeScope inside;
  if (envelope.trace != nullptr && envelope.trace->is_fresh) {
    envelope.trace->is_fresh = false;
    return;
  }
  // One that was passed on, or comes back from the dead letters, goes on from where it was.
  const TraceContext cause = envelope.trace != nullptr ? envelope.trace->context : current_trace();
  if (envelope.trace == nullptr) envelope.trace = new TraceBlock;
  if (!cause.is_set()) {
    *envelope.trace = {.context = new_trace(), .parent = 0, .link = {}, .is_fresh = false};
    return;
  }
  TraceContext context = cause;
  context.span = next_trace_number().low;
  *envelope.trace = {.context = context, .parent = cause.span, .link = {}, .is_fresh = false};
}

void Runtime::link_trace(Envelope& envelope) {
  [[maybe_unused]] const RuntimeScope inside;
  if (envelope.trace == nullptr) envelope.trace = new TraceBlock;
  const TraceContext cause = current_trace();
  TraceContext context = new_trace();
  if (cause.is_set()) context.is_sampled = cause.is_sampled;
  *envelope.trace = {.context = context, .parent = 0, .link = cause, .is_fresh = true};
}

/// The message is about to be handled. Pre: traces().
void Runtime::trace_take(Envelope& envelope) {
  [[maybe_unused]] const RuntimeScope inside;
  if (envelope.trace == nullptr) envelope.trace = new TraceBlock{.context = new_trace()};
}

/// Its handler has ended. Pre: traces().
void Runtime::export_span(const Cell& cell, const Envelope& envelope, Instant began, bool has_failed) {
  if (!options_.trace.exporter || envelope.trace == nullptr) return;
  const TraceBlock& block = *envelope.trace;
  options_.trace.exporter({.context = block.context,
                           .parent = block.parent,
                           .link = block.link,
                           .message = envelope.operations->message->name,
                           .from = envelope.sender,
                           .actor = cell.handle(),
                           .actor_type = cell.type->name,
                           .began = began,
                           .ended = world_.now(),
                           .has_failed = has_failed});
}

void Runtime::drop_trace(Envelope& envelope) noexcept {
  [[maybe_unused]] const RuntimeScope inside;
  delete std::exchange(envelope.trace, nullptr);  // B1
}

TraceContext Context::trace() const noexcept {
  return envelope_ == nullptr || envelope_->trace == nullptr ? TraceContext{} : envelope_->trace->context;
}

std::uint64_t Context::cause() const noexcept {
  return envelope_ == nullptr || envelope_->trace == nullptr ? 0 : envelope_->trace->parent;
}

void Context::continue_trace(const TraceContext& context) noexcept {
  if (envelope_ == nullptr || envelope_->trace == nullptr || !context.is_set()) return;
  TraceBlock& block = *envelope_->trace;
  block.context.trace = context.trace;
  block.context.is_sampled = context.is_sampled;
  block.parent = context.span;
}

}  // namespace orrery
