// Goal:   an at_least_once message is handled to its end, whatever its receiver goes through, unless it poisons it.
// Method: virtual time, so that every backoff is exact; and small programs under every schedule.
#include "tests/delivery/delivery_fixture.hpp"

#include <orrery/supervision.hpp>

namespace orrery::testing {
namespace {

using AssuredBoss = Boss<Delivery::at_least_once>;

TEST(AtLeastOnce, comes_again_after_a_failure_and_says_so) {
  run_calmly([](World& w) {
    Book book;
    book.fail(1, 2);
    const auto worker = w.spawn("worker", often, Worker{&book});
    EXPECT_TRUE(worker->tell(Assured{1}, ignore_reply));
    w.run();
    EXPECT_EQ(book.attempts_of(1), (std::vector<std::uint32_t>{0, 1, 2}));
    EXPECT_EQ(book.ended, std::vector{1});
    EXPECT_EQ(w.ledger().offered, 1U) << "coming again is no new offer";
    EXPECT_EQ(w.ledger().handled, 1U);
    EXPECT_EQ(w.ledger().failed, 0U);
    expect_settled(w);
  });
}

TEST(AtLeastOnce, comes_again_after_10_ms_then_20_then_40_up_to_a_second) {
  auto options = without_jitter();
  options.runtime.delivery.attempts_max = 0;
  run_calmly(
      [](World& w) {
        Book book;
        book.fail(1, 9);
        const auto worker = w.spawn("worker", often, Worker{&book});
        (void)worker->tell(Assured{1}, ignore_reply);
        w.run();
        std::vector<std::int64_t> waits;
        for (std::size_t i = 1; i < book.begun.size(); ++i) {
          waits.push_back((book.begun[i].when - book.begun[i - 1].when) / 1ms);
        }
        EXPECT_EQ(waits, (std::vector<std::int64_t>{10, 20, 40, 80, 160, 320, 640, 1'000, 1'000}));
      },
      options);
}

TEST(AtLeastOnce, waits_up_to_a_fifth_longer_as_the_worlds_entropy_has_it) {
  std::set<Duration> waits;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Book book;
    book.fail(1, 1);
    (void)sim::execute(
        [&](World& w) {
          (void)w.spawn("worker", often, Worker{&book})->tell(Assured{1}, ignore_reply);
          w.run();
        },
        random_walk(seed), no_faults());
    ASSERT_EQ(book.begun.size(), 2U);
    waits.insert(book.begun[1].when - book.begun[0].when);
  }
  EXPECT_GE(*waits.begin(), 10ms);
  EXPECT_LE(*waits.rbegin(), 12ms);
  EXPECT_GT(waits.size(), 10U);
}

TEST(AtLeastOnce, holds_its_pair_and_nobody_else) {
  run_calmly([](World& w) {
    Book book;
    book.fail(1, 2);
    const auto worker = w.spawn("worker", often, Worker{&book});
    const auto one = w.spawn(AssuredBoss{worker});
    const auto other = w.spawn(AssuredBoss{worker});
    one.tell(AssuredBoss::Go{{1, 2, 3}});
    w.run_for(1ms);
    other.tell(AssuredBoss::Go{{7, 8}});
    w.run();
    EXPECT_EQ(book.begun_as(), (std::vector{1, 7, 8, 1, 1, 2, 3}));
    expect_settled(w);
  });
}

TEST(AtLeastOnce, holds_neither_other_classes_nor_other_priorities_of_its_sender) {
  run_calmly([](World& w) {
    Book book;
    book.fail(1, 1);
    const auto worker = w.spawn("worker", often, Worker{&book});
    (void)worker->tell(Assured{1}, ignore_reply);
    (void)worker->tell(Assured{2}, ignore_reply);
    (void)worker->tell(Plain{3}, ignore_reply);
    (void)worker->tell(Once{4}, ignore_reply);
    (void)worker->tell(Assured{5}, ignore_reply, {.priority = Priority::low});
    w.run();
    EXPECT_EQ(book.begun_as(), (std::vector{1, 3, 4, 5, 1, 2}));
    expect_settled(w);
  });
}

TEST(AtLeastOnce, keeps_its_pairs_order_while_several_of_it_fail) {
  run_calmly([](World& w) {
    Book book;
    for (const int what : {1, 2, 4}) book.fail(what, 2);
    const auto worker = w.spawn("worker", often, Worker{&book});
    w.spawn(AssuredBoss{worker}).tell(AssuredBoss::Go{{1, 2, 3, 4, 5}});
    w.run();
    EXPECT_EQ(book.begun_as(), (std::vector{1, 1, 1, 2, 2, 2, 3, 4, 4, 4, 5}));
    EXPECT_EQ(book.ended, (std::vector{1, 2, 3, 4, 5}));
  });
}

TEST(AtLeastOnce, ends_as_a_dead_letter_with_its_history_after_five_failures) {
  run_calmly(
      [](World& w) {
        Book book;
        book.fail(1, 1'000);
        const auto worker = w.spawn("worker", often, Worker{&book});
        const auto boss = w.spawn("boss", AssuredBoss{worker});
        boss->tell(AssuredBoss::Go{{1, 2}});
        w.run();
        EXPECT_EQ(book.attempts_of(1), (std::vector<std::uint32_t>{0, 1, 2, 3, 4}));
        EXPECT_EQ(book.ended, std::vector{2}) << "the next one is handled";
        const auto letters = letters_of(w, DeadLetterReason::delivery_exhausted);
        ASSERT_EQ(letters.size(), 1U);
        EXPECT_EQ(letters[0].failures, 5U);
        EXPECT_EQ(letters[0].sender, boss->handle());
        EXPECT_EQ(letters[0].target, worker->handle());
        ASSERT_EQ(letters[0].history.size(), 5U);
        EXPECT_EQ(letters[0].history[0], (FailedAttempt{Instant{}, "failed: on 1"}));
        EXPECT_EQ(letters[0].history[4].when, Instant{} + 150ms);
        EXPECT_EQ(letters[0].when, Instant{} + 150ms);
        w.run_for(1h);
        EXPECT_EQ(book.begun.size(), 6U);
        EXPECT_EQ(w.ledger().dead_lettered, 1U);
        expect_settled(w);
      },
      without_jitter());
}

TEST(AtLeastOnce, that_failed_once_less_is_no_dead_letter) {
  run_calmly([](World& w) {
    Book book;
    book.fail(1, 4);
    (void)w.spawn("worker", often, Worker{&book})->tell(Assured{1}, ignore_reply);
    w.run();
    EXPECT_EQ(book.ended, std::vector{1});
    EXPECT_EQ(w.ledger().dead_lettered, 0U);
  });
}

TEST(AtLeastOnce, tells_the_first_and_the_newest_of_very_many_failures) {
  auto options = without_jitter();
  options.runtime.delivery.attempts_max = 100;
  run_calmly(
      [](World& w) {
        Book book;
        book.fail(1, 1'000);
        (void)w.spawn("worker", often, Worker{&book})->tell(Assured{1}, ignore_reply);
        w.run();
        const auto letters = letters_of(w, DeadLetterReason::delivery_exhausted);
        ASSERT_EQ(letters.size(), 1U);
        EXPECT_EQ(letters[0].failures, 100U);
        ASSERT_EQ(letters[0].history.size(), Extension::history_max);
        EXPECT_EQ(letters[0].history.front().when, book.begun.front().when);
        EXPECT_EQ(letters[0].history[1].when, book.begun[100 - Extension::history_max + 1].when);
        EXPECT_EQ(letters[0].history.back().when, book.begun.back().when);
      },
      options);
}

// ---- ends and restarts ----------------------------------------------------------------------------------------------

TEST(AtLeastOnce, is_a_dead_letter_when_its_actor_restarts_nobody) {
  run_calmly([](World& w) {
    Book book;
    book.fail(1, 1);
    const auto worker = w.spawn("worker", Worker{&book});
    (void)worker->tell(Assured{1}, ignore_reply);
    (void)worker->tell(Assured{2}, ignore_reply);
    w.run();
    EXPECT_FALSE(w.is_living(*worker));
    const auto letters = letters_of(w, DeadLetterReason::actor_stopped);
    ASSERT_EQ(letters.size(), 2U);
    EXPECT_EQ(letters[0].failures, 1U);
    EXPECT_EQ(letters[0].history.at(0).why, "failed: on 1");
    EXPECT_EQ(letters[1].failures, 0U);
    EXPECT_EQ(w.ledger().failed, 0U) << "it counts once, as a dead letter";
    expect_settled(w);
  });
}

TEST(AtLeastOnce, is_a_dead_letter_when_its_actor_may_not_restart_so_often) {
  run_calmly([](World& w) {
    Book book;
    book.fail(1, 5);
    const auto worker = w.spawn("worker", Restart{.intensity = 2}, Worker{&book});
    (void)worker->tell(Assured{1}, ignore_reply);
    (void)worker->tell(Assured{2}, ignore_reply);
    w.run();
    EXPECT_EQ(book.begun_as(), (std::vector{1, 1, 1}));
    const auto letters = letters_of(w, DeadLetterReason::actor_stopped);
    ASSERT_EQ(letters.size(), 2U);
    EXPECT_EQ(letters[0].failures, 3U);
    expect_settled(w);
  });
}

struct Bomb {};
/// Fails on a plain message, stashes what is over 100, waits on what is over 200.
struct Fickle : Worker {
  using Worker::handle;
  void handle(Bomb) { throw std::runtime_error{"bomb"}; }
  int handle(Assured job, Context& context) {
    if (job.what > 100 && job.what < 200 && context.id().incarnation == 1) {
      context.stash(job);
      return 0;
    }
    if (job.what > 200 && context.id().incarnation == 1) {
      book->begun.push_back({job.what, context.attempt(), context.now()});
      context.sleep(1s);
      book->ended.push_back(-job.what);
      return 0;
    }
    return Worker::handle(job, context);
  }
};

TEST(AtLeastOnce, survives_restarts_that_drop_the_mail_in_order) {
  for (const auto mail : {MailOnRestart::keep, MailOnRestart::drop}) {
    run_calmly([mail](World& w) {
      Book book;
      const auto worker = w.spawn("worker", often, Fickle{{&book}}, {.mail_on_restart = mail});
      worker->tell(Bomb{});
      (void)worker->tell(Assured{1}, ignore_reply);
      (void)worker->tell(Plain{2}, ignore_reply);
      worker->tell(Bomb{});
      (void)worker->tell(Assured{3}, ignore_reply);
      w.run();
      if (mail == MailOnRestart::keep) {
        EXPECT_EQ(book.ended, (std::vector{1, 2, 3}));
      } else {
        EXPECT_EQ(book.ended, (std::vector{1, 3}));
        EXPECT_EQ(w.dead_letters().count(DeadLetterReason::restart_dropped), 2U) << "the plain one and the other bomb";
      }
      expect_settled(w);
    });
  }
}

TEST(AtLeastOnce, outlives_the_stash_of_an_incarnation) {
  run_calmly([](World& w) {
    Book book;
    const auto worker = w.spawn("worker", often, Fickle{{&book}});
    (void)worker->tell(Assured{101}, ignore_reply);
    (void)worker->tell(Assured{102}, ignore_reply);
    w.run();
    EXPECT_EQ(w.ledger().queued, 2U);
    worker->tell(Bomb{});
    (void)worker->tell(Assured{1}, ignore_reply);
    w.run();
    EXPECT_EQ(book.ended, (std::vector{101, 102, 1}));
    EXPECT_EQ(book.attempts_of(101), std::vector<std::uint32_t>{0});
    expect_settled(w);
  });
}

TEST(AtLeastOnce, that_was_unwound_with_its_actor_comes_again_under_the_next_incarnation) {
  run_calmly([](World& w) {
    Book book;
    const auto up = start_supervisor(w, "up",
                                     {.strategy = RestartStrategy::one_for_all,
                                      .intensity = 10,
                                      .children = {child("worker", Fickle{{&book}}), child("other", Fickle{{&book}})}});
    ASSERT_TRUE(up);
    const auto worker = *w.find<Fickle>("up/worker");
    const auto other = *w.find<Fickle>("up/other");
    (void)worker.tell(Assured{201}, ignore_reply);
    (void)worker.tell(Assured{1}, ignore_reply);
    w.run_for(100ms);
    other.tell(Bomb{});
    w.run();
    EXPECT_EQ(book.attempts_of(201), (std::vector<std::uint32_t>{0, 1}));
    EXPECT_EQ(book.ended, (std::vector{201, 1}));
    expect_settled(w);
    EXPECT_EQ(w.ledger().dead_lettered, 0U);
  });
}

TEST(AtLeastOnce, is_told_how_it_was_unwound_when_its_actor_is_over_for_good) {
  run_calmly([](World& w) {
    Book book;
    const auto worker = w.spawn("worker", Fickle{{&book}});
    (void)worker->tell(Assured{201}, ignore_reply);
    w.run_for(100ms);
    w.stop(*worker, ExitReason::shutdown("enough"));
    w.run();
    const auto letters = letters_of(w, DeadLetterReason::actor_stopped);
    ASSERT_EQ(letters.size(), 1U);
    EXPECT_EQ(letters[0].history, (std::vector{FailedAttempt{Instant{} + 100ms, "unwound: shutdown:enough"}}));
    EXPECT_EQ(w.ledger().failed, 0U);
    expect_settled(w);
  });
}

TEST(AtLeastOnce, of_a_supervised_actor_waits_for_the_verdict_while_it_is_down) {
  run_calmly([](World& w) {
    Book book;
    book.fail(1, 3);
    const auto up = start_supervisor(
        w, "up", {.intensity = 10, .children = {child("worker", Worker{&book})}, .backoff = {.first = 200ms}});
    ASSERT_TRUE(up);
    const auto worker = *w.find<Worker>("up/worker");
    (void)worker.tell(Assured{1}, ignore_reply);
    (void)worker.tell(Assured{2}, ignore_reply);
    w.run();
    EXPECT_EQ(book.begun_as(), (std::vector{1, 1, 1, 1, 2}));
    EXPECT_GE(book.begun[1].when - book.begun[0].when, 200ms) << "its own backoff of 10 ms had long passed";
    expect_settled(w);
    // Terminated for good while one is held: that one is a dead letter.
    book.fail(3, 1);
    (void)worker.tell(Assured{3}, ignore_reply);
    w.run_for(1ms);
    EXPECT_TRUE(up->ask(TerminateChild{"worker"}).has_value());
    EXPECT_TRUE(up->ask(DeleteChild{"worker"}).has_value());
    w.run();
    EXPECT_EQ(letters_of(w, DeadLetterReason::actor_stopped).size(), 1U);
    expect_settled(w);
  });
}

TEST(AtLeastOnce, held_by_an_actor_that_is_killed_is_a_dead_letter_and_its_timer_goes) {
  run_calmly([](World& w) {
    Book book;
    book.fail(1, 1);
    const auto worker = w.spawn("worker", often, Worker{&book});
    (void)worker->tell(Assured{1}, ignore_reply);
    (void)worker->tell(Assured{2}, ignore_reply);
    w.run_for(1ms);
    EXPECT_EQ(w.ledger().queued, 2U) << "one that failed and one behind it";
    w.kill(*worker);
    w.run();
    EXPECT_EQ(w.now(), Instant{} + 1ms) << "nobody waits for the rest of the backoff";
    EXPECT_EQ(letters_of(w, DeadLetterReason::actor_stopped).size(), 2U);
    expect_settled(w);
  });
}

// ---- the acknowledgement --------------------------------------------------------------------------------------------

TEST(AtLeastOnce, is_acknowledged_only_when_its_handler_has_returned) {
  run_calmly([](World& w) {
    Book book;
    const auto worker = w.spawn("worker", often, Fickle{{&book}});
    auto answer = worker->ask_async(Assured{201});
    w.run_for(500ms);
    EXPECT_EQ(book.begun.size(), 1U);
    EXPECT_EQ(w.ledger().handled, 0U);
    EXPECT_FALSE(answer.ready());
    w.run();
    EXPECT_EQ(w.ledger().handled, 1U);
    EXPECT_TRUE(answer.get().has_value());
  });
}

TEST(AtLeastOnce, asks_are_answered_by_the_handling_that_returns) {
  run_calmly([](World& w) {
    Book book;
    book.fail(1, 3);
    const auto worker = w.spawn("worker", often, Worker{&book});
    EXPECT_EQ(worker->ask(Assured{1}), 10);
    EXPECT_EQ(book.attempts_of(1).size(), 4U);
    expect_settled(w);
  });
}

TEST(AtLeastOnce, asks_fail_only_with_their_last_attempt) {
  run_calmly(
      [](World& w) {
        Book book;
        book.fail(1, 100);
        const auto worker = w.spawn("worker", often, Worker{&book});
        EXPECT_EQ(worker->ask(Assured{1}).error(), AskError::actor_failed);
        EXPECT_EQ(w.now(), Instant{} + 150ms);
        EXPECT_EQ(letters_of(w, DeadLetterReason::delivery_exhausted).size(), 1U);
        // Or with its actor.
        const auto fragile = w.spawn("fragile", Worker{&book});
        EXPECT_EQ(fragile->ask(Assured{1}).error(), AskError::actor_failed);
        EXPECT_EQ(fragile->ask(Assured{1}).error(), AskError::actor_stopped);
        expect_settled(w);
      },
      without_jitter());
}

TEST(AtLeastOnce, asks_end_at_their_deadline_and_their_messages_do_not) {
  run_calmly(
      [](World& w) {
        Book book;
        book.fail(1, 2);
        const auto worker = w.spawn("worker", often, Worker{&book});
        EXPECT_EQ(worker->ask(Assured{1}, 15ms).error(), AskError::timeout);
        EXPECT_EQ(w.now(), Instant{} + 15ms);
        w.run();
        EXPECT_EQ(book.ended, std::vector{1});
        EXPECT_EQ(w.dead_letters().count(DeadLetterReason::late_reply), 1U);
        expect_settled(w);
      },
      without_jitter());
}

// ---- how it is said -------------------------------------------------------------------------------------------------

TEST(SendOptions, choose_the_class_of_one_send) {
  run_calmly([](World& w) {
    Book book;
    for (const int what : {1, 2, 3, 4, 5}) book.fail(what, 1);
    const auto worker = w.spawn("worker", often, Worker{&book});
    const Recipient<Plain, Assured> narrow = worker.value();
    EXPECT_TRUE(worker->tell(Plain{1}, ignore_reply, {.delivery = Delivery::at_least_once}));
    EXPECT_TRUE(worker->tell(Assured{2}, ignore_reply, {.delivery = Delivery::at_most_once}));
    EXPECT_TRUE(narrow.tell(Plain{3}, ignore_reply, {.delivery = Delivery::at_least_once}));
    EXPECT_TRUE(narrow.tell(Assured{4}, ignore_reply));
    EXPECT_EQ(worker.ask(Plain{5}, {.delivery = Delivery::at_least_once}), 50);
    w.run();
    std::vector<int> ended = book.ended;
    std::ranges::sort(ended);
    EXPECT_EQ(ended, (std::vector{1, 3, 4, 5}));
    EXPECT_EQ(w.ledger().failed, 1U);
    expect_settled(w);
  });
}

TEST(SendOptions, choose_the_priority_of_one_send) {
  run_calmly([](World& w) {
    Book book;
    const auto worker = w.spawn("worker", Worker{&book});
    (void)worker->tell(Plain{1}, ignore_reply);
    (void)worker->tell(Plain{2}, ignore_reply, {.priority = Priority::low});
    (void)worker->tell(Assured{3}, ignore_reply, {.priority = Priority::critical});
    (void)worker->tell(Plain{4}, ignore_reply, {.priority = Priority::high});
    w.run();
    EXPECT_EQ(book.ended, (std::vector{3, 4, 1, 2}));
  });
}

struct Parcel {
  std::unique_ptr<int> content;
};
struct Carrier {
  void handle(Parcel) {}
};
TEST(SendOptionsDeathTest, refuse_to_assure_what_cannot_be_copied) {
  const auto send = [] {
    run_calmly([](World& w) {
      (void)w.spawn(Carrier{}).tell(Parcel{}, {.priority = Priority::high});  // is fine
      (void)w.spawn(Carrier{}).tell(Parcel{}, {.delivery = Delivery::at_least_once});
    });
  };
  EXPECT_DEATH(send(), "Parcel may be handled more than once, and must be copyable");
}

struct Reluctant {
  static constexpr Delivery delivery = Delivery::at_least_once;
  int* copies_that_fail;
  static constexpr bool orrery_borrows = true;
  explicit Reluctant(int* failing) : copies_that_fail{failing} {}
  Reluctant(Reluctant&&) = default;
  Reluctant(const Reluctant& other) : copies_that_fail{other.copies_that_fail} {
    if (*copies_that_fail > 0 && (*copies_that_fail)-- > 0) throw std::runtime_error{"no copy"};
  }
};
struct Copier {
  int* handled;
  void handle(Reluctant) { ++*handled; }
};
TEST(AtLeastOnce, that_cannot_be_copied_for_its_handler_has_failed) {
  run_calmly([](World& w) {
    int failing = 2;
    int handled = 0;
    w.spawn("copier", often, Copier{&handled})->tell(Reluctant{&failing});
    w.run();
    EXPECT_EQ(handled, 1);
    EXPECT_EQ(failing, 0);
    expect_settled(w);
  });
}

struct Riddle {
  static constexpr Delivery delivery = Delivery::exactly_once;
  struct Reply {  // may fail to move
    int* moves_that_fail = nullptr;
    std::string text;
    Reply(int* failing, std::string what) : moves_that_fail{failing}, text{std::move(what)} {}
    Reply(const Reply&) = default;
    Reply(Reply&& other) : moves_that_fail{other.moves_that_fail}, text{other.text} {
      if (moves_that_fail != nullptr && *moves_that_fail > 0 && (*moves_that_fail)-- > 0) {
        throw std::runtime_error{"no move"};
      }
    }
  };
  static constexpr bool orrery_borrows = true;
  int* moves_that_fail;
  std::string text = "a text that is longer than any small string";
};
struct Sphinx {
  Riddle::Reply handle(const Riddle& riddle) { return {riddle.moves_that_fail, riddle.text}; }
};
TEST(AtLeastOnce, whose_reply_cannot_be_moved_has_failed_and_is_whole) {
  run_calmly([](World& w) {
    int failing = 1;
    const auto sphinx = w.spawn("sphinx", often, Sphinx{});
    const auto answer = sphinx->ask(Riddle{&failing});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->text, "a text that is longer than any small string");
    EXPECT_EQ(failing, 0);
    expect_settled(w);
  });
}

struct Alarm {
  static constexpr Delivery delivery = Delivery::at_least_once;
};
struct Clockwork {
  int* rang;
  void on_start(Context& context) {
    if (context.id().incarnation == 1) context.after(*this, 1s, Alarm{});
  }
  void handle(Alarm) {
    ++*rang;
    throw std::runtime_error{"as told"};
  }
};
TEST(AtLeastOnce, does_not_make_a_tick_come_again) {
  run_calmly([](World& w) {
    int rang = 0;
    w.spawn("clock", often, Clockwork{&rang});
    w.run();
    EXPECT_EQ(rang, 1);
    EXPECT_EQ(w.ledger().failed, 1U);
    expect_settled(w);
  });
}

}  // namespace
}  // namespace orrery::testing
