// Goal:   whatever is done to a bounded mailbox in whatever order, it does what its contract says.
// Method: random operations on small capacities, each compared with a model made of plain queues that
//         knows the rules (places, priorities, waiters, marks) and none of the links.
#include "orrery/actor/bounded_mailbox.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <random>
#include <vector>

namespace orrery {
namespace {

using Outcome = BoundedMailbox::Outcome;
constexpr Handle owner{7, 3};

bool counts(const Envelope& envelope) { return (envelope.flags & Envelope::uncounted) == 0; }
bool is_assured(const Envelope& envelope) { return (envelope.flags & Envelope::is_assured) != 0; }
constexpr std::uint32_t outside_max = 3;

/// What a bounded mailbox is: mail in arrival order, a line of waiters, and arithmetic.
struct Model {
  std::uint32_t capacity, resume_at;
  Overflow overflow;
  std::deque<Envelope*> mail;  // all priorities, in arrival order
  std::deque<PlaceWaiter*> line;
  Lanes::Depths ages{};
  bool draining = false;
  std::uint64_t offered = 0, refused = 0, dropped = 0;
  std::size_t high_water = 0;

  [[nodiscard]] std::size_t counted() const {
    return static_cast<std::size_t>(std::ranges::count_if(mail, [](auto* e) { return counts(*e); }));
  }
  [[nodiscard]] bool has_place() const { return counted() < capacity && line.empty(); }
  void enter(Envelope& envelope) {
    mail.push_back(&envelope);
    high_water = std::max(high_water, mail.size());
  }

  [[nodiscard]] std::size_t outside() const {
    return static_cast<std::size_t>(std::ranges::count_if(line, [](auto* waiter) { return waiter->is_outside; }));
  }

