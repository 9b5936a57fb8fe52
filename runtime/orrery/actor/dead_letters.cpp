#include "orrery/actor/dead_letters.hpp"

#include <algorithm>

namespace orrery {

std::string_view to_string(DeadLetterReason reason) noexcept {
  switch (reason) {
    case DeadLetterReason::actor_stopped:
      return "actor_stopped";
    case DeadLetterReason::mailbox_full:
      return "mailbox_full";
    case DeadLetterReason::late_reply:
      return "late_reply";
    case DeadLetterReason::notice_cancelled:
      return "notice_cancelled";
    case DeadLetterReason::timer_cancelled:
      return "timer_cancelled";
    case DeadLetterReason::restart_dropped:
      return "restart_dropped";
  }
  return "unknown";
}

void DeadLetters::add(DeadLetter letter) {
  const std::lock_guard guard{mutex_};
  ++counts_[static_cast<std::size_t>(letter.reason)];
  if (records_max_ == 0) return;
  if (records_.size() < records_max_) {
    records_.push_back(std::move(letter));
    return;
  }
  records_[oldest_] = std::move(letter);
  oldest_ = (oldest_ + 1) % records_max_;
}

std::vector<DeadLetter> DeadLetters::snapshot() const {
  const std::lock_guard guard{mutex_};
  std::vector<DeadLetter> copy{records_};
  std::ranges::rotate(copy, copy.begin() + static_cast<std::ptrdiff_t>(oldest_));
  return copy;
}

std::uint64_t DeadLetters::count(DeadLetterReason reason) const {
  const std::lock_guard guard{mutex_};
  return counts_[static_cast<std::size_t>(reason)];
}

}  // namespace orrery
