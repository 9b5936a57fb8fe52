// BoundedMailbox: senders that wait for a place on their own stacks, which go away as soon as they may (B2, B3).
#include "orrery/actor/bounded_mailbox.hpp"
#include "tests/interleavings/checker/explore.hpp"

#include <gtest/gtest.h>

#include <array>

namespace orrery::interleave {
namespace {

constexpr Handle owner{1, 1};

struct Place {
  Model& model;
  BoundedMailbox mailbox;
  std::array<int, 3> became{};  ///< of each sender's message: see the constants
  static constexpr int placed = 1;
  static constexpr int refused = 2;

  explicit Place(Model& of) : model{of} { mailbox.open(owner, 1, 0, Overflow::suspend); }

  /// As Runtime::send_or_wait() does it; `patient`: without a deadline.
  void send(std::size_t number, bool patient) {
    auto& envelope = model.make<Envelope>("envelope of " + std::string(1, static_cast<char>('a' + number)));
    auto& waiter = model.make<PlaceWaiter>("waiter " + std::string(1, static_cast<char>('a' + number)));
    became[number] = refused;
    switch (mailbox.push_or_wait(envelope, owner, waiter)) {
      case BoundedMailbox::Outcome::accepted:
        became[number] = placed;
        break;
      case BoundedMailbox::Outcome::must_wait:
        while (patient && waiter.state.load(std::memory_order_seq_cst) == PlaceWaiter::waiting) spin_pause();
        if (!mailbox.withdraw(waiter) && waiter.state.load(std::memory_order_acquire) == PlaceWaiter::placed) {
          became[number] = placed;
        }
        break;
      default:
        break;
    }
    model.destroy(waiter);
    if (became[number] == refused) model.destroy(envelope);
  }
  /// Returns: whether there was something.
  bool take() {
    std::array<BoundedMailbox::Wake, BoundedMailbox::wakes_max> wakes;
    std::size_t count = 0;
    Envelope* const envelope = mailbox.take(wakes.data(), count);
    if (envelope != nullptr) model.destroy(*envelope);
    return envelope != nullptr;
  }
  /// As Runtime::close_bounded() does it.
  void close() {
    for (PlaceWaiter* waiter = mailbox.close(); waiter != nullptr;) {
      PlaceWaiter* const next = waiter->next;
      waiter->state.store(PlaceWaiter::closed, std::memory_order_seq_cst);
      waiter = next;
    }
    while (take()) {
    }
  }
};

Body waiters(int patient, int impatient, bool closes) {
  return [=](Model& model) {
    Place place{model};
    model.name(place.mailbox, "mailbox");
    const int total = patient + impatient;
    for (int i = 0; i < total; ++i) {
      model.thread(std::string(1, static_cast<char>('a' + i)),
                   [&place, i, patient] { place.send(static_cast<std::size_t>(i), i < patient); });
    }
    model.thread("owner", [&, patient, closes] {
      if (closes) return place.close();
      for (int taken = 0; taken < patient;) {
        if (place.take()) {
          ++taken;
        } else {
          spin_pause();
        }
      }
    });
    model.run();
    while (place.take()) {
    }
    for (int i = 0; i < total; ++i) {
      const int became = place.became[static_cast<std::size_t>(i)];
      model.require(became == Place::placed || (became == Place::refused && (closes || i >= patient)),
                    "whoever waits without a deadline gets a place");
    }
    model.require(model.alive() == 0, "no envelope is lost");
  };
}

TEST(BoundedMailbox, a_waiter_leaves_exactly_once_and_nobody_touches_it_afterwards) {
  expect_holds("waiters, 2 patient", preemptions(2), waiters(2, 0, false));
  expect_holds("waiters, 1 patient, 1 not", preemptions(2), waiters(1, 1, false));
  expect_holds("waiters, closed", preemptions(3), waiters(2, 0, true));
  expect_holds("waiters, 3, random", random(20'000), waiters(2, 1, false));
}

}  // namespace
}  // namespace orrery::interleave
