#include "orrery/actor/mail_queue.hpp"

namespace orrery {

Link* MailQueue::await_link(Link& node) noexcept {
  // A producer stands between its exchange and its store: a few instructions, unless its thread was preempted there.
  for (int round = 0;; ++round) {
    if (Link* const next = node.next.load(std::memory_order_acquire); next != nullptr) return next;
    if (round < 64) {
      spin_pause();
    } else {
      yield_thread();
    }
  }
}

std::size_t MailQueue::count(std::size_t most, const Link* uncounted) const noexcept {
  std::size_t total = 0;
  for (const Link* node = front(); node != nullptr && total < most; node = node->next.load(std::memory_order_acquire)) {
    if (node != uncounted) ++total;
  }
  return total;
}

}  // namespace orrery
