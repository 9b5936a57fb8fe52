#include "orrery/actor/dedupe_window.hpp"

#include "orrery/core/check.hpp"

namespace orrery {

void DedupeWindow::forget_old(Instant now) {
  while (!by_age_.empty() && now - by_age_.front().second > keep_for_) {
    ids_.erase(by_age_.front().first);
    by_age_.pop_front();
  }
}

const DedupeWindow::Handled* DedupeWindow::find(const MessageId& id, Instant now) {
  forget_old(now);
  const auto at = ids_.find(id);
  return at == ids_.end() ? nullptr : &at->second;
}

void DedupeWindow::remember(const MessageId& id, Instant now, Handled handled) {
  if (ids_max_ == 0) return;
  if (by_age_.size() == ids_max_) {
    ids_.erase(by_age_.front().first);
    by_age_.pop_front();
  }
  const bool is_new = ids_.try_emplace(id, std::move(handled)).second;
  ORRERY_CHECK(is_new, "message {} was handled already", to_string(id));  // W1
  by_age_.emplace_back(id, now);
}

}  // namespace orrery
