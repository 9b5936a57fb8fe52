#include "orrery/actor/redrive.hpp"

#include "orrery/actor/detail/letters.hpp"
#include "orrery/actor/runtime.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace orrery {

using detail::LetterQueue;
using detail::LetterRecord;

/// The letters of a redrive, which nobody else sees meanwhile (D2). Those that are still here at its end, however it ends,
/// go back to where they were.
class DeadLetters::InHand {
 public:
  InHand(DeadLetters& letters, const std::vector<Found>& found)
      : records{letters.take_out(found, true)}, letters_{letters} {}
  InHand(const InHand&) = delete;
  InHand& operator=(const InHand&) = delete;
  ~InHand() {
    std::erase_if(records, [](const LetterRecord& record) { return record.kept == nullptr; });
    letters_.put_back(std::move(records));
  }

  std::vector<LetterRecord> records;

 private:
  DeadLetters& letters_;
};

void DeadLetters::put_back(std::vector<LetterRecord> records) {
  if (records.empty()) return;
  Envelope* evicted = nullptr;
  LetterQueue& queue = queue_of(0);  // where messages are kept, there is no other
  {
    const std::lock_guard guard{queue.mutex};
    taken_out_ -= records.size();
    queue.put_back(std::move(records), evicted);
    if (is_closed_.load(std::memory_order_relaxed)) queue.keep_none(evicted);
  }
  destroy(evicted);
}

Redriven DeadLetters::redrive(const DeadLetterFilter& filter) { return redrive_to(filter, nullptr); }

Redriven DeadLetters::redrive_to(const DeadLetterFilter& filter, const Destination* destination) {
  Redriven result;
  if (options_.kept_max == 0 || (destination != nullptr && destination->runtime != runtime_.index())) return result;
  /// Returns: how the message is handled there; null: not at all.
  const auto operations_there = [&](const MessageInfo* message, const ActorTag* type, bool is_assured,
                                    const Operations* original) -> const Operations* {
    if (destination == nullptr) return original;
    if (destination->type != nullptr) return destination->type == type ? original : nullptr;
    const auto handles_it = [&](const Operations* one) { return one != nullptr && one->message == message; };
    const auto at = std::ranges::find_if(destination->operations, handles_it);
    if (at == destination->operations.end()) return nullptr;
    return is_assured ? (*at)->assured : *at;
  };

  std::vector<Found> found = find(filter);
  std::erase_if(found, [&](const Found& one) {
    static constexpr Operations any{};
    return !one.letter.is_kept || operations_there(one.message, one.target_type, one.is_assured, &any) == nullptr;
  });
  found.resize(std::min(found.size(), filter.count_max));

  std::vector<std::pair<Handle, Handle>> places;  // where the targets are now
  const auto place_of = [&](const LetterRecord& record) {
    if (destination != nullptr) return destination->handle;
    if (runtime_.living_cell(record.target) != nullptr) return record.target;
    const auto known = std::ranges::find(places, record.target, &std::pair<Handle, Handle>::first);
    if (known != places.end()) return known->second;
    const std::string name = record.target_type == nullptr ? std::string{} : remembered_name(record.target);
    const auto heir = name.empty() ? std::nullopt : runtime_.find_by_path(name, *record.target_type);
    return places.emplace_back(record.target, heir.value_or(record.target)).second;
  };

  std::vector<Handle> refusing;
  InHand in_hand{*this, found};
  for (LetterRecord& record : in_hand.records) {
    const Handle place = place_of(record);
    if (std::ranges::find(refusing, place) != refusing.end()) {
      ++result.held_back;
      continue;
    }
    Envelope& envelope = *record.kept;
    const Operations* const original = envelope.operations;
    envelope.operations = operations_there(record.message, record.target_type, record.is_assured, original);
    const auto offered = runtime_.offer_again(place, envelope, record.kept);
    if (offered) {
      ++result.accepted;
      continue;
    }
    envelope.operations = original;
    ++result.refused;
    refusing.push_back(place);
    if (const std::uint32_t attempts = envelope.attempt + 1U; attempts != record.attempts) {
      record.attempts = attempts;  // it was taken after all, and dropped: another letter, in the place of the first
      record.reason = DeadLetterReason::mailbox_full;
    }
  }
  return result;
}

