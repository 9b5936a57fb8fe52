// fiber.hpp: stacks that can be left in mid-function and entered again, on any thread.
// Why:  a handler that waits must not hold its thread. It keeps its stack instead, and the thread goes on
//       with another.
// How:  switch_to() (switch.hpp) is symmetric: the running fiber names its successor and parks. What shall
//       become of the parked one is said by an action that runs on the successor's stack, after the last
//       instruction of the parked one. There is no "current fiber" here: the layer above knows who runs
//       (thread_slot.hpp is the place to keep it).
//
//            create()          switch_to(_, f)
//       (f) ----------> parked ------------------> running
//                       |    ^------------------------'
//            destroy(f) v         switch_to(f, _)
//                      gone
//
// Always true:  (F1) a parked fiber is resumed at most once, and a running one never (checked)
//               (F2) when `after` starts, the parked fiber is complete: any thread may resume or destroy it
//                    at once
//               (F3) exceptions being handled or thrown, and the floating-point modes, belong to the fiber
//               (F4) an adopted stack is resumed only on the thread that adopted it (checked)
// Rules for callers:  a function that switches must expect to return on another thread: see thread_slot.hpp
//                     for what that forbids.
// Not chosen:   callee and caller (one side then decides where control goes back to, but a parked handler's
//               successor is whatever its next thread ran); publishing before the switch (another thread
//               could enter the stack while its owner still stands on it).
// Source:       O. Kowalke, Boost.Context: fcontext.
#pragma once
#include "orrery/fiber/detail/eh_globals.hpp"
#include "orrery/fiber/detail/sanitizer.hpp"
#include "orrery/fiber/stack_pool.hpp"

namespace orrery::fiber {
namespace detail {
struct Switch;  // switch.hpp
}

/// A fiber's first function. It never returns and lets no exception out: it ends by switching away for
/// ever.
using Entry = void (*)(void* argument);

/// A context that runs or is parked. Made by create() or ThreadFiber, handled by reference.
class Fiber {
 public:
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Threads: who may resume the fiber; the answer is of no use to others.
  [[nodiscard]] bool is_parked() const noexcept { return context_ != nullptr; }
  /// Returns: what it runs on; empty for a thread's own.    Threads: any, while the fiber exists.
  [[nodiscard]] const Stack& stack() const noexcept { return stack_; }

 private:
  friend class ThreadFiber;
  friend struct detail::Switch;
  Fiber() = default;

  void* context_ = nullptr;                      // where to go on; null while it runs
  detail::EhGlobals* thread_globals_ = nullptr;  // while it runs: its thread's; also names that thread
  detail::EhGlobals* home_ = nullptr;            // adopted stacks: thread_globals_ of the thread that adopted it
  detail::EhGlobals saved_globals_;              // while parked (F3)
  Entry entry_ = nullptr;                        // from here on nothing is touched by a plain switch
  void* argument_ = nullptr;
  StackPool* pool_ = nullptr;
  Stack stack_;
  detail::FiberRecord record_;
};

/// Makes a parked fiber that will call `entry(argument)` when it is first switched to.
///
/// Pre:     `pool` outlives the fiber.
/// Returns: null when there is no memory for its stack.
/// Threads: any.    Cost: StackPool::acquire() and one touched page. The fiber itself lives at the top of its
///          stack.
[[nodiscard]] Fiber* create(StackPool& pool, Entry entry, void* argument) noexcept;

/// Ends a fiber and gives back its stack. Frames on it are not unwound: no destructor of theirs runs.
///
/// Pre:     made by create(), parked, and nobody will switch to it.
/// Threads: any, also `after` of the fiber's own last switch.    Cost: StackPool::release().
void destroy(Fiber* fiber) noexcept;

/// A fiber that stands for the stack the constructor is called on: a thread's own, or another fiber's.
///
/// Pre of the end: the same thread runs on it again.
class ThreadFiber {
 public:
  ThreadFiber() noexcept;
  ~ThreadFiber();
  ThreadFiber(const ThreadFiber&) = delete;
  ThreadFiber& operator=(const ThreadFiber&) = delete;

  [[nodiscard]] Fiber& fiber() noexcept { return fiber_; }

 private:
  Fiber fiber_;
};

}  // namespace orrery::fiber
