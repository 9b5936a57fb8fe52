// Goal:   what goes wrong in a run is found, named, and never blamed on a run that is fine.
#include "tests/sim/sim_fixture.hpp"

#include <stdexcept>

namespace orrery::testing {
namespace {

struct Go {};
struct Question {
  using Reply = int;
};
struct Peer;
struct Meet {
  Ref<Peer> peer;
};
struct Peer {
  Ref<Peer> other;
  Duration timeout = no_timeout;
  std::string outcome;
  void handle(Meet meet);
  void handle(Go);
  int handle(Question) {
    if (other.handle().is_set()) (void)other.ask(Question{}, timeout);
    return 1;
  }
};
void Peer::handle(Meet meet) { other = meet.peer; }
void Peer::handle(Go) { outcome = text_of(other.ask(Question{}, timeout)); }

/// `count` peers in a ring, each of which asks the next before it answers.
sim::Body ring(int count, Duration timeout = no_timeout) {
  return [count, timeout](World& w) {
    std::vector<Ref<Peer>> peers;
    for (int i = 0; i < count; ++i) peers.push_back(w.spawn(fmt::format("p{}", i), Peer{{}, timeout, {}}));
    for (int i = 0; i < count; ++i) {
      peers[static_cast<std::size_t>(i)].tell(Meet{peers[static_cast<std::size_t>((i + 1) % count)]});
    }
    w.run();
    peers[0].tell(Go{});
    w.run();
  };
}

TEST(Finding, an_actor_that_asks_itself_is_a_cycle) {
  const auto found = find(ring(1));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, FindingKind::ask_cycle);
  EXPECT_EQ(found->name, "p0 --ask Question--> p0");
}

TEST(Finding, two_and_three_actors_that_ask_each_other_are_a_cycle_with_all_their_names) {
  const auto two = find(ring(2));
  ASSERT_TRUE(two);
  EXPECT_EQ(two->kind, FindingKind::ask_cycle);
  EXPECT_EQ(two->name, "p0 --ask Question--> p1 --ask Question--> p0");
  const auto three = find(ring(3));
  ASSERT_TRUE(three);
  EXPECT_EQ(three->kind, FindingKind::ask_cycle);
  EXPECT_EQ(three->name, "p0 --ask Question--> p1 --ask Question--> p2 --ask Question--> p0");
}

TEST(Finding, a_cycle_is_found_although_its_asks_would_time_out) {
  const auto found = find(ring(2, 1s));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, FindingKind::ask_cycle);
}

struct Answer {
  int handle(Question) { return 1; }
};
struct Hoarder {
  int handle(Question question, Context& context) {
    context.stash(question);
    return 0;
  }
  struct Flush {};
  void handle(Flush, Context& context) { context.every(*this, 1h, Go{}); }
  void handle(Go) {}
};
template <class Target>
struct Asker {
  Ref<Target> target;
  std::string outcome;
  void handle(Go) { outcome = text_of(target.ask(Question{}, no_timeout)); }
};

struct Choosy;
/// Asks its asker before it answers.
struct Blocked {
  Ref<Choosy> back;
  int handle(Question);
};
struct Choosy {
  Ref<Answer> answer;
  bool done = false;
  struct Start {
    Ref<Blocked> blocked;
  };
  int handle(Question) { return 7; }
  void handle(Start start) {
    auto first = start.blocked.ask_async(Question{}, no_timeout);
    auto second = answer.ask_async(Question{}, no_timeout);
    (void)wait_any(first, second);
    done = true;
  }
};
int Blocked::handle(Question) { return back.ask(Question{}, no_timeout).value_or(-1); }

TEST(Finding, a_wait_for_any_of_several_is_no_cycle_while_another_can_end_it) {
  EXPECT_EQ(all_texts([](World& w, std::string& text) {
              const auto choosy = w.spawn("choosy", Choosy{w.spawn("answer", Answer{})});
              const auto blocked = w.spawn("blocked", Blocked{choosy});
              choosy.tell(Choosy::Start{blocked});
              w.run();
              text = w.peek(*choosy).done ? "done" : "not done";
            }),
            Texts{"done"});
}

