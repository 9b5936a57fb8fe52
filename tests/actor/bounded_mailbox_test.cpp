// Goal:   a bounded mailbox never holds more than its capacity, does with one message more what its policy
//         says, and gives a free place to whoever has waited longest.
// Method: each policy at both sides of its capacity; the waiters' list step by step. What follows from any
//         order of operations is in bounded_mailbox_model_test.cpp.
#include "orrery/actor/bounded_mailbox.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <vector>

namespace orrery {
namespace {

using Outcome = BoundedMailbox::Outcome;
constexpr Handle owner{7, 3};

/// A mailbox with what it needs around it; mail is numbered from 1 by `ordinal`.
struct Fixture {
  explicit Fixture(std::uint32_t capacity, Overflow overflow = Overflow::suspend)
      : Fixture{capacity, capacity - 1, overflow} {}
  Fixture(std::uint32_t capacity, std::uint32_t resume_at, Overflow overflow = Overflow::suspend) {
    mailbox.open(owner, capacity, resume_at, overflow);
  }

  Envelope& mail(Priority priority = Priority::normal, std::uint8_t flags = 0) {
    auto& envelope = *all.emplace_back(std::make_unique<Envelope>());
    envelope.priority = priority;
    envelope.flags = flags;
    envelope.ordinal = static_cast<std::uint32_t>(all.size());
    return envelope;
  }
  Envelope& tick(Priority priority = Priority::normal) { return mail(priority, Envelope::uncounted); }
  Outcome push(Envelope& envelope) { return mailbox.push(envelope, owner).outcome; }
  Outcome push() { return push(mail()); }
  Outcome wait(PlaceWaiter& waiter) { return mailbox.push_or_wait(mail(), owner, waiter); }
  /// Returns: the number of what was taken, 0 when there was nothing.
  std::uint32_t take() {
    Envelope* const envelope = mailbox.take(wakes.data(), wake_count);
    return envelope == nullptr ? 0 : envelope->ordinal;
  }

