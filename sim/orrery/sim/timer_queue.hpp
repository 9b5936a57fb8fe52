// timer_queue.hpp: the timers of a simulated run, earliest first, equal dues in the order of their arming.
// Why:  virtual time is exact and jumps to the next due instant, so the first timer must be known; a wheel counts in ticks.
// How:  a binary heap; a timer knows its place in it (Timer::shard, which means nothing else here), so that it can leave
//       from anywhere.
// Not chosen:   std::set (an allocation for every ask with a deadline).
#pragma once
#include "orrery/core/check.hpp"
#include "orrery/sim/flat.hpp"
#include "orrery/world/world.hpp"

#include <utility>

namespace orrery::sim {

class TimerQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
  /// Pre: not empty.
  [[nodiscard]] Timer& first() const noexcept { return *heap_.front(); }
  [[nodiscard]] bool contains(const Timer& timer) const noexcept {
    return timer.shard < heap_.size() && heap_[timer.shard] == &timer;
  }

  /// Pre: its due and sequence are set, and stay so.    Cost: O(log n).
  void add(Timer& timer) {
    heap_.push_back(&timer);
    rise(heap_.size() - 1);
  }

  /// Pre: contains(timer).    Cost: O(log n).
  void remove(const Timer& timer) noexcept {
    ORRERY_CHECK(contains(timer));
    const std::size_t at = timer.shard;
    Timer* const last = heap_.back();
    heap_.pop_back();
    if (at == heap_.size()) return;
    put(at, last);
    sink(at);
    rise(last->shard);
  }

  void clear() { clear_and_keep(heap_); }

 private:
  [[nodiscard]] static bool is_before(const Timer& a, const Timer& b) noexcept {
    return a.due != b.due ? a.due < b.due : a.sequence < b.sequence;
  }
  void put(std::size_t at, Timer* timer) noexcept {
    heap_[at] = timer;
    timer->shard = static_cast<std::uint32_t>(at);
  }
  void rise(std::size_t at) noexcept {
    Timer* const timer = heap_[at];
    while (at > 0 && is_before(*timer, *heap_[(at - 1) / 2])) {
      put(at, heap_[(at - 1) / 2]);
      at = (at - 1) / 2;
    }
    put(at, timer);
  }
  void sink(std::size_t at) noexcept {
    Timer* const timer = heap_[at];
    for (std::size_t child = 2 * at + 1; child < heap_.size(); child = 2 * at + 1) {
      if (child + 1 < heap_.size() && is_before(*heap_[child + 1], *heap_[child])) ++child;
      if (!is_before(*heap_[child], *timer)) break;
      put(at, heap_[child]);
      at = child;
    }
    put(at, timer);
  }

  std::vector<Timer*> heap_;
};

}  // namespace orrery::sim
