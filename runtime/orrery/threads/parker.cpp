#include "orrery/threads/parker.hpp"

#include "orrery/core/check.hpp"
#include "orrery/core/futex.hpp"

namespace orrery {

bool Parker::park(std::optional<Deadline> deadline) {
  // token to empty, or empty to parked. Acquire pairs with the release in unpark().
  const Word before = word_.fetch_sub(1, std::memory_order_acquire);
  if (before == token) return true;
  ORRERY_CHECK(before == empty, "two threads parked on one parker");
  for (;;) {
    const bool in_time = futex_wait(word_, parked, deadline);
    if (in_time) {
      Word expected = token;
      // P3: not a token, so woken for no reason.
      if (word_.compare_exchange_strong(expected, empty, std::memory_order_acquire, std::memory_order_relaxed))
        return true;
    } else {
      // P1: a token that came together with the deadline is taken, not overwritten unseen.
      return word_.exchange(empty, std::memory_order_acquire) == token;
    }
  }
}

void Parker::unpark() noexcept {
  // Release pairs with each acquire in park(). An exchange even if the token is there already: the thread
  // that takes it must see what happened before this call too.
  if (word_.exchange(token, std::memory_order_release) == parked) futex_wake_one(word_);
}

}  // namespace orrery
