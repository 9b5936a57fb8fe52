// Goal:   a message keeps its class and its id wherever it goes: passed on, kept open, kept as a dead letter and sent again.
// Method: virtual time; where a handler fails after it has passed on, every schedule.
#include "tests/delivery/delivery_fixture.hpp"

#include <fmt/format.h>

namespace orrery::testing {
namespace {

const MessageId some_id = message_id_of("order 17");

/// Notes what came with a message, and answers with what it is.
struct Clerk {
  std::vector<std::string>* seen;
  std::shared_ptr<int> fails = std::make_shared<int>(0);  ///< how often yet
  template <Delivery D>
  int handle(Job<D> job, Context& context) {
    seen->push_back(fmt::format("{}{}{} attempt {}", job.what, context.message_id() == some_id ? " with the id" : "",
                                context.sender().is_set() ? " from somebody" : "", context.attempt()));
    if ((*fails)-- > 0) throw std::runtime_error{"clerk"};
    return job.what;
  }
};

/// Passes everything on, changed; then fails as often as it is told.
struct Desk {
  Ref<Clerk> clerk;
  Book* book;
  template <Delivery D>
  Answer<int> handle(Job<D> job, Context& context) {
    book->begun.push_back({job.what, context.attempt(), context.now()});
    EXPECT_TRUE(context.forward(Job<D>{job.what + 100}, clerk));
    EXPECT_TRUE(context.was_given_away());
    if (book->shall_fail(job.what)) throw std::runtime_error{"desk"};
    return elsewhere;
  }
};

template <Delivery D>
struct Teller {
  struct Go {};
  Ref<Desk> to;
  void handle(Go) { (void)to.tell(Job<D>{1}, ignore_reply, {.id = some_id}); }
};

template <Delivery D>
void expect_passed_on_once() {
  const Texts texts = all_texts(
      [](World& w, std::string& text) {
        std::vector<std::string> seen;
        Book book;
        book.fail(1, 2);
        const auto clerk = w.spawn("clerk", often, Clerk{&seen, std::make_shared<int>(1)});
        const auto desk = w.spawn("desk", often, Desk{*clerk, &book});
        w.spawn(Teller<D>{*desk}).tell(typename Teller<D>::Go{});
        w.run();
        text = fmt::format("{}; desk {}", fmt::join(seen, ", "), fmt::join(book.attempts_of(1), ","));
        expect_settled(w);
      },
      without_jitter());
  EXPECT_EQ(texts,
            Texts{"101 with the id from somebody attempt 0, 101 with the id from somebody attempt 1; desk 0,1,2"});
}
TEST(PassedOn, at_least_once_goes_when_the_handler_has_returned) { expect_passed_on_once<Delivery::at_least_once>(); }
TEST(PassedOn, exactly_once_goes_when_the_handler_has_returned) { expect_passed_on_once<Delivery::exactly_once>(); }

TEST(PassedOn, questions_are_answered_by_whom_they_were_passed_to) {
  run_calmly([](World& w) {
    std::vector<std::string> seen;
    Book book;
    book.fail(1, 1);
    book.fail(2, 1);
    const auto clerk = w.spawn("clerk", often, Clerk{&seen, std::make_shared<int>(1)});
    const auto desk = w.spawn("desk", often, Desk{*clerk, &book});
    EXPECT_EQ(desk->ask(Assured{1}), 101);
    EXPECT_EQ(desk->ask(Once{2}, {.id = some_id}), 102);
    EXPECT_EQ(desk->ask(Once{2}, {.id = some_id}).error(), AskError::duplicate) << "the desk does not know the answer";
    EXPECT_EQ(clerk->ask(Once{2}, {.id = some_id}), 102) << "the clerk does";
    w.run();
    expect_settled(w);
    EXPECT_EQ(w.ledger().failed, 0U);
  });
}

TEST(PassedOn, to_somebody_who_has_ended_or_to_nobody_is_told_the_asker) {
  run_calmly([](World& w) {
    std::vector<std::string> seen;
    Book book;
    const auto clerk = w.spawn("clerk", often, Clerk{&seen});
    const auto desk = w.spawn("desk", often, Desk{*clerk, &book});
    w.kill(*clerk);
    w.run();
    EXPECT_EQ(desk->ask(Assured{1}).error(), AskError::actor_stopped);
    (void)desk->tell(Once{2}, ignore_reply, {.id = some_id});
    w.run();
    const auto letters = letters_of(w, DeadLetterReason::actor_stopped);
    ASSERT_EQ(letters.size(), 2U);
    EXPECT_EQ(letters[1].id, some_id);
    struct Lost {
      Answer<int> handle(Assured job, Context& context) {
        EXPECT_EQ(context.forward(job, Ref<Clerk>{}), std::unexpected(TellError::actor_not_found));
        return elsewhere;
      }
    };
    EXPECT_EQ(w.spawn(Lost{}).ask(Assured{1}).error(), AskError::actor_not_found);
    w.run();
    expect_settled(w);
  });
}

TEST(PassedOn, to_a_full_mailbox_waits_outside_it) {
  for (const auto policy : {Overflow::suspend, Overflow::reject, Overflow::drop_newest, Overflow::drop_oldest}) {
    run_calmly([policy](World& w) {
      std::vector<std::string> seen;
      Book book;
      const auto clerk = w.spawn("clerk", Clerk{&seen}, {.mailbox = bounded(1, policy), .restart = often});
      const auto desk = w.spawn("desk", often, Desk{*clerk, &book});
      for (int i = 0; i < 4; ++i) (void)desk->tell(Assured{i}, ignore_reply);
      w.run();
      EXPECT_EQ(seen, (std::vector<std::string>{"100 attempt 0", "101 attempt 0", "102 attempt 0", "103 attempt 0"}));
      expect_settled(w);
    });
  }
}

// ---- questions that are kept open -----------------------------------------------------------------------------------

struct Release {};
/// Keeps its questions open; then fails as often as it is told.
struct Keeper {
  Book* book;
  Ref<Clerk> clerk{};
  std::vector<OpenAsk<Once>> open{};
  Answer<int> handle(Once job, Context& context) {
    auto ask = context.open_ask<Once>();
    book->begun.push_back({ask ? job.what : -job.what, context.attempt(), context.now()});
    if (ask) open.push_back(std::move(ask));
    if (book->shall_fail(job.what)) throw std::runtime_error{"keeper"};
    book->ended.push_back(job.what);
    return job.what;
  }
  void handle(Release) {
    for (auto& ask : open) {
      if (clerk.handle().is_set()) {
        (void)ask.forward(Once{55}, clerk);
      } else {
        ask.answer(77);
      }
    }
    open.clear();
  }
};
auto keepers(Book& book, Ref<Clerk> clerk = {}) {
  return [&book, clerk] { return Keeper{&book, clerk}; };
}

TEST(KeptOpen, is_answered_later_and_was_handled_once) {
  run_calmly([](World& w) {
    Book book;
    const auto keeper = w.spawn<Keeper>("keeper", keepers(book), {.restart = often});
    auto ask = keeper->ask_async(Once{1}, {.id = some_id});
    w.run_for(1ms);
    EXPECT_FALSE(ask.ready());
    keeper->tell(Release{});
    EXPECT_EQ(ask.get(), 77);
    EXPECT_EQ(keeper->ask(Once{1}, {.id = some_id}).error(), AskError::duplicate);
    EXPECT_EQ(book.begun_as(), std::vector{1});
    w.run();
    expect_settled(w);
  });
}

TEST(KeptOpen, comes_again_without_its_question_when_the_handler_fails_after_all) {
  run_calmly([](World& w) {
    Book book;
    book.fail(1, 2);
    const auto keeper = w.spawn<Keeper>("keeper", keepers(book), {.restart = often});
    EXPECT_EQ(keeper->ask(Once{1}, {.id = some_id}).error(), AskError::actor_stopped)
        << "its answer went with the keeper";
    w.run();
    EXPECT_EQ(book.begun_as(), (std::vector{1, -1, -1}));
    EXPECT_EQ(book.times_ended(1), 1);
    EXPECT_EQ(w.ledger().failed, 0U);
    expect_settled(w);
  });
}

TEST(KeptOpen, is_passed_on_with_its_class_and_its_id) {
  run_calmly([](World& w) {
    std::vector<std::string> seen;
    Book book;
    const auto clerk = w.spawn("clerk", often, Clerk{&seen, std::make_shared<int>(1)});
    const auto keeper = w.spawn<Keeper>("keeper", keepers(book, *clerk), {.restart = often});
    auto ask = keeper->ask_async(Once{1}, {.id = some_id});
    w.run_for(1ms);
    keeper->tell(Release{});
    EXPECT_EQ(ask.get(), 55);
    EXPECT_EQ(seen, (std::vector<std::string>{"55 with the id attempt 0", "55 with the id attempt 1"}));
    w.run();
    expect_settled(w);
  });
}

// ---- dead letters that are sent again -------------------------------------------------------------------------------

sim::RunOptions keeping() {
  sim::RunOptions options = no_faults();
  options.runtime.dead_letters.kept_max = 100;
  return options;
}

TEST(SentAgain, a_poisonous_message_has_its_id_its_history_and_a_fresh_budget) {
  run_calmly(
      [](World& w) {
        Book book;
        book.fail(1, 9);
        const auto worker = w.spawn("worker", often, Worker{&book});
        (void)worker->tell(Once{1}, ignore_reply, {.id = some_id});
        w.run();
        auto letters = letters_of(w, DeadLetterReason::delivery_exhausted);
        ASSERT_EQ(letters.size(), 1U);
        EXPECT_TRUE(letters[0].is_kept);
        EXPECT_EQ(letters[0].id, some_id);
        EXPECT_EQ(letters[0].failures, 5U);
        EXPECT_EQ(letters[0].history.size(), 5U);
        EXPECT_EQ(w.dead_letters().redrive(), (Redriven{.accepted = 1}));
        w.run();
        EXPECT_EQ(book.begun.size(), 10U) << "five more attempts, of which the last returns";
        EXPECT_EQ(book.begun.back().attempt, 9U) << "and all of them marked";
        EXPECT_EQ(book.times_ended(1), 1);
        EXPECT_EQ(w.dead_letters().redrive(), Redriven{});
        (void)worker->tell(Once{1}, ignore_reply, {.id = some_id});
        w.run();
        EXPECT_EQ(book.times_ended(1), 1) << "it is remembered now";
        EXPECT_EQ(w.dead_letters().kept(), 0U) << "a duplicate was done, and is not kept";
        expect_settled(w);
      },
      keeping());
}

TEST(SentAgain, and_given_up_again_it_tells_of_all_its_failures) {
  run_calmly(
      [](World& w) {
        Book book;
        book.fail(1, 1'000);
        const auto worker = w.spawn("worker", often, Worker{&book});
        (void)worker->tell(Assured{1}, ignore_reply);
        w.run();
        EXPECT_EQ(w.dead_letters().redrive(), (Redriven{.accepted = 1}));
        w.run();
        const auto letters = letters_of(w, DeadLetterReason::delivery_exhausted);
        ASSERT_EQ(letters.size(), 1U);
        EXPECT_EQ(letters[0].failures, 10U);
        EXPECT_EQ(letters[0].history.size(), 10U);
        EXPECT_EQ(w.dead_letters().count(DeadLetterReason::delivery_exhausted), 2U);
        expect_settled(w);
      },
      keeping());
}

TEST(SentAgain, it_stays_where_it_is_while_the_mailbox_is_full) {
  for (const auto policy : {Overflow::suspend, Overflow::reject, Overflow::drop_newest, Overflow::drop_oldest}) {
    run_calmly(
        [policy](World& w) {
          Book book;
          book.fail(1, 5);
          const auto worker = w.spawn("worker", Worker{&book}, {.mailbox = bounded(1, policy), .restart = often});
          (void)worker->tell(Assured{1}, ignore_reply);
          w.run();
          ASSERT_EQ(w.dead_letters().kept(), 1U);
          (void)worker->tell(Assured{2}, ignore_reply);
          EXPECT_EQ(w.dead_letters().redrive(), (Redriven{.refused = 1}));
          EXPECT_EQ(w.dead_letters().query().at(0).failures, 5U);
          w.run();
          EXPECT_EQ(w.dead_letters().redrive(), (Redriven{.accepted = 1}));
          w.run();
          EXPECT_EQ(book.ended, (std::vector{2, 1}));
          expect_settled(w);
        },
        keeping());
  }
}

TEST(SentAgain, to_an_actor_of_another_type_it_is_assured_there_too) {
  run_calmly(
      [](World& w) {
        std::vector<std::string> seen;
        Book book;
        book.fail(1, 5);
        const auto worker = w.spawn("worker", often, Worker{&book});
        (void)worker->tell(Once{1}, ignore_reply, {.id = some_id});
        w.run();
        const auto clerk = w.spawn("clerk", often, Clerk{&seen, std::make_shared<int>(1)});
        EXPECT_EQ(w.dead_letters().redrive({}, Recipient<Once, Plain>{*clerk}), (Redriven{.accepted = 1}));
        w.run();
        EXPECT_EQ(seen, (std::vector<std::string>{"1 with the id attempt 5", "1 with the id attempt 6"}));
        expect_settled(w);
      },
      keeping());
}

}  // namespace
}  // namespace orrery::testing
