// handlers.hpp: the table that lets the runtime run a handler without knowing a type.
// Why:  one constant per (actor type, message type) replaces RTTI, visitors and virtual bases on the hot path.
#pragma once
#include "orrery/actor/cell.hpp"
#include "orrery/actor/context.hpp"
#include "orrery/actor/delivery.hpp"
#include "orrery/actor/envelope.hpp"
#include "orrery/actor/exit.hpp"
#include "orrery/core/block_pool.hpp"
#include "orrery/core/describe.hpp"
#include "orrery/core/type_name.hpp"

#include <memory>
#include <new>
#include <stdexcept>

namespace orrery::detail {

template <class T>
void describe_object(const void* object, std::string& out) {
  describe_to(out, *static_cast<const T*>(object));
}
template <class T>
void hash_object(const void* object, TraceHasher& hasher) {
  hash_value(hasher, *static_cast<const T*>(object));
}
template <class T>
void destroy_object(void* object) noexcept {
  std::destroy_at(static_cast<T*>(object));
}

template <class M>
consteval MessageInfo make_message_info() {
  MessageInfo info{type_name<M>(), hash_text(type_name<M>()), &describe_object<M>, &hash_object<M>, nullptr, nullptr,
                   nullptr};
  using R = reply_of<M>;
  if constexpr (!std::is_void_v<R>) {
    info.describe_reply = &describe_object<R>;
    info.hash_reply = &hash_object<R>;
    info.drop_reply = &destroy_object<R>;
  }
  return info;
}
template <class M>
inline constexpr MessageInfo message_info = make_message_info<M>();

/// Room for the message and, in the same place later, for its reply.
template <class M>
consteval std::size_t payload_bytes() {
  using R = reply_of<M>;
  if constexpr (std::is_void_v<R>) {
    return sizeof(M);
  } else {
    static_assert(alignof(R) <= BlockPool::block_alignment, "a Reply may need at most 16-byte alignment");
    return sizeof(M) > sizeof(R) ? sizeof(M) : sizeof(R);
  }
}

template <class A, class M>
decltype(auto) call_handler(A& actor, M&& message, Context& context) {
  if constexpr (HandlesWithContext<A, M>) {
    return actor.handle(std::move(message), context);
  } else {
    return actor.handle(std::move(message));
  }
}

/// The Reply in what a handler returned that has not given its message away.
template <class R>
R& reply_in(R& returned) noexcept {
  return returned;
}
template <class R>
R& reply_in(Answer<R>& returned) {
  if (!returned.reply()) throw std::logic_error{"it returned orrery::elsewhere, but did not give its message away"};
  return *returned.reply();
}

template <class A, class M>
void run_handler(void* object, Envelope& envelope, Context& context) {
  static_assert(alignof(M) <= BlockPool::block_alignment, "a message may need at most 16-byte alignment");
  A& actor = *static_cast<A*>(object);
  M& stored = *static_cast<M*>(Askable<M> ? envelope.payload() : envelope.payload_after_header());
  M message = std::move(stored);
  std::destroy_at(&stored);
  using R = reply_of<M>;
  // A message that was given away is somebody else's: its envelope must not be touched.
  if constexpr (!Askable<M>) {
    call_handler(actor, std::move(message), context);
  } else if constexpr (std::is_void_v<R>) {
    call_handler(actor, std::move(message), context);
    if (!context.was_given_away() && (envelope.flags & Envelope::is_ask) != 0) envelope.ask->has_reply = true;
  } else {
    auto reply = call_handler(actor, std::move(message), context);
    if (context.was_given_away()) return;
    if ((envelope.flags & Envelope::is_ask) != 0) {
      ::new (envelope.payload()) R(std::move(reply_in<R>(reply)));
      envelope.ask->has_reply = true;
    }
  }
}

template <class M>
void drop_message(Envelope& envelope) noexcept {
  std::destroy_at(static_cast<M*>(envelope.payload()));
}

template <class A>
inline constexpr ActorTag actor_tag{type_name<A>()};

template <class A, class M>
consteval const Operations* usual_assured() noexcept;
template <class A, class M>
inline constexpr Operations operations{&run_handler<A, M>, &drop_message<M>, &message_info<M>, &actor_tag<A>,
                                       usual_assured<A, M>()};
/// Of a message that is not on its way to any actor.
template <class M>
inline constexpr Operations unaddressed{nullptr, &drop_message<M>, &message_info<M>};

// ---- assured messages: the original stays until the handler has returned ------------------------------------------

/// Puts the reply, or another message, where the message is. If that fails, the message is there again.
template <class M, class R>
void replace_by(M& stored, R&& reply) {
  if constexpr (std::is_nothrow_move_constructible_v<R>) {
    std::destroy_at(&stored);
    ::new (static_cast<void*>(&stored)) R(std::move(reply));
  } else {
    M spare(static_cast<const M&>(stored));
    std::destroy_at(&stored);
    try {
      ::new (static_cast<void*>(&stored)) R(std::move(reply));
    } catch (...) {
      [&]() noexcept { ::new (static_cast<void*>(&stored)) M(std::move(spare)); }();
      throw;
    }
  }
}

/// What becomes of the original when its handler has given it away.
template <class M>
void give_away(Context& context) {
  M& stored = *static_cast<M*>(context.envelope()->payload());
  if (void* const changed = context.forwarded(); changed != nullptr) {
    replace_by(stored, std::move(*static_cast<M*>(changed)));
  } else if (context.has_opened()) {
    std::destroy_at(&stored);
  }  // else it was stashed
}

template <class A, class M>
void run_assured(void* object, Envelope& envelope, Context& context) {
  static_assert(alignof(M) <= BlockPool::block_alignment, "a message may need at most 16-byte alignment");
  A& actor = *static_cast<A*>(object);
  M& stored = *static_cast<M*>(envelope.payload());
  M message(static_cast<const M&>(stored));
  using R = reply_of<M>;
  if constexpr (std::is_void_v<R>) {
    call_handler(actor, std::move(message), context);
    if (context.was_given_away()) return give_away<M>(context);
    std::destroy_at(&stored);
    if (envelope.is(Envelope::is_ask)) envelope.ask->has_reply = true;
  } else {
    auto returned = call_handler(actor, std::move(message), context);
    if (context.was_given_away()) return give_away<M>(context);
    if (!envelope.is(Envelope::is_ask)) return std::destroy_at(&stored);
    R& reply = reply_in<R>(returned);
    if constexpr (Copyable<R>) {
      if (envelope.is(Envelope::is_exactly_once)) envelope.extension_slot()->reply = KeptReply::of<R>(reply);
    }
    replace_by(stored, std::move(reply));
    envelope.ask->has_reply = true;
  }
}

template <class M>
void drop_assured(Envelope& envelope) noexcept {
  std::destroy_at(static_cast<M*>(envelope.payload()));
  delete std::exchange(envelope.extension_slot(), nullptr);
}

template <class A, class M>
inline constexpr Operations assured_operations{&run_assured<A, M>, &drop_assured<M>, &message_info<M>, &actor_tag<A>};

/// Messages that are assured by their type know how from the start; for others each send that wants it must say so, lest
/// every handler of every program be compiled twice.
template <class A, class M>
consteval const Operations* usual_assured() noexcept {
  if constexpr (delivery_of<M>() != Delivery::at_most_once && Copyable<M>) {
    return &assured_operations<A, M>;
  } else {
    return nullptr;
  }
}
/// `operations` that also know how to assure an M, if that is possible.
template <class A, class M>
consteval const Operations* possible_assured() noexcept {
  if constexpr (Copyable<M>) {
    return &assured_operations<A, M>;
  } else {
    return nullptr;
  }
}
template <class A, class M>
inline constexpr Operations full_operations{&run_handler<A, M>, &drop_message<M>, &message_info<M>, &actor_tag<A>,
                                            possible_assured<A, M>()};

// ---- actor types --------------------------------------------------------------------------------------------------

template <class A>
void destroy_actor(void* object) noexcept {
  std::destroy_at(static_cast<A*>(object));
  BlockPool::release(object, sizeof(A), alignof(A));
}

template <class A>
[[nodiscard]] void* make_actor(A&& actor) {
  void* const block = BlockPool::local().allocate(sizeof(A), alignof(A));
  try {
    return ::new (block) A(std::move(actor));
  } catch (...) {
    BlockPool::release(block, sizeof(A), alignof(A));
    throw;
  }
}

template <class A>
void actor_fields(const void* object, ActorType::Fields& out) {
  const A& actor = *static_cast<const A*>(object);
  if constexpr (Reflectable<A>) {
    for_each_field(actor, [&](std::string_view name, const auto& field) {
      std::string text;
      describe_to(text, field);
      out.emplace_back(std::string{name}, std::move(text));
    });
  } else if constexpr (requires {
                         { orrery_describe(actor) } -> std::convertible_to<std::string>;
                       }) {
    out.emplace_back("state", orrery_describe(actor));
  }
}

template <class A>
consteval ActorType make_actor_type() {
  ActorType type{};
  type.name = type_name<A>();
  type.tag = &actor_tag<A>;
  type.name_hash = hash_text(type_name<A>());
  type.size = sizeof(A);
  type.alignment = alignof(A);
  type.destroy = &destroy_actor<A>;
  type.describe = &describe_object<A>;
  type.fields = &actor_fields<A>;
  if constexpr (Handles<A, Exit>) type.exit = &operations<A, Exit>;
  if constexpr (requires(A& a, Context& c) { a.on_start(c); }) {
    type.on_start = [](void* object, Context& context) { static_cast<A*>(object)->on_start(context); };
  }
  if constexpr (requires(A& a, Context& c, const ExitReason& r) { a.on_stop(c, r); }) {
    type.on_stop = [](void* object, Context& context, const ExitReason& reason) {
      static_cast<A*>(object)->on_stop(context, reason);
    };
  } else if constexpr (requires(A& a, Context& c) { a.on_stop(c); }) {
    type.on_stop = [](void* object, Context& context, const ExitReason&) { static_cast<A*>(object)->on_stop(context); };
  }
  if constexpr (requires(A& a, Context& c, const ExitReason& r) { a.on_restart(c, r); }) {
    type.on_restart = [](void* object, Context& context, const ExitReason& reason) {
      static_cast<A*>(object)->on_restart(context, reason);
    };
  }
  return type;
}
template <class A>
inline constexpr ActorType actor_type = make_actor_type<A>();

}  // namespace orrery::detail
