// injection_deque.hpp: runnable actors that no worker owns yet.
// Why:  threads that are no workers have no run queue of their own, and a full run queue puts half of itself
//       somewhere. Both are the slow path of the scheduler, so this is simple and first in, first out.
// How:  a deque under a mutex that is held for a few pointer writes, and an atomic count so that workers which look
//       in vain touch no lock.
// Always true:  (J1) items leave in the order they came, whoever brought them
//               (J2) the count is never less than the number of items that a completed push left in the list
// Not chosen:   InjectionQueue, which links the items through a member of theirs: a Cell has no link to spare.
#pragma once
#include "orrery/core/atomic.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <deque>
#include <mutex>
#include <span>

namespace orrery {

template <class T>
class InjectionDeque {
 public:
  InjectionDeque() = default;
  InjectionDeque(const InjectionDeque&) = delete;
  InjectionDeque& operator=(const InjectionDeque&) = delete;

  /// Appends an item, or several in their order.
  ///
  /// Threads: any.    Blocks: worker, on a mutex held for O(items).
  void push(T* item) { push(std::span<T* const>(&item, 1)); }
  void push(std::span<T* const> items) {
    const std::scoped_lock lock(mutex_);
    items_.insert(items_.end(), items.begin(), items.end());
    count_.fetch_add(items.size(), std::memory_order_seq_cst);  // pairs with size()
  }

  /// Returns: the oldest item, null if there is none.
  /// Threads: any.    Blocks: worker, on a mutex held for O(1); not at all when empty.
  [[nodiscard]] T* pop() {
    T* popped = nullptr;
    pop_some(1, [&](T* item) { popped = item; });
    return popped;
  }

  /// Takes up to `count_max` of the oldest items and gives each, oldest first, to `take(T*)`, under the lock.
  ///
  /// Returns: how many.    Threads: any.    Blocks: worker, on a mutex held for O(count_max); not at all when
  /// empty.
  template <std::invocable<T*> Take>
  std::size_t pop_some(std::size_t count_max, Take&& take) {
    if (count_max == 0 || empty()) return 0;
    const std::scoped_lock lock(mutex_);
    const std::size_t count = std::min(count_max, items_.size());
    for (std::size_t i = 0; i < count; ++i) {
      take(items_.front());
      items_.pop_front();
    }
    count_.fetch_sub(count, std::memory_order_seq_cst);
    return count;
  }

  /// Returns: how many items there were at some moment.    Threads: any.    Blocks: nothing.
  [[nodiscard]] std::size_t size() const noexcept { return count_.load(std::memory_order_seq_cst); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

 private:
  alignas(64) Mutex mutex_;
  std::deque<T*> items_;
  alignas(64) Atomic<std::size_t> count_{0};  // written under the mutex; its own line, idle workers poll it
};

}  // namespace orrery
