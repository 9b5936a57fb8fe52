#include "orrery/threads/thread_waiter.hpp"

#include <mutex>
#include <vector>

namespace orrery {

/// A thread's hold on its waiter.
class ThreadWaiterLease {
 public:
  ThreadWaiterLease() {
    Unused& unused = all_unused();
    const std::lock_guard guard{unused.mutex};
    if (unused.waiters.empty()) {
      waiter_ = new ThreadWaiter;
    } else {
      waiter_ = unused.waiters.back();
      unused.waiters.pop_back();
    }
  }
  ~ThreadWaiterLease() {
    Unused& unused = all_unused();
    const std::lock_guard guard{unused.mutex};
    unused.waiters.push_back(waiter_);
  }
  ThreadWaiterLease(const ThreadWaiterLease&) = delete;
  ThreadWaiterLease& operator=(const ThreadWaiterLease&) = delete;

  [[nodiscard]] ThreadWaiter& waiter() noexcept { return *waiter_; }

 private:
  struct Unused {
    std::mutex mutex;
    std::vector<ThreadWaiter*> waiters;
  };
  static Unused& all_unused() {
    static auto* const unused = new Unused;  // never destroyed: threads may end after main's statics
    return *unused;
  }
  ThreadWaiter* waiter_;
};

ThreadWaiter& ThreadWaiter::of_this_thread() {
  thread_local ThreadWaiterLease lease;
  return lease.waiter();
}

}  // namespace orrery
