// Goal:   an ask has exactly one outcome, and every outcome that threads could produce is found.
// Method: each way to end an ask is set up by itself; races are searched through.
#include "tests/sim/sim_fixture.hpp"

#include <stdexcept>

namespace orrery::testing {
namespace {

struct Go {};
struct Question {
  using Reply = int;
  int value = 0;
};
struct Oracle {
  int asked = 0;
  int handle(Question question) {
    ++asked;
    if (question.value < 0) throw std::runtime_error{"no"};
    return question.value + 1;
  }
};
struct Slow {
  int handle(Question question, Context& context) {
    context.sleep(3s);
    return question.value;
  }
};
struct Quitter {
  int handle(Question question, Context& context) {
    context.stop();
    return question.value;
  }
};
struct Hoarder {
  int handle(Question question, Context& context) {
    context.stash(question);
    return 0;
  }
};
template <class Target>
struct Asker {
  Ref<Target> target;
  Duration timeout = no_timeout;
  int value = 1;
  std::string outcomes;
  void handle(Go) { outcomes += text_of(target.ask(Question{value}, timeout)) + ";"; }
};

template <class Target>
std::string ask_one(World& w, Ref<Target> target, Duration timeout = no_timeout, int value = 1) {
  const auto asker = w.spawn(Asker<Target>{target, timeout, value, {}});
  asker.tell(Go{});
  w.run();
  return w.peek(asker).outcomes;
}

TEST(Ask, gives_the_reply) {
  run_calmly([](World& w) { EXPECT_EQ(ask_one(w, w.spawn(Oracle{})), "2;"); });
}

TEST(Ask, of_a_handler_that_throws_gives_actor_failed) {
  run_calmly([](World& w) { EXPECT_EQ(ask_one(w, w.spawn(Oracle{}), no_timeout, -1), "actor_failed;"); });
}

TEST(Ask, of_an_actor_that_has_ended_gives_actor_stopped) {
  run_calmly([](World& w) {
    const auto oracle = w.spawn(Oracle{});
    w.stop(oracle);
    w.run();
    EXPECT_EQ(ask_one(w, oracle), "actor_stopped;");
  });
}

TEST(Ask, of_nobody_gives_actor_not_found) {
  run_calmly([](World& w) { EXPECT_EQ(ask_one(w, Ref<Oracle>{}), "actor_not_found;"); });
}

TEST(Ask, that_waits_in_the_mailbox_of_a_stopped_actor_gives_actor_stopped) {
  run_calmly([](World& w) {
    const auto slow = w.spawn(Slow{});
    const auto first = w.spawn(Asker<Slow>{slow, no_timeout, 1, {}});
    const auto second = w.spawn(Asker<Slow>{slow, no_timeout, 2, {}});
    first.tell(Go{});
    w.run_for(1s);
    second.tell(Go{});
    w.run_for(1s);
    w.stop(slow);
    w.run();
    EXPECT_EQ(w.peek(first).outcomes, "actor_stopped;") << "its handler was unwound";
    EXPECT_EQ(w.peek(second).outcomes, "actor_stopped;") << "its request was still queued";
  });
}

TEST(Ask, that_a_full_mailbox_refuses_gives_mailbox_full) {
  for (const auto policy : {Overflow::reject, Overflow::drop_newest}) {
    run_calmly([policy](World& w) {
      const auto slow = w.spawn("slow", Slow{}, {.mailbox = bounded(1, policy)});
      const auto asker = w.spawn(Asker<Slow>{slow, no_timeout, 1, {}});
      slow.tell(Question{1}, ignore_reply);
      w.run_for(1s);  // handled now
      slow.tell(Question{2}, ignore_reply);
      asker.tell(Go{});
      w.run();
      EXPECT_EQ(w.peek(asker).outcomes, "mailbox_full;");
    });
  }
}

TEST(Ask, whose_request_is_dropped_later_gives_mailbox_full) {
  run_calmly([](World& w) {
    const auto slow = w.spawn("slow", Slow{}, {.mailbox = bounded(1, Overflow::drop_oldest)});
    const auto asker = w.spawn(Asker<Slow>{slow, no_timeout, 1, {}});
    slow.tell(Question{1}, ignore_reply);
    w.run_for(1s);
    asker.tell(Go{});
    w.run_for(1s);
    EXPECT_TRUE(slow.tell(Question{2}, ignore_reply).has_value());
    w.run();
    EXPECT_EQ(w.peek(asker).outcomes, "mailbox_full;");
  });
}

TEST(Ask, ends_at_its_deadline_and_a_later_reply_is_a_dead_letter) {
  run_calmly([](World& w) {
    const auto slow = w.spawn(Slow{});
    const auto asker = w.spawn(Asker<Slow>{slow, 1s, 1, {}});
    asker.tell(Go{});
    w.run_for(2s);
    EXPECT_EQ(w.peek(asker).outcomes, "timeout;");
    EXPECT_EQ(w.dead_letters().count(DeadLetterReason::late_reply), 0U);
    w.run();
    EXPECT_EQ(w.now().time_since_epoch(), 3s);
    EXPECT_EQ(w.dead_letters().count(DeadLetterReason::late_reply), 1U);
    EXPECT_EQ(w.peek(asker).outcomes, "timeout;") << "exactly one outcome";
  });
}

TEST(Ask, has_a_deadline_that_covers_waiting_for_a_place) {
  run_calmly([](World& w) {
    const auto slow = w.spawn("slow", Slow{}, {.mailbox = bounded(1, Overflow::suspend)});
    const auto asker = w.spawn(Asker<Slow>{slow, 1s, 1, {}});
    slow.tell(Question{1}, ignore_reply);
    w.run_for(500ms);
    slow.tell(Question{2}, ignore_reply);  // takes the place
    asker.tell(Go{});
    w.run_for(2s);
    EXPECT_EQ(w.peek(asker).outcomes, "timeout;");
    w.run();
    EXPECT_EQ(w.ledger().handled, 3U) << "the request that found no place is not delivered afterwards";
  });
}

TEST(Ask, works_from_the_body_of_the_test) {
  run_calmly([](World& w) {
    const auto oracle = w.spawn(Oracle{});
    const auto slow = w.spawn(Slow{});
    EXPECT_EQ(oracle.ask(Question{1}).value(), 2);
    EXPECT_EQ(slow.ask(Question{7}, 1s).error(), AskError::timeout);
    EXPECT_EQ(w.now().time_since_epoch(), 1s);
    EXPECT_EQ(slow.ask(Question{8}, 10s).value(), 8);
    EXPECT_EQ(w.now().time_since_epoch(), 6s) << "the first question takes 3 s, the second too";
    EXPECT_EQ(oracle.ask(Question{-1}).error(), AskError::actor_failed);
    EXPECT_EQ(oracle.ask(Question{1}).error(), AskError::actor_stopped);
  });
}

TEST(Ask, of_the_test_lets_everything_else_that_is_enabled_happen_first_or_later) {
  struct Logger {
    std::string log;
    void handle(Go) { log += 'x'; }
    int handle(Question) { return 0; }
  };
  struct Forwarder {
    Ref<Logger> to;
    void handle(Go) { to.tell(Go{}); }
  };
  const TextBody body = [](World& w, std::string& text) {
    const auto oracle = w.spawn(Oracle{});
    const auto logger = w.spawn(Logger{});
    w.spawn(Forwarder{logger}).tell(Go{});
    (void)oracle.ask(Question{1});
    text = w.stop(logger) ? "stopped " : "";
    w.run();
    text += fmt::format("{} dead", w.dead_letters().count(DeadLetterReason::actor_stopped));
  };
  // Handled before the stop, or queued when it came, or refused after it.
  EXPECT_EQ(all_texts(body), (Texts{"stopped 0 dead", "stopped 1 dead"}));
}

// ---- several at once -------------------------------------------------------------------------------------------------

struct Both {
  Ref<Oracle> one;
  Ref<Oracle> other;
  bool all;
  std::string outcome;
  int first_value = 1;
  void handle(Go) {
    auto first = one.ask_async(Question{first_value});
    auto second = other.ask_async(Question{2});
    if (all) {
      const auto [a, b] = wait_all(first, second);
      outcome = text_of(a) + text_of(b);
    } else {
      const std::size_t index = wait_any(first, second);
      outcome = fmt::format("{}", index);
      outcome += (index == 0 ? second.ready() : first.ready()) ? "+" : "";
      outcome += index == 0 ? text_of(first.get()) : text_of(second.get());
    }
  }
};

Texts both(bool all, bool reduce = true, int first_value = 1) {
  sim::RunOptions options = no_faults();
  options.reduce = reduce;
  return all_texts(
      [=](World& w, std::string& text) {
        const auto asker = w.spawn(Both{w.spawn(Oracle{}), w.spawn(Oracle{}), all, {}, first_value});
        asker.tell(Go{});
        w.run();
        text = w.peek(asker).outcome;
      },
      options);
}

TEST(Ask, all_of_several_are_waited_for) { EXPECT_EQ(both(true), Texts{"23"}); }

TEST(Ask, any_of_several_may_come_first_or_both_at_once) {
  EXPECT_EQ(both(false), (Texts{"02", "0+2", "13", "1+3"}));
  EXPECT_EQ(both(false), both(false, false));
}

TEST(Ask, a_failure_may_come_before_or_after_an_answer_like_an_answer) {
  EXPECT_EQ(both(false, true, -1), (Texts{"0actor_failed", "0+actor_failed", "13", "1+3"}));
}

TEST(Ask, an_answer_that_nobody_takes_is_destroyed_and_counted_as_late_only_when_it_comes_later) {
  struct Dropper {
    Ref<Oracle> oracle;
    void handle(Go) { (void)oracle.ask_async(Question{1}); }
  };
  run_calmly([](World& w) {
    const auto oracle = w.spawn(Oracle{});
    w.spawn(Dropper{oracle}).tell(Go{});
    w.run();
    EXPECT_EQ(w.peek(oracle).asked, 1);
    EXPECT_EQ(w.dead_letters().count(DeadLetterReason::late_reply), 1U);
  });
}

TEST(Ask, an_actor_that_ends_after_its_reply_has_replied) {
  EXPECT_EQ(all_texts([](World& w, std::string& text) { text = ask_one(w, w.spawn(Quitter{})); }), Texts{"1;"});
}

TEST(Ask, a_timeout_beats_a_reply_only_where_time_may_pass_while_work_waits) {
  const TextBody body = [](World& w, std::string& text) { text = ask_one(w, w.spawn(Oracle{}), 1s); };
  EXPECT_EQ(all_texts(body), Texts{"2;"});
  EXPECT_EQ(all_texts(body, one_stall()), (Texts{"2;", "timeout;"}));
}

TEST(Ask, a_stashed_question_is_answered_when_the_actor_ends) {
  run_calmly([](World& w) {
    const auto hoarder = w.spawn(Hoarder{});
    const auto asker = w.spawn(Asker<Hoarder>{hoarder, no_timeout, 1, {}});
    asker.tell(Go{});
    w.run_for(1s);
    w.stop(hoarder);
    w.run();
    EXPECT_EQ(w.peek(asker).outcomes, "actor_stopped;");
  });
}

TEST(Ask, a_stashed_question_whose_handler_then_fails_is_answered_once) {
  struct Confused {
    int handle(Question question, Context& context) {
      context.stash(question);
      throw std::runtime_error{"after all"};
    }
  };
  run_calmly([](World& w) {
    const auto confused = w.spawn("confused", Restart{.intensity = 3}, Confused{});
    EXPECT_EQ(ask_one(w, *confused), "actor_failed;");
    EXPECT_EQ(ask_one(w, *confused), "actor_failed;") << "it came back, with an empty stash";
    EXPECT_EQ(w.ledger().failed, 2U);
  });
}

}  // namespace
}  // namespace orrery::testing
