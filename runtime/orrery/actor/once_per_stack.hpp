// once_per_stack.hpp: keeps what is told to a user's sink from being told about itself.
// Why:  a sink that tells an actor whose mailbox is full makes a dead letter, which it is told, and so on until the stack ends.
// How:  by stack, not by thread: a sink may wait, and go on on another thread, while its thread tells something else.
#pragma once
#include "orrery/actor/execution.hpp"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace orrery {

/// Threads: any.
class OncePerStack {
 public:
  /// Calls `act` unless that is what this stack is in the middle of. Returns: whether it did.    Cost: a mutex, twice.
  template <class Act>
  bool run(Act&& act) {
    const void* const here = this_stack();
    {
      const std::lock_guard guard{mutex_};
      if (std::ranges::find(inside_, here) != inside_.end()) return false;
      inside_.push_back(here);
    }
    const Leave leave{*this, here};
    std::forward<Act>(act)();
    return true;
  }

 private:
  struct Leave {
    OncePerStack& all;
    const void* here;
    ~Leave() {
      const std::lock_guard guard{all.mutex_};
      all.inside_.erase(std::ranges::find(all.inside_, here));
    }
  };
  /// Returns: what tells the stack that this runs on from all others.
  [[nodiscard]] static const void* this_stack() noexcept {
    static thread_local const char thread = 0;
    const Execution* const execution = current_execution();
    return execution != nullptr ? static_cast<const void*>(execution->fiber) : &thread;
  }

  std::mutex mutex_;
  std::vector<const void*> inside_;
};

}  // namespace orrery
