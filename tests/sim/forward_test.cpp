// Goal:   a message that is passed on stays its sender's, an ask that is kept open or passed on has exactly one outcome, and
//         the simulator knows who owes it.
// Method: each way in which a handler can give its message away is set up by itself; races are searched through.
#include "tests/sim/sim_fixture.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <stdexcept>

namespace orrery::testing {
namespace {

struct Go {};
struct Question {
  using Reply = int;
  int value = 0;
};
struct Other {
  using Reply = int;
};
struct Parcel {
  using Reply = int;
  std::unique_ptr<int> content;
};
struct Said {
  char what;
};

struct High {
  static constexpr auto priority = Priority::high;
  char what;
};

struct Oracle {
  Duration takes{};
  Handle sender{};  ///< of the last question
  int handle(Question question, Context& context) {
    sender = context.sender();
    if (takes != Duration::zero()) context.sleep(takes);
    if (question.value < 0) throw std::runtime_error{"no"};
    return question.value + 1;
  }
  int handle(Parcel parcel) { return *parcel.content; }
};
/// Passes on what it is asked, and looks at what is left of it.
struct Front {
  Ref<Oracle> to;
  bool fails = false;
  Handle sender{};
  int handled = 0;
  TellResult sent{};
  Answer<int> handle(Question question, Context& context) {
    ++handled;
    sent = context.forward(question, to);
    sender = context.sender();
    if (context.sent_at().line() == 0 || !context.was_given_away()) throw std::logic_error{"nothing is left of it"};
    if (fails) throw std::runtime_error{"too late"};
    return elsewhere;
  }
  int handle(Parcel parcel, Context& context) {
    ++handled;
    sent = context.forward(std::move(parcel), to);
    return 0;  // ignored
  }
};
struct Asker {
  Recipient<Question> of;
  Question question{};
  Duration within = no_timeout;
  std::string result{};
  void handle(Go) { result = text_of(of.ask(question, within)); }
};

TEST(Forward, gives_the_asker_the_reply_of_the_actor_behind) {
  run_calmly([](World& w) {
    const auto oracle = w.spawn(Oracle{});
    const auto front = w.spawn(Front{oracle});
    const auto asker = w.spawn(Asker{front, {4}});
    asker.tell(Go{});
    w.run();
    EXPECT_EQ(w.peek(asker).result, "5");
    EXPECT_EQ(w.peek(oracle).sender, asker.handle());
    EXPECT_EQ(w.peek(front).sender, asker.handle());
    EXPECT_EQ(w.peek(front).handled, 1);
    EXPECT_EQ(front.ask(Question{6}), 7);  // the test's own ask too
    EXPECT_EQ(front.ask(Parcel{std::make_unique<int>(3)}), 3);
  });
}

TEST(Forward, works_whatever_the_mailbox_and_the_care_its_actor_needs) {
  struct Restless {  // a receive timeout makes every message special
    Front front;
    void on_start(Context& context) { context.set_receive_timeout(*this, 1h, Go{}); }
    void handle(Go) {}
    Answer<int> handle(Question question, Context& context) { return front.handle(question, context); }
  };
  run_calmly([](World& w) {
    const auto oracle = w.spawn(Oracle{});
    const auto narrow = w.spawn(Front{oracle}, {.mailbox = bounded(2)});
    const auto plain = w.spawn(Front{oracle});
    const auto restless = w.spawn(Restless{Front{oracle}});
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(narrow.ask(Question{i}), i + 1);
      EXPECT_EQ(plain.ask(Question{i}, {.priority = i == 1 ? Priority::high : Priority::low}), i + 1);
      EXPECT_EQ(restless.ask(Question{i}), i + 1);
    }
    EXPECT_EQ(w.peek(narrow).handled, 3);
    w.run_for(2h);
  });
}

TEST(Forward, fails_for_the_asker_as_the_actor_behind_fails) {
  run_calmly([](World& w) {
    const auto oracle = w.spawn(Oracle{});
    const auto front = w.spawn(Front{oracle});
    EXPECT_EQ(front.ask(Question{-1}), std::unexpected(AskError::actor_failed));
    EXPECT_TRUE(w.is_living(front));
    EXPECT_EQ(front.ask(Question{1}), std::unexpected(AskError::actor_stopped));  // refused
    EXPECT_EQ(w.peek(front).sent, std::unexpected(TellError::actor_stopped));
    const auto lost = w.spawn(Front{});
    EXPECT_EQ(lost.ask(Question{1}), std::unexpected(AskError::actor_not_found));
    EXPECT_EQ(w.peek(lost).sent, std::unexpected(TellError::actor_not_found));
  });
}

TEST(Forward, is_not_undone_by_a_failure_that_comes_after_it) {
  run_calmly([](World& w) {
    const auto front = w.spawn(Front{w.spawn(Oracle{}), true});
    EXPECT_EQ(front.ask(Question{1}), 2);
    w.run();
    EXPECT_FALSE(w.is_living(front));
  });
}

TEST(Forward, leaves_the_asker_the_deadline_that_he_set) {
  run_calmly([](World& w) {
    const auto front = w.spawn(Front{w.spawn(Oracle{3s})});
    const auto hasty = w.spawn(Asker{front, {1}, 2s});
    const auto patient = w.spawn(Asker{front, {1}, 10s});
    hasty.tell(Go{});
    patient.tell(Go{});
    w.run_for(2s);
    EXPECT_EQ(w.peek(hasty).result, "timeout");
    w.run();
    EXPECT_EQ(w.peek(patient).result, "2");
    EXPECT_EQ(w.dead_letters().count(DeadLetterReason::late_reply), 1U);
  });
}

TEST(Forward, is_told_to_the_reader_of_the_story) {
  auto options = no_faults();
  options.record_events = true;
  const auto outcome = run_calmly(
      [](World& w) {
        const auto front = w.spawn("front", Front{w.spawn("oracle", Oracle{})}).value();
        w.spawn("asker", Asker{front}).value().tell(Go{});
        w.run();
      },
      options);
  std::string story;
  for (const auto& event : outcome.events) {
    if (event.kind == sim::EventKind::take) story += event.from + ">" + event.to + " = " + event.reply + "; ";
  }
  EXPECT_EQ(story, "test>asker = ; asker>front = passed on; asker>oracle = 1; ");
}

/// Each refusal on the way is the asker's outcome: both orders of the stop and of the request.
TEST(Forward, races_with_the_end_of_the_actor_behind) {
  struct Stopper {
    Ref<Oracle> victim;
    void handle(Go, Context& context) { context.stop(victim); }
  };
  const Texts texts = all_texts([](World& w, std::string& text) {
    const auto oracle = w.spawn(Oracle{});
    const auto front = w.spawn(Front{oracle});
    const auto asker = w.spawn(Asker{front, {4}});
    const auto stopper = w.spawn(Stopper{oracle});
    asker.tell(Go{});
    stopper.tell(Go{});
    w.run();
    text = w.peek(asker).result;
  });
  EXPECT_EQ(texts, (Texts{"5", "actor_stopped"}));
}

TEST(Forward, keeps_the_order_of_what_one_sender_sent_also_where_channels_differ) {
  struct Log {
    std::string said;
    void handle(Said m) { said += m.what; }
  };
  struct Postman {
    Ref<Log> to;
    void handle(Said m, Context& context) { context.forward(m, to); }
  };
  auto options = no_faults();
  options.mode = sim::Mode::per_pair;
  const Texts texts = all_texts(
      [](World& w, std::string& text) {
        const auto log = w.spawn(Log{});
        const auto postman = w.spawn(Postman{log});
        for (const char letter : {'a', 'b', 'c'}) postman.tell(Said{letter});
        w.run();
        text = w.peek(log).said;
      },
      options);
  EXPECT_EQ(texts, Texts{"abc"});
}

// ---- who waits for whom -------------------------------------------------------------------------------------------------

/// Asks `first`, and answers Other whenever it is not in the middle of that.
struct Ringer {
  Recipient<Question> first;
  std::string result{};
  void handle(Go) { result = text_of(first.ask(Question{}, no_timeout)); }
  int handle(Other) { return 1; }
};
/// Passes the question on, or not, and asks the one who asked it.
struct Middle {
  Recipient<Question> next;
  Ref<Ringer> back;
  std::string result{};
  Answer<int> handle(Question question, Context& context) {
    context.forward(question, next);
    context.self(*this).tell(Go{});
    return elsewhere;
  }
  void handle(Go) { result = text_of(back.ask(Other{}, no_timeout)); }
};
/// Asks back before it answers.
struct AsksBack {
  Ref<Ringer> back{};
  int handle(Question) { return back.ask(Other{}, no_timeout).value_or(0); }
};
struct Behind {
  Ref<AsksBack> to;
  Answer<int> handle(Question question, Context& context) {
    context.forward(question, to);
    return elsewhere;
  }
};

TEST(Forward, makes_no_ring_of_an_actor_that_has_passed_the_question_on) {
  const auto searched = sim::search_all(
      [](World& w) {
        const auto oracle = w.spawn("oracle", Oracle{}).value();
        const Ref<Ringer> a{w.index(), {2, 1}};  // the next one's reference, so that the two know each other
        const auto b = w.spawn("middle", Middle{oracle, a}).value();
        const auto ringer = w.spawn("ringer", Ringer{b}).value();
        ASSERT_EQ(ringer, a);
        ringer.tell(Go{});
        w.run();
        EXPECT_EQ(w.peek(ringer).result, "1");
        EXPECT_EQ(w.peek(b).result, "1");
      },
      no_faults(), 10'000,
      [](const sim::Outcome& run) {
        EXPECT_FALSE(run.finding) << sim::headline(run.finding->kind) << " " << run.finding->name;
      });
  EXPECT_TRUE(searched.complete);
}

TEST(Forward, shows_the_ring_that_the_actor_behind_closes) {
  const auto finding = find([](World& w) {
    const Ref<Ringer> a{w.index(), {2, 1}};
    const auto behind = w.spawn("behind", AsksBack{a}).value();
    const auto front = w.spawn("front", Behind{behind}).value();
    const auto ringer = w.spawn("ringer", Ringer{front}).value();
    ASSERT_EQ(ringer, a);
    ringer.tell(Go{});
    w.run();
  });
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->kind, FindingKind::ask_cycle);
  EXPECT_EQ(finding->name, "behind --ask Other--> ringer --ask Question--> behind");
}

