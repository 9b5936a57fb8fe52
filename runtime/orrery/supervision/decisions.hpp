// decisions.hpp: what a supervisor decides, as pure functions over plain values.
// Why:  the rules of OTP's supervisor can be tried in every case without a world; supervisor.cpp only obeys them.
// Source:  OTP 25 supervisor.erl (do_restart, restart_multiple_children, do_auto_shutdown, shutdown); SPEC S1 to S7;
//          SEMANTICS a2 to a10.
#pragma once
#include "orrery/actor/errors.hpp"
#include "orrery/core/check.hpp"
#include "orrery/core/time.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace orrery {

/// Who is restarted with a child that has to be.
enum class RestartStrategy : std::uint8_t {
  one_for_one,        ///< it alone
  one_for_all,        ///< all children
  rest_for_one,       ///< it and those started after it
  simple_one_for_one  ///< it alone; all children are instances of one template, started at run time
};

/// When a child that ended by itself is restarted.
enum class RestartType : std::uint8_t {
  permanent,  ///< always
  transient,  ///< unless the reason is normal or shutdown
  temporary   ///< never
};

/// Whether the end of significant children ends their supervisor.
enum class AutoShutdown : std::uint8_t { never, any_significant, all_significant };

/// How long a child may take to end when its supervisor asks it to.
class Shutdown {
 public:
  /// It is killed at once.
  [[nodiscard]] static constexpr Shutdown brutal_kill() noexcept { return Shutdown{Duration{-1}}; }
  /// It is asked, and killed after `limit`. Pre: limit >= 0.
  [[nodiscard]] static constexpr Shutdown after(Duration limit) noexcept {
    ORRERY_CHECK(limit >= Duration::zero());
    return Shutdown{limit};
  }
  /// It is asked and waited for.
  [[nodiscard]] static constexpr Shutdown infinity() noexcept { return Shutdown{Duration::max()}; }

  [[nodiscard]] constexpr bool is_brutal_kill() const noexcept { return limit_ < Duration::zero(); }
  [[nodiscard]] constexpr bool is_infinity() const noexcept { return limit_ == Duration::max(); }
  /// Pre: neither of the two.
  [[nodiscard]] constexpr Duration limit() const noexcept { return limit_; }
  friend constexpr bool operator==(const Shutdown&, const Shutdown&) = default;

 private:
  explicit constexpr Shutdown(Duration limit) noexcept : limit_{limit} {}
  Duration limit_;
};

/// What a child specification stands for right now.
enum class ChildStatus : std::uint8_t {
  undefined,   ///< no actor
  restarting,  ///< a restart has failed, or waits for its backoff, and will be tried (again)
  running
};

/// What becomes of a child that ended by itself.
enum class Fate : std::uint8_t {
  restart,
  keep,   ///< its specification stays, without an actor
  remove  ///< its specification goes too
};

[[nodiscard]] inline Fate fate_of(RestartType type, const ExitReason& reason) noexcept {
  if (type == RestartType::permanent) return Fate::restart;
  if (type == RestartType::temporary) return Fate::remove;
  return reason.is_abnormal() ? Fate::restart : Fate::keep;
}

/// Returns: whether that end is worth a report (child_terminated).
[[nodiscard]] inline bool is_reported(RestartType type, const ExitReason& reason) noexcept {
  return type == RestartType::permanent || reason.is_abnormal();
}

/// The children that are stopped, in reverse order, and then started, in order, when child number `index` is restarted.
struct ChildRange {
  std::size_t first = 0;
  std::size_t last = 0;  ///< one past
  friend bool operator==(const ChildRange&, const ChildRange&) = default;
};
[[nodiscard]] constexpr ChildRange restarted_with(RestartStrategy strategy, std::size_t index, std::size_t count) {
  ORRERY_CHECK(index < count);
  if (strategy == RestartStrategy::one_for_all) return {0, count};
  if (strategy == RestartStrategy::rest_for_one) return {index, count};
  return {index, index + 1};
}

/// Decides whether the end of a significant child that is not restarted ends the supervisor.
///
/// Pre:     `others_up`: how many other significant children run or are being restarted.
[[nodiscard]] constexpr bool is_auto_shutdown(AutoShutdown mode, bool is_significant, std::size_t others_up) noexcept {
  if (!is_significant || mode == AutoShutdown::never) return false;
  return mode == AutoShutdown::any_significant || others_up == 0;
}

