// ask.hpp: a question and the wait for its one answer.
// Why:  an ask suspends the calling fiber, never its thread, and ends in exactly one outcome (E1).
// How:  the question's block carries the reply back; asker and replier let go of it one after the other (V2). The
//       deadline is armed before the request is sent, so that it also covers waiting for a place in the mailbox.
// Source:  SPEC A6, A7.
#pragma once
#include "orrery/actor/envelope.hpp"
#include "orrery/actor/handlers.hpp"
#include "orrery/actor/runtime.hpp"

#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

namespace orrery {

/// An ask that waits for ever.
inline constexpr Duration no_timeout = Duration::max();

template <class M>
struct AskResultOf {
  using type = std::expected<reply_of<M>, AskError>;
};
template <class M>
  requires detail::IsExpected<reply_of<M>>::value
struct AskResultOf<M> {
  using R = detail::IsExpected<reply_of<M>>;
  using type = std::expected<typename R::Value, AskFailure<typename R::Error>>;
};
/// `expected<Reply, AskError>`, or `expected<T, AskFailure<E>>` when Reply is `expected<T, E>`.
template <class M>
using AskResult = typename AskResultOf<M>::type;

namespace detail {

/// One ask under way, without its types. Lives at one address from begin() to its destruction.
class AskCall {
 public:
  AskCall() noexcept = default;
  AskCall(const AskCall&) = delete;
  AskCall& operator=(const AskCall&) = delete;
  ~AskCall();

  /// Sends the request, which is taken over. `here` is the calling thread's record if it is one of `runtime`, else null.
  /// Without `may_wait` a full mailbox refuses also where its policy is to let senders wait.
  void begin(Runtime& runtime, Execution* here, Handle target, Envelope* request, Duration timeout,
             bool may_wait = true);
  /// A target that cannot even be named: the outcome is `error`.
  void fail(AskError error) noexcept { error_ = error; }

  [[nodiscard]] bool ready() const noexcept {
    return ask_ == nullptr || ask_->state.load(std::memory_order_seq_cst) == Ask::settled ||
           (deadline_ && deadline_->expired.load(std::memory_order_seq_cst));
  }
  /// Waits until ready().
  void wait();
  /// Pre:  ready(). Returns: the block that holds the reply (to be handed to release()), or null with error() saying why.
  [[nodiscard]] Ask* collect() noexcept;
  [[nodiscard]] AskError error() const noexcept { return error_; }
  [[nodiscard]] Runtime* runtime() const noexcept { return runtime_; }
  /// Returns: the actor that has the request, which may have been passed on.
  [[nodiscard]] Handle target() const noexcept;
  /// Returns: the same, or unset while the request is kept open: it is not known then who will answer.
  [[nodiscard]] Handle blocked_by() const noexcept;
  [[nodiscard]] bool has_deadline() const noexcept { return timeout_ != no_timeout; }
  [[nodiscard]] bool is(const Ask& ask) const noexcept { return ask_ == &ask; }
  /// Like ready(), for user code that acts on the answer: in a simulation others may act first.
  [[nodiscard]] bool look() const;
  [[nodiscard]] const MessageInfo* message() const noexcept { return message_; }

 private:
  struct Deadline : Timer {
    Deadline() noexcept : Timer{Purpose::deadline, &Deadline::passed} {}
    static void passed(Timer& timer);
    std::atomic<bool> expired{false};
    Runtime* runtime = nullptr;
    Handle asker{};
    Waiter* waiter = nullptr;
  };
  void disarm() noexcept;