// ---- open asks ------------------------------------------------------------------------------------------------------------

struct Answer_ {
  int value = 0;
};
/// Keeps every question until an answer comes for the oldest.
struct Desk {
  std::deque<OpenAsk<Question>> open{};
  bool said_so = false;
  Answer<int> handle(Question, Context& context) {
    if (auto ask = context.open_ask<Question>()) {
      open.push_back(std::move(ask));
    } else {
      said_so = true;
    }
    return elsewhere;
  }
  void handle(Answer_ m) {
    if (open.empty()) return;
    open.front().answer(m.value);
    open.pop_front();
  }
};

TEST(OpenAsk, is_answered_by_a_later_message_while_its_actor_goes_on) {
  run_calmly([](World& w) {
    const auto desk = w.spawn(Desk{});
    auto one = desk.ask_async(Question{}, no_timeout);
    auto two = desk.ask_async(Question{}, no_timeout);
    w.run_for(1s);
    EXPECT_FALSE(one.ready());
    desk.tell(Answer_{1});
    desk.tell(Answer_{2});
    EXPECT_EQ(one.get(), 1);
    EXPECT_EQ(two.get(), 2);
    desk.tell(Question{}, ignore_reply);
    w.run();
    EXPECT_TRUE(w.peek(desk).said_so);
  });
}

