// ref.hpp: a cheap value that stands for an actor, and the narrow one for who need not know its type.
// Why:  16 trivially copyable bytes that never dangle: a stale one is an error value, never a crash.
// How:  the runtime's index, the node, and a slot with its generation; what the actor accepts is known from
//       its type, so that a wrong send is refused by the compiler in the user's own line. tell and ask
//       themselves are in sendable.hpp.
// Not chosen:  a shared reference count (4.5 ns a copy, 15 ns from two threads: PERFORMANCE).
// Source:      SPEC A3 to A7.
#pragma once
#include "orrery/actor/sendable.hpp"

#include <compare>
#include <concepts>
#include <string>

namespace orrery {

template <class A>
class Ref : public Sendable<Ref<A>> {
 public:
  using Actor = A;

  /// Names nobody: every send gives actor_not_found.
  Ref() = default;
  Ref(std::uint32_t runtime_index, Handle handle) noexcept : handle_{handle}, runtime_{runtime_index} {}

  [[nodiscard]] Handle handle() const noexcept { return handle_; }
  [[nodiscard]] std::uint32_t runtime_index() const noexcept { return runtime_; }
  friend bool operator==(const Ref& a, const Ref& b) noexcept { return (a <=> b) == 0; }
  friend std::strong_ordering operator<=>(const Ref& a, const Ref& b) noexcept {
    if (const auto order = a.handle_ <=> b.handle_; order != 0) return order;
    if (const auto order = a.runtime_ <=> b.runtime_; order != 0) return order;
    return a.node_ <=> b.node_;
  }
  friend std::string orrery_describe(const Ref& ref) {
    Runtime* const runtime = Runtime::find_runtime(ref.runtime_);
    return runtime == nullptr ? std::string{"nobody"} : runtime->path_of(ref.handle_);
  }
  /// A reference counts in traces by the actor's path, which is the same in every run.
  friend void orrery_hash(TraceHasher& hasher, const Ref& ref) { hasher.add(hash_text(orrery_describe(ref))); }

  // For Sendable.
  template <class M>
  [[nodiscard]] static consteval Refusal refusal_of() {
    return refusal<A, M>();
  }
  template <class M>
  [[nodiscard]] static constexpr const Operations* operations_for() noexcept {
    return &detail::operations<A, M>;
  }
  template <class M>
  [[nodiscard]] static constexpr const Operations* all_operations_for() noexcept {
    return &detail::full_operations<A, M>;
  }

 private:
  Handle handle_{};
  std::uint32_t runtime_ = 0;
  std::uint32_t node_ = 0;
};

/// A narrow handle: whoever holds it can send M... and nothing else, to an actor whose type it does not know.
template <class... M>
class Recipient : public Sendable<Recipient<M...>> {
 public:
  /// Whether a T can be sent through it.
  template <class T>
  static constexpr bool lists = (std::same_as<T, M> || ...);

  /// Names nobody: every send gives actor_not_found.
  Recipient() = default;
  /// From the actor itself, which handles them all.
  template <class A>
    requires((refusal<A, M>() == Refusal::none) && ...)
  Recipient(const Ref<A>& ref) noexcept  // NOLINT: implicit on purpose
      : handle_{ref.handle()}, runtime_{ref.runtime_index()}, operations_{&detail::full_operations<A, M>...} {}
  /// From one that lists them all as well: it is narrowed, or lists them in another order.
  template <class... Listed>
    requires(!std::same_as<Recipient<Listed...>, Recipient> && (Recipient<Listed...>::template lists<M> && ...))
  Recipient(const Recipient<Listed...>& wider) noexcept  // NOLINT: implicit on purpose
      : handle_{wider.handle()}, runtime_{wider.runtime_index()}, operations_{wider.template operations_for<M>()...} {}
  // The twins of both, see refusals.hpp. They stand here because a constructor loses its attributes when it is inherited,
  // and a condition names the argument because clang looks at no other condition of a constructor. (No macro: clang would
  // print where it comes from.)
  template <class A, class Unhandled = typename detail::FirstRefused<Ref<A>, M...>::Message,
            Refusal why = detail::FirstRefused<Ref<A>, M...>::why>
    requires(why != Refusal::none)
  Recipient(const Ref<A>& ref)  // NOLINT: implicit like the one it stands for
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wgcc-compat"
      __attribute__((diagnose_if(sizeof(ref) != 0, "THIS_RECIPIENT_LISTS_WHAT_THE_ACTOR_CANNOT_BE_SENT", "error")));
#pragma clang diagnostic pop
#else
      = delete;
#endif
  template <class... Listed, class Unlisted = typename detail::FirstRefused<Recipient<Listed...>, M...>::Message,
            Refusal why = detail::FirstRefused<Recipient<Listed...>, M...>::why>
    requires(why != Refusal::none)
  Recipient(const Recipient<Listed...>& other)  // NOLINT: implicit like the one it stands for
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wgcc-compat"
      __attribute__((diagnose_if(sizeof(other) != 0, "THIS_RECIPIENT_LISTS_WHAT_THE_OTHER_ONE_DOES_NOT", "error")));
#pragma clang diagnostic pop
#else
      = delete;
#endif

  [[nodiscard]] Handle handle() const noexcept { return handle_; }
  [[nodiscard]] std::uint32_t runtime_index() const noexcept { return runtime_; }
  friend std::string orrery_describe(const Recipient& recipient) {
    Runtime* const runtime = Runtime::find_runtime(recipient.runtime_);
    return runtime == nullptr ? std::string{"nobody"} : runtime->path_of(recipient.handle_);
  }
  friend void orrery_hash(TraceHasher& hasher, const Recipient& recipient) {
    hasher.add(hash_text(orrery_describe(recipient)));
  }

  // For Sendable.
  template <class T>
  [[nodiscard]] static consteval Refusal refusal_of() {
    return lists<T> ? Refusal::none : Refusal::THIS_RECIPIENT_DOES_NOT_LIST_THIS_MESSAGE;
  }
  template <class T>
  [[nodiscard]] const Operations* operations_for() const noexcept {
    std::size_t index = 0;
    (void)((std::same_as<T, M> ? true : (++index, false)) || ...);
    return operations_[index];
  }
  template <class T>
  [[nodiscard]] const Operations* all_operations_for() const noexcept {
    return operations_for<T>();
  }

 private:
  Handle handle_{};
  std::uint32_t runtime_ = 0;
  const Operations* operations_[sizeof...(M)] = {};
};

}  // namespace orrery
