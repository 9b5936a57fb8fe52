// timer_wheel.hpp: deadlines of many timers, most of which are cancelled.
// Why:  nearly each ask and each receive with a timeout arms a timer, and nearly each is cancelled before its
//       time. So arming and cancelling must cost the same whether ten or a million timers wait; only firing
//       may cost more.
// How:  time is counted in ticks. A timer whose due tick differs from the current tick first in base-64 digit
//       L waits on level L, in the slot of that digit. When the current tick reaches a slot of a higher
//       level, its timers move down. A bit per slot says which are occupied, so empty time is skipped without
//       visiting it.
// Always true:  (W1) a timer on level L agrees with the current tick in all digits above L and is greater in
//                    digit L, hence every timer of a level is due before those of the next, and slots never
//                    wrap around
//               (W2) no timer fires early; it fires late by less than a tick plus the caller's own delay
//               (W3) timers fire in order of due tick; equal ticks in the order in which they were armed
//               (W4) a slot's bit is set exactly if its list has a timer
// Not chosen:   a heap (25 to 150 ns as timers grow); an overflow list for far timers (8 levels count 2^48
//               ticks, and a tick is at least 2^15 ns, so an Instant has no digit beyond them).
// Source:       G. Varghese, T. Lauck: "Hashed and Hierarchical Timing Wheels", SOSP 1987, scheme 7.
#pragma once
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "orrery/core/check.hpp"
#include "orrery/core/time.hpp"

namespace orrery {

namespace detail {
struct TimerLink {
  TimerLink* previous = nullptr;
  TimerLink* next = nullptr;
};
}  // namespace detail

/// A timer's place in a wheel. Derive from it; the wheel neither owns nor allocates it.
///
/// Shape:   stays where it is while armed, and is not destroyed while armed (checked).
/// Threads: those of its wheel.
struct TimerNode : private detail::TimerLink {
 public:
  TimerNode() = default;
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;
  ~TimerNode() { ORRERY_CHECK(!armed()); }

  [[nodiscard]] bool armed() const noexcept { return list_ != no_list; }

 private:
  friend class TimerWheel;
  static constexpr std::uint16_t no_list = 0xffff;

  std::uint64_t due_tick_ = 0;
  std::uint16_t list_ = no_list;
};

/// Threads: one at a time; nothing in here is synchronised.
class TimerWheel {
 public:
  static constexpr unsigned tick_bits_default = 17;  // 2^17 ns, about 131 us
  static constexpr unsigned tick_bits_min = 15;
  static constexpr unsigned tick_bits_max = 40;

  /// Pre:     `start` is not before the clock's epoch; a tick of 2^tick_bits ns, within the bounds above.
  explicit TimerWheel(Instant start = Instant{}, unsigned tick_bits = tick_bits_default);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Disarms what is still armed.    Cost: O(size()).
  ~TimerWheel();

  /// Makes `node` fire in the first expire() whose `now` has reached `due`, rounded up to a tick.
  ///
  /// A due time that has passed fires in the next expire(), even if armed by a callback of this one. One
  /// within the clock's last tick never fires, so Instant::max() means never.
  /// Pre:     not armed.    Cost: O(1).
  void arm(TimerNode& node, Instant due);

  /// Arms `node` for a time that is not known yet: it fires in no expire() before place_postponed() has placed it.
  /// For timers that are mostly cancelled soon, so that arming need not read a clock.
  /// Pre:     not armed.    Cost: O(1), less than arm().
  void postpone(TimerNode& node) noexcept;

  /// Arms every postponed timer for `due_of(node)`, in the order of their postpone().    Cost: O(postponed timers).
  template <std::invocable<TimerNode&> DueOf>
  void place_postponed(DueOf&& due_of) {
    while (!is_empty(postponed_)) {
      auto& node = static_cast<TimerNode&>(*postponed_.next);
      unlink(node);
      arm(node, due_of(node));
    }
  }
  [[nodiscard]] bool has_postponed() const noexcept { return !is_empty(postponed_); }

  /// Returns: true if `node` was armed and now will not fire; false if it had fired, or was never armed.
  /// Pre:     if armed, then in this wheel.    Cost: O(1).
  bool cancel(TimerNode& node) noexcept;

  /// Calls `fire(node)` for each timer that is due at `now`, disarmed before the call: it may be armed again
  /// there, or destroyed, and other timers armed or cancelled. If `fire` throws, the rest fires in the next
  /// call.
  ///
  /// Returns: how many fired.
  /// Pre:     `now` is not before the epoch nor before that of an earlier call; not called from `fire`.
  /// Order:   W3; a timer armed for a time already past counts as due at the tick the wheel had reached then.
  /// Cost:    O(fired + slots left behind that were occupied), and each timer moves down at most 7 times in
  ///          its life.
  template <std::invocable<TimerNode&> Fire>
  std::size_t expire(Instant now, Fire&& fire);

  /// Returns: a time by which the next timer is not due later, none if nothing but postponed timers is armed. Not always exact:
  ///          waking then may fire nothing but leads closer, at most 7 times. Sleep until then, expire(), and
  ///          ask again.
  /// Cost:    O(1).
  [[nodiscard]] std::optional<Instant> next_due() const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  using Link = detail::TimerLink;
  static constexpr unsigned digit_bits = 6;
  static constexpr unsigned slots = 1U << digit_bits;
  static constexpr unsigned levels = 8;
  static constexpr std::uint16_t overdue_list = slots * levels;   // armed for the past, for the next expire()
  static constexpr std::uint16_t firing_list = overdue_list + 1;  // due, about to be handed to `fire`
  static constexpr std::uint16_t list_count = firing_list + 1;
  static constexpr std::uint16_t postponed_list = list_count;  // not in lists_: nothing there has a tick yet

  std::uint64_t whole_ticks(Instant time) const;
  std::uint64_t ticks_rounded_up(Instant time) const noexcept;
  Instant start_of(std::uint64_t tick) const noexcept;
  std::uint64_t slot_start(unsigned level, unsigned slot) const noexcept;

  void collect(Instant now);
  void place(TimerNode& node, std::uint16_t list_if_passed) noexcept;
  TimerNode* take_firing() noexcept;
  void unlink(TimerNode& node) noexcept;

  static void append(Link& list, Link& node) noexcept;
  static void append_all(Link& list, Link& from) noexcept;
  static bool is_empty(const Link& list) noexcept { return list.next == &list; }

  unsigned tick_bits_;
  bool expiring_ = false;
  std::uint8_t occupied_levels_ = 0;
  std::uint64_t current_tick_;
  std::size_t size_ = 0;
  std::array<std::uint64_t, levels> occupied_{};
  Link postponed_{.previous = &postponed_, .next = &postponed_};
  std::array<Link, list_count> lists_;
};

template <std::invocable<TimerNode&> Fire>
std::size_t TimerWheel::expire(Instant now, Fire&& fire) {
  ORRERY_CHECK(!expiring_, "expire() was called from a timer's callback");
  struct Expiring {
    bool& flag;
    explicit Expiring(bool& f) : flag(f) { flag = true; }
    ~Expiring() { flag = false; }
  };
  collect(now);  // before any callback: what callbacks arm for the past cannot prolong this call
  const Expiring expiring(expiring_);
  std::size_t fired = 0;
  while (TimerNode* node = take_firing()) {
    ++fired;
    fire(*node);
  }
  return fired;
}

}  // namespace orrery
