// Goal:   virtual time passes only when nothing else can happen, and never stands still for ever.
#include "tests/sim/sim_fixture.hpp"

namespace orrery::testing {
namespace {

struct Go {};
struct Tick {
  char letter = 't';
};
struct Request {
  using Reply = int;
};

struct Timers {
  std::string log;
  std::vector<std::pair<Duration, char>> plan;
  void handle(Go, Context& context) {
    for (const auto& [delay, letter] : plan) context.after(*this, delay, Tick{letter});
  }
  void handle(Tick tick, Context& context) { log += fmt::format("{}{}", tick.letter, seconds_of(context.now())); }
};

TEST(Time, jumps_to_the_next_due_instant) {
  const auto outcome = run_calmly([](World& w) {
    const auto timers = w.spawn(Timers{{}, {{3600s, 'b'}, {1s, 'a'}, {86'400s, 'c'}}});
    timers.tell(Go{});
    w.run();
    EXPECT_EQ(w.peek(timers).log, "a1b3600c86400");
  });
  EXPECT_EQ(outcome.virtual_time, 86'400s);
  EXPECT_LT(outcome.operations, 20U);
}

TEST(Time, equal_dues_fire_in_every_order_and_different_ones_in_theirs) {
  const TextBody body = [](World& w, std::string& text) {
    const auto timers = w.spawn(Timers{{}, {{2s, 'x'}, {1s, 'a'}, {1s, 'b'}}});
    timers.tell(Go{});
    w.run();
    text = w.peek(timers).log;
  };
  EXPECT_EQ(all_texts(body), (Texts{"a1b1x2", "b1a1x2"}));
}

struct Spinner {
  std::uint64_t* turns;
  void handle(Go, Context& context) {
    ++*turns;
    context.self(*this).tell(Go{});
  }
};

TEST(Time, passes_for_a_busy_system_by_a_millisecond_in_a_thousand_operations) {
  sim::RunOptions options = no_faults();
  options.operations_max = 100'000;
  std::uint64_t turns = 0;
  run_calmly(
      [&turns](World& w) {
        const auto timers = w.spawn(Timers{{}, {{3ms, 'x'}}});
        timers.tell(Go{});
        const auto spinner = w.spawn(Spinner{&turns});
        spinner.tell(Go{});
        w.run_for(5ms);
        EXPECT_EQ(w.now().time_since_epoch(), 5ms) << "run_for ends although work remains";
        EXPECT_EQ(w.peek(timers).log, "x0");
        w.kill(spinner);
        w.run();
      },
      options);
  EXPECT_GT(turns, 2'000U);
  EXPECT_LT(turns, 6'000U);
}

struct Heart {
  int beats = 0;
  int idle = 0;
  struct Idle {};
  void handle(Go, Context& context) {
    context.every(*this, 10s, Tick{});
    context.set_receive_timeout(*this, 4s, Idle{});
  }
  void handle(Tick) { ++beats; }
  void handle(Idle) { ++idle; }
};

TEST(Time, run_ends_although_periodic_timers_and_receive_timeouts_remain) {
  run_calmly([](World& w) {
    const auto heart = w.spawn(Heart{});
    heart.tell(Go{});
    w.run();
    EXPECT_EQ(w.now().time_since_epoch(), 0s);
    EXPECT_EQ(w.peek(heart).beats, 0);
  });
}

TEST(Time, run_for_lets_periodic_timers_and_receive_timeouts_fire_and_ends_where_it_says) {
  run_calmly([](World& w) {
    const auto heart = w.spawn(Heart{});
    heart.tell(Go{});
    w.run_for(35s);
    EXPECT_EQ(w.now().time_since_epoch(), 35s);
    EXPECT_EQ(w.peek(heart).beats, 3);
    EXPECT_EQ(w.peek(heart).idle, 7) << "at 4, 8, 14, 18, 24, 28 and 34 s";
  });
}

TEST(Time, never_goes_back_when_run_for_ends) {
  sim::RunOptions options;
  options.stalls_max = 2;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto outcome = sim::execute(
        [](World& w) {
          const auto timers = w.spawn(Timers{{}, {{1s, 'a'}, {5s, 'b'}}});
          timers.tell(Go{});
          const auto other = w.spawn(Timers{{}, {{6s, 'c'}}});
          other.tell(Go{});
          Instant last = w.now();
          for (int i = 0; i < 8; ++i) {
            w.run_for(1s);
            EXPECT_EQ(w.now() - last, 1s);
            last = w.now();
          }
          EXPECT_EQ(w.peek(timers).log.size(), 4U);
        },
        random_walk(seed), options);
    ASSERT_FALSE(outcome.finding) << outcome.finding->name << outcome.finding->detail;
  }
}

struct Sleeper {
  std::string log;
  void handle(Go, Context& context) {
    log += fmt::format("{}", seconds_of(context.now()));
    context.sleep(5s);
    log += fmt::format("-{} ", seconds_of(context.now()));
  }
};

TEST(Time, sleep_suspends_the_handler_and_its_actor_handles_nothing_else_meanwhile) {
  run_calmly([](World& w) {
    const auto sleeper = w.spawn(Sleeper{});
    const auto other = w.spawn(Sleeper{});
    sleeper.tell(Go{});
    sleeper.tell(Go{});
    other.tell(Go{});
    w.run();
    EXPECT_EQ(w.peek(sleeper).log, "0-5 5-10 ");
    EXPECT_EQ(w.peek(other).log, "0-5 ");
  });
}

TEST(Time, run_until_stops_at_the_operation_that_made_it_true) {
  run_calmly([](World& w) {
    const auto heart = w.spawn(Heart{});
    heart.tell(Go{});
    EXPECT_TRUE(w.run_until([&] { return w.peek(heart).beats == 3; }));
    EXPECT_EQ(w.now().time_since_epoch(), 30s);
    const auto sleeper = w.spawn(Sleeper{});
    sleeper.tell(Go{});
    EXPECT_TRUE(w.run_until([&] { return !w.peek(sleeper).log.empty(); })) << "looked at only between its handlers";
    EXPECT_EQ(w.peek(sleeper).log, "30-35 ");
  });
  run_calmly([](World& w) {
    const auto sleeper = w.spawn(Sleeper{});
    EXPECT_FALSE(w.run_until([&] { return !w.peek(sleeper).log.empty(); }));
  });
}

// ---- stalls ------------------------------------------------------------------------------------------------------------

struct Clockwatcher {
  std::string log;
  void handle(Go, Context& context) { log += fmt::format("{}", seconds_of(context.now())); }
};
struct Starter {
  Ref<Clockwatcher> one;
  Ref<Clockwatcher> other;
  void handle(Go, Context& context) {
    context.after(*this, 1s, Tick{});
    one.tell(Go{});
    other.tell(Go{});
  }
  void handle(Tick) {}
};

TEST(Time, a_stall_may_come_between_any_two_operations) {
  const TextBody body = [](World& w, std::string& text) {
    const auto one = w.spawn(Clockwatcher{});
    const auto other = w.spawn(Clockwatcher{});
    w.spawn(Starter{one, other}).tell(Go{});
    w.run();
    text = w.peek(one).log + w.peek(other).log;
  };
  EXPECT_EQ(all_texts(body), Texts{"00"});
  EXPECT_EQ(all_texts(body, one_stall()), (Texts{"00", "01", "10", "11"}));
}

TEST(Time, a_stall_is_never_longer_than_it_may_be) {
  sim::RunOptions options = one_stall();
  options.stall_max = 500ms;
  const TextBody body = [](World& w, std::string& text) {
    const auto one = w.spawn(Clockwatcher{});
    w.spawn(Starter{one, one}).tell(Go{});
    w.run();
    text = w.peek(one).log;
  };
  EXPECT_EQ(all_texts(body, options), Texts{"00"});
}

TEST(Time, a_reported_stall_says_how_long_it_was) {
  sim::RunOptions options = one_stall();
  options.record_events = true;
  bool seen = false;
  for (std::uint64_t seed = 0; seed < 100 && !seen; ++seed) {
    const auto outcome = sim::execute(
        [](World& w) {
          const auto one = w.spawn(Clockwatcher{});
          w.spawn(Starter{one, one}).tell(Go{});
          w.run();
        },
        random_walk(seed), options);
    for (const auto& event : outcome.events) {
      if (event.kind == sim::EventKind::stall) seen = event.message == "1s passes while work waits";
    }
  }
  EXPECT_TRUE(seen);
}

// ---- timers ------------------------------------------------------------------------------------------------------------

struct Slowpoke {
  int* ticks;
  void handle(Go, Context& context) { context.every(*this, 1s, Tick{}); }
  void handle(Tick, Context& context) {
    ++*ticks;
    context.sleep(10s);
  }
};

TEST(Time, a_periodic_timer_has_at_most_one_undelivered_tick_and_does_not_catch_up) {
  int ticks = 0;
  run_calmly([&ticks](World& w) {
    const auto slow = w.spawn(Slowpoke{&ticks});
    slow.tell(Go{});
    w.run_for(25s);
    EXPECT_EQ(ticks, 3) << "at 1, 11 and 21 s";
    EXPECT_LE(w.ledger_of(slow.handle())->queued, 1U);
    w.kill(slow);
    w.run();
  });
}

struct Canceller {
  std::string log;
  TimerKey key{};
  void handle(Go, Context& context) {
    key = context.after(*this, 1s, Tick{'a'});
    context.after(*this, 1s, Tick{'b'});
  }
  void handle(Tick tick, Context& context) {
    log += tick.letter;
    if (tick.letter == 'b') log += context.cancel(key) ? "+" : "-";
  }
};

TEST(Time, a_cancelled_timers_tick_is_never_handled_even_when_it_was_queued) {
  const TextBody body = [](World& w, std::string& text) {
    const auto actor = w.spawn(Canceller{});
    actor.tell(Go{});
    w.run();
    text = fmt::format("{} {}", w.peek(actor).log, w.dead_letters().count(DeadLetterReason::timer_cancelled));
  };
  EXPECT_EQ(all_texts(body), (Texts{"ab- 0", "b+ 0", "b+ 1"}));
}

}  // namespace
}  // namespace orrery::testing
