// message.hpp: what makes a plain struct a message, and what the compiler can know about one.
// Why:  messages need no base class, macro or registration (SPEC A1). Everything the runtime wants to know
//       about a type is a trait with a default, here in one place.
// How:  `using Reply = T;` inside the struct makes it askable (`void`: done when handled). Static constexpr
//       members `delivery`, `priority`, `durable`, `orrery_name`, `orrery_borrows` override the defaults;
//       a field that has such a name is a field.
// Always true:  (T1) a message owns what it carries: a field that is a reference, raw pointer, string_view
//                    or span is refused at compile time unless the struct says
//                    `static constexpr bool orrery_borrows = true;`
// Known limit:  (T1) looks through aggregates, the containers and the sum and product types of the standard
//               library; any other class with private fields, a base or a C array is taken at its word.
#pragma once
#include "orrery/core/reflect.hpp"

#include <concepts>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace orrery {

class Context;

/// How often a message is handled if its handler fails; delivery.hpp says what each takes.
enum class Delivery : std::uint8_t {
  at_most_once,   ///< never twice
  at_least_once,  ///< again and again, until the handler returns once
  exactly_once    ///< as that, but what it does is done once, also when the message is sent more than once
};

/// Lower value, sooner taken.
enum class Priority : std::uint8_t { critical, high, normal, low };
inline constexpr std::size_t priority_count = 4;

namespace detail {

template <class T>
inline constexpr bool is_view = false;
template <class T, std::size_t N>
inline constexpr bool is_view<std::span<T, N>> = true;
template <class C, class Tr>
inline constexpr bool is_view<std::basic_string_view<C, Tr>> = true;
template <class T>
inline constexpr bool is_view<std::reference_wrapper<T>> = true;

/// What a standard template holds, where that can be seen from its arguments.
template <class T>
struct Parts {};
template <class T>
struct Parts<std::optional<T>> {
  using Types = std::tuple<T>;
};
template <class T, class E>
struct Parts<std::expected<T, E>> {
  using Types = std::tuple<T, E>;
};
template <class T, class U>
struct Parts<std::pair<T, U>> {
  using Types = std::tuple<T, U>;
};
template <class... T>
struct Parts<std::tuple<T...>> {
  using Types = std::tuple<T...>;
};
template <class... T>
struct Parts<std::variant<T...>> {
  using Types = std::tuple<T...>;
};
/// Containers: array, vector, map and whatever else tells what it holds and can be walked.
template <class T>
  requires requires(T& all) {
    typename T::value_type;
    all.begin();
    all.end();
  }
struct Parts<T> {
  using Types = std::tuple<typename T::value_type>;
};

template <class T>
consteval bool says_it_borrows() {
  if constexpr (requires {
                  { T::orrery_borrows } -> std::convertible_to<bool>;
                }) {
    return T::orrery_borrows;
  } else {
    return false;
  }
}

/// Whether a value of type T holds something it does not own. `Outer`: the types this T was found inside,
/// which stops at a type that contains itself (`struct Tree { std::vector<Tree> children; }`).
template <class T, class... Outer>
consteval bool borrows();

template <class T, class... Outer>
consteval bool any_field_borrows() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return (borrows<field_type<T, I>, T, Outer...>() || ...);
  }(std::make_index_sequence<field_count<T>>{});
}

template <class T, class... Outer>
consteval bool borrows() {
  using Bare = std::remove_cv_t<T>;
  if constexpr ((std::same_as<Bare, Outer> || ...)) {
    return false;
  } else if constexpr (std::is_reference_v<T> || std::is_pointer_v<Bare> || is_view<Bare>) {
    return true;
  } else if constexpr (says_it_borrows<Bare>()) {
    return false;
  } else if constexpr (requires { typename Parts<Bare>::Types; }) {
    return []<class... Part>(std::type_identity<std::tuple<Part...>>) {
      return (borrows<Part, Bare, Outer...>() || ...);
    }(std::type_identity<typename Parts<Bare>::Types>{});
  } else if constexpr (Reflectable<Bare>) {
    return any_field_borrows<Bare, Outer...>();
  } else {
    // A struct with a reference among its fields can be neither reflected nor assigned.
    return std::is_aggregate_v<Bare> && !std::is_array_v<Bare> && std::move_constructible<Bare> &&
           !std::is_move_assignable_v<Bare>;
  }
}

/// Whether a T can be copied. A container of what cannot be copied says that it can, and so does a struct that holds one.
template <class T, class... Outer>
consteval bool copies() {
  using Bare = std::remove_cv_t<T>;
  if constexpr ((std::same_as<Bare, Outer> || ...) || is_view<Bare> || std::is_void_v<T>) {
    return true;
  } else if constexpr (!std::copy_constructible<Bare>) {
    return false;
  } else if constexpr (requires { typename Parts<Bare>::Types; }) {
    return []<class... Part>(std::type_identity<std::tuple<Part...>>) {
      return (copies<Part, Bare, Outer...>() && ...);
    }(std::type_identity<typename Parts<Bare>::Types>{});
  } else if constexpr (Reflectable<Bare>) {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return (copies<field_type<Bare, I>, Bare, Outer...>() && ...);
    }(std::make_index_sequence<field_count<Bare>>{});
  } else {
    return true;
  }
}

