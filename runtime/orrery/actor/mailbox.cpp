#include "orrery/actor/mailbox.hpp"

namespace orrery::detail {

MailWait::MailWait(Runtime& runtime, bool (*has_mail)(const void*), const void* state, Duration timeout)
    : Wait{Kind::mail}, runtime_{runtime}, has_mail_{has_mail}, state_{state} {
  const Execution* const execution = current_execution();
  if (execution != nullptr && execution->runtime == &runtime && execution->cell != nullptr) {
    sleeper_ = execution->cell->handle();
  } else {
    thread_ = &runtime.world().waiter();
  }
  if (timeout == no_timeout) return;
  has_alarm_ = true;
  alarm_.wait = this;
  alarm_.owner = sleeper_;
  runtime.world().arm_in(alarm_, std::max(timeout, Duration::zero()));
}

MailWait::~MailWait() {
  if (has_alarm_) runtime_.world().cancel(alarm_);
}

bool MailWait::ready() const noexcept { return expired_.load(std::memory_order_seq_cst) || has_mail_(state_); }

void MailWait::Alert::raise() const noexcept {
  if (thread != nullptr) {
    thread->wake();
  } else if (runtime != nullptr) {
    runtime->wake(sleeper);
  }
}

void MailWait::Alarm::ring(Timer& timer) {
  MailWait& wait = *static_cast<Alarm&>(timer).wait;
  // Once `expired_` is seen, the wait may be gone.
  const Alert alert = wait.alert();
  wait.expired_.store(true, std::memory_order_seq_cst);
  alert.raise();
}

}  // namespace orrery::detail
