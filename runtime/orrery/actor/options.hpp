// options.hpp: what can be said about an actor when it is spawned, and about a runtime when it is made.
#pragma once
#include "orrery/actor/bounded_mailbox.hpp"
#include "orrery/actor/cell.hpp"
#include "orrery/actor/dead_letters.hpp"
#include "orrery/actor/delivery.hpp"
#include "orrery/actor/log.hpp"
#include "orrery/actor/tracing.hpp"
#include "orrery/core/time.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace orrery {

/// How much mail an actor may have waiting. Made by unbounded() or bounded().
///
/// Sizing: capacity >= peak arrival rate x the longest burst (or pause of the handler) you mean to ride out.
struct MailboxOptions {
  std::uint32_t capacity = 0;  ///< 0: unbounded; otherwise counts all priorities together
  Overflow overflow = Overflow::reject;
  std::uint32_t resume_at = 0;  ///< suspend only: waiting senders go on once the depth is back to this; 0: capacity - 1
};

[[nodiscard]] constexpr MailboxOptions unbounded() noexcept { return {}; }
[[nodiscard]] constexpr MailboxOptions bounded(std::uint32_t capacity, Overflow overflow = Overflow::reject,
                                               std::uint32_t resume_at = 0) noexcept {
  return {capacity, overflow, resume_at};
}

struct SpawnOptions {
  MailboxOptions mailbox{};
  std::optional<Restart> restart{};  ///< none: a failed handler ends the actor
  MailOnRestart mail_on_restart = MailOnRestart::keep;
  std::string name{};  ///< used by the forms of spawn that take no name of their own

  /// Returns: whether nothing is asked for that an actor does not have anyway.
  [[nodiscard]] bool are_defaults() const noexcept { return mailbox.capacity == 0 && !restart && name.empty(); }
};

/// What Context::fault_point says where no simulation decides it: for tests under load with real threads.
struct FaultPointOptions {
  std::uint32_t one_in = 0;  ///< how often an active point goes wrong; 0: never, and passing one costs one branch
  std::uint32_t active_one_in = 4;  ///< how many of the points are active, by their names; 1: all
  std::uint64_t seed = 0;           ///< which of them, and when; who passes a point first is not decided by it
};

/// Limits and defaults of one runtime, the same in both worlds.
struct RuntimeOptions {
  std::uint32_t actors_max = 4'194'304;            ///< living at once; 8 bytes of directory per 1,024
  Duration ask_timeout = std::chrono::seconds{5};  ///< of an ask that names none
  std::uint32_t mailbox_depth_warning = 1'000;     ///< 0: never warn
  DeadLetterOptions dead_letters{};                ///< what is kept of them; all are counted
  bool measure_asks = false;                       ///< how long they take, in metrics()
  std::uint32_t time_one_in = 1'000;               ///< so many messages: how long they wait and are handled, in
                                                   ///< metrics(); 0: none. A simulation times none
  std::uint32_t batch = 64;                        ///< messages an actor may handle before others get a turn
  DeliveryOptions delivery{};                      ///< of at_least_once and exactly_once messages
  FaultPointOptions fault_points{};                ///< a simulation has its own
  LogOptions log{};                                ///< what becomes of what handlers have to say
  TraceOptions trace{};                            ///< whether messages carry a trace context
};

}  // namespace orrery
