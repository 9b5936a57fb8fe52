// Goal:   a stop or kill ends an actor once, unwinds what it was doing, and loses no outcome to the reductions.
#include "tests/sim/sim_fixture.hpp"

#include <algorithm>

namespace orrery::testing {
namespace {

struct Go {};
struct Question {
  using Reply = int;
};
struct Note {
  char letter = '?';
};

/// Appends to a text that outlives the run when it is destroyed.
struct Guard {
  std::string* log;
  std::string_view word;
  ~Guard() { *log += word; }
};

struct Silent {
  int handle(Question question, Context& context) {
    context.stash(question);
    return 0;
  }
};
struct Worker {
  std::string* log;
  Ref<Silent> silent;
  void handle(Go, Context& context) {
    const Guard outer{log, "outer "};
    struct Asks {
      Worker* worker;
      ~Asks() { *worker->log += text_of(worker->silent.ask(Question{}, no_timeout)) + " "; }
    } asks{this};
    const Guard inner{log, "inner "};
    context.sleep(1h);
    *log += "not reached ";
  }
  void on_stop(Context&, const ExitReason& reason) { *log += "on_stop:" + to_string(reason) + " "; }
};

TEST(Stop, unwinds_a_suspended_handler_and_waits_inside_end_at_once) {
  for (const bool kill : {false, true}) {
    std::string log;
    run_calmly([&](World& w) {
      const auto worker = w.spawn("worker", Worker{&log, w.spawn(Silent{})});
      worker.tell(Go{});
      w.run_for(1s);
      EXPECT_TRUE(kill ? w.kill(*worker) : w.stop(*worker));
      w.run();
      EXPECT_FALSE(w.is_living(*worker));
      EXPECT_FALSE(w.stop(*worker)) << "it has ended already";
    });
    EXPECT_EQ(log, kill ? "inner actor_stopped outer " : "inner actor_stopped outer on_stop:shutdown ");
  }
}

TEST(Stop, of_an_actor_that_wanted_to_end_after_its_handler_unwinds_that_too) {
  struct Ending {
    void handle(Go, Context& context) {
      context.stop(ExitReason::custom("mine"));
      context.sleep(1h);
    }
  };
  run_calmly([](World& w) {
    const auto actor = w.spawn(Ending{});
    actor.tell(Go{});
    w.run_for(1s);
    w.stop(actor);
    w.run();
    EXPECT_FALSE(w.is_living(actor));
    EXPECT_EQ(w.now().time_since_epoch(), 1s);
  });
}

struct Collector {
  std::string log;
  void handle(Note note) { log += note.letter; }
};

TEST(Stop, frees_the_name) {
  run_calmly([](World& w) {
    const auto first = w.spawn("alice", Collector{});
    EXPECT_EQ(w.spawn("alice", Collector{}).error(), SpawnError::name_taken);
    w.stop(*first);
    w.run();
    const auto second = w.spawn("alice", Collector{});
    ASSERT_TRUE(second.has_value());
    EXPECT_EQ(first.tell(Note{}).error(), TellError::actor_stopped);
    EXPECT_TRUE(second.tell(Note{'2'}).has_value());
    w.run();
    EXPECT_EQ(w.peek(*second).log, "2");
    EXPECT_EQ(w.find<Collector>("alice"), *second);
  });
}

// ---- death watch -------------------------------------------------------------------------------------------------------

struct Mourner {
  Ref<Collector> watched;
  std::string downs;
  void handle(Go, Context& context) { context.watch(*this, watched); }
  void handle(Down down) { downs += to_string(down.reason) + " "; }
};

TEST(Stop, every_watch_gets_exactly_one_down) {
  run_calmly([](World& w) {
    const auto collector = w.spawn(Collector{});
    std::vector<Ref<Mourner>> mourners;
    for (int i = 0; i < 3; ++i) {
      mourners.push_back(w.spawn(Mourner{collector, {}}));
      mourners.back().tell(Go{});
    }
    w.run();
    w.stop(collector, ExitReason::shutdown("done"));
    w.run();
    for (const auto& mourner : mourners) EXPECT_EQ(w.peek(mourner).downs, "shutdown:done ");
    mourners[0].tell(Go{});
    w.run();
    EXPECT_EQ(w.peek(mourners[0]).downs, "shutdown:done noproc ");
  });
}

struct Poisoner {
  Ref<Collector> target;
  std::string downs;
  void handle(Go, Context& context) {
    context.stop(target);
    context.watch(*this, target);
  }
  void handle(Down down) { downs += to_string(down.reason) + " "; }
};

TEST(Stop, a_watch_comes_before_or_after_the_end_that_its_own_actor_caused) {
  const TextBody body = [](World& w, std::string& text) {
    const auto poisoner = w.spawn(Poisoner{w.spawn(Collector{}), {}});
    poisoner.tell(Go{});
    w.run();
    text = w.peek(poisoner).downs;
  };
  EXPECT_EQ(all_texts(body), (Texts{"shutdown ", "noproc "}));
}

TEST(Stop, a_death_notice_is_not_refused_by_a_full_mailbox) {
  struct Busy {
    Ref<Collector> watched;
    int downs = 0;
    void handle(Go, Context& context) {
      context.watch(*this, watched);
      context.sleep(10s);
    }
    void handle(Note) {}
    void handle(Down) { ++downs; }
  };
  run_calmly([](World& w) {
    const auto collector = w.spawn(Collector{});
    const auto busy = w.spawn("busy", Busy{collector, 0}, {.mailbox = bounded(1, Overflow::reject)});
    busy.tell(Go{});
    w.run_for(1s);
    busy.tell(Note{});
    w.stop(collector);
    w.run();
    EXPECT_EQ(w.peek(*busy).downs, 1);
  });
}

// ---- a stop overtakes ------------------------------------------------------------------------------------------------

struct Stopper {
  Ref<Collector> target;
  bool kill;
  void handle(Go, Context& context) {
    target.tell(Note{'a'});
    target.tell(Note{'b'});
    if (kill) {
      context.runtime().kill(target);
    } else {
      context.stop(target);
    }
  }
};

TEST(Stop, overtakes_queued_mail_and_the_search_falls_back_to_all_choices) {
  for (const bool kill : {false, true}) {
    const TextBody body = [kill](World& w, std::string& text) {
      const auto collector = w.spawn(Collector{});
      w.spawn(Stopper{collector, kill}).tell(Go{});
      w.run();
      text = fmt::format("{} dead", w.dead_letters().count(DeadLetterReason::actor_stopped));
    };
    const Texts expected{"0 dead", "1 dead", "2 dead"};
    EXPECT_EQ(all_texts(body), expected);
    sim::RunOptions options = no_faults();
    options.reduce = false;
    EXPECT_EQ(all_texts(body, options), expected);
  }
}

TEST(Stop, a_run_with_a_stop_that_overtakes_is_made_without_reductions_and_says_so) {
  const sim::Body body = [](World& w) {
    const auto collector = w.spawn(Collector{});
    w.spawn(Stopper{collector, false}).tell(Go{});
    w.run();
  };
  Texts dead;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto outcome = sim::execute(body, random_walk(seed), no_faults());
    EXPECT_FALSE(outcome.reduced);
    dead.insert(fmt::format("{}", outcome.ledger.dead_lettered));
  }
  EXPECT_EQ(dead, (Texts{"0", "1", "2"}));
}

TEST(Stop, of_an_actor_that_has_done_nothing_since_the_world_came_to_rest_needs_no_second_run) {
  const auto outcome = run_calmly([](World& w) {
    const auto collector = w.spawn(Collector{});
    collector.tell(Note{'a'});
    w.run();
    w.stop(collector);
    w.run();
  });
  EXPECT_TRUE(outcome.reduced);
}

TEST(Stop, is_refused_by_no_wait_for_a_place) {
  struct Napper {
    void handle(Note, Context& context) { context.sleep(100s); }
  };
  struct Pusher {
    Ref<Napper> napper;
    std::string* log;
    void handle(Go) {
      const Guard guard{log, "unwound"};
      for (int i = 0; i < 3; ++i) napper.tell(Note{});
      *log += "not reached";
    }
  };
  std::string log;
  run_calmly([&log](World& w) {
    const auto napper = w.spawn("napper", Napper{}, {.mailbox = bounded(1, Overflow::suspend)});
    const auto pusher = w.spawn(Pusher{napper, &log});
    pusher.tell(Go{});
    w.run_for(1s);
    w.kill(pusher);
    w.run();
    EXPECT_EQ(w.ledger().handled, 2U);
    EXPECT_EQ(w.ledger().refused, 1U) << "the message that found no place";
  });
  EXPECT_EQ(log, "unwound");
}

struct Bottleneck {
  int asked = 0;
  int handle(Question) { return ++asked; }
};
struct Impatient {
  Ref<Bottleneck> to;
  void handle(Go) { (void)to.ask(Question{}, no_timeout); }
};
struct Killer {
  Ref<Impatient> target;
  void handle(Go, Context& context) { context.runtime().kill(target); }
};

TEST(Stop, of_an_asker_in_every_moment_of_its_ask_leaks_nothing_and_the_account_adds_up) {
  sim::RunOptions options = no_faults();
  options.reduce = false;
  const std::size_t before = BlockPool::live_blocks();
  std::uint64_t runs = 0;
  (void)sim::search_all(
      [](World& w) {
        const auto to = w.spawn("to", Bottleneck{}, {.mailbox = bounded(1, Overflow::suspend)});
        const auto asker = w.spawn(Impatient{to});
        to.tell(Question{}, ignore_reply);
        asker.tell(Go{});
        w.spawn(Killer{asker}).tell(Go{});
        w.run();
      },
      options, 50'000,
      [&](const sim::Outcome& outcome) {
        ++runs;
        EXPECT_FALSE(outcome.finding) << outcome.finding->name << outcome.finding->detail;
      });
  EXPECT_GT(runs, 10U);
  EXPECT_EQ(BlockPool::live_blocks(), before);
}

}  // namespace
}  // namespace orrery::testing
