#include "orrery/actor/lanes.hpp"

namespace orrery {

Envelope* Lanes::pop(std::size_t lane) noexcept {
  Envelope* const envelope = first_[lane];
  first_[lane] = static_cast<Envelope*>(envelope->next.load(std::memory_order_relaxed));
  if (first_[lane] == nullptr) last_[lane] = nullptr;
  --depths_[lane];
  return envelope;
}

Envelope* Lanes::take() noexcept {
  const std::uint32_t total = depth();
  if (total == 0) return nullptr;
  constexpr auto normal = static_cast<std::size_t>(Priority::normal);
  if (depths_[normal] == total) {  // the usual case of what follows
    passed_over_ = {};
    return pop(normal);
  }
  const std::size_t lane = pick(depths_, passed_over_);
  for (std::size_t other = 0; other < priority_count; ++other) {
    if (other == lane || depths_[other] == 0) {
      passed_over_[other] = 0;
    } else {
      ++passed_over_[other];
    }
  }
  return pop(lane);
}

Envelope* Lanes::take_oldest_droppable() noexcept {
  for (std::size_t lane = priority_count; lane-- > 0;) {
    Envelope* before = nullptr;
    for (Envelope* at = first_[lane]; at != nullptr;) {
      auto* const after = static_cast<Envelope*>(at->next.load(std::memory_order_relaxed));
      if ((at->flags & (Envelope::uncounted | Envelope::is_assured)) == 0) {
        if (before == nullptr) {
          first_[lane] = after;
        } else {
          before->next.store(after, std::memory_order_relaxed);
        }
        if (last_[lane] == at) last_[lane] = before;
        --depths_[lane];
        return at;
      }
      before = at;
      at = after;
    }
  }
  return nullptr;
}

bool Lanes::one_lane() const noexcept {
  int used = 0;
  for (const auto depth : depths_) used += depth != 0 ? 1 : 0;
  return used <= 1;
}

}  // namespace orrery