  BoundedMailbox::Pushed push(Envelope& envelope) {
    const auto droppable = [](auto* e) { return counts(*e) && !is_assured(*e); };
    if (!has_place() && is_assured(envelope) &&
        (overflow != Overflow::drop_oldest || !line.empty() || std::ranges::none_of(mail, droppable))) {
      return {Outcome::must_wait};
    }
    ++offered;
    if (!counts(envelope) || has_place()) {
      enter(envelope);
      return {Outcome::accepted};
    }
    if (overflow == Overflow::drop_oldest && std::ranges::none_of(mail, droppable)) {
      ++dropped;
      return {Outcome::dropped_newest};
    }
    if (overflow == Overflow::drop_newest) {
      ++dropped;
      return {Outcome::dropped_newest};
    }
    if (overflow != Overflow::drop_oldest) {
      ++refused;
      return {Outcome::full};
    }
    ++dropped;
    auto victim = mail.end();
    for (auto at = mail.begin(); at != mail.end(); ++at) {
      if (droppable(*at) && (victim == mail.end() || (*at)->priority > (*victim)->priority)) victim = at;
    }
    Envelope* const gone = *victim;
    mail.erase(victim);
    enter(envelope);
    return {Outcome::replaced_oldest, gone};
  }
  Outcome push_or_wait(Envelope& envelope, PlaceWaiter& waiter) {
    ++offered;
    if (has_place()) {
      enter(envelope);
      return Outcome::accepted;
    }
    if (waiter.is_outside && outside() == outside_max) {
      ++refused;
      return Outcome::full;
    }
    line.push_back(&waiter);
    draining = true;
    return Outcome::must_wait;
  }
  bool withdraw(PlaceWaiter& waiter) {
    if (std::erase(line, &waiter) == 0) return false;
    ++refused;
    return true;
  }
  /// Returns: what is taken, and appends whose mail entered to `woken`.
  Envelope* take(std::vector<PlaceWaiter*>& woken) {
    if (mail.empty()) return nullptr;
    Lanes::Depths depths{};
    for (auto* const envelope : mail) ++depths[static_cast<std::size_t>(envelope->priority)];
    const std::size_t lane = Lanes::pick(depths, ages);  // judged in lanes_test.cpp
    for (std::size_t i = 0; i < priority_count; ++i) ages[i] = i == lane || depths[i] == 0 ? 0 : ages[i] + 1;
    const auto at = std::ranges::find_if(mail, [&](auto* e) { return static_cast<std::size_t>(e->priority) == lane; });
    Envelope* const taken = *at;
    mail.erase(at);
    if (draining && counted() > resume_at) return taken;
    while (!line.empty() && counted() < capacity && woken.size() < BoundedMailbox::wakes_max) {
      woken.push_back(line.front());
      line.pop_front();
      enter(*woken.back()->envelope);
    }
    draining = !line.empty();
    return taken;
  }
};

struct Case {
  std::uint32_t capacity, resume_at;
  Overflow overflow;
};

void run(const Case& shape, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  BoundedMailbox mailbox;
  mailbox.open(owner, shape.capacity, shape.resume_at, shape.overflow);
  Model model{shape.capacity, shape.resume_at, shape.overflow, {}, {}};
  std::vector<std::unique_ptr<Envelope>> all;
  std::list<PlaceWaiter> waiters;
  std::list<PlaceWaiter> outside;  // those that nobody withdraws
  const auto make = [&](std::uint8_t flags) -> Envelope& {
    auto& envelope = *all.emplace_back(std::make_unique<Envelope>());
    envelope.priority = static_cast<Priority>(random() % priority_count);
    envelope.flags = flags;
    return envelope;
  };
  for (int step = 0; step < 400; ++step) {
    const auto choice = random() % 12;
    if (choice >= 10) {
      Envelope& envelope = make(Envelope::is_assured);
      const auto expected = model.push(envelope);
      const auto pushed = mailbox.push(envelope, owner);
      ASSERT_EQ(pushed.outcome, expected.outcome);
      ASSERT_EQ(pushed.victim, expected.victim);
      ASSERT_TRUE(pushed.outcome == Outcome::accepted || pushed.outcome == Outcome::replaced_oldest ||
                  pushed.outcome == Outcome::must_wait)
          << "B5";
      if (pushed.outcome == Outcome::must_wait) {
        PlaceWaiter& waiter = outside.emplace_back();
        waiter.envelope = &envelope;
        waiter.is_outside = true;
        const auto then = model.push_or_wait(envelope, waiter);
        ASSERT_EQ(mailbox.push_or_wait(envelope, owner, waiter, outside_max), then);
      }
    } else if (choice < 3) {
      Envelope& envelope = make(random() % 4 == 0 ? std::uint8_t{Envelope::uncounted} : std::uint8_t{0});
      const auto expected = model.push(envelope);
      const auto pushed = mailbox.push(envelope, owner);
      ASSERT_EQ(pushed.outcome, expected.outcome);
      ASSERT_EQ(pushed.victim, expected.victim);
    } else if (choice < 5 && shape.overflow == Overflow::suspend) {
      Envelope& envelope = make(0);
      PlaceWaiter& waiter = waiters.emplace_back();
      waiter.sender = {static_cast<std::uint32_t>(waiters.size()), 1};
      const auto expected = model.push_or_wait(envelope, waiter);
      ASSERT_EQ(mailbox.push_or_wait(envelope, owner, waiter), expected);
    } else if (choice == 5 && !waiters.empty()) {
      PlaceWaiter& waiter = *std::next(waiters.begin(), static_cast<std::ptrdiff_t>(random() % waiters.size()));
      const bool expected = model.withdraw(waiter);
      ASSERT_EQ(mailbox.withdraw(waiter), expected);
    } else {
      std::vector<PlaceWaiter*> woken;
      Envelope* const expected = model.take(woken);
      std::array<BoundedMailbox::Wake, BoundedMailbox::wakes_max> wakes;
      std::size_t wake_count = 99;
      ASSERT_EQ(mailbox.take(wakes.data(), wake_count), expected);
      ASSERT_EQ(wake_count, woken.size());
      for (std::size_t i = 0; i < wake_count; ++i) {
        ASSERT_EQ(wakes[i].sender, woken[i]->sender);
        ASSERT_EQ(wakes[i].envelope, woken[i]->envelope);
        ASSERT_EQ(wakes[i].outside, woken[i]->is_outside ? woken[i] : nullptr);
        ASSERT_EQ(woken[i]->state.load(), PlaceWaiter::placed);
      }
    }
    ASSERT_LE(model.counted(), shape.capacity) << "B1, of the model";
    ASSERT_FALSE(!model.line.empty() && model.mail.empty()) << "somebody waits and nothing would wake them";
    const auto seen = mailbox.counts();
    ASSERT_EQ(seen.offered, model.offered);
    ASSERT_EQ(seen.refused, model.refused);
    ASSERT_EQ(seen.dropped, model.dropped);
    ASSERT_EQ(seen.depth, model.mail.size());
    ASSERT_EQ(seen.high_water, model.high_water);
    ASSERT_EQ(seen.outside, model.outside());
    ASSERT_EQ(mailbox.empty(), model.mail.empty());
    ASSERT_EQ(mailbox.has_waiters(), !model.line.empty());
    ASSERT_EQ(mailbox.is_full(), !model.has_place());
  }
  std::vector<PlaceWaiter*> left;
  for (auto* at = mailbox.close(); at != nullptr; at = at->next) left.push_back(at);
  ASSERT_TRUE(std::ranges::equal(left, model.line));
}

TEST(BoundedMailboxModel, agrees_with_plain_queues_for_every_policy_and_small_capacity) {
  for (const auto policy : {Overflow::suspend, Overflow::reject, Overflow::drop_newest, Overflow::drop_oldest}) {
    for (const std::uint32_t capacity : {1u, 2u, 3u, 12u}) {
      for (std::uint32_t resume_at = 0; resume_at < capacity; resume_at += 1 + capacity / 4) {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
          SCOPED_TRACE(testing::Message() << "policy " << static_cast<int>(policy) << " capacity " << capacity
                                          << " resume_at " << resume_at << " seed " << seed);
          run({capacity, resume_at, policy}, seed);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

}  // namespace
}  // namespace orrery