TEST(OpenAsk, that_is_dropped_gives_actor_stopped_once_also_at_the_end_of_its_actor) {
  run_calmly([](World& w) {
    const auto desk = w.spawn(Desk{});
    auto one = desk.ask_async(Question{}, no_timeout);
    w.run_for(1s);
    w.stop(desk);
    EXPECT_EQ(one.get(), std::unexpected(AskError::actor_stopped));
  });
}

TEST(OpenAsk, that_is_answered_after_its_deadline_is_a_dead_letter) {
  const Texts texts = all_texts([](World& w, std::string& text) {
    struct Later {
      Ref<Desk> desk;
      void handle(Go, Context& context) {
        context.sleep(1s);  // just when the deadline is
        desk.tell(Answer_{7});
      }
    };
    const auto desk = w.spawn(Desk{});
    const auto asker = w.spawn(Asker{desk, {}, 1s});
    const auto later = w.spawn(Later{desk});
    asker.tell(Go{});
    later.tell(Go{});
    w.run();
    text = w.peek(asker).result;
    EXPECT_EQ(w.dead_letters().count(DeadLetterReason::late_reply), text == "timeout" ? 1U : 0U);
  });
  EXPECT_EQ(texts, (Texts{"7", "timeout"}));
}

TEST(OpenAsk, is_the_reply_of_whoever_answers_it) {
  struct Errand {
    OpenAsk<Question> ask;
  };
  struct Clerk {
    void handle(Errand errand, Context& context) {
      context.sleep(2s);
      errand.ask.answer(7);
    }
  };
  /// Hands the question over, and is no more when it is answered.
  struct Porter {
    Ref<Clerk> clerk;
    Answer<int> handle(Question, Context& context) {
      clerk.tell(Errand{context.open_ask<Question>()});
      context.stop();
      return elsewhere;
    }
  };
  auto options = no_faults();
  options.record_events = true;
  const auto outcome = run_calmly(
      [](World& w) {
        const auto clerk = w.spawn("clerk", Clerk{}).value();
        const auto asker = w.spawn("asker", Asker{w.spawn("porter", Porter{clerk}).value(), {}, 1s}).value();
        asker.tell(Go{});
        w.run();
        EXPECT_EQ(w.peek(asker).result, "timeout");
      },
      options);
  const auto late = std::ranges::find(outcome.events, sim::EventKind::late_reply, &sim::Event::kind);
  ASSERT_NE(late, outcome.events.end());
  EXPECT_EQ(late->from + ">" + late->to, "clerk>asker");
}

