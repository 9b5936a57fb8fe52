#include "orrery/actor/detail/letter_queue.hpp"

#include "orrery/core/check.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace orrery::detail {

LetterQueue::Count* LetterQueue::find(const MessageInfo& message, DeadLetterReason reason) noexcept {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (&counts[i].kind->message != &message || counts[i].kind->reason != reason) continue;
    std::swap(counts[i], counts.front());  // a flood is of one kind
    return &counts.front();
  }
  return nullptr;
}

bool LetterQueue::push(LetterRecord record, Envelope* keepable, Envelope*& evicted) {
  if (refuses_all()) return false;
  const bool is_full = records_.size() >= options_.records_max;
  if (is_full) evict(records_[oldest_], evicted);
  record.number = next_number_++;
  const bool is_kept = keepable != nullptr && make_room(keepable->block_bytes, evicted);
  if (is_kept) keep(record, *keepable);
  if (is_full) {
    records_[oldest_] = std::move(record);
    oldest_ = oldest_ + 1 == records_.size() ? 0 : oldest_ + 1;
  } else {
    records_.push_back(std::move(record));
    note_size();
  }
  return is_kept;
}

/// Returns: whether one more message, of `bytes`, may be kept.
bool LetterQueue::make_room(std::size_t bytes, Envelope*& evicted) {
  if (options_.kept_max == 0 || bytes > options_.kept_bytes_max) return false;
  while (kept_count_ >= options_.kept_max || bytes > options_.kept_bytes_max - kept_bytes_) {
    if (options_.overflow == DeadLetterOverflow::drop_newest) return false;
    evict_oldest_kept(evicted);
  }
  return true;
}

void LetterQueue::keep(LetterRecord& record, Envelope& envelope) noexcept {
  if (kept_count_ == 0 || record.number < first_kept_) first_kept_ = record.number;  // Q3
  record.kept = &envelope;
  ++kept_count_;
  kept_bytes_ += envelope.block_bytes;
}

void LetterQueue::evict(LetterRecord& record, Envelope*& evicted) noexcept {
  Envelope* const envelope = std::exchange(record.kept, nullptr);
  if (envelope == nullptr) return;
  --kept_count_;
  kept_bytes_ -= envelope->block_bytes;
  envelope->next.store(evicted, std::memory_order_relaxed);
  evicted = envelope;
}

/// Pre: one is kept.    Cost: O(log size), and each record is passed once.
void LetterQueue::evict_oldest_kept(Envelope*& evicted) noexcept {
  std::size_t index = first_from(first_kept_);
  while (records_[slot(index)].kept == nullptr) ++index;
  LetterRecord& record = records_[slot(index)];
  first_kept_ = record.number + 1;
  evict(record, evicted);
}

/// Returns: the index of the oldest record whose number is not less.
std::size_t LetterQueue::first_from(std::uint64_t number) const noexcept {
  std::size_t first = 0;
  for (std::size_t count = records_.size(); count > 0;) {
    const std::size_t half = count / 2;
    if (records_[slot(first + half)].number < number) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return first;
}

void LetterQueue::straighten() {
  std::ranges::rotate(records_, records_.begin() + static_cast<std::ptrdiff_t>(oldest_));
  oldest_ = 0;
}

std::vector<LetterRecord> LetterQueue::take_out(const std::vector<std::uint64_t>& numbers, bool kept_only) {
  straighten();
  std::vector<LetterRecord> taken;
  auto wanted = numbers.begin();
  std::erase_if(records_, [&](LetterRecord& record) {
    while (wanted != numbers.end() && *wanted < record.number) ++wanted;
    if (wanted == numbers.end() || *wanted != record.number) return false;
    if (kept_only && record.kept == nullptr) return false;
    if (record.kept != nullptr) {
      --kept_count_;
      kept_bytes_ -= record.kept->block_bytes;
    }
    taken.push_back(std::move(record));
    return true;
  });
  note_size();
  return taken;
}

void LetterQueue::put_back(std::vector<LetterRecord> records, Envelope*& evicted) {
  straighten();
  for (LetterRecord& record : records) {
    if (Envelope* const envelope = record.kept; envelope != nullptr) keep(record, *envelope);
  }
  std::vector<LetterRecord> all;
  all.reserve(records_.size() + records.size());
  const auto is_older = [](const LetterRecord& a, const LetterRecord& b) { return a.number < b.number; };
  std::merge(std::move_iterator{records_.begin()}, std::move_iterator{records_.end()},
             std::move_iterator{records.begin()}, std::move_iterator{records.end()}, std::back_inserter(all), is_older);
  records_ = std::move(all);
  const bool drop_oldest = options_.overflow == DeadLetterOverflow::drop_oldest;
  if (records_.size() > options_.records_max) drop(records_.size() - options_.records_max, drop_oldest, evicted);
  for (std::size_t newest = records_.size();
       kept_count_ > options_.kept_max || kept_bytes_ > options_.kept_bytes_max;) {
    if (drop_oldest) {
      evict_oldest_kept(evicted);
    } else {
      evict(records_[--newest], evicted);
    }
  }
  note_size();
}

void LetterQueue::drop(std::size_t count, bool oldest, Envelope*& evicted) {
  straighten();
  ORRERY_CHECK(count <= records_.size());
  const auto length = static_cast<std::ptrdiff_t>(count);
  const auto first = oldest ? records_.begin() : records_.end() - length;
  for (auto at = first; at != first + length; ++at) evict(*at, evicted);
  records_.erase(first, first + length);
  note_size();
}

void LetterQueue::keep_none(Envelope*& evicted) noexcept {
  for (LetterRecord& record : records_) evict(record, evicted);
}

}  // namespace orrery::detail