/// Decides whether a child that its supervisor has stopped ended as it should; else that is reported (shutdown_error).
[[nodiscard]] inline bool ended_as_asked(RestartType type, Shutdown how, const ExitReason& reason) noexcept {
  if (how.is_brutal_kill() ? reason.kind() == ExitReason::Kind::killed : reason == ExitReason::shutdown()) return true;
  return type != RestartType::permanent && !reason.is_abnormal();
}

/// Why a request about a child is refused.
enum class ChildError : std::uint8_t {
  not_found,           ///< no child has that id, or that actor
  running,             ///< it runs: stop it first
  restarting,          ///< it is being restarted: stop it first, or wait
  already_present,     ///< its specification exists, without an actor: restart or delete it
  already_started,     ///< it exists and runs
  simple_one_for_one,  ///< instances are named by their actors, and neither restarted nor deleted by request
  bad_combination,     ///< significant needs a supervisor with auto_shutdown and a restart type other than permanent
  start_failed         ///< its start function refused or threw, or its on_start did
};

// What the requests of a supervisor's users say, by the state of the child (empty: there is none). Empty: go on.
[[nodiscard]] constexpr std::optional<ChildError> refuse_start(std::optional<ChildStatus> child) noexcept {
  if (!child) return std::nullopt;
  return *child == ChildStatus::running ? ChildError::already_started : ChildError::already_present;
}
[[nodiscard]] constexpr std::optional<ChildError> refuse_stop(std::optional<ChildStatus> child) noexcept {
  return child ? std::nullopt : std::optional{ChildError::not_found};
}
/// Of a restart and of a deletion.
[[nodiscard]] constexpr std::optional<ChildError> refuse_unless_undefined(std::optional<ChildStatus> child) noexcept {
  if (!child) return ChildError::not_found;
  if (*child == ChildStatus::running) return ChildError::running;
  if (*child == ChildStatus::restarting) return ChildError::restarting;
  return std::nullopt;
}
[[nodiscard]] constexpr bool is_bad_combination(RestartType type, bool is_significant, AutoShutdown mode) noexcept {
  return is_significant && (type == RestartType::permanent || mode == AutoShutdown::never);
}

/// How long restarts wait. OTP has none: with the default they happen at once. The limit on restarts counts each of them
/// when it is decided, as ever.
struct Backoff {
  Duration first{};                                ///< zero: no waiting
  Duration most = std::chrono::seconds{30};        ///< the wait doubles up to this
  std::uint32_t jitter_percent = 20;               ///< up to this much is added, drawn from the world's entropy
  Duration reset_after = std::chrono::minutes{1};  ///< a child that lived this long starts again with `first`
  friend bool operator==(const Backoff&, const Backoff&) = default;

  [[nodiscard]] constexpr bool is_on() const noexcept { return first > Duration::zero() && most > Duration::zero(); }
};
/// Returns: the wait before restart number `repeat` (0 is the first) of a child, without its jitter.
[[nodiscard]] constexpr Duration backoff_of(const Backoff& backoff, std::uint32_t repeat) noexcept {
  if (!backoff.is_on()) return Duration::zero();
  Duration wait = std::min(backoff.first, backoff.most);
  for (std::uint32_t i = 0; i < repeat && wait < backoff.most; ++i) {
    wait = wait > backoff.most / 2 ? backoff.most : wait * 2;
  }
  return wait;
}
/// Returns: the most that is added to it by chance.
[[nodiscard]] constexpr Duration jitter_of(const Backoff& backoff, Duration wait) noexcept {
  const Duration room = Duration::max() - wait;
  if (backoff.jitter_percent != 0 && wait / 100 > room / backoff.jitter_percent) return room;
  return wait / 100 * backoff.jitter_percent;
}
static_assert(backoff_of({std::chrono::seconds{1}, std::chrono::seconds{5}}, 2) == std::chrono::seconds{4});
static_assert(backoff_of({std::chrono::seconds{1}, std::chrono::seconds{5}}, 99) == std::chrono::seconds{5});

}  // namespace orrery
