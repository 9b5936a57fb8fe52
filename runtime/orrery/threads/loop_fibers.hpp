// loop_fibers.hpp: the fibers that workers run their loops on.
// Why:  a handler that suspends keeps the fiber of the loop it was called from, and the worker goes on with another
//       one. When the handler continues, the loop that it replaces is parked and serves again later, on any worker.
// How:  each worker keeps some parked loops of its own, others lie in a shared list, and what is too many is
//       destroyed.
// Always true:  (L1) a fiber in a list is completely parked, in the middle of the worker loop, and owns nothing
//               (L2) no more than `kept_by_worker` loops lie with a worker and `kept_shared` in the shared list
// Source:       DESIGN section 2, the key trick.
#pragma once
#include "orrery/core/spin_lock.hpp"
#include "orrery/fiber/fiber.hpp"
#include "orrery/fiber/stack_pool.hpp"

#include <array>
#include <cstddef>
#include <vector>

namespace orrery {

class LoopFibers {
 public:
  static constexpr std::size_t kept_by_worker = 64;
  static constexpr std::size_t kept_shared = 512;

  /// What one worker keeps: a stack of pointers.
  class List {
   public:
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] bool full() const noexcept { return size_ == kept_by_worker; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    void push(fiber::Fiber* fiber) noexcept { fibers_[size_++] = fiber; }
    [[nodiscard]] fiber::Fiber* pop() noexcept { return fibers_[--size_]; }

   private:
    std::size_t size_ = 0;
    std::array<fiber::Fiber*, kept_by_worker> fibers_;
  };

  explicit LoopFibers(fiber::StackOptions options) : stacks_{options} { shared_.reserve(kept_shared); }
  /// Pre: every fiber was given back.
  ~LoopFibers();
  LoopFibers(const LoopFibers&) = delete;
  LoopFibers& operator=(const LoopFibers&) = delete;

  /// Returns: a parked loop fiber, one that was put back or a new one that will begin in `loop`; null when there is no
  ///          memory for its stack.
  /// Threads: the owner of `mine`.    Cost: a list pop, mostly.
  [[nodiscard]] fiber::Fiber* take(List& mine, fiber::Entry loop, void* argument) noexcept {
    return mine.empty() ? take_from_others(mine, loop, argument) : mine.pop();
  }

  /// Takes back a loop fiber that is completely parked (L1).    Threads: the owner of `mine`.
  void put(List& mine, fiber::Fiber* fiber) noexcept {
    if (mine.full()) give_to_others(mine);  // L2
    mine.push(fiber);
  }

  /// Destroys all of `mine`.
  static void destroy_all(List& mine) noexcept;

  /// Returns: `live` counts every fiber there is: those of the workers, of suspended handlers, and those kept.
  [[nodiscard]] fiber::StackCounts counts() const { return stacks_.counts(); }

 private:
  [[gnu::noinline]] fiber::Fiber* take_from_others(List& mine, fiber::Entry loop, void* argument) noexcept;
  [[gnu::noinline]] void give_to_others(List& mine) noexcept;

  fiber::StackPool stacks_;
  SpinLock lock_;
  std::vector<fiber::Fiber*> shared_;  // under the lock
};

}  // namespace orrery