TEST(OpenAsk, without_an_answer_is_found_where_it_is_kept) {
  const auto finding = find([](World& w) {
    const auto desk = w.spawn("desk", Desk{}).value();
    w.spawn("asker", Asker{desk}).value().tell(Go{});
    w.run();
  });
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->kind, FindingKind::stuck);
  EXPECT_EQ(finding->name, "asker --ask Question--> desk");
}

TEST(Answer, of_elsewhere_without_having_given_the_message_away_is_a_failure) {
  struct Liar {
    Answer<int> handle(Question question) {
      if (question.value > 0) return question.value;
      return elsewhere;
    }
  };
  run_calmly([](World& w) {
    const auto liar = w.spawn(Liar{});
    EXPECT_EQ(liar.ask(Question{3}), 3);
    liar.tell(Question{0}, ignore_reply);  // nobody waits
    EXPECT_EQ(liar.ask(Question{4}), 4);
    EXPECT_EQ(liar.ask(Question{0}), std::unexpected(AskError::actor_failed));
  });
}

// ---- one question to many ---------------------------------------------------------------------------------------------------

TEST(AskAll, gives_all_outcomes_in_order_within_one_deadline) {
  run_calmly([](World& w) {
    const auto quick = w.spawn(Oracle{});
    const auto slow = w.spawn(Oracle{3s});
    const auto slower = w.spawn(Oracle{8s});
    const auto gone = w.spawn(Oracle{});
    w.stop(gone);
    w.run();
    const Instant begin = w.now();
    const auto all = ask_all(std::vector{slower, quick, gone, Ref<Oracle>{}, slow}, Question{1}, 5s);
    ASSERT_EQ(all.size(), 5U);
    EXPECT_EQ(all[0], std::unexpected(AskError::timeout));
    EXPECT_EQ(all[1], 2);
    EXPECT_EQ(all[2], std::unexpected(AskError::actor_stopped));
    EXPECT_EQ(all[3], std::unexpected(AskError::actor_not_found));
    EXPECT_EQ(all[4], 2);
    EXPECT_EQ(w.now() - begin, 5s);
    EXPECT_TRUE(ask_all(std::vector<Ref<Oracle>>{}, Question{1}).empty());
    EXPECT_EQ(ask_all(std::vector{Ref<Oracle>{}}, Question{1})[0], std::unexpected(AskError::actor_not_found));
  });
}

