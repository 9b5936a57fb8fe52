// alarm.hpp: a timer that ends a wait.
#pragma once
#include "orrery/actor/runtime.hpp"

#include <atomic>

namespace orrery {

/// Wakes whoever made it (a handler, or a thread that is no actor) when its time has come. Lives on the waiting stack.
class Alarm final : public Timer {
 public:
  /// Arms it, `delay` from now.    Threads: the one that will wait.
  Alarm(Runtime& runtime, Duration delay) : Timer{Purpose::sleep, &Alarm::ring}, runtime_{runtime} {
    const Execution* const execution = current_execution();
    if (execution != nullptr && execution->runtime == &runtime && execution->cell != nullptr) {
      sleeper_ = owner = execution->cell->handle();
    } else {
      waiter_ = &runtime.world().waiter();
    }
    runtime.world().arm_in(*this, delay);
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm() { runtime_.world().cancel(*this); }

  [[nodiscard]] bool rang() const noexcept { return rang_.load(std::memory_order_seq_cst); }

 private:
  static void ring(Timer& timer) {
    auto& self = static_cast<Alarm&>(timer);
    Runtime& home = self.runtime_;
    const Handle who = self.sleeper_;
    Waiter* const thread = self.waiter_;
    self.rang_.store(true, std::memory_order_seq_cst);  // its stack may go from here on
    if (thread != nullptr) {
      thread->wake();
    } else {
      home.wake(who);
    }
  }

  std::atomic<bool> rang_{false};
  Runtime& runtime_;
  Handle sleeper_{};
  Waiter* waiter_ = nullptr;
};

}  // namespace orrery
