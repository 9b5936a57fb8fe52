// sendable.hpp: tell and ask, once, for everything that stands for an actor: Ref, Recipient, Spawned.
// Why:  a refused send must read the same whatever it goes through, and one text of each function is enough.
// How:  a base without state. The handle that derives from it says what it accepts (`refusal_of<M>()`),
//       where it leads (`runtime_index()`, `handle()`) and how the target runs an M
//       (`operations_for<M>()`, null: it names nobody; `all_operations_for<M>()` also assured, if an M can be).
// Source:  SPEC A3 to A7.
#pragma once
#include "orrery/actor/ask.hpp"
#include "orrery/actor/refusals.hpp"

#include <memory>
#include <source_location>
#include <utility>

namespace orrery {

namespace detail {

inline Runtime* runtime_of(std::uint32_t index) noexcept {
  if (const Execution* const execution = current_execution();
      execution != nullptr && execution->runtime != nullptr && execution->runtime->index() == index) {
    return execution->runtime;
  }
  return Runtime::find_runtime(index);
}

inline constexpr Duration default_timeout = Duration::min();

/// Returns: those of `usual` for that delivery class.
const Operations& operations_for(const Operations& usual, Delivery delivery);
/// Makes of a fresh envelope what the options say.
void apply(Runtime& runtime, Envelope& envelope, Delivery delivery, const SendOptions& options);

// The ways of messages that are assured by their type, or sent with options. A plain send pays nothing for them.

/// Returns: a message that is ready to be sent, as its type and `options` say.
template <class M>
Envelope* make_tell(Runtime& runtime, const Operations& operations, M&& message, const SendOptions& options,
                    std::source_location where) {
  const Delivery delivery = options.delivery.value_or(delivery_of<M>());
  Envelope* const envelope =
      make_message(runtime, operations_for(operations, delivery), std::forward<M>(message), where);
  apply(runtime, *envelope, delivery, options);
  return envelope;
}

template <class M>
TellResult tell_with(const SendOptions& options, std::uint32_t runtime_index, Handle target,
                     const Operations* operations, M&& message, std::source_location where) {
  Runtime* const runtime = operations == nullptr ? nullptr : runtime_of(runtime_index);
  if (runtime == nullptr) return std::unexpected(TellError::actor_not_found);
  return runtime->tell(target, make_tell(*runtime, *operations, std::forward<M>(message), options, where));
}

template <class M>
void begin_ask_with(const SendOptions& options, AskCall& call, std::uint32_t runtime_index, Handle target,
                    const Operations* operations, M&& message, Duration timeout, std::source_location where,
                    bool may_wait = true) {
  Runtime* const runtime = operations == nullptr ? nullptr : runtime_of(runtime_index);
  if (runtime == nullptr) return call.fail(AskError::actor_not_found);
  const Delivery delivery = options.delivery.value_or(delivery_of<M>());
  Envelope* const envelope =
      make_request(*runtime, operations_for(*operations, delivery), std::forward<M>(message), where);
  apply(*runtime, *envelope, delivery, options);
  call.begin(*runtime, execution_of(*runtime), target, envelope,
             timeout == default_timeout ? runtime->runtime_options().ask_timeout : timeout, may_wait);
}

/// Tells an M as its type says.
template <class M>
TellResult tell_to(std::uint32_t runtime_index, Handle target, const Operations* operations, M&& message,
                   std::source_location where) {
  if constexpr (delivery_of<M>() != Delivery::at_most_once) {
    return tell_with({}, runtime_index, target, operations, std::move(message), where);
  } else {
    if (Execution* const execution = current_execution();
        execution != nullptr && execution->runtime_index == runtime_index && operations != nullptr) [[likely]] {
      return execution->runtime->send_from(*execution, target,
                                           make_message(*execution->pool, *operations, std::move(message), where));
    }
    Runtime* const runtime = operations == nullptr ? nullptr : runtime_of(runtime_index);
    if (runtime == nullptr) return std::unexpected(TellError::actor_not_found);
    return runtime->tell(target, make_message(*runtime, *operations, std::move(message), where));
  }
}

/// Begins to ask an M as its type says.
template <class M>
void begin_ask(AskCall& call, std::uint32_t runtime_index, Handle target, const Operations* operations, M&& message,
               Duration timeout, std::source_location where) {
  if constexpr (delivery_of<M>() != Delivery::at_most_once) {
    begin_ask_with({}, call, runtime_index, target, operations, std::move(message), timeout, where);
  } else {
    Execution* const execution = current_execution();
    if (execution != nullptr && execution->runtime_index == runtime_index && operations != nullptr) [[likely]] {
      Runtime& here = *execution->runtime;
      return call.begin(here, execution, target, make_request(*execution->pool, *operations, std::move(message), where),
                        timeout == default_timeout ? here.runtime_options().ask_timeout : timeout);
    }
    Runtime* const runtime = operations == nullptr ? nullptr : runtime_of(runtime_index);
    if (runtime == nullptr) return call.fail(AskError::actor_not_found);
    call.begin(*runtime, execution_of(*runtime), target, make_request(*runtime, *operations, std::move(message), where),
               timeout == default_timeout ? runtime->runtime_options().ask_timeout : timeout);
  }
}

}  // namespace detail

template <class To>
class Sendable : public detail::RefusedSends<To> {
 public:
  using detail::RefusedSends<To>::tell;
  using detail::RefusedSends<To>::ask;
  using detail::RefusedSends<To>::ask_async;
  using detail::RefusedSends<To>::tell_many;

