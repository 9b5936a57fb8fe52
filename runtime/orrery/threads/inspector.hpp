// inspector.hpp: what goes wrong in a running system without anybody failing: mail that piles up, actors that restart over
//                and over, handlers that wait for each other, asks that nobody answers in time, stacks that run short.
// Why:  all of it shows from outside, to who looks now and then; so no message pays for it. A message that fails says so
//       itself, one that only takes too long does not.
// How:  the watchdog thread walks over all cells about once in `inspect_period`, and less often where the walk takes long.
//       Who is parked is claimed for a moment, as a waker would, and may then be looked at like a thing of one's own. Who
//       runs with a backlog is asked to count it himself, at the end of a batch (Runtime::look_at_backlogs). The wait of
//       single messages is known of those that are timed (message_times.hpp).
// Always true:  (G1) looking changes nothing that an actor could notice
//               (G2) an inspection takes at most a hundredth of the time between two of them
// Known limits: an unbounded mailbox whose actor stays in one handler, on its thread, is not counted meanwhile: only its
//               owner could. The slow handler is told instead.
// Source:       SPEC R6.
#pragma once
#include "orrery/actor/runtime.hpp"
#include "orrery/threads/backlog_watch.hpp"
#include "orrery/threads/reporter.hpp"
#include "orrery/threads/restart_watch.hpp"
#include "orrery/threads/system_options.hpp"
#include "orrery/threads/worker.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace orrery {

/// What a walk has found, for metrics.
struct Findings {
  struct OfType {
    std::uint64_t depth = 0;            ///< of the deepest mailbox, at the last look
    std::uint64_t depth_highwater = 0;  ///< the deepest ever seen
    std::uint64_t stack_highwater = 0;  ///< bytes, of the stack of any handler that was seen waiting
  };
  std::map<std::string, OfType> types;  ///< of actors
};

class Inspector {
 public:
  /// `look_mutex` is held by whoever looks at waits of parked handlers.
  Inspector(const SystemOptions& options, Reporter& reporter, std::mutex& look_mutex);

  /// Looks at everything, if it is time.
  /// Returns: when it will be again. `still` is set while no worker runs anything, and is another number each time that
  /// they come to rest: then never again, if nothing was found that can go wrong without them.
  /// Threads: the watchdog's.
  [[nodiscard]] Instant inspect(Runtime& runtime, Instant now, std::optional<std::uint64_t> still);
  /// Looks for rings and tells those that it has not told.    Threads: the watchdog's.
  void tell_rings(Runtime& runtime, Instant now);

  // What others have seen.    Threads: any.

  void saw_backlog(Runtime& runtime, const Cell& cell, std::size_t depth, Instant now);
  void saw_wait(Runtime& runtime, const Cell& cell, const MessageInfo& message, Duration waited, Instant now);
  void saw_timeout(Runtime& runtime, std::span<const std::unique_ptr<Worker>> workers, Handle asker, Handle asked,
                   const MessageInfo& message, Duration after, Instant now);

  [[nodiscard]] Findings findings() const;

 private:
  struct Walk;
  void look_at_parked(Runtime& runtime, Cell& cell, Walk& walk);
  static void look_at_stack(const Cell& cell, Walk& walk);
  void judge_backlog(Runtime& runtime, Handle who, std::string_view type, std::size_t depth, std::uint64_t handled,
                     Instant now);
  [[nodiscard]] std::string state_of(Runtime& runtime, std::span<const std::unique_ptr<Worker>> workers, Handle who,
                                     Instant now);

  const Duration period_;
  const Duration ring_watch_;
  const Duration mail_age_;
  const bool tells_timeouts_;
  const std::uint32_t stack_percent_;
  Reporter& reporter_;
  std::mutex& look_mutex_;

  // Of the watchdog's thread.
  Instant next_{};
  std::optional<std::uint64_t> harmless_;  ///< the rest in which nothing was found
  Instant next_rings_{};
  RestartWatch restarts_;
  std::set<std::string> rings_told_;
  std::uint32_t next_stack_ = 0;  ///< the slot from which on stacks are looked at next
  std::set<Handle> stacks_told_;

  mutable std::mutex mutex_;  // of what follows
  BacklogWatch backlogs_;
  Findings findings_;
};

}  // namespace orrery
