// loop_fibers.hpp: the fibers on which a thread's simulations run, kept from one run to the next.
// Why:  a run takes microseconds, creating a guarded stack takes as long.
#pragma once
#include "orrery/fiber/fiber.hpp"
#include "orrery/fiber/stack_pool.hpp"

#include <vector>

namespace orrery::sim {

class LoopFibers {
 public:
  [[nodiscard]] static LoopFibers& of_this_thread();
  LoopFibers() = default;
  LoopFibers(const LoopFibers&) = delete;
  LoopFibers& operator=(const LoopFibers&) = delete;

  /// Returns: the thread's own stack, on which the body of a test runs.
  [[nodiscard]] fiber::Fiber& main() noexcept { return main_.fiber(); }
  /// Returns: a parked fiber that goes on in `loop`; one that was put back, else a new one.
  [[nodiscard]] fiber::Fiber* take(fiber::Entry loop);
  /// Takes back a fiber that is parked in the loop, or about to be.
  void put(fiber::Fiber* fiber) { free_.push_back(fiber); }
  /// Takes out one that was put back, to be entered again.
  void take_out(fiber::Fiber* fiber) { std::erase(free_, fiber); }
  /// Returns: one that was put back, or null.
  [[nodiscard]] fiber::Fiber* take_any() noexcept;
  /// Returns: a new one, whatever was put back.
  [[nodiscard]] fiber::Fiber* make(fiber::Entry loop);
  /// Returns: how many fibers there are. Between two runs all of them are free.
  [[nodiscard]] std::size_t live() const { return stacks_.counts().live; }

  ~LoopFibers();

 private:
  fiber::ThreadFiber main_;
  fiber::StackPool stacks_;
  std::vector<fiber::Fiber*> free_;
};

}  // namespace orrery::sim
