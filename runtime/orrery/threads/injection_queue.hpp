// injection_queue.hpp: work that no worker owns yet.
// Why:  threads that are not workers have no run queue of their own, and a full run queue has to put half of
//       itself somewhere. Both are the slow path of the scheduler, so this one is simple and first in, first
//       out.
// How:  an intrusive list under a mutex, held for a few pointer writes, and an atomic count so that workers
//       which look for work in vain touch no lock. The link is a member of the item, so pushing allocates
//       nothing.
// Always true:  (I1) items leave in the order they came, whoever brought them
//               (I2) the count is never less than the number of items that a completed push left in the list
// Not chosen:   moodycamel::ConcurrentQueue. It keeps order per producer only, allocates in the producer's
//               thread, and orders memory with std::atomic_thread_fence: g++ refuses those under
//               -fsanitize=thread (-Wtsan), and clang's TSan does not model them and reports races that are
//               none. A mutex is understood by both.
// Source:       the Go scheduler's global run queue; Tokio's inject queue.
#pragma once
#include <concepts>
#include <cstddef>
#include <mutex>
#include <span>

#include "orrery/core/atomic.hpp"
#include "orrery/core/check.hpp"

namespace orrery {

/// `Link` names a pointer in the item that nobody else uses while the item is in this queue, as in
/// InjectionQueue<Cell, &Cell::next>.
template <typename T, Plain<T*> T::* Link>
class InjectionQueue {
 public:
  InjectionQueue() = default;
  InjectionQueue(const InjectionQueue&) = delete;
  InjectionQueue& operator=(const InjectionQueue&) = delete;

  /// Appends an item, or several in their order (as StealQueue's overflow gives them).
  ///
  /// Pre:     the items are in no queue.
  /// Threads: any.    Blocks: worker, on a mutex held for O(1).
  void push(T* item) { push(std::span<T* const>(&item, 1)); }
  void push(std::span<T* const> items);

  /// Returns: the oldest item, null if there is none.
  /// Threads: any.    Blocks: worker, on a mutex held for O(1); not at all when empty.
  [[nodiscard]] T* pop() {
    T* popped = nullptr;
    pop_some(1, [&](T* item) { popped = item; });
    return popped;
  }

  /// Takes up to `count_max` of the oldest items and gives each, oldest first, to `take(T*)`, outside the
  /// lock.
  ///
  /// Returns: how many.
  /// Threads: any.    Blocks: worker, on a mutex held for O(count_max); not at all when empty.
  template <std::invocable<T*> Take>
  std::size_t pop_some(std::size_t count_max, Take&& take);

  /// Returns: how many items there were at some moment.
  /// Threads: any.    Blocks: nothing.
  /// Order:   sequentially consistent with the count that push() leaves. So of a producer that pushes and
  ///          then looks for sleepers, and a worker that says it sleeps and then looks here, at least one
  ///          sees the other, provided that their other pair of accesses is sequentially consistent as well.
  [[nodiscard]] std::size_t size() const noexcept { return count_.load(std::memory_order_seq_cst); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

 private:
  alignas(64) Mutex mutex_;
  Plain<T*> first_ = nullptr;
  Plain<T*> last_ = nullptr;                  // means something only while first_ is not null
  alignas(64) Atomic<std::size_t> count_{0};  // written under the mutex; its own line, as idle workers poll it
};

template <typename T, Plain<T*> T::* Link>
void InjectionQueue<T, Link>::push(std::span<T* const> items) {
  if (items.empty()) return;
  for (std::size_t i = 0; i + 1 < items.size(); ++i) items[i]->*Link = items[i + 1];
  items.back()->*Link = nullptr;
  const std::scoped_lock lock(mutex_);
  if (first_ == nullptr) {
    first_ = items.front();
  } else {
    last_->*Link = items.front();
  }
  last_ = items.back();
  count_.fetch_add(items.size(), std::memory_order_seq_cst);  // pairs with size()
}

template <typename T, Plain<T*> T::* Link>
template <std::invocable<T*> Take>
std::size_t InjectionQueue<T, Link>::pop_some(std::size_t count_max, Take&& take) {
  if (count_max == 0 || empty()) return 0;
  T* chain = nullptr;
  std::size_t count = 0;
  {
    const std::scoped_lock lock(mutex_);
    chain = first_;
    while (count < count_max && first_ != nullptr) {
      first_ = first_->*Link;
      ++count;
    }
    count_.fetch_sub(count, std::memory_order_seq_cst);
  }
  for (std::size_t i = 0; i < count; ++i) {
    T* item = chain;
    chain = item->*Link;  // before take(): the link is the taker's from then on
    item->*Link = nullptr;
    take(item);
  }
  return count;
}

}  // namespace orrery
