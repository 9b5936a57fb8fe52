// MailQueue: M1 to M3, with consumers that go idle and are made anew by whoever finds the mailbox idle.
#include "orrery/actor/mail_queue.hpp"
#include "tests/interleavings/checker/explore.hpp"

#include <gtest/gtest.h>

#include <array>

namespace orrery::interleave {
namespace {

struct Mail : Link {
  Mail(int from, int number) : sender{from}, ordinal{number} {}
  Plain<int> sender;
  Plain<int> ordinal;
};

/// How the consumer takes its mail: detached before it is handled, or finished after.
enum class Way : std::uint8_t { take, finish };

/// A mailbox and the state of its actor. Nothing but the mailbox orders one consumer after another: whoever has to
/// schedule the consumer becomes it at once.
struct Actor {
  Model& model;
  Way way;
  MailQueue mailbox;
  std::array<Plain<int>, 3> handled_of;  // M2: touched by consumers only, one after the other
  Plain<int> handled{0};

  void handle(Mail& mail) {
    auto& count = handled_of[static_cast<std::size_t>(mail.sender.get())];
    model.require(mail.ordinal == count, "M1: one sender's mail comes in its order");
    count = count + 1;
    handled = handled + 1;
  }
  void consume() {
    if (way == Way::finish) return consume_and_finish();
    while (true) {
      if (Link* const node = mailbox.take()) {
        auto& mail = static_cast<Mail&>(*node);
        handle(mail);
        model.destroy(mail);  // M3
      } else if (mailbox.go_idle()) {
        return;
      }
    }
  }
  void consume_and_finish() {
    while (Link* const node = mailbox.first()) {
      auto& mail = static_cast<Mail&>(*node);
      handle(mail);
      const bool is_idle = mailbox.finish(mail);
      model.destroy(mail);
      if (is_idle) return;
    }
    model.require(false, "a consumer that finishes is never without mail");
  }
  void send(int from, int number) {
    if (mailbox.push(model.make<Mail>(from == 0 ? "mail of a" : from == 1 ? "mail of b" : "mail of c", from, number))) {
      consume();
    }
  }
};

Body senders(Way way, int count, int each) {
  return [=](Model& model) {
    Actor actor{model, way, {}, {}, {}};
    model.name(actor.mailbox, "mailbox");
    constexpr const char* names[] = {"a", "b", "c"};
    for (int from = 0; from < count; ++from) {
      model.thread(names[from], [&actor, from, each] {
        for (int number = 0; number < each; ++number) actor.send(from, number);
      });
    }
    model.run();
    model.require(actor.handled == count * each, "every message was handled");
    model.require(model.alive() == 0, "every message was freed");
    model.require(actor.mailbox.claim(), "the mailbox is idle");
  };
}

TEST(MailQueue, hands_over_everything_in_order_to_one_consumer_at_a_time) {
  for (const Way way : {Way::take, Way::finish}) {
    const std::string name = way == Way::take ? "mail taken, " : "mail finished, ";
    expect_holds(name + "2 x 1", all(), senders(way, 2, 1));
    expect_holds(name + "2 x 2", all(), senders(way, 2, 2));
    expect_holds(name + "3 x 1", all(), senders(way, 3, 1));
    expect_holds(name + "2 x 3", preemptions(2), senders(way, 2, 3));
    expect_holds(name + "3 x 2", random(20'000), senders(way, 3, 2));
  }
}

// A spawn claims the mailbox of an empty cell, and must not meet the worker that puts a stray away.
TEST(MailQueue, is_claimed_by_one_or_consumed_by_one) {
  expect_holds("mail claimed", all(), [](Model& model) {
    Actor actor{model, Way::take, {}, {}, {}};
    model.name(actor.mailbox, "mailbox");
    model.thread("sends", [&] { actor.send(0, 0); });
    model.thread("spawns", [&] {
      while (!actor.mailbox.claim()) spin_pause();
      actor.handled = actor.handled + 10;
      actor.consume();
    });
    model.run();
    model.require(actor.handled == 11, "both had their turn");
  });
}

}  // namespace
}  // namespace orrery::interleave
