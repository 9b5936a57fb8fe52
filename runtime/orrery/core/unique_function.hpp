// unique_function.hpp: any callable, held by value, moved and never copied.
// Why:  closures that own something (a promise, an envelope) cannot be copied, so std::function cannot hold
//       them; and std::move_only_function is missing in libc++ 19.
// How:  32 bytes of room inside the object, one pointer to call the callable and one to move or destroy it.
//       What does not fit, is aligned more strictly than max_align_t or could throw while moving, lives on
//       the heap.
// Always true:  (U1) the callable is destroyed exactly once
//               (U2) moving never throws and leaves the source empty
//               (U3) a call to an empty function is caught, not undefined
// Not chosen:   a table of operations (one more load in every call); pointers to members (write a lambda).
#pragma once
#include "orrery/core/check.hpp"

#include <concepts>
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace orrery {
namespace detail {
template <class Result, class R>
concept ReturnsAs = std::is_void_v<R> || std::convertible_to<Result, R>;
}

template <class Signature>
class UniqueFunction;

template <class R, class... Args>
class UniqueFunction<R(Args...)> {
 public:
  static constexpr std::size_t inline_bytes = 32;

  /// Whether a callable of type F is kept inside, without an allocation.
  template <class F>
  static constexpr bool fits_inline =
      sizeof(F) <= inline_bytes && alignof(F) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<F>;

  UniqueFunction() noexcept = default;
  UniqueFunction(std::nullptr_t) noexcept {}

  /// A null function pointer makes an empty function.
  template <class F, class Held = std::decay_t<F>>
    requires(!std::same_as<Held, UniqueFunction> && std::constructible_from<Held, F> &&
             requires(Held& held, Args... args) {
               { held(std::forward<Args>(args)...) } -> detail::ReturnsAs<R>;
             })
  UniqueFunction(F&& callable) {
    if constexpr (std::is_pointer_v<Held>) {
      if (callable == nullptr) return;
    }
    if constexpr (fits_inline<Held>) {
      ::new (static_cast<void*>(storage_)) Held(std::forward<F>(callable));
    } else {
      ::new (static_cast<void*>(storage_)) Held*(new Held(std::forward<F>(callable)));
    }
    call_ = &call<Held>;
    manage_ = &manage<Held>;
  }

  UniqueFunction(UniqueFunction&& other) noexcept { take(other); }
  UniqueFunction& operator=(UniqueFunction&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  UniqueFunction& operator=(std::nullptr_t) noexcept {
    reset();
    return *this;
  }
  UniqueFunction(const UniqueFunction&) = delete;
  UniqueFunction& operator=(const UniqueFunction&) = delete;
  ~UniqueFunction() { reset(); }

  [[nodiscard]] explicit operator bool() const noexcept { return call_ != nullptr; }

  /// Pre:  not empty (checked).    Cost: one indirect call.
  R operator()(Args... args) {
    ORRERY_CHECK(call_ != nullptr, "a call to an empty UniqueFunction");  // U3
    return call_(storage_, std::forward<Args>(args)...);
  }

 private:
  template <class Held>
  static Held& held_in(std::byte* storage) noexcept {
    if constexpr (fits_inline<Held>) {
      return *std::launder(reinterpret_cast<Held*>(storage));
    } else {
      return **std::launder(reinterpret_cast<Held**>(storage));
    }
  }

  template <class Held>
  static R call(std::byte* storage, Args&&... args) {
    if constexpr (std::is_void_v<R>) {
      static_cast<void>(held_in<Held>(storage)(std::forward<Args>(args)...));
    } else {
      return held_in<Held>(storage)(std::forward<Args>(args)...);
    }
  }

  /// Moves the callable from `from` to `to`, or destroys it when `to` is null; `from` holds none after.
  template <class Held>
  static void manage(std::byte* from, std::byte* to) noexcept {
    Held& held = held_in<Held>(from);
    if constexpr (fits_inline<Held>) {
      if (to != nullptr) ::new (static_cast<void*>(to)) Held(std::move(held));
      held.~Held();
    } else if (to != nullptr) {
      ::new (static_cast<void*>(to)) Held*(&held);
    } else {
      delete &held;
    }
  }

  /// Pre: this is empty.
  void take(UniqueFunction& other) noexcept {
    if (other.call_ == nullptr) return;
    other.manage_(other.storage_, storage_);
    call_ = std::exchange(other.call_, nullptr);  // U2
    manage_ = other.manage_;
  }

  void reset() noexcept {
    if (std::exchange(call_, nullptr) != nullptr) manage_(storage_, nullptr);  // U1
  }

  alignas(std::max_align_t) std::byte storage_[inline_bytes];
  R (*call_)(std::byte* storage, Args&&... args) = nullptr;
  void (*manage_)(std::byte* from, std::byte* to) noexcept = nullptr;
};
}  // namespace orrery
