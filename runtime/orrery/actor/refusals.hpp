// refusals.hpp: why a line does not compile, said in one sentence in that line.
// Why:  a constraint that fails deep inside a template prints pages. Here every misuse finds a twin of the
//       function it meant, which matches exactly then and is refused; the compiler prints the twin's
//       template arguments (the target, the message, the reason) and little else.
// How:  each reason is an enumerator that reads as a sentence. A twin exists when the reason is not `none`,
//       the real function when it is. g++ says least about a deleted twin; clang would list all candidates
//       beside a deleted one, and says least about one that is marked unavailable.
// Always true:  (F1) for given arguments either the real function is viable or its twin, and what a twin
//                    takes does not satisfy a requires-expression of a template
// Known limit:  g++ adds one line for each #include between the user's file and the twin. This file is the
//               first that <orrery/actor.hpp> includes: 9 lines with g++ 12. clang 19 prints 7.
// Not chosen:   static_assert (its first line is in our file); clang's diagnose_if (takes a literal, so the
//               first line could not name actor and message; used where a constructor leaves no choice).
// Source:       SPEC A3; UX section 4.
#pragma once
#include "orrery/actor/down.hpp"
#include "orrery/actor/errors.hpp"
#include "orrery/actor/message.hpp"
#include "orrery/actor/send_options.hpp"
#include "orrery/core/time.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <ranges>
#include <string_view>
#include <type_traits>
#include <vector>