TEST(Finding, a_wait_that_nothing_can_end_is_stuck) {
  const auto found = find([](World& w) {
    const auto asker = w.spawn("asker", Asker<Hoarder>{w.spawn("hoarder", Hoarder{}), {}});
    asker.tell(Go{});
    w.run();
  });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, FindingKind::stuck);
  EXPECT_EQ(found->name, "asker --ask Question--> hoarder");
  EXPECT_EQ(found->detail, "nothing runnable, 1 wait unanswered");
}

TEST(Finding, a_wait_of_the_test_that_nothing_can_end_is_stuck) {
  const auto found = find([](World& w) { (void)w.spawn("hoarder", Hoarder{}).value().ask(Question{}, no_timeout); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, FindingKind::stuck);
  EXPECT_EQ(found->name, "test --ask Question--> hoarder");
}

TEST(Finding, a_wait_is_not_stuck_while_a_periodic_timer_could_still_end_it) {
  run_calmly([](World& w) {
    const auto hoarder = w.spawn("hoarder", Hoarder{});
    hoarder.tell(Hoarder::Flush{});
    const auto asker = w.spawn("asker", Asker<Hoarder>{hoarder, {}});
    asker.tell(Go{});
    w.run();
  });
}

struct Spinner {
  void handle(Go, Context& context) { context.self(*this).tell(Go{}); }
};

TEST(Finding, a_system_that_never_comes_to_rest_makes_no_progress) {
  for (const bool reduce : {true, false}) {
    sim::RunOptions options = no_faults();
    options.reduce = reduce;
    options.operations_max = 500;
    const auto outcome = sim::execute(
        [](World& w) {
          w.spawn(Spinner{}).tell(Go{});
          w.run();
        },
        calm(), options);
    ASSERT_TRUE(outcome.finding);
    EXPECT_EQ(outcome.finding->kind, FindingKind::no_progress);
    EXPECT_EQ(outcome.operations, 500U) << "what unwinds the run is not counted";
    EXPECT_TRUE(outcome.ledger.adds_up());
  }
}

// ---- predicates ---------------------------------------------------------------------------------------------------------

struct Counter {
  int value = 0;
  void handle(Go) { ++value; }
};

TEST(Finding, a_violated_invariant_names_the_fields_and_the_message) {
  sim::RunOptions options = no_faults();
  options.record_events = true;
  const auto outcome = sim::execute(
      [](World& w) {
        const auto counter = w.spawn("counter", Counter{});
        w.always("below two", [&] { return w.peek(*counter).value < 2; });
        for (int i = 0; i < 5; ++i) counter.tell(Go{});
        w.run();
        ADD_FAILURE() << "the wait in which it is found does not return";
      },
      calm(), options);
  ASSERT_TRUE(outcome.finding);
  EXPECT_EQ(outcome.finding->kind, FindingKind::invariant_violated);
  EXPECT_EQ(outcome.finding->name, "below two");
  EXPECT_EQ(outcome.finding->step, 2U);
  EXPECT_NE(outcome.finding->file.find("finding_test.cpp"), std::string::npos);
  EXPECT_NE(outcome.finding->detail.find("counter.value == 2"), std::string::npos) << outcome.finding->detail;
  EXPECT_NE(outcome.finding->detail.find("counter handled Go{} from test"), std::string::npos)
      << outcome.finding->detail;
}

TEST(Finding, an_invariant_over_two_actors_sees_every_order_of_their_handlers) {
  const auto body = [](World& w, std::string&) {
    const auto one = w.spawn("one", Counter{});
    const auto other = w.spawn("other", Counter{});
    w.always("one first", [&] { return w.peek(*one).value >= w.peek(*other).value; });
    one.tell(Go{});
    other.tell(Go{});
    w.run();
  };
  EXPECT_EQ(all_texts(body), (Texts{"", "INVARIANT VIOLATED: one first"}));
}

TEST(Finding, an_invariant_over_what_is_no_actors_state_sees_every_order_too) {
  struct Writer {
    std::string* log;
    char letter;
    void handle(Go) { *log += letter; }
  };
  std::string log;
  const auto body = [&log](World& w, std::string&) {
    log.clear();
    w.always("a first", [&] { return log != "b"; });
    w.spawn(Writer{&log, 'a'}).tell(Go{});
    w.spawn(Writer{&log, 'b'}).tell(Go{});
    w.run();
  };
  EXPECT_EQ(all_texts(body), (Texts{"", "INVARIANT VIOLATED: a first"}));
}

struct TwoPhase {
  int a = 0;
  int b = 0;
  void handle(Go, Context& context) {
    a = 1;
    context.sleep(1s);
    b = 1;
  }
};

TEST(Finding, an_invariant_is_postponed_while_its_actor_is_in_mid_handler) {
  run_calmly([](World& w) {
    const auto actor = w.spawn(TwoPhase{});
    const auto other = w.spawn(Counter{});
    int evaluated = 0;
    w.always("both or none", [&] {
      const bool holds = w.peek(actor).a == w.peek(actor).b;
      ++evaluated;
      return holds;
    });
    actor.tell(Go{});
    w.run_for(500ms);
    const int before = evaluated;
    other.tell(Go{});
    w.run_for(100ms);
    EXPECT_EQ(evaluated, before);
    EXPECT_THROW((void)w.peek(actor), std::logic_error);
    w.run();
    EXPECT_GT(evaluated, before);
  });
}

TEST(Finding, a_sometimes_says_whether_it_ever_held) {
  const auto outcome = run_calmly([](World& w) {
    const auto counter = w.spawn(Counter{});
    w.sometimes("one", [&] { return w.peek(counter).value == 1; });
    w.sometimes("seven", [&] { return w.peek(counter).value == 7; });
    counter.tell(Go{});
    counter.tell(Go{});
    w.run();
  });
  using Hits = std::vector<std::pair<std::string, bool>>;
  EXPECT_EQ(outcome.sometimes, (Hits{{"one", true}, {"seven", false}}));
}

TEST(Finding, a_predicate_that_throws_is_a_finding_with_its_words) {
  const auto found = find([](World& w) {
    const auto counter = w.spawn("counter", Counter{});
    w.always("lives", [&] { return w.peek(*counter).value >= 0; });
    const auto other = w.spawn("other", Counter{});
    w.kill(*counter);
    w.run();
    other.tell(Go{});
    w.run();
  });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, FindingKind::exception_in_test);
  EXPECT_EQ(found->name, "peek: counter has ended");
  EXPECT_EQ(found->detail, "in lives");
}

