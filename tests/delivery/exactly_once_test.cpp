// Goal:   what an exactly_once message does is done once: in its receiver, and in those whom its handler told.
// Method: virtual time; every schedule of small programs in which a handler fails at each of its points in turn.
#include "tests/delivery/delivery_fixture.hpp"

#include <fmt/format.h>

namespace orrery::testing {
namespace {

const MessageId some_id = message_id_of("order 17");

// ---- duplicates -----------------------------------------------------------------------------------------------------

TEST(ExactlyOnce, handles_one_of_several_with_the_same_id) {
  run_calmly([](World& w) {
    Book book;
    const auto worker = w.spawn("worker", often, Worker{&book});
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(worker->tell(Once{1}, ignore_reply, {.id = some_id}));
    EXPECT_TRUE(worker->tell(Once{1}, ignore_reply, {.id = message_id_of("order 18")}));
    EXPECT_TRUE(worker->tell(Once{1}, ignore_reply)) << "each gets an id of its own";
    EXPECT_TRUE(worker->tell(Once{1}, ignore_reply));
    w.run();
    EXPECT_EQ(book.times_ended(1), 4);
    const auto letters = letters_of(w, DeadLetterReason::duplicate);
    ASSERT_EQ(letters.size(), 2U);
    EXPECT_EQ(letters[0].id, some_id);
    expect_settled(w);
  });
}

TEST(ExactlyOnce, remembers_across_restarts_and_senders) {
  run_calmly([](World& w) {
    Book book;
    book.fail(1, 2);
    const auto worker = w.spawn("worker", often, Worker{&book});
    (void)worker->tell(Once{1}, ignore_reply, {.id = some_id});
    w.run();
    book.fail(2, 1);
    (void)worker->tell(Plain{2}, ignore_reply);
    struct Go {};
    struct Other {
      Ref<Worker> to;
      void handle(Go) { (void)to.tell(Once{1}, ignore_reply, {.id = some_id}); }
    };
    w.spawn(Other{*worker}).tell(Go{});
    w.run();
    EXPECT_EQ(book.times_ended(1), 1);
    EXPECT_EQ(book.attempts_of(1), (std::vector<std::uint32_t>{0, 1, 2}));
    EXPECT_EQ(letters_of(w, DeadLetterReason::duplicate).size(), 1U);
  });
}

TEST(ExactlyOnce, knows_the_held_one_when_another_sender_was_faster) {
  run_calmly([](World& w) {
    Book book;
    book.fail(1, 1);
    const auto worker = w.spawn("worker", often, Worker{&book});
    struct Go {};
    struct Other {
      Ref<Worker> to;
      void handle(Go) {
        (void)to.tell(Once{1}, ignore_reply, {.id = some_id});
        (void)to.tell(Once{2}, ignore_reply);
      }
    };
    const auto slow = w.spawn(Other{*worker});
    const auto fast = w.spawn(Other{*worker});
    slow.tell(Go{});
    w.run_for(1ms);  // its first has failed and is held
    fast.tell(Go{});
    w.run();
    EXPECT_EQ(book.begun_as(), (std::vector{1, 1, 2, 2}));
    EXPECT_EQ(book.times_ended(1), 1);
    EXPECT_EQ(letters_of(w, DeadLetterReason::duplicate).size(), 1U);
    expect_settled(w);
  });
}

TEST(ExactlyOnce, that_was_given_up_may_come_again) {
  run_calmly([](World& w) {
    Book book;
    book.fail(1, 5);
    const auto worker = w.spawn("worker", often, Worker{&book});
    (void)worker->tell(Once{1}, ignore_reply, {.id = some_id});
    w.run();
    const auto letters = letters_of(w, DeadLetterReason::delivery_exhausted);
    ASSERT_EQ(letters.size(), 1U);
    EXPECT_EQ(letters[0].id, some_id);
    (void)worker->tell(Once{1}, ignore_reply, {.id = letters[0].id});
    w.run();
    EXPECT_EQ(book.times_ended(1), 1);
    expect_settled(w);
  });
}

TEST(ExactlyOnce, forgets_past_its_window_and_then_handles_again) {
  sim::RunOptions options = no_faults();
  options.runtime.delivery.dedupe_ids_max = 3;
  options.runtime.delivery.dedupe_for = 1min;
  run_calmly(
      [](World& w) {
        Book book;
        const auto worker = w.spawn("worker", often, Worker{&book});
        const auto send = [&](int what) {
          (void)worker->tell(Once{what}, ignore_reply, {.id = message_id_of(fmt::format("{}", what))});
          w.run();
        };
        for (const int what : {1, 2, 3, 1, 2, 3}) send(what);
        EXPECT_EQ(book.ended, (std::vector{1, 2, 3}));
        send(4);  // takes the place of 1
        send(2);
        send(1);  // is new again, and takes the place of 2
        send(2);
        EXPECT_EQ(book.ended, (std::vector{1, 2, 3, 4, 1, 2}));
        w.run_for(1min);
        send(2);
        EXPECT_EQ(book.times_ended(2), 2) << "a minute is still within";
        w.run_for(1ns);
        send(2);
        EXPECT_EQ(book.times_ended(2), 3);
        expect_settled(w);
      },
      options);
}

// ---- asks -----------------------------------------------------------------------------------------------------------

struct Touch {
  using Reply = void;
};
struct Secret {
  using Reply = std::unique_ptr<int>;
};
struct Clerk {
  int touched = 0;
  int secrets = 0;
  int jobs = 0;
  void handle(Touch) { ++touched; }
  std::unique_ptr<int> handle(Secret) { return std::make_unique<int>(++secrets); }
  int handle(Once) { return ++jobs; }
};

TEST(ExactlyOnce, asks_get_the_same_reply_again) {
  run_calmly([](World& w) {
    const auto clerk = w.spawn("clerk", Clerk{});
    EXPECT_EQ(clerk->ask(Once{0}, {.id = some_id}), 1);
    EXPECT_EQ(clerk->ask(Once{0}, {.id = some_id}), 1);
    EXPECT_EQ(clerk->ask(Once{0}), 2);
    EXPECT_EQ(w.peek(*clerk).jobs, 2);

    const SendOptions touch{.delivery = Delivery::exactly_once, .id = message_id_of("touch")};
    EXPECT_TRUE(clerk->ask(Touch{}, touch));
    EXPECT_TRUE(clerk->ask(Touch{}, touch)) << "without a reply there is nothing to know but that it was done";
    EXPECT_EQ(w.peek(*clerk).touched, 1);
    expect_settled(w);
  });
}

TEST(ExactlyOnce, asks_whose_reply_was_not_kept_say_that_they_are_duplicates) {
  run_calmly([](World& w) {
    const auto clerk = w.spawn("clerk", Clerk{});
    const SendOptions secret{.delivery = Delivery::exactly_once, .id = message_id_of("secret")};
    EXPECT_EQ(*clerk->ask(Secret{}, secret).value(), 1);
    EXPECT_EQ(clerk->ask(Secret{}, secret).error(), AskError::duplicate) << "it cannot be copied";
    (void)clerk->tell(Once{0}, ignore_reply, {.id = some_id});
    EXPECT_EQ(clerk->ask(Once{0}, {.id = some_id}).error(), AskError::duplicate) << "nobody wanted it";
    EXPECT_EQ(clerk->ask(Once{0}, {.id = message_id_of("secret")}).error(), AskError::duplicate) << "of another type";
    expect_settled(w);
  });
}

TEST(ExactlyOnce, asks_that_timed_out_can_be_asked_again) {
  run_calmly([](World& w) {
    Book book;
    book.fail(1, 2);
    const auto worker = w.spawn("worker", often, Worker{&book});
    EXPECT_EQ(worker->ask(Once{1}, {.id = some_id}, 5ms).error(), AskError::timeout);
    EXPECT_EQ(worker->ask(Once{1}, {.id = some_id}, 1s), 10);
    EXPECT_EQ(book.times_ended(1), 1);
    w.run();
    expect_settled(w);
  });
}

// ---- what the handler sends -----------------------------------------------------------------------------------------

struct Effect {
  int what = 0;
};
struct Sink {
  std::vector<int>* seen;
  void handle(Effect effect) { seen->push_back(effect.what); }
};
struct TellsWhenItGoes {
  Ref<Sink> to;
  int what;
  ~TellsWhenItGoes() { (void)to.tell(Effect{what}); }
};
/// Tells three effects, and fails before, between or after them.
struct Forwarder {
  Ref<Sink> a, b;
  Book* book;
  int fails_at;  ///< of the first attempt; 0 to 3
  int handle(Once once, Context& context) {
    const auto point = [&](int number) {
      if (context.attempt() == 0 && number == fails_at) throw std::runtime_error{"here"};
    };
    book->begun.push_back({once.what, context.attempt(), context.now()});
    const TellsWhenItGoes last{b, 10 * once.what + 9};
    point(0);
    EXPECT_TRUE(a.tell(Effect{10 * once.what + 1}));
    point(1);
    EXPECT_TRUE(b.tell(Effect{10 * once.what + 2}));
    point(2);
    EXPECT_EQ(a.tell_many<Effect>(std::vector{Effect{10 * once.what + 3}}), 1U);
    point(3);
    book->ended.push_back(once.what);
    return 0;
  }
};

TEST(ExactlyOnce, whatever_the_handler_tells_is_told_once_wherever_it_fails_in_every_schedule) {
  for (int fails_at = 0; fails_at <= 4; ++fails_at) {
    const Texts texts = all_texts(
        [fails_at](World& w, std::string& text) {
          Book book;
          std::vector<int> at_a;
          std::vector<int> at_b;
          const auto a = w.spawn(Sink{&at_a});
          const auto b = w.spawn(Sink{&at_b});
          const auto forwarder = w.spawn("forwarder", often, Forwarder{a, b, &book, fails_at});
          const auto one = w.spawn(Boss<Delivery::exactly_once>{});
          struct Go {};
          struct Sender {
            Ref<Forwarder> to;
            void handle(Go) {
              (void)to.tell(Once{1}, ignore_reply, {.id = some_id});
              (void)to.tell(Once{1}, ignore_reply, {.id = some_id});
            }
          };
          (void)one;
          const auto x = w.spawn(Sender{*forwarder});
          const auto y = w.spawn(Sender{*forwarder});
          x.tell(Go{});
          y.tell(Go{});
          w.run();
          text = fmt::format("{} {} ended {}", fmt::join(at_a, ","), fmt::join(at_b, ","), book.times_ended(1));
          expect_settled(w);
        },
        without_jitter());
    EXPECT_EQ(texts, Texts{"11,13 12,19 ended 1"}) << "fails at " << fails_at;
  }
}

struct Question {
  using Reply = int;
};
struct Answerer {
  int handle(Question) { return 7; }
};
/// Tells, waits for an answer, tells again.
struct Patient {
  Ref<Sink> to;
  Ref<Answerer> of;
  int handle(Once once, Context& context) {
    (void)to.tell(Effect{1});
    const auto answer = of.ask(Question{});
    (void)to.tell(Effect{*answer});
    context.sleep(1s);
    if (once.what == 13 && context.attempt() == 0) throw std::runtime_error{"unlucky"};
    return 0;
  }
};
struct Bystander {
  Ref<Sink> to;
  void handle(Effect effect) { (void)to.tell(effect); }
};

TEST(ExactlyOnce, tells_leave_only_when_the_handler_has_returned_and_others_go_on) {
  run_calmly([](World& w) {
    std::vector<int> seen;
    std::vector<int> seen_by_other;
    const auto sink = w.spawn(Sink{&seen});
    const auto other = w.spawn(Bystander{w.spawn(Sink{&seen_by_other})});
    const auto patient = w.spawn("patient", often, Patient{sink, w.spawn(Answerer{})});
    (void)patient->tell(Once{13}, ignore_reply);
    w.run_for(500ms);
    EXPECT_TRUE(seen.empty());
    other.tell(Effect{5});
    w.run_for(1ms);
    EXPECT_EQ(seen_by_other, std::vector{5}) << "while it sleeps";
    w.run_for(1s);
    EXPECT_TRUE(seen.empty()) << "the first attempt has failed, the second sleeps";
    w.run();
    EXPECT_EQ(seen, (std::vector{1, 7}));
    expect_settled(w);
  });
}

TEST(ExactlyOnce, tells_of_a_handler_that_was_unwound_were_never_made) {
  run_calmly([](World& w) {
    std::vector<int> seen;
    const auto sink = w.spawn(Sink{&seen});
    const auto patient = w.spawn("patient", often, Patient{sink, w.spawn(Answerer{})});
    (void)patient->tell(Once{1}, ignore_reply);
    w.run_for(500ms);
    w.kill(*patient);
    w.run();
    EXPECT_TRUE(seen.empty());
    EXPECT_EQ(w.ledger().offered, 2U) << "the message and the question";
    expect_settled(w);
  });
}

/// Forwards exactly once, which may fail at each link of the chain.
struct Link_ {
  std::vector<Ref<Link_>> next;
  Book* book;
  int handle(Once once, Context& context) {
    book->begun.push_back({once.what, context.attempt(), context.now()});
    if (!next.empty()) (void)next.front().tell(once, ignore_reply);
    if (book->shall_fail(once.what)) throw std::runtime_error{"as told"};
    book->ended.push_back(once.what);
    return 0;
  }
};
TEST(ExactlyOnce, holds_along_a_chain_in_which_everybody_fails) {
  run_calmly([](World& w) {
    Book books[4];
    std::vector<Ref<Link_>> next;
    for (Book& book : books) {
      for (int what = 1; what <= 3; ++what) book.fail(what, what);
      const auto link = w.spawn(fmt::format("link{}", &book - books), often, Link_{next, &book});
      next = {*link};
    }
    for (int what = 1; what <= 3; ++what) (void)next.front().tell(Once{what}, ignore_reply);
    w.run();
    for (const Book& book : books) EXPECT_EQ(book.ended, (std::vector{1, 2, 3}));
    expect_settled(w);
  });
}

struct Stopped {
  void handle(Effect) {}
};
/// Tells somebody who is gone by then, and two whose mailboxes are full.
struct Unlucky {
  Ref<Sink> gone, rejecting, suspending;
  int handle(Once) {
    for (const auto& to : {gone, rejecting, suspending}) {
      for (int what = 1; what <= 3; ++what) EXPECT_TRUE(to.tell(Effect{what})) << "nobody knows yet";
    }
    EXPECT_EQ(Ref<Sink>{}.tell(Effect{1}).error(), TellError::actor_not_found);
    return 0;
  }
};
TEST(ExactlyOnce, tells_that_are_refused_when_they_leave_are_dead_letters_unless_they_can_wait) {
  run_calmly([](World& w) {
    std::vector<int> seen;
    std::vector<int> seen_by_rejecting;
    const auto gone = w.spawn(Sink{&seen});
    w.stop(gone);
    w.run();
    const auto rejecting = w.spawn("rejecting", Sink{&seen_by_rejecting}, {.mailbox = bounded(1)});
    const auto suspending = w.spawn("suspending", Sink{&seen}, {.mailbox = bounded(1, Overflow::suspend)});
    const auto unlucky = w.spawn(Unlucky{gone, *rejecting, *suspending});
    (void)unlucky.tell(Once{1}, ignore_reply);
    w.run();
    EXPECT_EQ(seen, (std::vector{1, 2, 3}));
    EXPECT_EQ(letters_of(w, DeadLetterReason::actor_stopped).size(), 3U);
    EXPECT_EQ(letters_of(w, DeadLetterReason::mailbox_full).size(), 3 - seen_by_rejecting.size());
    expect_settled(w);
  });
}

struct Stasher {
  Ref<Sink> to;
  Book* book;
  bool is_open = false;
  int handle(Once once, Context& context) {
    (void)to.tell(Effect{is_open ? once.what : -once.what});
    if (!is_open) {
      context.stash(once);
      return 0;
    }
    if (book->shall_fail(once.what)) {
      is_open = false;
      throw std::runtime_error{"as told"};
    }
    book->ended.push_back(once.what);
    return 0;
  }
  void handle(Effect, Context& context) {
    is_open = true;
    context.unstash_all();
  }
};
TEST(ExactlyOnce, a_stashed_message_is_not_handled_yet) {
  run_calmly([](World& w) {
    Book book;
    std::vector<int> seen;
    const auto stasher = w.spawn("stasher", often, Stasher{w.spawn(Sink{&seen}), &book});
    (void)stasher->tell(Once{1}, ignore_reply, {.id = some_id});
    (void)stasher->tell(Once{1}, ignore_reply, {.id = some_id});
    w.run();
    EXPECT_EQ(seen, (std::vector{-1, -1})) << "both were looked at";
    stasher->tell(Effect{});
    w.run();
    EXPECT_EQ(seen, (std::vector{-1, -1, 1}));
    EXPECT_EQ(book.times_ended(1), 1);
    EXPECT_EQ(letters_of(w, DeadLetterReason::duplicate).size(), 1U);
    expect_settled(w);
  });
}

struct SeesIds {
  std::vector<MessageId>* seen;
  int handle(Once, Context& context) {
    seen->push_back(context.message_id());
    return 0;
  }
  int handle(Plain, Context& context) {
    EXPECT_FALSE(context.message_id().is_set());
    return 0;
  }
  int handle(Assured, Context& context) {
    seen->push_back(context.message_id());
    return 0;
  }
};
TEST(MessageIds, are_drawn_or_given_and_told_to_the_handler) {
  run_calmly([](World& w) {
    std::vector<MessageId> seen;
    const auto actor = w.spawn(SeesIds{&seen});
    (void)actor.tell(Plain{}, ignore_reply, {.id = some_id});
    (void)actor.tell(Once{}, ignore_reply);
    (void)actor.tell(Once{}, ignore_reply, {.id = MessageId{}});
    (void)actor.tell(Once{}, ignore_reply, {.id = some_id});
    (void)actor.tell(Assured{}, ignore_reply, {.id = some_id});
    (void)actor.tell(Assured{}, ignore_reply);
    w.run();
    ASSERT_EQ(seen.size(), 5U);
    EXPECT_TRUE(seen[0].is_set() && seen[1].is_set() && seen[0] != seen[1]);
    EXPECT_EQ(seen[2], some_id);
    EXPECT_EQ(seen[3], some_id);
    EXPECT_FALSE(seen[4].is_set());
  });
}

}  // namespace
}  // namespace orrery::testing
