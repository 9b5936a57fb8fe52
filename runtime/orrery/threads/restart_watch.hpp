// restart_watch.hpp: whether a system restarts actors more often than anybody would accept.
// Why:  each restart is a small repair, and supervisors bound them one by one; many actors that restart now and then are a
//       system that works without being of use.
// Always true:  (V1) a storm is told once, and again only after a minute without one
//               (V2) no restart is missed because nobody had looked yet
// Source:       SPEC R6.
#pragma once
#include "orrery/core/time.hpp"

#include <cstdint>
#include <deque>
#include <utility>

namespace orrery {

class RestartWatch {
 public:
  static constexpr Duration window = std::chrono::minutes{1};

  /// `per_minute_max`: 0 is never a storm.
  explicit RestartWatch(std::uint64_t per_minute_max) : per_minute_max_{per_minute_max} {}

  /// There were `total` restarts so far. Returns: how many of them in the last minute if that is a storm to tell, else 0.
  /// Cost: O(looks in a minute).
  [[nodiscard]] std::uint64_t look(std::uint64_t total, Instant now) {
    if (looks_.empty()) looks_.emplace_back(now, 0);  // V2
    looks_.emplace_back(now, total);
    while (looks_.size() > 1 && looks_[1].first + window <= now) looks_.pop_front();
    const std::uint64_t recent = total - looks_.front().second;
    if (per_minute_max_ == 0 || recent <= per_minute_max_) {
      if (calm_since_ == Instant::max()) calm_since_ = now;
      return 0;
    }
    const bool is_told = calm_since_ == Instant::max() || (has_told_ && now - calm_since_ < window);
    calm_since_ = Instant::max();
    if (is_told) return 0;  // V1
    has_told_ = true;
    return recent;
  }

 private:
  const std::uint64_t per_minute_max_;
  std::deque<std::pair<Instant, std::uint64_t>> looks_;  // the first one is the last before the window, if there is one
  Instant calm_since_{};                                 // max: a storm goes on
  bool has_told_ = false;
};

}  // namespace orrery