  Runtime* runtime_ = nullptr;
  Ask* ask_ = nullptr;  ///< null: over, see error_
  Handle target_{};
  Duration timeout_ = no_timeout;
  const MessageInfo* message_ = nullptr;
  AskError error_ = AskError::actor_not_found;
  Instant begun_{};                   ///< set where asks are measured
  std::optional<Deadline> deadline_;  ///< only for an ask that has one
};

/// Waits for all, or for any, of several asks.
void wait_for_asks(std::span<AskCall* const> calls, bool all);

template <class M>
constexpr std::size_t request_bytes = Envelope::header_bytes + Envelope::ask_bytes + payload_bytes<M>();

template <class M>
AskResult<M> take_result(AskCall& call) {
  Ask* const ask = call.collect();
  if (ask == nullptr) return std::unexpected(call.error());
  Envelope* const home = ask->home;
  using R = reply_of<M>;
  if constexpr (std::is_void_v<R>) {
    Runtime::free_envelope_of<request_bytes<M>>(home);
    return {};
  } else {
    R& reply = *static_cast<R*>(home->payload_of_ask());
    struct Release {
      Envelope* home;
      R& reply;
      ~Release() {
        std::destroy_at(&reply);
        Runtime::free_envelope_of<request_bytes<M>>(home);
      }
    } release{home, reply};
    if constexpr (IsExpected<R>::value) {
      if (!reply.has_value()) {
        return std::unexpected(AskFailure<typename R::error_type>::by_target(std::move(reply.error())));
      }
      if constexpr (std::is_void_v<typename R::value_type>) {
        return {};
      } else {
        return AskResult<M>{std::move(*reply)};
      }
    } else {
      return AskResult<M>{std::move(reply)};
    }
  }
}

template <class M>
Envelope* make_request(BlockPool& pool, const Operations& operations, M&& message, std::source_location where) {
  constexpr std::size_t bytes = request_bytes<M>;
  auto* const envelope =
      ::new (pool.allocate(bytes)) Envelope{operations, priority_of<M>(), Envelope::is_ask, bytes, where};
  envelope->ask = ::new (reinterpret_cast<std::byte*>(envelope) + Envelope::header_bytes) Ask;
  envelope->ask->home = envelope;
  ::new (envelope->payload_of_ask()) M(std::move(message));
  return envelope;
}
template <class M>
Envelope* make_request(Runtime& runtime, const Operations& operations, M&& message, std::source_location where) {
  Envelope* const envelope = runtime.new_envelope(payload_bytes<M>(), true);
  envelope->operations = &operations;
  envelope->priority = priority_of<M>();
  envelope->where = where;
  ::new (envelope->payload()) M(std::move(message));
  return envelope;
}
/// The same from a worker, whose pool is at hand.
template <class M>
Envelope* make_message(BlockPool& pool, const Operations& operations, M&& message, std::source_location where) {
  constexpr std::size_t bytes = Envelope::header_bytes + sizeof(M);
  auto* const envelope = ::new (pool.allocate(bytes)) Envelope{operations, priority_of<M>(), 0, bytes, where};
  ::new (envelope->payload_after_header()) M(std::move(message));
  return envelope;
}
template <class M>
Envelope* make_message(Runtime& runtime, const Operations& operations, M&& message, std::source_location where) {
  Envelope* const envelope = runtime.new_envelope(sizeof(M), false);
  envelope->operations = &operations;
  envelope->priority = priority_of<M>();
  envelope->where = where;
  ::new (envelope->payload()) M(std::move(message));
  return envelope;
}

}  // namespace detail

/// An ask whose answer has not been taken yet. Dropping it abandons the ask: a later reply is a dead letter.
template <class M>
class [[nodiscard]] Pending {
 public:
  explicit Pending(std::unique_ptr<detail::AskCall> call) noexcept : call_{std::move(call)} {}
  /// Returns: whether get() would not wait.
  [[nodiscard]] bool ready() const { return call_->look(); }
  /// Waits for the outcome and takes it. Pre: not taken yet.    Blocks: the fiber (a foreign thread: the thread).
  [[nodiscard]] AskResult<M> get() {
    call_->wait();
    return detail::take_result<M>(*call_);
  }
  [[nodiscard]] detail::AskCall& call() noexcept { return *call_; }

 private:
  std::unique_ptr<detail::AskCall> call_;
};

/// Waits until every one of `pending` has its outcome.
///
/// Returns: the outcomes, in the order of the arguments; failures are kept, none hides another.
/// Blocks:  the fiber (a foreign thread: the thread), at most until the latest deadline.
template <class... M>
std::tuple<AskResult<M>...> wait_all(Pending<M>&... pending) {
  detail::AskCall* const calls[] = {&pending.call()...};
  detail::wait_for_asks(calls, true);
  return {detail::take_result<M>(pending.call())...};
}
template <class M>
std::vector<AskResult<M>> wait_all(std::span<Pending<M>> pending) {
  std::vector<detail::AskCall*> calls;
  for (auto& one : pending) calls.push_back(&one.call());
  detail::wait_for_asks(calls, true);
  std::vector<AskResult<M>> results;
  for (auto* call : calls) results.push_back(detail::take_result<M>(*call));
  return results;
}
/// Waits until one of `pending` has its outcome. Returns: the index of the first that has; take it with get().
template <class... M>
std::size_t wait_any(Pending<M>&... pending) {
  detail::AskCall* const calls[] = {&pending.call()...};
  detail::wait_for_asks(calls, false);
  std::size_t index = 0;
  while (!calls[index]->ready()) ++index;
  return index;
}

}  // namespace orrery
