// thread_waiter.hpp: where a thread that is no actor sleeps until a reply, a place or an instant has come.
// Why:  whoever ends the wait wakes the thread after the wait may already be over and the thread gone on, or ended.
//       What is woken must therefore outlive every thread.
// How:  waiters are never freed: a thread takes one when it first waits and leaves it to a later thread when it
//       ends. A wake-up that comes too late only makes its next owner look once more.
// Always true:  (T1) a waiter belongs to at most one living thread
//               (T2) a wake() is never lost: it ends the sleep it meets, or the next one
#pragma once
#include "orrery/core/block_pool.hpp"
#include "orrery/threads/parker.hpp"
#include "orrery/world/world.hpp"

namespace orrery {

class ThreadWaiter final : public Waiter {
 public:
  /// Returns: the calling thread's waiter.
  /// Noinline: a handler of one system may block on another system, and its thread may differ from wait to
  /// wait.
  [[nodiscard, gnu::noinline]] static ThreadWaiter& of_this_thread();

  /// Threads: any, at any time.
  void wake() noexcept override { parker_.unpark(); }
  /// Sleeps until somebody wakes it; may return for a wake-up that was meant for an earlier wait.
  void sleep() {
    const BlockPool::Rest rest;  // what this thread sent can be given back to the system meanwhile
    (void)parker_.park();
  }

 private:
  friend class ThreadWaiterLease;
  ThreadWaiter() = default;
  ~ThreadWaiter() = default;
  Parker parker_;
};

}  // namespace orrery