TEST(Finding, an_exception_of_the_body_is_a_finding_and_the_run_is_cleaned_up) {
  for (const bool is_standard : {true, false}) {
    const auto outcome = sim::execute(
        [is_standard](World& w) {
          const auto sleeper = w.spawn(TwoPhase{});
          sleeper.tell(Go{});
          w.run_for(100ms);
          if (is_standard) throw std::runtime_error{"words"};
          throw 7;
        },
        calm(), no_faults());
    ASSERT_TRUE(outcome.finding);
    EXPECT_EQ(outcome.finding->kind, FindingKind::exception_in_test);
    EXPECT_EQ(outcome.finding->name, is_standard ? "words" : "not a std::exception");
    EXPECT_TRUE(outcome.ledger.adds_up());
  }
}

TEST(Finding, what_the_body_owns_still_lives_while_a_run_with_a_finding_is_torn_down) {
  struct Guard {
    std::string* log;
    ~Guard() { *log += "unwound "; }
  };
  struct Waiting {
    std::string* log;
    void handle(Go, Context& context) {
      const Guard guard{log};
      context.sleep(1h);
    }
  };
  std::string seen;
  const auto outcome = sim::execute(
      [&seen](World& w) {
        struct Local {
          std::string text;
          std::string* seen;
          ~Local() { *seen = text; }
        } local{{}, &seen};
        w.spawn(Waiting{&local.text}).tell(Go{});
        const auto counter = w.spawn(Counter{});
        w.always("none", [&] { return w.peek(counter).value == 0; });
        counter.tell(Go{});
        w.run();
      },
      calm(), no_faults());
  ASSERT_TRUE(outcome.finding);
  EXPECT_EQ(seen, "unwound ");
}

}  // namespace
}  // namespace orrery::testing
