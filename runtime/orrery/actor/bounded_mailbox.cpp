#include "orrery/actor/bounded_mailbox.hpp"

#include "orrery/core/check.hpp"

#include <algorithm>
#include <mutex>

namespace orrery {

void BoundedMailbox::open(Handle owner, std::uint32_t capacity, std::uint32_t resume_at, Overflow overflow) noexcept {
  const std::lock_guard guard{lock_};
  ORRERY_CHECK(!open_);
  ORRERY_CHECK(capacity >= 1);
  ORRERY_CHECK(resume_at < capacity);
  ORRERY_CHECK(first_waiter_ == nullptr);
  owner_ = owner;
  capacity_ = capacity;
  resume_at_ = resume_at;
  overflow_ = overflow;
  counted_ = high_water_ = outside_ = 0;
  offered_ = refused_ = dropped_ = 0;
  draining_to_mark_ = false;
  open_ = true;
}

PlaceWaiter* BoundedMailbox::close() noexcept {
  const std::lock_guard guard{lock_};
  open_ = false;
  PlaceWaiter* const waiters = first_waiter_;
  first_waiter_ = last_waiter_ = nullptr;
  for (PlaceWaiter* waiter = waiters; waiter != nullptr; waiter = waiter->next) {
    if (!waiter->is_outside) ++refused_;
  }
  outside_ = 0;
  return waiters;
}

void BoundedMailbox::accept(Envelope& envelope) noexcept {
  if ((envelope.flags & Envelope::uncounted) == 0) ++counted_;
  lanes_.push(envelope);
  high_water_ = std::max(high_water_, lanes_.depth());
}

BoundedMailbox::Pushed BoundedMailbox::push(Envelope& envelope, Handle target) noexcept {
  const std::lock_guard guard{lock_};
  if (!open_ || target != owner_) return {Outcome::gone};  // B4
  ++offered_;
  const bool free_place = counted_ < capacity_ && first_waiter_ == nullptr;  // B2: nobody overtakes a waiter
  if (free_place || (envelope.flags & Envelope::uncounted) != 0) {
    accept(envelope);
    return {Outcome::accepted};
  }
  return push_into_full(envelope);
}

BoundedMailbox::Pushed BoundedMailbox::push_as_if_full(Envelope& envelope, Handle target) noexcept {
  const std::lock_guard guard{lock_};
  if (!open_ || target != owner_) return {Outcome::gone};  // B4
  ++offered_;
  return push_into_full(envelope);
}

/// Pre: the lock is held, and the message counted as offered.
BoundedMailbox::Pushed BoundedMailbox::push_into_full(Envelope& envelope) noexcept {
  const auto must_wait = [this]() -> Pushed {  // B5
    --offered_;
    return {Outcome::must_wait};
  };
  const bool is_assured = envelope.is(Envelope::is_assured);
  if (is_assured && (overflow_ != Overflow::drop_oldest || first_waiter_ != nullptr)) return must_wait();
  Envelope* victim = nullptr;
  switch (overflow_) {
    case Overflow::suspend:
    case Overflow::reject:
      ++refused_;
      return {Outcome::full};
    case Overflow::drop_newest:
      break;
    case Overflow::drop_oldest:
      victim = lanes_.take_oldest_droppable();
      if (victim == nullptr && is_assured) return must_wait();
      break;
  }
  if (victim == nullptr) {
    ++dropped_;
    return {Outcome::dropped_newest};
  }
  --counted_;
  ++dropped_;
  accept(envelope);
  return {Outcome::replaced_oldest, victim};
}

BoundedMailbox::Outcome BoundedMailbox::push_or_wait(Envelope& envelope, Handle target, PlaceWaiter& waiter,
                                                     std::uint32_t outside_max) noexcept {
  const std::lock_guard guard{lock_};
  if (!open_ || target != owner_) return Outcome::gone;  // B4
  ++offered_;
  if (counted_ < capacity_ && first_waiter_ == nullptr) {
    accept(envelope);
    return Outcome::accepted;
  }
  if (waiter.is_outside) {
    if (outside_ >= outside_max) {
      ++refused_;
      return Outcome::full;
    }
    ++outside_;
  }
  draining_to_mark_ = true;
  waiter.envelope = &envelope;
  waiter.next = nullptr;
  (last_waiter_ == nullptr ? first_waiter_ : last_waiter_->next) = &waiter;
  last_waiter_ = &waiter;
  return Outcome::must_wait;
}

bool BoundedMailbox::withdraw(PlaceWaiter& waiter) noexcept {
  const std::lock_guard guard{lock_};
  PlaceWaiter* before = nullptr;
  for (PlaceWaiter* at = first_waiter_; at != nullptr; before = at, at = at->next) {
    if (at != &waiter) continue;
    (before == nullptr ? first_waiter_ : before->next) = at->next;
    if (last_waiter_ == at) last_waiter_ = before;
    ++refused_;
    return true;
  }
  return false;
}

Envelope* BoundedMailbox::take_alone(bool& somebody_waits) noexcept {
  const std::lock_guard guard{lock_};
  somebody_waits = first_waiter_ != nullptr;
  if (somebody_waits) return nullptr;
  Envelope* const envelope = lanes_.take();
  if (envelope == nullptr) return nullptr;
  if ((envelope->flags & Envelope::uncounted) == 0) --counted_;
  if (counted_ <= resume_at_) draining_to_mark_ = false;
  return envelope;
}

Envelope* BoundedMailbox::take(Wake* wakes, std::size_t& wake_count) noexcept {
  const std::lock_guard guard{lock_};
  wake_count = 0;
  Envelope* const envelope = lanes_.take();
  if (envelope == nullptr) return nullptr;
  if ((envelope->flags & Envelope::uncounted) == 0) --counted_;
  if (draining_to_mark_ && counted_ > resume_at_) return envelope;
  while (first_waiter_ != nullptr && counted_ < capacity_ && wake_count < wakes_max) {
    PlaceWaiter& waiter = *first_waiter_;
    first_waiter_ = waiter.next;
    if (first_waiter_ == nullptr) last_waiter_ = nullptr;
    accept(*waiter.envelope);
    wakes[wake_count++] = {waiter.sender, waiter.thread, waiter.envelope, waiter.is_outside ? &waiter : nullptr};
    if (waiter.is_outside) --outside_;
    waiter.state.store(PlaceWaiter::placed, std::memory_order_seq_cst);  // the waiter's stack may go from here on
  }
  draining_to_mark_ = first_waiter_ != nullptr;
  return envelope;
}

bool BoundedMailbox::empty() noexcept {
  const std::lock_guard guard{lock_};
  return lanes_.empty();
}

bool BoundedMailbox::has_waiters() noexcept {
  const std::lock_guard guard{lock_};
  return first_waiter_ != nullptr;
}

bool BoundedMailbox::is_full() noexcept {
  const std::lock_guard guard{lock_};
  return counted_ >= capacity_ || first_waiter_ != nullptr;
}

BoundedMailbox::Counts BoundedMailbox::counts() noexcept {
  const std::lock_guard guard{lock_};
  return {offered_, refused_, dropped_, lanes_.depth(), high_water_, outside_};
}

}  // namespace orrery
