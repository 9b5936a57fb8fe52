// restart.hpp: whether a failed actor may come back.
// Always true:  at most `intensity` restarts lie within any window of `period`, both ends included.
// Source:       OTP supervisor.erl, add_restart (without its truncation to whole seconds); SEMANTICS a5; SPEC S3.
#pragma once
#include "orrery/core/check.hpp"
#include "orrery/core/time.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace orrery {

/// How often an actor may fail before it is given up, by OTP's window: more than `intensity` restarts within `period`
/// (both ends included) end it.
struct Restart {
  int intensity = 1;
  Duration period = std::chrono::seconds{5};
};

/// Decides whether one more restart at `now` is within the limit.
///
/// Pre:     `earlier` is oldest first and ends no later than `now`.
/// Returns: false when the restart being decided would be number intensity + 1 within the period.
/// Threads: any, touches nothing.    Cost: O(earlier).
[[nodiscard]] inline bool may_restart(Restart limit, std::span<const Instant> earlier, Instant now) {
  ORRERY_CHECK(std::ranges::is_sorted(earlier));
  ORRERY_CHECK(earlier.empty() || earlier.back() <= now);
  const auto recent = std::ranges::count_if(earlier, [&](Instant at) { return at >= now - limit.period; });
  return recent < limit.intensity;
}

/// The restarts that still count, so that a storm of them costs the same each.
class RestartWindow {
 public:
  /// Decides as may_restart() does, and counts the restart if it may happen.
  ///
  /// Pre:     `now` is no earlier than at the last call.    Cost: O(1) on average. Memory: 8 bytes x intensity.
  [[nodiscard]] bool admit(Restart limit, Instant now) {
    ORRERY_CHECK(oldest_ == stamps_.size() || stamps_.back() <= now, "time went back");
    while (oldest_ < stamps_.size() && stamps_[oldest_] < now - limit.period) ++oldest_;
    if (!std::cmp_less(stamps_.size() - oldest_, limit.intensity)) return false;
    if (oldest_ > 16 && oldest_ * 2 > stamps_.size()) {
      stamps_.erase(stamps_.begin(), stamps_.begin() + static_cast<std::ptrdiff_t>(oldest_));
      oldest_ = 0;
    }
    stamps_.push_back(now);
    return true;
  }

 private:
  std::vector<Instant> stamps_;
  std::size_t oldest_ = 0;  ///< of those that still count
};

}  // namespace orrery
