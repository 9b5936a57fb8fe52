// watchdog.hpp: which workers are stuck, judged from outside.
// Why:  a handler that computes or blocks for long keeps a worker from all other actors, and cannot say so itself. A clock
//       read per message would say it, and would cost every message.
// How:  somebody looks at each worker every few milliseconds. The worker's counter of turns and the message it handles
//       tell one handling from the next, and cost it two plain stores; what looks the same since long is stuck. The time
//       is counted from the first look that saw it, so it is never overstated.
// Always true:  (W1) each handling is reported at most once as slow and once as blocked
//               (W2) nothing is judged by fewer than `looks_min` looks, so that a pause of the whole process, which
//                    passes between two of them, blames nobody
// Known limit:  a message whose block has the address of the one before it, in the same turn, at each of all the looks,
//               would pass for the same one.
// Not chosen:   a backtrace of the stuck thread (needs a signal to it, and a signal interrupts what it waits for).
// Source:       SPEC R6; the blocked thread checker of Vert.x.
#pragma once
#include "orrery/core/time.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace orrery {

/// After how long in one handler a report is due; zero: never.
struct WatchLimits {
  Duration slow_handler{};
  Duration blocked_worker{};
};

class Watchdog {
 public:
  static constexpr std::uint32_t looks_min = 3;

  Watchdog(WatchLimits limits, std::size_t workers) : limits_{limits}, seen_(workers) {}

  /// What a worker does at the moment.
  struct Look {
    std::uint32_t turns = 0;          ///< its counter
    const void* handling = nullptr;   ///< the message, or null
    const void* on_behalf = nullptr;  ///< the actor, or null when it runs none
    friend bool operator==(const Look&, const Look&) = default;
  };
  enum class Kind : std::uint8_t { fine, slow_handler, blocked_worker };
  struct Verdict {
    Kind kind = Kind::fine;
    Duration so_far{};  ///< at least
  };
  /// Takes in what `worker` does at `now`. Returns: what is to be reported (W1).
  /// Threads: one, always the same.    Cost: O(1).
  [[nodiscard]] Verdict look(std::size_t worker, const Look& look, Instant now);

  /// Returns: since when `worker` has looked as it did last; of no meaning if it ran nothing.    Threads: as look().
  [[nodiscard]] Instant since(std::size_t worker) const noexcept { return seen_[worker].since; }

  [[nodiscard]] bool is_off() const noexcept {
    return limits_.slow_handler <= Duration::zero() && limits_.blocked_worker <= Duration::zero();
  }

 private:
  struct Seen {
    Look look;
    Instant since{};
    std::uint32_t looks = 0;
    bool was_slow = false;
    bool was_blocked = false;
  };
  const WatchLimits limits_;
  std::vector<Seen> seen_;
};

}  // namespace orrery
