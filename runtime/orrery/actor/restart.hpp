// restart.hpp: whether a failed actor may come back, as a pure function.
// Always true:  at most `intensity` restarts lie within any window of `period`, both ends included.
// Source:       OTP supervisor.erl, add_restart (without its truncation to whole seconds); SEMANTICS a5; SPEC S3.
#pragma once
#include "orrery/actor/cell.hpp"
#include "orrery/core/check.hpp"

#include <algorithm>
#include <span>

namespace orrery {

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

}  // namespace orrery