/// As send(), except that a refused message stays the caller's, as it was, and that its sender is who sent it first.
/// `owner` becomes null when it is taken over.
std::expected<void, TellError> Runtime::offer_again(Handle target, Envelope& envelope, Envelope*& owner) {
  using Enqueued = Observer::Enqueued;
  const Handle sender = envelope.sender;
  const std::uint16_t attempt = envelope.attempt;
  Extension* const extension = envelope.is(Envelope::is_assured) ? envelope.extension_slot() : nullptr;
  const std::uint32_t forgiven = extension == nullptr ? 0 : extension->forgiven;
  const auto tell_observer = [&](Enqueued outcome) {
    if (observer_ == nullptr) return;  // who takes it may have freed it already
    envelope.sender = caller();        // the one who sends, which may not be the one who says so in the message
    observer_->enqueued(target, envelope, outcome);
    envelope.sender = sender;
  };
  const auto refuse_it = [&](Enqueued outcome, TellError error) -> std::expected<void, TellError> {
    tell_observer(outcome);
    envelope.attempt = attempt;
    if (extension != nullptr) extension->forgiven = forgiven;
    count_refused(execution_of(*this), error);
    return std::unexpected(error);
  };
  if (attempt < std::numeric_limits<std::uint16_t>::max()) ++envelope.attempt;
  if (extension != nullptr) extension->forgiven = extension->failures;  // it may fail as often as any other
  envelope.target_generation = target.generation;
  if (envelope.is_timed_plain()) (void)envelope.take_stamp();  // of the first time
  count_offered(execution_of(*this), envelope);
  if (observer_ != nullptr) {
    try {
      observer_->before_enqueue(target, envelope);
    } catch (...) {  // the world ends
      envelope.attempt = attempt;
      if (extension != nullptr) extension->forgiven = forgiven;
      count_refused(execution_of(*this), TellError::actor_stopped);
      throw;
    }
  }

  Cell* const cell = cell_at(target.slot);
  const std::uint32_t generation = cell == nullptr ? 0 : cell->generation.load(std::memory_order_acquire);
  if (generation != target.generation || generation == 0) {  // U1
    const bool is_over = target.is_set() && target.generation < generation;
    return refuse_it(is_over ? Enqueued::gone : Enqueued::unknown,
                     is_over ? TellError::actor_stopped : TellError::actor_not_found);
  }
  if (observer_ != nullptr && observer_->carry(target, envelope)) {
    owner = nullptr;
    return {};
  }
  BoundedMailbox* const bounded = cell->bounded.load(std::memory_order_acquire);
  if (bounded == nullptr) {
    if (envelope.priority != Priority::normal) cell->uses_priorities.store(true, std::memory_order_release);
    tell_observer(Enqueued::accepted);
    owner = nullptr;
    if (cell->mailbox.push(envelope)) world_.schedule(*cell);
    return {};
  }
  const MessageInfo& message = *envelope.operations->message;
  const auto [outcome, victim] = bounded->push(envelope, target);
  switch (outcome) {
    case BoundedMailbox::Outcome::accepted:
    case BoundedMailbox::Outcome::replaced_oldest:
      owner = nullptr;
      tell_observer(victim == nullptr ? Enqueued::accepted : Enqueued::replaced_oldest);
      if (victim != nullptr) dead_letter(*cell, victim, DeadLetterReason::mailbox_full, true);
      ring_mail(*cell);
      return {};
    case BoundedMailbox::Outcome::dropped_newest:
      tell_observer(Enqueued::dropped_newest);
      count_stray_dead_letter();
      if (observer_ != nullptr) observer_->dead_letter(envelope, to_string(DeadLetterReason::mailbox_full));
      dead_letters_.put_in_hand(letter_queue(), message, DeadLetterReason::mailbox_full);
      return std::unexpected(TellError::mailbox_full);
    case BoundedMailbox::Outcome::full:
    case BoundedMailbox::Outcome::must_wait:  // an assured one; but it need not wait outside, it has its place here
      return refuse_it(Enqueued::full, TellError::mailbox_full);
    case BoundedMailbox::Outcome::gone:
      break;
  }
  return refuse_it(Enqueued::gone, TellError::actor_stopped);
}

}  // namespace orrery
