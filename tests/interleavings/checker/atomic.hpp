// atomic.hpp: what orrery/core/atomic.hpp becomes in a checked program.
// Why:  the code under test is compiled a second time, against these, and stays as it is.
// How:  outside a thread of a checked program (in a test's body, or in none) each is a plain variable. Within, every
//       operation goes through the model, which says what it returns. Sizes are those of the real ones.
#pragma once
#include "tests/interleavings/checker/model.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <mutex>
#include <source_location>
#include <type_traits>

namespace orrery {

template <class T>
class Atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  using Model = interleave::Model;
  using Order = std::memory_order;
  using Where = std::source_location;

 public:
  using value_type = T;
  static constexpr bool is_always_lock_free = true;

  constexpr Atomic() noexcept : Atomic{T{}} {}
  constexpr Atomic(T value) noexcept : value_{value} {  // NOLINT: as std::atomic
    if (!std::is_constant_evaluated()) {
      if (Model* const model = Model::of_this_thread()) model->constructed(this, bits(value_));
    }
  }
  constexpr ~Atomic() {
    if (!std::is_constant_evaluated()) {
      if (Model* const model = Model::of_this_thread()) model->destroyed(this);
    }
  }
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  [[nodiscard]] T load(Order order, Where where = Where::current()) const noexcept {
    Model* const model = Model::of_this_thread();
    return model == nullptr ? value_ : value(model->load(this, bits(value_), order, where));
  }
  void store(T desired, Order order, Where where = Where::current()) noexcept {
    Model* const model = Model::of_this_thread();
    if (model == nullptr || model->store(this, bits(value_), bits(desired), order, where)) value_ = desired;
  }
  T exchange(T desired, Order order, Where where = Where::current()) noexcept {
    return change(order, "exchange", where, [&](T) { return desired; });
  }
  bool compare_exchange_strong(T& expected, T desired, Order success, Order failure,
                               Where where = Where::current()) noexcept {
    return compare_exchange(expected, desired, success, failure, false, where);
  }
  bool compare_exchange_strong(T& expected, T desired, Order order, Where where = Where::current()) noexcept {
    return compare_exchange(expected, desired, order, failing(order), false, where);
  }
  bool compare_exchange_weak(T& expected, T desired, Order success, Order failure,
                             Where where = Where::current()) noexcept {
    return compare_exchange(expected, desired, success, failure, true, where);
  }
  bool compare_exchange_weak(T& expected, T desired, Order order, Where where = Where::current()) noexcept {
    return compare_exchange(expected, desired, order, failing(order), true, where);
  }
  T fetch_add(T by, Order order, Where where = Where::current()) noexcept {
    return change(order, "fetch_add", where, [&](T old) { return static_cast<T>(old + by); });
  }
  T fetch_sub(T by, Order order, Where where = Where::current()) noexcept {
    return change(order, "fetch_sub", where, [&](T old) { return static_cast<T>(old - by); });
  }
  T fetch_or(T by, Order order, Where where = Where::current()) noexcept {
    return change(order, "fetch_or", where, [&](T old) { return static_cast<T>(old | by); });
  }
  T fetch_and(T by, Order order, Where where = Where::current()) noexcept {
    return change(order, "fetch_and", where, [&](T old) { return static_cast<T>(old & by); });
  }

 private:
  static std::uint64_t bits(T value) noexcept {
    std::uint64_t result = 0;
    std::memcpy(&result, &value, sizeof value);
    return result;
  }
  static T value(std::uint64_t bits) noexcept {
    T result;
    std::memcpy(&result, &bits, sizeof result);
    return result;
  }
  static constexpr Order failing(Order order) noexcept {
    return order == Order::acq_rel ? Order::acquire : order == Order::release ? Order::relaxed : order;
  }
  template <class F>
  T change(Order order, const char* what, const Where& where, F&& next) noexcept {
    Model* const model = Model::of_this_thread();
    if (model != nullptr) model->begin_rmw(this, bits(value_), order, what, where);
    const T before = value_;
    value_ = next(before);
    if (model != nullptr) model->end_rmw(this, bits(before), bits(value_), order);
    return before;
  }
  bool compare_exchange(T& expected, T desired, Order success, Order failure, bool weak, const Where& where) noexcept {
    if (Model* const model = Model::of_this_thread()) {
      std::uint64_t wanted = bits(expected);
      const bool done =
          model->compare_exchange(this, bits(value_), wanted, bits(desired), success, failure, weak, where);
      if (done) {
        value_ = desired;
      } else {
        expected = value(wanted);
      }
      return done;
    }
    if (bits(value_) != bits(expected)) {
      expected = value_;
      return false;
    }
    value_ = desired;
    return true;
  }

  T value_;  // the newest
};

/// A plain member: touching it from two threads without an order between them is a finding.
template <class T>
class Plain {
  using Model = interleave::Model;
  using Where = std::source_location;

 public:
  constexpr Plain() noexcept : Plain{T{}} {}
  constexpr Plain(T value) noexcept : value_{value} {  // NOLINT: stands for a T
    if (!std::is_constant_evaluated()) {
      if (Model* const model = Model::of_this_thread()) model->plain_constructed(this);
    }
  }
  constexpr ~Plain() {
    if (!std::is_constant_evaluated()) {
      if (Model* const model = Model::of_this_thread()) model->plain_destroyed(this);
    }
  }
  Plain(const Plain& other) noexcept : Plain{other.get()} {}
  Plain& operator=(const Plain& other) noexcept { return *this = other.get(); }
  Plain& operator=(T value) noexcept {
    if (Model* const model = Model::of_this_thread()) model->plain_write(this, Where::current());
    value_ = value;
    return *this;
  }
  operator T() const noexcept { return get(); }  // NOLINT: stands for a T
  T operator->() const noexcept
    requires std::is_pointer_v<T>
  {
    return get();
  }
  [[nodiscard]] T get() const noexcept {
    if (Model* const model = Model::of_this_thread()) model->plain_read(this, Where::current());
    return value_;
  }

 private:
  T value_;
};

class Mutex {
 public:
  using Where = std::source_location;
  constexpr Mutex() noexcept = default;
  ~Mutex() {
    if (auto* const model = interleave::Model::of_this_thread()) model->destroyed(this);
  }
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  void lock(const Where& where = Where::current()) {
    if (auto* const model = interleave::Model::of_this_thread()) model->lock(this, where);
  }
  bool try_lock(const Where& where = Where::current()) {
    auto* const model = interleave::Model::of_this_thread();
    return model == nullptr || model->try_lock(this, where);
  }
  void unlock(const Where& where = Where::current()) {
    if (auto* const model = interleave::Model::of_this_thread()) model->unlock(this, where);
  }

 private:
  [[maybe_unused]] std::array<std::byte, 40> as_large_as_the_real_one_{};
};

/// Only for those who signal it: a checked program has no thread that waits on one.
class ConditionVariable {
 public:
  void notify_one() noexcept {}
  void notify_all() noexcept {}
  template <class Lock, class Time, class Ready>
  bool wait_until(Lock&, const Time&, Ready&& ready) {
    if (auto* const model = interleave::Model::of_this_thread()) model->fail("condition variables are not modelled");
    return ready();
  }
};

inline void thread_fence(std::memory_order order,
                         const std::source_location& where = std::source_location::current()) noexcept {
  if (auto* const model = interleave::Model::of_this_thread()) model->fence(order, where);
}
inline void spin_pause() noexcept {
  if (auto* const model = interleave::Model::of_this_thread()) model->pause();
}
inline void yield_thread() noexcept { spin_pause(); }

}  // namespace orrery
