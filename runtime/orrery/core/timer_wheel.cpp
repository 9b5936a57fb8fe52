#include "orrery/core/timer_wheel.hpp"

#include <bit>
#include <limits>

namespace orrery {

TimerWheel::TimerWheel(Instant start, unsigned tick_bits) : tick_bits_(tick_bits), current_tick_(0) {
  ORRERY_CHECK(tick_bits >= tick_bits_min);
  ORRERY_CHECK(tick_bits <= tick_bits_max);
  current_tick_ = whole_ticks(start);
  for (Link& list : lists_) list = {.previous = &list, .next = &list};
}

TimerWheel::~TimerWheel() {
  for (Link& list : lists_) {
    while (!is_empty(list)) unlink(static_cast<TimerNode&>(*list.next));
  }
  while (!is_empty(postponed_)) unlink(static_cast<TimerNode&>(*postponed_.next));
}

void TimerWheel::postpone(TimerNode& node) noexcept {
  ORRERY_CHECK(!node.armed());
  node.list_ = postponed_list;
  append(postponed_, node);
  ++size_;
}

void TimerWheel::arm(TimerNode& node, Instant due) {
  ORRERY_CHECK(!node.armed());
  node.due_tick_ = ticks_rounded_up(due);
  place(node, overdue_list);
  ++size_;
}

bool TimerWheel::cancel(TimerNode& node) noexcept {
  if (!node.armed()) return false;
  unlink(node);
  return true;
}

std::optional<Instant> TimerWheel::next_due() const noexcept {
  if (!is_empty(lists_[overdue_list]) || !is_empty(lists_[firing_list])) return start_of(current_tick_);
  if (occupied_levels_ == 0) return std::nullopt;
  const auto level = static_cast<unsigned>(std::countr_zero(occupied_levels_));
  return start_of(slot_start(level, static_cast<unsigned>(std::countr_zero(occupied_[level]))));
}

std::uint64_t TimerWheel::whole_ticks(Instant time) const {
  ORRERY_CHECK(time >= Instant{}, "{} ns is before the clock's epoch", time.time_since_epoch().count());
  return static_cast<std::uint64_t>(time.time_since_epoch().count()) >> tick_bits_;
}

std::uint64_t TimerWheel::ticks_rounded_up(Instant time) const noexcept {
  if (time <= Instant{}) return 0;
  const std::uint64_t tick_mask = (std::uint64_t{1} << tick_bits_) - 1;
  return (static_cast<std::uint64_t>(time.time_since_epoch().count()) + tick_mask) >> tick_bits_;
}

Instant TimerWheel::start_of(std::uint64_t tick) const noexcept {
  constexpr auto last = std::numeric_limits<Duration::rep>::max();
  // The rounding up of a time in the clock's last tick lies just beyond the clock.
  if (tick > static_cast<std::uint64_t>(last) >> tick_bits_) return Instant::max();
  return Instant{Duration{static_cast<Duration::rep>(tick << tick_bits_)}};
}

std::uint64_t TimerWheel::slot_start(unsigned level, unsigned slot) const noexcept {
  const std::uint64_t lower_digits = (std::uint64_t{1} << (digit_bits * (level + 1))) - 1;
  return (current_tick_ & ~lower_digits) | (std::uint64_t{slot} << (digit_bits * level));  // W1
}

// Moves everything due at `now` to the firing list and the current tick to `now`.
void TimerWheel::collect(Instant now) {
  const std::uint64_t now_tick = whole_ticks(now);
  ORRERY_CHECK(now_tick >= current_tick_, "time went backwards, from tick {} to {}", current_tick_, now_tick);
  // A list that moves as a whole leaves its nodes with the old list's number. That is harmless: unlink() uses
  // the number only to clear the bit of a list that is empty.
  append_all(lists_[firing_list], lists_[overdue_list]);
  while (occupied_levels_ != 0) {
    const auto level = static_cast<unsigned>(std::countr_zero(occupied_levels_));  // W1: the lowest is the earliest
    const auto slot = static_cast<unsigned>(std::countr_zero(occupied_[level]));
    const std::uint64_t tick = slot_start(level, slot);
    if (tick > now_tick) break;
    current_tick_ = tick;
    Link& list = lists_[level * slots + slot];
    Link due{.previous = &due, .next = &due};
    append_all(level == 0 ? lists_[firing_list] : due, list);
    occupied_[level] &= occupied_[level] - 1;
    if (occupied_[level] == 0) occupied_levels_ &= static_cast<std::uint8_t>(occupied_levels_ - 1);
    // In list order, and no timer of these ticks waits further down yet (W1), so W3 holds.
    while (!is_empty(due)) {
      auto& node = static_cast<TimerNode&>(*due.next);
      due.next = node.next;
      node.next->previous = &due;
      place(node, firing_list);
    }
  }
  current_tick_ = now_tick;
}

void TimerWheel::place(TimerNode& node, std::uint16_t list_if_passed) noexcept {
  std::uint16_t list = list_if_passed;
  if (node.due_tick_ > current_tick_) {
    const auto highest_difference = static_cast<unsigned>(std::bit_width(node.due_tick_ ^ current_tick_) - 1);
    const unsigned level = highest_difference / digit_bits;  // at most 7, see "Not chosen"
    const auto slot = static_cast<unsigned>(node.due_tick_ >> (digit_bits * level)) % slots;
    occupied_[level] |= std::uint64_t{1} << slot;
    occupied_levels_ |= static_cast<std::uint8_t>(1U << level);
    list = static_cast<std::uint16_t>(level * slots + slot);
  }
  node.list_ = list;
  append(lists_[list], node);
}

TimerNode* TimerWheel::take_firing() noexcept {
  Link& list = lists_[firing_list];
  if (is_empty(list)) return nullptr;
  auto& node = static_cast<TimerNode&>(*list.next);
  unlink(node);
  return &node;
}

void TimerWheel::unlink(TimerNode& node) noexcept {
  node.previous->next = node.next;
  node.next->previous = node.previous;
  if (const unsigned list = node.list_; list < overdue_list && is_empty(lists_[list])) {
    const unsigned level = list / slots;
    occupied_[level] &= ~(std::uint64_t{1} << (list % slots));
    if (occupied_[level] == 0) occupied_levels_ &= static_cast<std::uint8_t>(~(1U << level));
  }
  node.list_ = TimerNode::no_list;
  --size_;
}

void TimerWheel::append(Link& list, Link& node) noexcept {
  node.previous = list.previous;
  node.next = &list;
  list.previous->next = &node;
  list.previous = &node;
}

void TimerWheel::append_all(Link& list, Link& from) noexcept {
  if (is_empty(from)) return;
  from.next->previous = list.previous;
  list.previous->next = from.next;
  from.previous->next = &list;
  list.previous = from.previous;
  from = {.previous = &from, .next = &from};
}

}  // namespace orrery
