// Goal:   offloaded work is an operation of its own: whatever others can do between its start and its end is explored,
//         its outcome reaches the handler, and a stop, a failure or the end of a run loses nothing but what was promised.
// Method: exhaustive search over small programs; single calm runs where one schedule is enough.
#include "tests/sim/sim_fixture.hpp"

#include <memory>
#include <stdexcept>

namespace orrery::testing {
namespace {

struct Load {
  using Reply = int;
  int value = 0;
};
struct Note {
  char what;
};
struct Log {
  using Reply = std::string;
};
struct Go {};

struct Logger {
  std::string log;
  void handle(Note note) { log += note.what; }
  std::string handle(Log) { return log; }
};

struct Loader {
  int handle(Load m, Context& context) {
    return context.offload([value = m.value] { return value * 2; });
  }
};

TEST(Offload, returns_what_the_function_returns) {
  run_calmly([](World& world) {
    const auto loader = world.spawn(Loader{});
    EXPECT_EQ(loader.ask(Load{21}, 1s), 42);
    EXPECT_EQ(offload(world, [] { return 7; }), 7);  // the body of the test is no handler: it is simply called
  });
}

TEST(Offload, takes_and_returns_what_can_only_be_moved) {
  struct Mover {
    int handle(Load m, Context& context) {
      auto given = std::make_unique<int>(m.value);
      const std::unique_ptr<int> back = context.offload([given = std::move(given)]() mutable {
        *given += 1;
        return std::move(given);
      });
      bool done = false;
      context.offload([&done] { done = true; });  // nobody stops this actor, so a reference is safe here
      return done ? *back : -1;
    }
  };
  run_calmly([](World& world) { EXPECT_EQ(world.spawn(Mover{}).ask(Load{4}, 1s), 5); });
}

TEST(Offload, throws_in_the_handler_what_the_function_threw) {
  struct Careful {
    int handle(Load m, Context& context) {
      try {
        context.offload([] { throw std::runtime_error{"no such file"}; });
      } catch (const std::runtime_error& error) {
        if (m.value == 1) return std::string_view{error.what()} == "no such file" ? 1 : 2;
        throw;
      }
      return 3;
    }
  };
  run_calmly([](World& world) {
    const auto careful = world.spawn(Careful{});
    EXPECT_EQ(careful.ask(Load{1}, 1s), 1);
    EXPECT_EQ(careful.ask(Load{0}, 1s), std::unexpected(AskError::actor_failed));
  });
}

struct Slow {
  Ref<Logger> log;
  void handle(Go, Context& context) {
    context.offload([log = log] { log.tell(Note{'w'}); });
    log.tell(Note{'h'});
  }
};
struct Teller {
  Ref<Logger> log;
  char what;
  void handle(Go) { log.tell(Note{what}); }
};

TEST(Offload, lets_others_act_between_its_start_and_its_end) {
  const Texts texts = all_texts([](World& world, std::string& text) {
    const auto log = world.spawn(Logger{});
    world.spawn(Slow{log}).tell(Go{});
    world.spawn(Teller{log, 'o'}).tell(Go{});
    world.run();
    text = log.ask(Log{}).value();
  });
  EXPECT_EQ(texts, (Texts{"owh", "who", "woh"}));
}

TEST(Offload, keeps_its_actor_from_other_mail_while_it_runs) {
  struct One {
    Ref<Logger> log;
    void handle(Note note, Context& context) {
      log.tell(note);
      context.offload([log = log] { log.tell(Note{'-'}); });
    }
  };
  const Texts texts = all_texts([](World& world, std::string& text) {
    const auto log = world.spawn(Logger{});
    const auto one = world.spawn(One{log});
    one.tell(Note{'a'});
    one.tell(Note{'b'});
    world.run();
    text = log.ask(Log{}).value();
  });
  EXPECT_EQ(texts, Texts{"a-b-"});
}

TEST(Offload, of_several_actors_ends_in_every_order) {
  const Texts texts = all_texts([](World& world, std::string& text) {
    struct Namer {
      std::string* order;
      char name;
      void handle(Go, Context& context) {
        context.offload([order = order, name = name] { *order += name; });
      }
    };
    for (const char name : {'a', 'b', 'c'}) world.spawn(Namer{&text, name}).tell(Go{});
    world.run();
  });
  EXPECT_EQ(texts, (Texts{"abc", "acb", "bac", "bca", "cab", "cba"}));
}

// Others may act between two sends of one function, as on threads.
TEST(Offload, has_an_operation_for_every_send) {
  struct Speller {
    Ref<Logger> log;
    void handle(Go, Context& context) {
      context.offload([log = log] {
        log.tell(Note{'1'});
        log.tell(Note{'2'});
      });
    }
  };
  const Texts texts = all_texts([](World& world, std::string& text) {
    const auto log = world.spawn(Logger{});
    world.spawn(Speller{log}).tell(Go{});
    world.spawn(Teller{log, 'o'}).tell(Go{});
    world.run();
    text = log.ask(Log{}).value();
  });
  EXPECT_EQ(texts, (Texts{"12o", "1o2", "o12"}));
}

TEST(Offload, may_ask_and_wait_as_a_foreign_thread_does) {
  struct Asker {
    Ref<Loader> other;
    int handle(Load m, Context& context) {
      Runtime& runtime = context.runtime();
      const Instant before = context.now();
      const int got = context.offload([&runtime, other = other, m] {
        sleep_for(runtime, 3s);
        return other.ask(Load{m.value}, 10s).value_or(-1);
      });
      return context.now() - before == 3s ? got : -2;
    }
  };
  run_calmly([](World& world) {
    const auto other = world.spawn(Loader{});
    EXPECT_EQ(world.spawn(Asker{other}).ask(Load{5}, 20s), 10);
  });
}

TEST(Offload, that_asks_its_own_actor_is_stuck_and_says_so) {
  struct Fool {
    void handle(Go, Context& context) {
      context.offload([self = context.self(*this)] { (void)self.ask(Load{}, no_timeout); });
    }
    int handle(Load) { return 0; }
  };
  const auto finding = find([](World& world) {
    world.spawn("fool", Fool{})->tell(Go{});
    world.run();
  });
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->kind, FindingKind::stuck);
  EXPECT_EQ(finding->name, "fool waits for offloaded work; fool/offload#0 --ask Load--> fool");
}

/// Says in a destructor that its handler was unwound, and what had come of the work.
struct Victim {
  std::string* text;
  void handle(Go, Context& context) {
    struct OnExit {
      std::string* text;
      ~OnExit() { *text += 'x'; }
    } on_exit{text};
    struct Captured {  // O2: destroyed once, where it ran
      std::string* text;
      std::unique_ptr<int> owned = std::make_unique<int>(0);
      ~Captured() {
        if (owned != nullptr) *text += 'd';
      }
      Captured(std::string* where) : text{where} {}
      Captured(Captured&&) = default;
    };
    context.offload([captured = Captured{text}] { *captured.text += 'w'; });
    *text += 'h';
  }
};

TEST(Offload, goes_on_without_an_actor_that_is_stopped) {
  struct Stopper {
    Ref<Victim> victim;
    void handle(Go, Context& context) { context.stop(victim); }
  };
  const Texts texts = all_texts([](World& world, std::string& text) {
    const auto victim = world.spawn(Victim{&text});
    victim.tell(Go{});
    world.spawn(Stopper{victim}).tell(Go{});
    world.run();
    text += world.is_living(victim) ? " lives" : "";
  });
  // Stopped before it began; while the work was under way (which is done all the same); after the work but before the
  // handler went on; after the handler.
  EXPECT_EQ(texts, (Texts{"", "xwd", "wdx", "wdhx"}));
}

TEST(Offload, in_a_handler_that_is_unwound_is_simply_called) {
  struct Closing {
    int* flushed;
    void handle(Go, Context& context) { context.sleep(10s); }
    void on_stop(Context& context) {
      context.offload([flushed = flushed] { ++*flushed; });
    }
  };
  int flushed = 0;
  run_calmly([&](World& world) {
    flushed = 0;
    const auto closing = world.spawn(Closing{&flushed});
    closing.tell(Go{});
    world.run_for(1s);
    world.stop(closing);
    world.run();
    EXPECT_EQ(flushed, 1);
  });
  EXPECT_EQ(flushed, 1);
}

TEST(Offload, that_has_not_begun_when_the_run_ends_is_dropped) {
  std::string text;
  const auto outcome = sim::execute(
      [&](World& world) {
        text.clear();
        world.spawn(Victim{&text}).tell(Go{});
        (void)world.run_until([&] { return world.internals().operations() == 1; });
      },
      calm(), no_faults());
  EXPECT_FALSE(outcome.finding);
  EXPECT_EQ(text, "xd");  // and not w
  EXPECT_TRUE(outcome.ledger.adds_up());
}

TEST(Offload, that_waits_or_never_ends_when_the_run_ends_is_unwound) {
  std::string text;
  for (const bool tells : {false, true}) {
    const auto outcome = sim::execute(
        [&](World& world) {
          text.clear();
          struct Endless {
            std::string* text;
            Ref<Logger> log;
            bool tells;
            void handle(Go, Context& context) {
              context.offload([text = text, log = log, tells = tells, &runtime = context.runtime()] {
                struct OnExit {
                  std::string* text;
                  ~OnExit() { *text += 'x'; }
                } on_exit{text};
                while (tells) log.tell(Note{'.'});
                sleep_for(runtime, 1h);
              });
            }
          };
          const auto log = world.spawn(Logger{});
          world.spawn(Endless{&text, log, tells}).tell(Go{});
          (void)world.run_until([&] { return world.internals().operations() == 20; });
          if (!tells) world.run_for(1s);
        },
        calm(), no_faults());
    EXPECT_FALSE(outcome.finding) << outcome.finding->name;
    EXPECT_EQ(text, "x");
    EXPECT_TRUE(outcome.ledger.adds_up());
  }
}

TEST(Offload, takes_no_time_unless_the_world_stalls) {
  struct Timed {
    int handle(Load, Context& context) {
      context.after(*this, 1s, Go{});
      const Instant before = context.now();
      context.offload([] {});
      return static_cast<int>((context.now() - before) / 1s);
    }
    void handle(Go) {}
  };
  const TextBody body = [](World& world, std::string& text) { text = text_of(world.spawn(Timed{}).ask(Load{}, 1h)); };
  EXPECT_EQ(all_texts(body), Texts{"0"});
  EXPECT_EQ(all_texts(body, one_stall()), (Texts{"0", "1"}));
}

TEST(Offload, is_told_as_a_step_and_names_the_work_as_the_sender) {
  sim::RunOptions options = no_faults();
  options.record_events = true;
  const auto outcome = sim::execute(
      [](World& world) {
        const auto log = world.spawn("log", Logger{});
        world.spawn("slow", Slow{*log})->tell(Go{});
        world.run();
      },
      calm(), options);
  std::vector<std::string> told;
  for (const sim::Event& event : outcome.events) {
    if (event.kind == sim::EventKind::finish || event.kind == sim::EventKind::take) {
      told.push_back(fmt::format("{} {} -> {}", to_string(event.kind), event.from, event.to));
    }
  }
  EXPECT_EQ(told, (std::vector<std::string>{"take test -> slow", "finish slow -> slow", "take slow/offload#0 -> log",
                                            "take slow -> log"}));
  EXPECT_EQ(outcome.steps, 5U);  // and the resumed handler
}

TEST(Offload, replays_and_hashes_alike) {
  const sim::Body body = [](World& world) {
    const auto log = world.spawn(Logger{});
    for (int i = 0; i < 3; ++i) world.spawn(Slow{log}).tell(Go{});
    world.spawn(Teller{log, 'o'}).tell(Go{});
    world.run();
  };
  std::set<std::pair<std::uint64_t, std::uint64_t>> hashes;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto first = sim::execute(body, random_walk(seed), {});
    const auto again = sim::execute(body, strict_replay(first.decisions), {});
    ASSERT_FALSE(again.divergence) << *again.divergence;
    ASSERT_EQ(first.trace_hash, again.trace_hash);
    hashes.emplace(first.trace_hash.hi, first.trace_hash.lo);
  }
  EXPECT_GT(hashes.size(), 10U);
}

TEST(Offload, works_through_channels_too) {
  sim::RunOptions options = no_faults();
  options.mode = sim::Mode::per_pair;
  const Texts texts = all_texts(
      [](World& world, std::string& text) {
        const auto log = world.spawn(Logger{});
        world.spawn(Slow{log}).tell(Go{});
        world.run();
        text = log.ask(Log{}).value();
      },
      options);
  EXPECT_EQ(texts, (Texts{"wh", "hw"}));  // two senders, two channels
}

}  // namespace
}  // namespace orrery::testing
