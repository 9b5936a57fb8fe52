// Goal:   a full mailbox loses no assured message and lets none of a pair overtake another, whatever its policy.
// Method: each policy, first step by step, then under every schedule, in both modes.
#include "tests/delivery/delivery_fixture.hpp"

namespace orrery::testing {
namespace {

constexpr Overflow policies[] = {Overflow::suspend, Overflow::reject, Overflow::drop_newest, Overflow::drop_oldest};

TEST(FullMailbox, accepts_assured_messages_and_lets_them_wait_outside) {
  for (const Overflow policy : {Overflow::reject, Overflow::drop_newest, Overflow::drop_oldest}) {
    SCOPED_TRACE(static_cast<int>(policy));
    run_calmly([policy](World& w) {
      Book book;
      const auto worker = w.spawn("worker", Worker{&book}, {.mailbox = bounded(2, policy)});
      std::vector<int> all;
      for (int what = 1; what <= 9; ++what) {
        EXPECT_TRUE(worker->tell(Assured{what}, ignore_reply));
        all.push_back(what);
      }
      EXPECT_EQ(w.ledger().queued, 9U);
      EXPECT_EQ(w.ledger_of(worker->handle())->queued, 9U);
      EXPECT_TRUE(w.ledger_of(worker->handle())->adds_up());
      EXPECT_EQ(worker->tell(Plain{10}, ignore_reply).has_value(), false) << "there is no place, and nothing to drop";
      w.run();
      EXPECT_EQ(book.ended, all);
      EXPECT_EQ(w.ledger().dead_lettered, policy == Overflow::reject ? 0U : 1U) << "the plain one";
      expect_settled(w);
    });
  }
}

TEST(FullMailbox, that_drops_its_oldest_drops_plain_ones_for_assured_ones) {
  run_calmly([](World& w) {
    Book book;
    const auto worker = w.spawn("worker", Worker{&book}, {.mailbox = bounded(3, Overflow::drop_oldest)});
    (void)worker->tell(Assured{1}, ignore_reply);
    (void)worker->tell(Plain{2}, ignore_reply);
    (void)worker->tell(Assured{3}, ignore_reply);
    (void)worker->tell(Plain{4}, ignore_reply);    // takes the place of 2
    (void)worker->tell(Assured{5}, ignore_reply);  // of 4
    (void)worker->tell(Assured{6}, ignore_reply);  // waits outside
    w.run();
    EXPECT_EQ(book.ended, (std::vector{1, 3, 5, 6}));
    EXPECT_EQ(letters_of(w, DeadLetterReason::mailbox_full).size(), 2U);
    expect_settled(w);
  });
}

TEST(FullMailbox, has_a_limit_outside_too) {
  sim::RunOptions options = no_faults();
  options.runtime.delivery.waiting_max = 3;
  run_calmly(
      [](World& w) {
        Book book;
        const auto worker = w.spawn("worker", Worker{&book}, {.mailbox = bounded(1)});
        for (int what = 1; what <= 4; ++what) EXPECT_TRUE(worker->tell(Assured{what}, ignore_reply));
        EXPECT_EQ(worker->tell(Assured{5}, ignore_reply).error(), TellError::mailbox_full);
        auto asked = worker->ask_async(Assured{6});
        EXPECT_EQ(asked.get().error(), AskError::mailbox_full);
        w.run();
        EXPECT_EQ(book.ended, (std::vector{1, 2, 3, 4}));
        EXPECT_TRUE(worker->tell(Assured{7}, ignore_reply));
        w.run();
        EXPECT_EQ(w.ledger().refused, 2U);
        expect_settled(w);
      },
      options);
}

TEST(FullMailbox, lets_asks_wait_until_their_deadline_and_handles_them_all_the_same) {
  run_calmly([](World& w) {
    struct Sleeper : Worker {
      int handle(Assured job, Context& context) {
        context.sleep(1s);
        return Worker::handle(job, context);
      }
    };
    Book book;
    const auto worker = w.spawn("worker", Sleeper{{&book}}, {.mailbox = bounded(1)});
    auto one = worker->ask_async(Assured{1});
    auto two = worker->ask_async(Assured{2});
    auto three = worker->ask_async(Assured{3}, 2500ms);
    EXPECT_EQ(one.get(), 10);
    EXPECT_EQ(two.get(), 20);
    EXPECT_EQ(three.get().error(), AskError::timeout);
    w.run();
    EXPECT_EQ(book.ended, (std::vector{1, 2, 3}));
    expect_settled(w);
  });
}

TEST(FullMailbox, of_an_actor_that_ends_gives_its_dead_letters_in_order) {
  run_calmly([](World& w) {
    Book book;
    const auto worker = w.spawn("worker", Worker{&book}, {.mailbox = bounded(1)});
    for (int what = 1; what <= 3; ++what)
      (void)worker->tell(Assured{what}, ignore_reply, {.id = MessageId{0, 7u + what}});
    w.kill(*worker);
    w.run();
    const auto letters = letters_of(w, DeadLetterReason::actor_stopped);
    ASSERT_EQ(letters.size(), 3U);
    for (std::uint64_t i = 0; i < 3; ++i) EXPECT_EQ(letters[i].id.low, 8 + i);
    EXPECT_EQ(worker->tell(Assured{4}, ignore_reply).error(), TellError::actor_stopped);
    expect_settled(w);
  });
}

TEST(FullMailbox, kept_or_emptied_by_a_restart_loses_none) {
  for (const auto mail : {MailOnRestart::keep, MailOnRestart::drop}) {
    run_calmly([mail](World& w) {
      Book book;
      book.fail(1, 1);
      const auto worker = w.spawn("worker", often, Worker{&book}, {.mailbox = bounded(2), .mail_on_restart = mail});
      for (int what = 1; what <= 5; ++what) (void)worker->tell(Assured{what}, ignore_reply);
      w.run();
      EXPECT_EQ(book.ended, (std::vector{1, 2, 3, 4, 5}));
      expect_settled(w);
    });
  }
}

/// Two senders of two each, to a mailbox of one place, whose owner fails once: nothing is lost, each pair is in order.
TEST(FullMailbox, loses_nothing_and_keeps_every_pairs_order_in_every_schedule) {
  for (const auto mode : {sim::Mode::causal, sim::Mode::per_pair}) {
    for (const Overflow policy : policies) {
      SCOPED_TRACE(::testing::Message() << "policy " << static_cast<int>(policy) << " mode " << static_cast<int>(mode));
      sim::RunOptions options = without_jitter();
      options.mode = mode;
      const Texts texts = all_texts(
          [policy](World& w, std::string& text) {
            Book book;
            book.fail(3, 1);
            const auto worker = w.spawn("worker", often, Worker{&book}, {.mailbox = bounded(1, policy)});
            const auto one = w.spawn(Boss<Delivery::at_least_once>{*worker});
            const auto other = w.spawn(Boss<Delivery::at_least_once>{*worker});
            one.tell(Boss<Delivery::at_least_once>::Go{{1, 2}});
            other.tell(Boss<Delivery::at_least_once>::Go{{3, 4}});
            w.run();
            const auto where = [&](int what) { return std::ranges::find(book.ended, what) - book.ended.begin(); };
            text = fmt::format("{} of 4, {} {}", book.ended.size(), where(1) < where(2), where(3) < where(4));
            expect_settled(w);
          },
          options);
      EXPECT_EQ(texts, Texts{"4 of 4, true true"});
    }
  }
}

}  // namespace
}  // namespace orrery::testing