namespace orrery {

template <class A>
class Ref;
template <class A>
class Spawned;
template <class M>
class Pending;
class Runtime;
struct TimerKey;

/// Whether a use of the API is refused at compile time, and the sentence that the compiler prints for it.
enum class Refusal : std::uint8_t {
  none,
  THIS_IS_NOT_A_MESSAGE_SEND_A_MOVABLE_STRUCT,
  THIS_ACTOR_IS_ONLY_DECLARED_HERE_DEFINE_IT_BEFORE_THIS_LINE,
  THIS_ACTOR_HAS_NO_handle_OVERLOAD_FOR_THIS_MESSAGE,
  THE_handle_OVERLOAD_DOES_NOT_RETURN_Message_Reply,
  THE_handle_OVERLOAD_RETURNS_A_VALUE_BUT_THE_MESSAGE_HAS_NO_Reply,
  THIS_MESSAGE_HOLDS_A_REFERENCE_POINTER_OR_VIEW_SAY_orrery_borrows_IF_YOU_MEAN_IT,
  THIS_RECIPIENT_DOES_NOT_LIST_THIS_MESSAGE,
  THIS_DROPS_THE_REPLY_SAY_orrery_ignore_reply_OR_USE_ask,
  THIS_MESSAGE_HAS_NO_Reply_USE_tell,
  THIS_MESSAGE_HAS_NO_Reply_LEAVE_orrery_ignore_reply_OUT,
  THIS_MESSAGE_IS_SENT_MORE_THAN_ONCE_AND_MUST_BE_COPYABLE,
  THIS_MESSAGE_MAY_BE_HANDLED_MORE_THAN_ONCE_AND_MUST_BE_COPYABLE,
  AN_ACTOR_THAT_WATCHES_NEEDS_A_handle_OVERLOAD_FOR_orrery_Down,
  AN_ACTOR_IS_A_MOVABLE_STRUCT,
};

/// Says at a tell that the message's Reply is not wanted.
struct IgnoreReply {
  explicit IgnoreReply() = default;
};
inline constexpr IgnoreReply ignore_reply{};

/// What a tell returns: nothing, or why the message was not accepted.
using TellResult = std::expected<void, TellError>;

/// Returns: why actors of type A cannot be sent an M, or none.
template <class A, class M>
consteval Refusal refusal() {
  if constexpr (!Message<M>) {
    return Refusal::THIS_IS_NOT_A_MESSAGE_SEND_A_MOVABLE_STRUCT;
  } else if constexpr (!requires { sizeof(A); }) {
    return Refusal::THIS_ACTOR_IS_ONLY_DECLARED_HERE_DEFINE_IT_BEFORE_THIS_LINE;
  } else if constexpr (!Handles<A, M>) {
    return Refusal::THIS_ACTOR_HAS_NO_handle_OVERLOAD_FOR_THIS_MESSAGE;
  } else if constexpr (!RepliesAsDeclared<A, M> && Askable<M>) {
    return Refusal::THE_handle_OVERLOAD_DOES_NOT_RETURN_Message_Reply;
  } else if constexpr (!RepliesAsDeclared<A, M>) {
    return Refusal::THE_handle_OVERLOAD_RETURNS_A_VALUE_BUT_THE_MESSAGE_HAS_NO_Reply;
  } else if constexpr (!OwnsItsFields<M>) {
    return Refusal::THIS_MESSAGE_HOLDS_A_REFERENCE_POINTER_OR_VIEW_SAY_orrery_borrows_IF_YOU_MEAN_IT;
  } else if constexpr (delivery_of<M>() != Delivery::at_most_once && !Copyable<M>) {
    return Refusal::THIS_MESSAGE_MAY_BE_HANDLED_MORE_THAN_ONCE_AND_MUST_BE_COPYABLE;
  } else {
    return Refusal::none;
  }
}

/// As refusal(), for a message that is sent again and again.
template <class A, class M>
consteval Refusal repeated_refusal() {
  constexpr Refusal why = refusal<A, M>();
  if constexpr (why == Refusal::none && !Copyable<M>) {
    return Refusal::THIS_MESSAGE_IS_SENT_MORE_THAN_ONCE_AND_MUST_BE_COPYABLE;
  }
  return why;
}

/// Returns: why an A cannot be told when others end, or none.
template <class A>
consteval Refusal watch_refusal() {
  return Handles<A, Down> ? refusal<A, Down>() : Refusal::AN_ACTOR_THAT_WATCHES_NEEDS_A_handle_OVERLOAD_FOR_orrery_Down;
}

/// Returns: why an A cannot live as an actor, or none.
template <class A>
consteval Refusal actor_refusal() {
  return std::is_class_v<A> && std::move_constructible<A> ? Refusal::none : Refusal::AN_ACTOR_IS_A_MOVABLE_STRUCT;
}
/// A movable struct; what it handles shows when it is sent something.
template <class A>
concept Spawnable = actor_refusal<A>() == Refusal::none;

namespace detail {

/// What a tell, a tell with ignore_reply and an ask add to what the target says about M.
template <class To, class M>
consteval Refusal tell_refusal() {
  constexpr Refusal why = To::template refusal_of<M>();
  return why == Refusal::none && Askable<M> ? Refusal::THIS_DROPS_THE_REPLY_SAY_orrery_ignore_reply_OR_USE_ask : why;
}
template <class To, class M>
consteval Refusal ignoring_refusal() {
  constexpr Refusal why = To::template refusal_of<M>();
  return why == Refusal::none && !Askable<M> ? Refusal::THIS_MESSAGE_HAS_NO_Reply_LEAVE_orrery_ignore_reply_OUT : why;
}
template <class To, class M>
consteval Refusal ask_refusal() {
  constexpr Refusal why = To::template refusal_of<M>();
  return why == Refusal::none && !Askable<M> ? Refusal::THIS_MESSAGE_HAS_NO_Reply_USE_tell : why;
}

/// As ask_refusal(), for a question that is asked several times.
template <class To, class M>
consteval Refusal ask_all_refusal() {
  constexpr Refusal why = ask_refusal<To, M>();
  if constexpr (why == Refusal::none && !Copyable<M>) {
    return Refusal::THIS_MESSAGE_IS_SENT_MORE_THAN_ONCE_AND_MUST_BE_COPYABLE;
  }
  return why;
}
/// Whoever passes a message on needs no Reply: it goes to the asker.
template <class To, class M>
consteval Refusal forward_refusal() {
  return To::template refusal_of<M>();
}

/// The first of M... that cannot be sent through a To, and why.
template <class To, class... M>
struct FirstRefused {
  using Message = void;
  static constexpr Refusal why = Refusal::none;
};
template <class To, class M, class... Others>
struct FirstRefused<To, M, Others...> : FirstRefused<To, Others...> {};
template <class To, class M, class... Others>
  requires(To::template refusal_of<M>() != Refusal::none)
struct FirstRefused<To, M, Others...> {
  using Message = M;
  static constexpr Refusal why = To::template refusal_of<M>();
};

// Ends the declaration of a twin. Twins return what they stand for, so that clang, which goes on with the
// result, does not also report what the caller does with it.
#ifdef __clang__
#define ORRERY_REFUSED __attribute__((unavailable("its arguments say why")))
#else
#define ORRERY_REFUSED = delete
#endif

/// The twins of Sendable's functions. `Target` repeats To, because clang prints a function's own arguments
/// only.
template <class To>
struct RefusedSends {
  template <class M, Refusal why = tell_refusal<To, M>(), class Target = To>
    requires(why != Refusal::none)
  TellResult tell(M) const ORRERY_REFUSED;
  template <class M, Refusal why = ignoring_refusal<To, M>(), class Target = To>
    requires(why != Refusal::none)
  TellResult tell(M, IgnoreReply) const ORRERY_REFUSED;
  template <class M, Refusal why = tell_refusal<To, M>(), class Target = To>
    requires(why != Refusal::none)
  TellResult tell(M, SendOptions) const ORRERY_REFUSED;
  template <class M, Refusal why = ignoring_refusal<To, M>(), class Target = To>
    requires(why != Refusal::none)
  TellResult tell(M, IgnoreReply, SendOptions) const ORRERY_REFUSED;
  template <class M, Refusal why = ask_refusal<To, M>(), class Target = To>
    requires(why != Refusal::none)
  typename AskResultOf<M>::type ask(M, SendOptions, Duration = {}) const ORRERY_REFUSED;
  template <class M, Refusal why = ask_refusal<To, M>(), class Target = To>
    requires(why != Refusal::none)
  Pending<M> ask_async(M, SendOptions, Duration = {}) const ORRERY_REFUSED;
  template <class M, Refusal why = ask_refusal<To, M>(), class Target = To, class... Rest>
    requires(why != Refusal::none)
  typename AskResultOf<M>::type ask(M, Rest&&...) const ORRERY_REFUSED;
  template <class M, Refusal why = ask_refusal<To, M>(), class Target = To, class... Rest>
    requires(why != Refusal::none)
  Pending<M> ask_async(M, Rest&&...) const ORRERY_REFUSED;
  template <class M, Refusal why = tell_refusal<To, M>(), class Target = To, class Range>
    requires(why != Refusal::none)
  std::size_t tell_many(Range&&) const ORRERY_REFUSED;
};

/// The twins of Context's functions that send the actor a message later.
struct RefusedTimers {
  template <class A, class M, Refusal why = refusal<A, M>()>
    requires(why != Refusal::none)
  TimerKey after(const A&, Duration, M) ORRERY_REFUSED;
  template <class A, class M, Refusal why = repeated_refusal<A, M>()>
    requires(why != Refusal::none)
  TimerKey every(const A&, Duration, M) ORRERY_REFUSED;
  template <class A, class M, Refusal why = repeated_refusal<A, M>()>
    requires(why != Refusal::none)
  void set_receive_timeout(const A&, Duration, M) ORRERY_REFUSED;
  template <class A, class B, Refusal why = watch_refusal<A>(), class M = Down>
    requires(why != Refusal::none)
  void watch(const A&, const Ref<B>&) ORRERY_REFUSED;
};

/// The twins of Context's and OpenAsk's functions that pass a message on.
struct RefusedForwards {
  template <class M, class To, Refusal why = forward_refusal<To, M>()>
    requires(why != Refusal::none)
  TellResult forward(M, const To&) const ORRERY_REFUSED;
};

/// The twins of spawn, in Runtime and in Context.
struct RefusedSpawns {
  template <class A, Refusal why = actor_refusal<A>(), class... Rest>
    requires(why != Refusal::none && (std::is_class_v<A> || sizeof...(Rest) == 0))
  Ref<A> spawn(A, Rest&&...) ORRERY_REFUSED;
  template <class A, Refusal why = actor_refusal<A>(), class... Rest>
    requires(why != Refusal::none)
  Spawned<A> spawn(std::string_view, A, Rest&&...) ORRERY_REFUSED;
  template <class A, Refusal why = actor_refusal<A>(), class... Arguments>
    requires(why != Refusal::none)
  Ref<A> spawn(Arguments&&...) ORRERY_REFUSED;
  template <class A, Refusal why = actor_refusal<A>(), class Factory>
    requires(why != Refusal::none)
  std::vector<Ref<A>> spawn_n(std::size_t, Factory&&) ORRERY_REFUSED;
};

}  // namespace detail

/// The twin of ask_all.
template <class Actors, class M, Refusal why = detail::ask_all_refusal<std::ranges::range_value_t<Actors>, M>(),
          class Target = std::ranges::range_value_t<Actors>, class... Rest>
  requires(why != Refusal::none)
std::vector<typename AskResultOf<M>::type> ask_all(const Actors&, const M&, Rest&&...) ORRERY_REFUSED;

#undef ORRERY_REFUSED

}  // namespace orrery
