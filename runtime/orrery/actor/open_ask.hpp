// open_ask.hpp: a question that is not answered by the return of its handler.
// Why:  an actor often has the answer only later (another message brings it), or knows who has it. It must be able to go
//       on with its own mail meanwhile, which an ask of its own would not let it do.
// How:  context.open_ask<M>() takes the ask's block out of the handler; whoever holds the OpenAsk answers it, passes it
//       on, or drops it. context.forward() does the second at once.
//
//   struct Desk {
//     std::deque<OpenAsk<Sign>> waiting;
//     Answer<Signature> handle(Sign m, Context& c) { waiting.push_back(c.open_ask<Sign>()); return elsewhere; }
//     void handle(Stamped m) { waiting.front().answer(m.signature); waiting.pop_front(); }
//   };
//
// Always true:  (K1) every ask that was kept open or passed on ends for its asker in exactly one outcome (E1): an answer,
//                    the other actor's outcome, a refusal on the way, or actor_stopped when the OpenAsk is dropped
// Threads:      any, one at a time; must not outlive its runtime.
// Source:       OTP gen_server noreply and reply/2; CAF's response_promise; Akka's forward and replyTo.
#pragma once
#include "orrery/actor/ask.hpp"
#include "orrery/core/check.hpp"
#include "orrery/core/message_id.hpp"

#include <concepts>
#include <source_location>
#include <utility>

namespace orrery {

namespace detail {

/// Where a message is to go: what Sendable asks its handle for.
struct Destination {
  std::uint32_t runtime_index = 0;
  Handle target{};
  const Operations* operations = nullptr;  ///< null: names nobody
};

/// Sends on a message that its handler gave away; the payload stands in `envelope`, which is taken over.
TellResult pass_on(Runtime& runtime, const Destination& there, Envelope* envelope, std::source_location where);

/// The block of an open ask, without its types. Its payload is gone.
class HeldAsk {
 public:
  HeldAsk() = default;
  /// `delivery`, `id`: of the message that it was.
  HeldAsk(Runtime& runtime, Envelope* block, Delivery delivery = Delivery::at_most_once,
          const MessageId& id = {}) noexcept;
  HeldAsk(HeldAsk&& other) noexcept
      : runtime_{other.runtime_},
        block_{std::exchange(other.block_, nullptr)},
        delivery_{other.delivery_},
        id_{other.id_} {}
  HeldAsk& operator=(HeldAsk&& other) noexcept;
  ~HeldAsk() { drop(); }

  [[nodiscard]] Envelope* block() const noexcept { return block_; }
  [[nodiscard]] Handle asker() const noexcept { return block_ == nullptr ? Handle{} : block_->ask->asker; }
  /// Others may act first: the answer comes next.
  void before_answer();
  /// The reply has been constructed in the block, which is given up.
  void settle() noexcept;
  /// The request has been constructed again in the block, which is given up.
  TellResult send_on(const Destination& there, std::source_location where);
  void drop() noexcept;

 private:
  Runtime* runtime_ = nullptr;
  Envelope* block_ = nullptr;
  Delivery delivery_ = Delivery::at_most_once;
  MessageId id_{};
};

}  // namespace detail

/// The answer that is owed to whoever asked an M. Move-only; dropping it gives the asker actor_stopped.
template <Askable M>
class [[nodiscard]] OpenAsk : public detail::RefusedForwards {
 public:
  /// No ask: there is nobody to answer.
  OpenAsk() = default;
  explicit OpenAsk(detail::HeldAsk held) noexcept : held_{std::move(held)} {}

  /// Returns: whether the answer is still owed.
  explicit operator bool() const noexcept { return held_.block() != nullptr; }
  /// Returns: the actor that waits; unset for main, a foreign thread, a test, or when nobody does.
  [[nodiscard]] Handle asker() const noexcept { return held_.asker(); }

  /// Answers. An asker whose deadline has passed does not get it: a dead letter.
  ///
  /// Pre: the answer is owed.    Threads: any.    Blocks: nothing.
  template <class R = reply_of<M>>
    requires(!std::is_void_v<reply_of<M>> && std::constructible_from<reply_of<M>, R>)
  void answer(R&& reply) {
    ORRERY_CHECK(held_.block() != nullptr, "an ask is answered once");
    reply_of<M> value(std::forward<R>(reply));
    held_.before_answer();
    ::new (held_.block()->payload_of_ask()) reply_of<M>(std::move(value));
    held_.settle();
  }
  void answer()
    requires std::is_void_v<reply_of<M>>
  {
    ORRERY_CHECK(held_.block() != nullptr, "an ask is answered once");
    held_.before_answer();
    held_.settle();
  }

  /// Lets `to` answer in this one's place. Pre: the answer is owed.    Errors, Blocks: as Context::forward.
  using RefusedForwards::forward;
  template <class To>
    requires(detail::forward_refusal<To, M>() == Refusal::none)
  TellResult forward(M message, const To& to, std::source_location where = std::source_location::current()) {
    ORRERY_CHECK(held_.block() != nullptr, "an ask is answered once");
    const detail::Destination there{to.runtime_index(), to.handle(), to.template all_operations_for<M>()};
    ::new (held_.block()->payload_of_ask()) M(std::move(message));
    return held_.send_on(there, where);
  }

  /// For the layers above: the same without its type.
  [[nodiscard]] detail::HeldAsk release() && noexcept { return std::move(held_); }

 private:
  detail::HeldAsk held_;
};

}  // namespace orrery
