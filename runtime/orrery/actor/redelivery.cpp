#include "orrery/actor/redelivery.hpp"

#include "orrery/actor/cell.hpp"
#include "orrery/actor/runtime.hpp"
#include "orrery/core/check.hpp"
#include "orrery/core/mix.hpp"

#include <mutex>
#include <utility>

namespace orrery {

std::size_t Redelivery::KeyHash::operator()(const Key& key) const noexcept {
  const std::uint64_t sort = (static_cast<std::uint64_t>(key.priority) << 1) | (key.is_exactly_once ? 1U : 0U);
  return static_cast<std::size_t>(mix64(orrery::key_of(key.sender) ^ mix64(sort)));
}

Redelivery::Pair::Pair(Redelivery& owner_of_pair, const Key& pair) noexcept
    : Timer{Purpose::redelivery, &Redelivery::fired}, home{owner_of_pair}, key{pair} {
  owner = home.cell_.handle();
}

Redelivery::~Redelivery() { ORRERY_CHECK(pairs_.empty() && size_ == 0, "held messages were given back"); }

Redelivery::Pair* Redelivery::find(const Envelope& envelope) {
  if (pairs_.empty()) return nullptr;
  const auto at = by_key_.find(key_of(envelope));
  return at == by_key_.end() ? nullptr : at->second;
}

void Redelivery::hold(Envelope& envelope, Instant due) {
  Pair* pair = find(envelope);
  ORRERY_CHECK(pair == nullptr || out_ == &envelope, "a pair is held: none of its messages but its first is handled");
  if (pair == nullptr) {
    const auto at = pairs_.emplace(pairs_.end(), *this, key_of(envelope));
    pair = &*at;
    pair->at = at;
    by_key_.emplace(pair->key, pair);
  }
  out_ = nullptr;
  pair->mail.push_front(&envelope);
  ++size_;
  runtime_.world().arm(*pair, due);
}

bool Redelivery::queue_behind_pair(Envelope& envelope) {
  if (out_ == &envelope) return false;  // R2
  Pair* const pair = find(envelope);
  if (pair == nullptr) return false;
  pair->mail.push_back(&envelope);
  ++size_;
  return true;
}

Envelope* Redelivery::take_ready() {
  collect_due();
  if (ready_.empty()) return nullptr;
  Pair& pair = *ready_.front();
  ready_.pop_front();
  Envelope* const envelope = pair.mail.front();
  pair.mail.pop_front();
  --size_;
  out_ = envelope;
  return envelope;
}

void Redelivery::finished(const Envelope& envelope) {
  if (out_ != &envelope) return;
  out_ = nullptr;
  Pair* const pair = find(envelope);
  ORRERY_CHECK(pair != nullptr, "the pair of a message that is out is held");  // R3
  if (!pair->mail.empty()) {
    ready_.push_back(pair);
    return;
  }
  by_key_.erase(pair->key);
  pairs_.erase(pair->at);
}

std::vector<Envelope*> Redelivery::clear() {
  std::vector<Envelope*> all;
  all.reserve(size_);
  for (Pair& pair : pairs_) {
    (void)runtime_.world().cancel(pair);  // W2 of the world: it marks nothing any more
    all.insert(all.end(), pair.mail.begin(), pair.mail.end());
  }
  due_ = nullptr;
  ready_.clear();
  by_key_.clear();
  pairs_.clear();
  out_ = nullptr;
  size_ = 0;
  return all;
}

// ---- due pairs ------------------------------------------------------------------------------------------------------

void Redelivery::fired(Timer& timer) {
  auto& pair = static_cast<Pair&>(timer);
  Redelivery& home = pair.home;
  Runtime& runtime = home.runtime_;
  Cell& cell = home.cell_;
  {
    const std::lock_guard guard{home.due_lock_};
    pair.next_due = std::exchange(home.due_, &pair);
  }
  runtime.ring_mail(cell);
}

bool Redelivery::is_any_due() {
  const std::lock_guard guard{due_lock_};
  return due_ != nullptr;
}

void Redelivery::collect_due() {
  Pair* newest = nullptr;
  {
    const std::lock_guard guard{due_lock_};
    newest = std::exchange(due_, nullptr);
  }
  const auto first_new = static_cast<std::ptrdiff_t>(ready_.size());
  for (; newest != nullptr; newest = newest->next_due) ready_.insert(ready_.begin() + first_new, newest);
}

}  // namespace orrery