  BoundedMailbox mailbox;
  std::vector<std::unique_ptr<Envelope>> all;
  std::array<BoundedMailbox::Wake, BoundedMailbox::wakes_max> wakes{};
  std::size_t wake_count = 0;
};

TEST(BoundedMailbox, accepts_up_to_its_capacity_and_then_rejects) {
  for (const std::uint32_t capacity : {1u, 2u, 5u}) {
    Fixture box{capacity, Overflow::reject};
    for (std::uint32_t i = 0; i < capacity; ++i) {
      EXPECT_FALSE(box.mailbox.is_full());
      EXPECT_EQ(box.push(), Outcome::accepted);
    }
    EXPECT_TRUE(box.mailbox.is_full());
    EXPECT_EQ(box.push(), Outcome::full);
    EXPECT_EQ(box.take(), 1u);
    EXPECT_EQ(box.push(), Outcome::accepted) << "a place is free again";
    EXPECT_EQ(box.push(), Outcome::full);
    const auto counts = box.mailbox.counts();
    EXPECT_EQ(counts.offered, capacity + 3u);
    EXPECT_EQ(counts.refused, 2u);
    EXPECT_EQ(counts.dropped, 0u);
    EXPECT_EQ(counts.depth, capacity);
    EXPECT_EQ(counts.high_water, capacity);
  }
}

TEST(BoundedMailbox, the_capacity_counts_all_priorities_together) {
  Fixture box{2, Overflow::reject};
  EXPECT_EQ(box.push(box.mail(Priority::low)), Outcome::accepted);
  EXPECT_EQ(box.push(box.mail(Priority::critical)), Outcome::accepted);
  EXPECT_EQ(box.push(box.mail(Priority::critical)), Outcome::full);
  EXPECT_EQ(box.take(), 2u) << "the critical one";
}

TEST(BoundedMailbox, drop_newest_gives_the_message_back_and_counts_it) {
  Fixture box{1, Overflow::drop_newest};
  EXPECT_EQ(box.push(), Outcome::accepted);
  EXPECT_EQ(box.push(), Outcome::dropped_newest);
  EXPECT_EQ(box.mailbox.counts().dropped, 1u);
  EXPECT_EQ(box.mailbox.counts().refused, 0u);
  EXPECT_EQ(box.take(), 1u);
  EXPECT_EQ(box.take(), 0u);
}

TEST(BoundedMailbox, drop_oldest_makes_room_by_the_oldest_of_the_lowest_priority) {
  Fixture box{3, Overflow::drop_oldest};
  EXPECT_EQ(box.push(box.mail(Priority::high)), Outcome::accepted);
  Envelope& victim = box.mail(Priority::low);
  EXPECT_EQ(box.push(victim), Outcome::accepted);
  EXPECT_EQ(box.push(box.mail(Priority::low)), Outcome::accepted);
  const auto pushed = box.mailbox.push(box.mail(Priority::normal), owner);
  EXPECT_EQ(pushed.outcome, Outcome::replaced_oldest);
  EXPECT_EQ(pushed.victim, &victim);
  const auto counts = box.mailbox.counts();
  EXPECT_EQ(counts.depth, 3u);
  EXPECT_EQ(counts.high_water, 3u);
  EXPECT_EQ(counts.dropped, 1u);
  EXPECT_EQ(counts.refused, 0u);
}

TEST(BoundedMailbox, drop_oldest_leaves_uncounted_mail_alone) {
  Fixture box{2, Overflow::drop_oldest};
  EXPECT_EQ(box.push(box.tick(Priority::low)), Outcome::accepted);
  EXPECT_EQ(box.push(box.tick()), Outcome::accepted);
  Envelope& victim = box.mail();
  EXPECT_EQ(box.push(victim), Outcome::accepted);
  EXPECT_EQ(box.push(box.tick()), Outcome::accepted);
  EXPECT_EQ(box.push(), Outcome::accepted);
  const auto pushed = box.mailbox.push(box.mail(), owner);
  EXPECT_EQ(pushed.outcome, Outcome::replaced_oldest);
  EXPECT_EQ(pushed.victim, &victim);
  EXPECT_EQ(box.mailbox.counts().depth, 5u) << "three ticks and two that count";
}

TEST(BoundedMailbox, uncounted_mail_is_never_refused_and_takes_no_place) {
  for (const auto policy : {Overflow::suspend, Overflow::reject, Overflow::drop_newest, Overflow::drop_oldest}) {
    Fixture box{1, policy};
    for (int i = 0; i < 3; ++i) EXPECT_EQ(box.push(box.tick()), Outcome::accepted);
    EXPECT_FALSE(box.mailbox.is_full());
    EXPECT_EQ(box.push(), Outcome::accepted);
    EXPECT_EQ(box.push(box.tick()), Outcome::accepted) << "also when it is full";
    for (std::uint32_t i = 1; i <= 5; ++i) EXPECT_EQ(box.take(), i);
  }
}

TEST(BoundedMailbox, a_push_that_may_not_wait_is_refused_by_a_full_mailbox_that_suspends) {
  Fixture box{1};
  EXPECT_EQ(box.push(), Outcome::accepted);
  EXPECT_EQ(box.push(), Outcome::full);
  EXPECT_EQ(box.mailbox.counts().refused, 1u);
}

TEST(BoundedMailbox, mail_for_another_actor_or_a_closed_mailbox_is_gone_and_not_counted) {
  Fixture box{2, Overflow::reject};
  PlaceWaiter waiter;
  for (const Handle other : {Handle{owner.slot, owner.generation + 1}, Handle{owner.slot, owner.generation - 1},
                             Handle{owner.slot + 1, owner.generation}, Handle{}}) {
    EXPECT_EQ(box.mailbox.push(box.mail(), other).outcome, Outcome::gone);
    EXPECT_EQ(box.mailbox.push(box.tick(), other).outcome, Outcome::gone) << "uncounted mail too";
    EXPECT_EQ(box.mailbox.push_or_wait(box.mail(), other, waiter), Outcome::gone);
  }
  EXPECT_EQ(box.mailbox.close(), nullptr);
  EXPECT_EQ(box.push(), Outcome::gone);
  EXPECT_EQ(box.push(box.tick()), Outcome::gone);
  EXPECT_EQ(box.wait(waiter), Outcome::gone);
  EXPECT_EQ(box.mailbox.counts().offered, 0u);
  EXPECT_TRUE(box.mailbox.empty());
}

TEST(BoundedMailbox, what_was_accepted_can_be_taken_after_it_is_closed) {
  Fixture box{2, Overflow::reject};
  EXPECT_EQ(box.push(), Outcome::accepted);
  EXPECT_EQ(box.push(), Outcome::accepted);
  EXPECT_EQ(box.mailbox.close(), nullptr);
  EXPECT_EQ(box.take(), 1u);
  EXPECT_EQ(box.take(), 2u);
  EXPECT_EQ(box.take(), 0u);
}

TEST(BoundedMailbox, opens_again_for_another_actor_with_fresh_counts) {
  Fixture box{1, Overflow::reject};
  EXPECT_EQ(box.push(), Outcome::accepted);
  EXPECT_EQ(box.push(), Outcome::full);
  (void)box.mailbox.close();
  EXPECT_EQ(box.take(), 1u);
  const Handle heir{owner.slot, owner.generation + 1};
  box.mailbox.open(heir, 2, 1, Overflow::drop_newest);
  EXPECT_EQ(box.mailbox.counts().offered, 0u);
  EXPECT_EQ(box.mailbox.counts().high_water, 0u);
  EXPECT_EQ(box.push(), Outcome::gone) << "B4";
  EXPECT_EQ(box.mailbox.push(box.mail(), heir).outcome, Outcome::accepted);
}

TEST(BoundedMailboxWaiters, a_freed_place_goes_to_the_first_waiter_in_the_same_take) {
  Fixture box{1};
  std::array<PlaceWaiter, 3> waiters;
  EXPECT_EQ(box.wait(waiters[0]), Outcome::accepted) << "there was a place";
  EXPECT_EQ(waiters[0].state.load(), PlaceWaiter::waiting);
  waiters[1].sender = {1, 1};
  waiters[2].sender = {2, 1};
  EXPECT_EQ(box.wait(waiters[1]), Outcome::must_wait);
  EXPECT_EQ(box.wait(waiters[2]), Outcome::must_wait);
  for (std::uint32_t taken = 1; taken <= 2; ++taken) {
    EXPECT_EQ(box.take(), taken);
    ASSERT_EQ(box.wake_count, 1u);
    EXPECT_EQ(box.wakes[0].sender, waiters[taken].sender);
    EXPECT_EQ(box.wakes[0].envelope, waiters[taken].envelope);
    EXPECT_EQ(waiters[taken].state.load(), PlaceWaiter::placed);
    EXPECT_TRUE(box.mailbox.is_full());
  }
  EXPECT_EQ(waiters[2].state.load(), PlaceWaiter::placed);
  EXPECT_FALSE(box.mailbox.has_waiters());
  EXPECT_EQ(box.take(), 3u);
  EXPECT_EQ(box.wake_count, 0u);
}

TEST(BoundedMailboxWaiters, nobody_overtakes_a_waiter_while_the_mailbox_drains_to_its_mark) {
  Fixture box{3, 1};
  PlaceWaiter first, second, third;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(box.push(), Outcome::accepted);
  EXPECT_EQ(box.wait(first), Outcome::must_wait);
  EXPECT_EQ(box.take(), 1u);
  EXPECT_EQ(box.wake_count, 0u) << "two are left, the mark is one";
  EXPECT_EQ(box.push(), Outcome::full) << "B2: the free place is not for later senders";
  EXPECT_TRUE(box.mailbox.is_full());
  EXPECT_EQ(box.wait(second), Outcome::must_wait);
  EXPECT_EQ(box.wait(third), Outcome::must_wait);
  EXPECT_EQ(box.take(), 2u);
  ASSERT_EQ(box.wake_count, 2u) << "back to the mark: both free places are filled";
  EXPECT_EQ(box.wakes[0].envelope, first.envelope);
  EXPECT_EQ(box.wakes[1].envelope, second.envelope);
  EXPECT_EQ(third.state.load(), PlaceWaiter::waiting);
  EXPECT_EQ(box.take(), 3u);
  EXPECT_EQ(box.wake_count, 0u) << "drains to the mark again for the third";
  EXPECT_EQ(box.take(), first.envelope->ordinal);
  ASSERT_EQ(box.wake_count, 1u);
  EXPECT_EQ(box.wakes[0].envelope, third.envelope);
}

TEST(BoundedMailboxWaiters, taking_uncounted_mail_frees_no_place) {
  Fixture box{1};
  PlaceWaiter waiter;
  EXPECT_EQ(box.push(box.tick(Priority::high)), Outcome::accepted);
  EXPECT_EQ(box.push(), Outcome::accepted);
  EXPECT_EQ(box.wait(waiter), Outcome::must_wait);
  EXPECT_EQ(box.take(), 1u);
  EXPECT_EQ(box.wake_count, 0u);
  EXPECT_EQ(box.take(), 2u);
  EXPECT_EQ(box.wake_count, 1u);
}

TEST(BoundedMailboxWaiters, one_take_wakes_no_more_than_there_is_room_to_report) {
  constexpr std::uint32_t capacity = 2 * BoundedMailbox::wakes_max + 1;
  Fixture box{capacity, 0};
  std::vector<PlaceWaiter> waiters(capacity);
  for (std::uint32_t i = 0; i < capacity; ++i) EXPECT_EQ(box.push(), Outcome::accepted);
  for (auto& waiter : waiters) EXPECT_EQ(box.wait(waiter), Outcome::must_wait);
  std::size_t placed = 0;
  for (std::uint32_t i = 1; i <= 2 * capacity; ++i) {
    EXPECT_EQ(box.take(), i) << "first come, first served";
    EXPECT_LE(box.wake_count, BoundedMailbox::wakes_max);
    placed += box.wake_count;
  }
  EXPECT_EQ(placed, capacity) << "all were woken in the end";
  EXPECT_FALSE(box.mailbox.has_waiters());
}

TEST(BoundedMailboxWaiters, withdraw_takes_the_first_a_middle_and_the_last_waiter_off_the_list) {
  for (const std::size_t leaving : {0u, 1u, 2u}) {
    Fixture box{1};
    std::array<PlaceWaiter, 4> waiters;
    EXPECT_EQ(box.push(), Outcome::accepted);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(box.wait(waiters[i]), Outcome::must_wait);
    EXPECT_TRUE(box.mailbox.withdraw(waiters[leaving]));
    EXPECT_FALSE(box.mailbox.withdraw(waiters[leaving])) << "B3: once";
    EXPECT_EQ(box.wait(waiters[3]), Outcome::must_wait);  // the end of the list is still right
    EXPECT_EQ(box.take(), 1u);
    for (std::size_t i = 0; i < 4; ++i) {
      if (i == leaving) continue;
      EXPECT_EQ(waiters[i].state.load(), PlaceWaiter::placed) << "leaving " << leaving;
      EXPECT_EQ(box.take(), waiters[i].envelope->ordinal);
    }
    EXPECT_EQ(waiters[leaving].state.load(), PlaceWaiter::waiting);
    EXPECT_EQ(box.mailbox.counts().refused, 1u);
    EXPECT_EQ(box.mailbox.counts().offered, 5u);
  }
}

TEST(BoundedMailboxWaiters, a_placed_waiter_cannot_withdraw) {
  Fixture box{1};
  PlaceWaiter waiter;
  EXPECT_EQ(box.push(), Outcome::accepted);
  EXPECT_EQ(box.wait(waiter), Outcome::must_wait);
  EXPECT_EQ(box.take(), 1u);
  EXPECT_FALSE(box.mailbox.withdraw(waiter));
  EXPECT_EQ(box.mailbox.counts().refused, 0u);
}

TEST(BoundedMailboxWaiters, a_push_finds_a_place_again_once_the_only_waiter_has_withdrawn) {
  Fixture box{2, 0};
  PlaceWaiter waiter;
  EXPECT_EQ(box.push(), Outcome::accepted);
  EXPECT_EQ(box.push(), Outcome::accepted);
  EXPECT_EQ(box.wait(waiter), Outcome::must_wait);
  EXPECT_EQ(box.take(), 1u);
  EXPECT_TRUE(box.mailbox.withdraw(waiter));
  EXPECT_EQ(box.push(), Outcome::accepted);
}

TEST(BoundedMailboxWaiters, close_hands_all_waiters_back_in_order_with_their_mail) {
  Fixture box{1};
  std::array<PlaceWaiter, 3> waiters;
  EXPECT_EQ(box.push(), Outcome::accepted);
  for (auto& waiter : waiters) EXPECT_EQ(box.wait(waiter), Outcome::must_wait);
  PlaceWaiter* at = box.mailbox.close();
  for (std::uint32_t i = 0; i < 3; ++i, at = at->next) {
    ASSERT_EQ(at, &waiters[i]);
    EXPECT_EQ(at->envelope->ordinal, 2 + i);
  }
  EXPECT_EQ(at, nullptr);
  EXPECT_FALSE(box.mailbox.withdraw(waiters[0])) << "B3";
  EXPECT_EQ(box.mailbox.counts().refused, 3u);
  EXPECT_EQ(box.take(), 1u);
  EXPECT_EQ(box.wake_count, 0u);
}

TEST(BoundedMailboxWaiters, an_heir_does_not_inherit_the_line) {
  Fixture box{1};
  PlaceWaiter old_waiter, new_waiter;
  EXPECT_EQ(box.push(), Outcome::accepted);
  EXPECT_EQ(box.wait(old_waiter), Outcome::must_wait);
  EXPECT_EQ(box.mailbox.close(), &old_waiter);
  EXPECT_EQ(box.take(), 1u);
  box.mailbox.open(owner, 1, 0, Overflow::suspend);
  EXPECT_EQ(box.push(), Outcome::accepted);
  EXPECT_EQ(box.wait(new_waiter), Outcome::must_wait);
  EXPECT_EQ(box.take(), 3u);
  ASSERT_EQ(box.wake_count, 1u);
  EXPECT_EQ(box.wakes[0].envelope, new_waiter.envelope);
  EXPECT_EQ(old_waiter.state.load(), PlaceWaiter::waiting);
}

TEST(BoundedMailboxDeathTest, refuses_to_be_opened_wrongly) {
  BoundedMailbox mailbox;
  EXPECT_DEATH(mailbox.open(owner, 0, 0, Overflow::reject), "capacity >= 1");
  EXPECT_DEATH(mailbox.open(owner, 4, 4, Overflow::reject), "resume_at < capacity");
  mailbox.open(owner, 4, 3, Overflow::reject);
  EXPECT_DEATH(mailbox.open(owner, 4, 3, Overflow::reject), "!open_");
}

}  // namespace
}  // namespace orrery