template <class T>
struct IsExpected : std::false_type {};
template <class T, class E>
struct IsExpected<std::expected<T, E>> : std::true_type {
  using Value = T;
  using Error = E;
};

}  // namespace detail

/// A struct that can be sent: moved once into an envelope, moved once into the handler.
template <class M>
concept Message = std::is_class_v<M> && std::same_as<M, std::remove_cvref_t<M>> && std::move_constructible<M>;

/// T1. A message with a borrowed field is refused where it is sent, with the field's owner named.
template <class M>
concept OwnsItsFields = !detail::borrows<M>();

/// What can be copied, all of it.
template <class T>
concept Copyable = detail::copies<T>();

/// A message with `using Reply = ...;`.
template <class M>
concept Askable = Message<M> && requires { typename M::Reply; };

template <class M>
struct ReplyOf {
  using type = void;
};
template <Askable M>
struct ReplyOf<M> {
  using type = typename M::Reply;
};
template <class M>
using reply_of = typename ReplyOf<M>::type;

template <class M>
consteval Delivery delivery_of() {
  if constexpr (requires {
                  { M::delivery } -> std::convertible_to<Delivery>;
                  requires !std::is_member_pointer_v<decltype(&M::delivery)>;
                }) {
    return M::delivery;
  } else {
    return Delivery::at_most_once;
  }
}
template <class M>
consteval Priority priority_of() {
  if constexpr (requires {
                  { M::priority } -> std::convertible_to<Priority>;
                  requires !std::is_member_pointer_v<decltype(&M::priority)>;
                }) {
    return M::priority;
  } else {
    return Priority::normal;
  }
}
template <class M>
consteval bool durable_of() {
  if constexpr (requires {
                  { M::durable } -> std::convertible_to<bool>;
                  requires !std::is_member_pointer_v<decltype(&M::durable)>;
                }) {
    return M::durable;
  } else {
    return false;
  }
}

/// What a handler returns that has given its message away: passed it on, stashed it, or keeps it open.
struct Elsewhere {
  explicit Elsewhere() = default;
};
inline constexpr Elsewhere elsewhere{};

/// What a handler may return in place of its Reply R when it does not always have one: an R, or `elsewhere`.
///
/// A handler that returns R itself can give its message away, too; its value is then ignored.
template <class R>
class Answer {
 public:
  template <class T>
    requires std::convertible_to<T, R>
  Answer(T&& reply) : reply_{std::in_place, std::forward<T>(reply)} {}  // NOLINT: implicit on purpose
  Answer(Elsewhere) noexcept {}                                         // NOLINT: implicit on purpose
  [[nodiscard]] std::optional<R>& reply() noexcept { return reply_; }

 private:
  std::optional<R> reply_;
};

namespace detail {
template <class T, class R>
inline constexpr bool is_reply_or_answer = std::same_as<T, R> || std::same_as<T, Answer<R>>;
template <class T>
inline constexpr bool is_reply_or_answer<T, void> = std::same_as<T, void>;

template <class A, class M>
concept HandlesPlain = requires(A& actor, M message) { actor.handle(std::move(message)); };
template <class A, class M>
concept HandlesWithContext =
    requires(A& actor, M message, Context& context) { actor.handle(std::move(message), context); };

template <class A, class M>
consteval bool returns_its_reply() {
  if constexpr (HandlesWithContext<A, M>) {
    return is_reply_or_answer<decltype(std::declval<A&>().handle(std::declval<M>(), std::declval<Context&>())),
                              reply_of<M>>;
  } else if constexpr (HandlesPlain<A, M>) {
    return is_reply_or_answer<decltype(std::declval<A&>().handle(std::declval<M>())), reply_of<M>>;
  } else {
    return true;
  }
}
}  // namespace detail

/// Actor A has an overload `handle(M)` or `handle(M, Context&)`; the one with the context wins.
template <class A, class M>
concept Handles = detail::HandlesPlain<A, M> || detail::HandlesWithContext<A, M>;

/// That overload returns exactly `M::Reply` (void without one), or `Answer<M::Reply>`.
template <class A, class M>
concept RepliesAsDeclared = detail::returns_its_reply<A, M>();

/// What an ask of M gives: `expected<Reply, AskError>`, or `expected<T, AskFailure<E>>` when Reply is
/// `expected<T, E>`, so that `!result` always means that what was asked for did not happen.
template <class M>
struct AskResultOf;

}  // namespace orrery