  /// Sends `message`; at most once, in order after everything this sender sent to this actor before.
  ///
  /// Errors:  TellError. A message that was accepted can still end as a dead letter, if the actor stops.
  /// Threads: any.
  /// Blocks:  nothing, unless the mailbox is full and its policy is `suspend`: then the fiber (a foreign
  ///          thread: the thread).
  /// Cost:    one pooled block, one atomic exchange; schedules an idle actor.
  template <class M>
    requires(detail::tell_refusal<To, M>() == Refusal::none)
  TellResult tell(M message, std::source_location where = std::source_location::current()) const {
    return send(std::move(message), where);
  }
  /// Sends an askable message without waiting for its reply.
  template <class M>
    requires(detail::ignoring_refusal<To, M>() == Refusal::none)
  TellResult tell(M message, IgnoreReply, std::source_location where = std::source_location::current()) const {
    return send(std::move(message), where);
  }
  /// The same with a priority, a delivery class or an id other than its type says: `alice.tell(Audit{}, {.priority =
  /// Priority::high})`.
  ///
  /// Returns: ok also for an assured message that waits for a place in a full mailbox.
  /// Pre:     copyable, for a class other than at_most_once (checked at the send).
  /// Cost:    a little more than a plain tell; priorities other than normal make the receiver sort its mail from then on.
  template <class M>
    requires(detail::tell_refusal<To, M>() == Refusal::none)
  TellResult tell(M message, SendOptions options, std::source_location where = std::source_location::current()) const {
    return send_with(options, std::move(message), where);
  }
  template <class M>
    requires(detail::ignoring_refusal<To, M>() == Refusal::none)
  TellResult tell(M message, IgnoreReply, SendOptions options,
                  std::source_location where = std::source_location::current()) const {
    return send_with(options, std::move(message), where);
  }

  /// Sends `message` and waits for its reply.
  ///
  /// Returns: the reply, or AskError (AskFailure when the Reply is itself an expected). Exactly one outcome.
  /// Units:   `timeout` counts from the call, waiting for a place in the mailbox included; by default
  ///          RuntimeOptions::ask_timeout.
  /// Blocks:  the fiber, never the worker; on a foreign thread or in the body of a test, the caller.
  template <class M>
    requires(detail::ask_refusal<To, M>() == Refusal::none)
  [[nodiscard]] AskResult<M> ask(M message, Duration timeout = detail::default_timeout,
                                 std::source_location where = std::source_location::current()) const {
    detail::AskCall call;
    begin(call, std::move(message), timeout, where);
    call.wait();
    return detail::take_result<M>(call);
  }
  /// The same with options. The reply of an assured ask is its acknowledgement: while it is handled again there is none, and
  /// the deadline ends the ask, not the message.
  template <class M>
    requires(detail::ask_refusal<To, M>() == Refusal::none)
  [[nodiscard]] AskResult<M> ask(M message, SendOptions options, Duration timeout = detail::default_timeout,
                                 std::source_location where = std::source_location::current()) const {
    detail::AskCall call;
    begin_with(options, call, std::move(message), timeout, where);
    call.wait();
    return detail::take_result<M>(call);
  }
  /// Sends `message` and goes on; the outcome is taken from the result, alone or with wait_all and wait_any.
  template <class M>
    requires(detail::ask_refusal<To, M>() == Refusal::none)
  [[nodiscard]] Pending<M> ask_async(M message, Duration timeout = detail::default_timeout,
                                     std::source_location where = std::source_location::current()) const {
    auto call = std::make_unique<detail::AskCall>();
    begin(*call, std::move(message), timeout, where);
    return Pending<M>{std::move(call)};
  }

  template <class M>
    requires(detail::ask_refusal<To, M>() == Refusal::none)
  [[nodiscard]] Pending<M> ask_async(M message, SendOptions options, Duration timeout = detail::default_timeout,
                                     std::source_location where = std::source_location::current()) const {
    auto call = std::make_unique<detail::AskCall>();
    begin_with(options, *call, std::move(message), timeout, where);
    return Pending<M>{std::move(call)};
  }

  /// Sends every message of `messages` in order. Returns: how many were accepted before the first refusal.
  template <class M, class Range>
    requires(detail::tell_refusal<To, M>() == Refusal::none)
  std::size_t tell_many(Range&& messages, std::source_location where = std::source_location::current()) const {
    std::size_t accepted = 0;
    for (auto&& message : messages) {
      if (!send(M(std::forward<decltype(message)>(message)), where)) break;
      ++accepted;
    }
    return accepted;
  }

 private:
  [[nodiscard]] const To& self() const noexcept { return static_cast<const To&>(*this); }
  template <class M>
  TellResult send(M&& message, std::source_location where) const {
    return detail::tell_to(self().runtime_index(), self().handle(), self().template operations_for<M>(),
                           std::move(message), where);
  }
  template <class M>
  TellResult send_with(const SendOptions& options, M&& message, std::source_location where) const {
    return detail::tell_with(options, self().runtime_index(), self().handle(), self().template all_operations_for<M>(),
                             std::move(message), where);
  }
  template <class M>
  void begin(detail::AskCall& call, M&& message, Duration timeout, std::source_location where) const {
    detail::begin_ask(call, self().runtime_index(), self().handle(), self().template operations_for<M>(),
                      std::move(message), timeout, where);
  }
  template <class M>
  void begin_with(const SendOptions& options, detail::AskCall& call, M&& message, Duration timeout,
                  std::source_location where) const {
    detail::begin_ask_with(options, call, self().runtime_index(), self().handle(),
                           self().template all_operations_for<M>(), std::move(message), timeout, where);
  }
};

}  // namespace orrery
