// message_model.hpp: a model whose inputs are the messages that clients send, and whose outputs are the replies.
// Why:  an actor's specification is best told in its own messages; a variant of them is needed only to keep them in one
//       history.
// How:  the specification has one apply() for each message; OfMessages chooses among them:
//
//     struct Account {
//       std::int64_t balance = 0;
//       bool apply(const Deposit& deposit, const std::int64_t* reply) {  // Deposit::Reply is std::int64_t
//         balance += deposit.amount;
//         return reply == nullptr || *reply == balance;
//       }
//       bool apply(const Reset&) { balance = 0; return true; }           // no reply, or Reply = void
//       friend bool operator==(const Account&, const Account&) = default;
//     };
//     using AccountModel = OfMessages<Account, Deposit, Reset>;
//     History<AccountModel::Input, AccountModel::Output> history;
//
//       key_of(message), is_read(message) and overwrites(message) of the specification are used where they are there: key_of for
//       every message or for none.
#pragma once
#include "orrery/actor/message.hpp"
#include "orrery/core/describe.hpp"

#include <concepts>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace orrery::testkit {
namespace detail {

/// The reply of a message as a value: std::monostate where there is none.
template <class M>
struct ReplyValue {
  using type = std::monostate;
};
template <Askable M>
  requires(!std::is_void_v<reply_of<M>>)
struct ReplyValue<M> {
  using type = reply_of<M>;
};

/// A variant of T..., each once.
template <class Variant, class... T>
struct VariantOfEach {
  using type = Variant;
};
template <class... Had, class First, class... Rest>
struct VariantOfEach<std::variant<Had...>, First, Rest...>
    : VariantOfEach<
          std::conditional_t<(std::same_as<Had, First> || ...), std::variant<Had...>, std::variant<Had..., First>>,
          Rest...> {};

template <class Spec, class M>
concept HasKeyOf = requires(const M& message) { Spec::key_of(message); };
template <class Spec, class M>
concept HasOverwrites = requires(const M& message) {
  { Spec::overwrites(message) } -> std::same_as<bool>;
};
template <class Spec, class M>
concept HasIsRead = requires(const M& message) {
  { Spec::is_read(message) } -> std::same_as<bool>;
};

}  // namespace detail

template <class Spec, class... M>
  requires(sizeof...(M) > 0)
struct OfMessages {
  /// A message. Converts from each of them.
  using Input = std::variant<M...>;
  /// A reply.
  using Output = typename detail::VariantOfEach<std::variant<>, typename detail::ReplyValue<M>::type...>::type;

  Spec spec{};

  /// Returns: whether the specification allows it. A reply of another message's type is never allowed.
  bool apply(const Input& input, const Output* output) {
    return std::visit([&](const auto& message) { return apply_one(message, output); }, input);
  }
  static decltype(auto) key_of(const Input& input)
    requires(detail::HasKeyOf<Spec, M> && ...)
  {
    return std::visit([](const auto& message) -> decltype(auto) { return Spec::key_of(message); }, input);
  }
  static bool is_read(const Input& input) {
    return std::visit(
        []<class T, class S = Spec>(const T& message) {
          if constexpr (detail::HasIsRead<S, T>) return S::is_read(message);
          return false;
        },
        input);
  }
  static bool overwrites(const Input& input) {
    return std::visit(
        []<class T, class S = Spec>(const T& message) {
          if constexpr (detail::HasOverwrites<S, T>) return S::overwrites(message);
          return false;
        },
        input);
  }
  [[nodiscard]] std::uint64_t hash() const
    requires requires(const Spec& it) { it.hash(); }
  {
    return spec.hash();
  }
  friend bool operator==(const OfMessages&, const OfMessages&) = default;
  friend std::string orrery_describe(const OfMessages& model) { return describe(model.spec); }

 private:
  template <class T>
  bool apply_one(const T& message, const Output* output) {
    using Reply = typename detail::ReplyValue<T>::type;
    const Reply* reply = output == nullptr ? nullptr : std::get_if<Reply>(output);
    if (output != nullptr && reply == nullptr) return false;
    if constexpr (requires { spec.apply(message, reply); }) {
      return spec.apply(message, reply);
    } else {
      return spec.apply(message);
    }
  }
};

}  // namespace orrery::testkit
