#include "orrery/threads/watchdog.hpp"

#include "orrery/core/check.hpp"

#include <utility>

namespace orrery {

Watchdog::Verdict Watchdog::look(std::size_t worker, const Look& look, Instant now) {
  ORRERY_CHECK(worker < seen_.size());
  Seen& seen = seen_[worker];
  if (look.on_behalf == nullptr || look != seen.look) {
    seen = {.look = look, .since = now, .looks = 1, .was_slow = false, .was_blocked = false};
    return {};
  }
  ++seen.looks;
  const Duration so_far = now - seen.since;
  if (seen.looks < looks_min) return {};  // W2
  const auto is_due = [so_far](Duration limit, bool& was) {
    return limit > Duration::zero() && so_far >= limit && !std::exchange(was, true);  // W1
  };
  // The worse of the two, if both are due at once: a limit may be shorter than what passes between two looks.
  const bool is_slow = is_due(limits_.slow_handler, seen.was_slow);
  if (is_due(limits_.blocked_worker, seen.was_blocked)) return {Kind::blocked_worker, so_far};
  return {is_slow ? Kind::slow_handler : Kind::fine, so_far};
}

}  // namespace orrery