TEST(AskAll, counts_the_wait_for_a_place_from_the_call_too) {
  run_calmly([](World& w) {
    // Its one place is taken and it is busy for long: the first ask waits for a place until the deadline.
    const auto busy = w.spawn(Oracle{1h}, {.mailbox = bounded(1, Overflow::suspend)});
    const auto slow = w.spawn(Oracle{2s});
    busy.tell(Question{1}, ignore_reply);
    w.run_for(1s);
    busy.tell(Question{1}, ignore_reply);
    const Instant begin = w.now();
    const auto all = ask_all(std::vector{busy, slow}, Question{1}, 5s);
    EXPECT_EQ(all[0], std::unexpected(AskError::timeout));
    EXPECT_EQ(all[1], std::unexpected(AskError::timeout));  // it was asked when no time was left
    EXPECT_EQ(w.now() - begin, 5s);
  });
}

// ---- narrow handles ---------------------------------------------------------------------------------------------------------

TEST(Recipient, that_was_narrowed_sends_each_message_to_its_own_handler) {
  struct Both {
    std::string said;
    void handle(Said m) { said += m.what; }
    int handle(Question m) { return m.value; }
    int handle(Other) { return -1; }
  };
  run_calmly([](World& w) {
    const auto both = w.spawn(Both{});
    const Recipient<Said, Question, Other> wide = both;
    const Recipient<Other, Said> narrower = wide;
    const Recipient<Said, Other> turned = narrower;
    narrower.tell(Said{'a'});
    turned.tell(Said{'b'});
    EXPECT_EQ(narrower.ask(Other{}), -1);
    EXPECT_EQ(turned.ask(Other{}), -1);
    EXPECT_EQ(w.peek(both).said, "ab");
    const Recipient<Said> nobody = Recipient<Question, Said>{};
    EXPECT_EQ(nobody.tell(Said{'c'}), std::unexpected(TellError::actor_not_found));
  });
}

// ---- options of one send ----------------------------------------------------------------------------------------------------

TEST(SendOptions, change_the_priority_of_one_message_both_ways) {
  struct Log {
    std::string said;
    void handle(Said m) { said += m.what; }
    void handle(High m) { said += m.what; }
    int handle(Question, Context& context) { return static_cast<int>(context.priority()); }
  };
  run_calmly([](World& w) {
    const auto log = w.spawn(Log{});
    log.tell(Said{'1'});
    log.tell(Said{'2'}, {.priority = Priority::low});
    log.tell(Said{'3'}, SendOptions{});
    log.tell(Said{'4'}, {.priority = Priority::critical});
    log.tell(High{'5'});
    log.tell(High{'6'}, {.priority = Priority::normal});
    w.run();
    EXPECT_EQ(w.peek(log).said, "451362");
    EXPECT_EQ(log.ask(Question{}, {.priority = Priority::low}), static_cast<int>(Priority::low));
    log.tell(Question{}, ignore_reply, {.priority = Priority::high});
    EXPECT_EQ(Ref<Log>{}.tell(Said{'7'}, {.priority = Priority::high}), std::unexpected(TellError::actor_not_found));
    EXPECT_EQ(Ref<Log>{}.ask(Question{}, {.priority = Priority::high}), std::unexpected(AskError::actor_not_found));
  });
}

}  // namespace
}  // namespace orrery::testing
