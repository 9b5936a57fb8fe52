// steal_queue.hpp: one worker's run queue, from which idle workers take half.
// Why:  a worker should find its next work without asking anyone, and an idle worker should find work without
//       making busy ones wait. Half at once, so that thieves do not come back for every single item.
// How:  a ring of 256 pointers and two counters that only grow. The owner adds at the tail; owner and thieves
//       take from the head by compare-exchange, so the queue is first in, first out for everybody. A thief
//       copies first and commits with one compare-exchange; if it lost, it throws the copies away. A full
//       ring moves its older half to the caller's overflow (the injection queue), which keeps a flood visible
//       to all workers.
// Always true:  (Q1) head <= tail <= head + capacity, and both never decrease
//               (Q2) only the owner writes slots and tail, and only to slots outside [head, tail)
//               (Q3) an item leaves with exactly one successful compare-exchange of head
// Not chosen:   Chase and Lev's deque (last in, first out for its owner starves the oldest actor, and each
//               theft is of one item); a lock (an idle worker would stop a busy one). 64-bit counters, since
//               a 32-bit head can come round while a thief sleeps.
// Source:       the Go scheduler's runqput, runqget and runqgrab (D. Vyukov), also Tokio's queue.
#pragma once
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "orrery/core/atomic.hpp"
#include "orrery/core/check.hpp"

namespace orrery {

template <typename T, std::size_t Capacity = 256>
class StealQueue {
 public:
  static constexpr std::size_t capacity = Capacity;

  StealQueue() = default;
  StealQueue(const StealQueue&) = delete;
  StealQueue& operator=(const StealQueue&) = delete;

  /// Appends `item`. If full, hands the oldest half and then `item` to `overflow(std::span<T* const>)`, in
  /// order.
  ///
  /// Threads: the owner.    Blocks: nothing itself.    Cost: no read-modify-write unless full.
  template <std::invocable<std::span<T* const>> Overflow>
  void push(T* item, Overflow&& overflow);

  /// Returns: the oldest item, null if there is none.
  /// Threads: the owner.    Blocks: nothing, lock-free.    Cost: one CAS when uncontended.
  [[nodiscard]] T* pop() noexcept;

  /// Returns: what pop() would return, as a hint: others may take it. Null if there was none.
  /// Threads: the owner.    Cost: three loads.
  [[nodiscard]] T* peek() const noexcept {
    const Count head = head_.load(std::memory_order_relaxed);
    return head == tail_.load(std::memory_order_relaxed) ? nullptr
                                                         : slots_[head % Capacity].load(std::memory_order_relaxed);
  }

  /// Takes the older half, rounded up: the oldest item is returned, the others are appended to `mine`.
  ///
  /// Returns: null if there was nothing to take.
  /// Pre:     `mine` is another queue, and the caller its owner; what does not fit into it is not taken.
  /// Threads: any.    Blocks: nothing, lock-free.    Cost: O(items taken), one CAS when uncontended.
  [[nodiscard]] T* steal_into(StealQueue& mine) noexcept;

  /// Returns: how many items there were at some moment; exact for the owner if nobody steals.
  /// Threads: any.
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

 private:
  using Count = std::uint64_t;
  static constexpr std::size_t half = capacity / 2;
  static_assert((capacity & (capacity - 1)) == 0);

  /// Slots are atomic because a thief that will lose its race may read one while the owner writes it.
  Atomic<T*>& slot(Count at) noexcept { return slots_[at % capacity]; }
  bool move_half_to(T* item, Count head, auto& overflow);

  alignas(64) Atomic<Count> head_{0};
  alignas(64) Atomic<Count> tail_{0};
  alignas(64) std::array<Atomic<T*>, capacity> slots_{};
};

template <typename T, std::size_t Capacity>
template <std::invocable<std::span<T* const>> Overflow>
void StealQueue<T, Capacity>::push(T* item, Overflow&& overflow) {
  ORRERY_CHECK(item != nullptr);
  const Count tail = tail_.load(std::memory_order_relaxed);  // our own
  for (;;) {
    // Pairs with the release on head in pop() and steal_into(): whoever left the slot has read it.
    const Count head = head_.load(std::memory_order_acquire);
    if (tail - head < capacity) {
      slot(tail).store(item, std::memory_order_relaxed);  // Q2
      tail_.store(tail + 1, std::memory_order_release);   // pairs with the acquire of tail in steal_into()
      return;
    }
    if (move_half_to(item, head, overflow)) return;
    // A thief made room meanwhile, so now there is a free slot.
  }
}

template <typename T, std::size_t Capacity>
bool StealQueue<T, Capacity>::move_half_to(T* item, Count head, auto& overflow) {
  std::array<T*, half + 1> batch;
  for (std::size_t i = 0; i < half; ++i) batch[i] = slot(head + i).load(std::memory_order_relaxed);
  // Q3. Release as in pop().
  if (!head_.compare_exchange_strong(head, head + half, std::memory_order_release, std::memory_order_relaxed))
    return false;
  batch[half] = item;
  overflow(std::span<T* const>(batch));
  return true;
}

template <typename T, std::size_t Capacity>
T* StealQueue<T, Capacity>::pop() noexcept {
  const Count tail = tail_.load(std::memory_order_relaxed);  // our own
  Count head = head_.load(std::memory_order_relaxed);        // we read only slots that we wrote ourselves
  while (head != tail) {
    T* item = slot(head).load(std::memory_order_relaxed);
    // Release: a thief that sees this head must also see the tail it came from, or it would count backwards.
    if (head_.compare_exchange_weak(head, head + 1, std::memory_order_release, std::memory_order_relaxed))
      return item;  // Q3
  }
  return nullptr;
}

template <typename T, std::size_t Capacity>
T* StealQueue<T, Capacity>::steal_into(StealQueue& mine) noexcept {
  ORRERY_CHECK(this != &mine);
  const Count my_tail = mine.tail_.load(std::memory_order_relaxed);
  // Acquire as in push(): we are about to write these slots.
  const std::size_t room = capacity - (my_tail - mine.head_.load(std::memory_order_acquire));
  Count head = head_.load(std::memory_order_acquire);  // pairs with every release on head, so that tail >= head below
  for (;;) {
    const Count tail = tail_.load(std::memory_order_acquire);  // pairs with push(): the slots below are written
    Count count = tail - head;
    if (count == 0) return nullptr;
    count -= count / 2;
    if (count > half) {  // head is stale: more was taken and added between our two loads
      head = head_.load(std::memory_order_acquire);
      continue;
    }
    if (count > room + 1) count = room + 1;
    T* first = slot(head).load(std::memory_order_relaxed);
    for (Count i = 1; i < count; ++i) {
      T* item = slot(head + i).load(std::memory_order_relaxed);
      mine.slot(my_tail + i - 1).store(item, std::memory_order_relaxed);  // Q2: nobody looks there yet
    }
    // Q3. Release pairs with the owner's acquire in push(): our reads come before its next writes to these
    // slots.
    if (head_.compare_exchange_weak(head, head + count, std::memory_order_acq_rel, std::memory_order_acquire)) {
      if (count > 1) mine.tail_.store(my_tail + count - 1, std::memory_order_release);  // as in push()
      return first;
    }
  }
}

template <typename T, std::size_t Capacity>
std::size_t StealQueue<T, Capacity>::size() const noexcept {
  const Count head = head_.load(std::memory_order_acquire);
  const Count count = tail_.load(std::memory_order_acquire) - head;
  return count < capacity ? static_cast<std::size_t>(count) : capacity;
}

}  // namespace orrery
