// Timers, sleeping, rest and the ends of a System.
#include "orrery/threads/stop_signals.hpp"
#include "system_fixture.hpp"

#include <unistd.h>

#include <csignal>
#include <ctime>
#include <mutex>
#include <stdexcept>
#include <string>

namespace orrery {
namespace {

struct Tick {
  int id;
};
struct Plan {
  using Reply = int;
};
struct Timed {
  std::shared_ptr<std::atomic<int>> once, periodic, idle;
  TimerKey key{};
  int ticks = 0;
  int handle(Plan, Context& context) {
    context.after(*this, 1ms, Tick{1});
    const TimerKey never = context.after(*this, 1ms, Tick{1'000'000});
    key = context.every(*this, 1ms, Tick{2});
    EXPECT_TRUE(context.cancel(never));
    EXPECT_FALSE(context.cancel(never));
    return 0;
  }
  void handle(Tick m, Context& context) {
    if (m.id == 1) ++*once;
    if (m.id == 1'000'000) *once += m.id;
    if (m.id == 3) {
      ++*idle;
      context.set_receive_timeout(*this, Duration::zero(), Tick{3});
    }
    if (m.id != 2) return;
    ++*periodic;
    if (++ticks == 5) {
      EXPECT_TRUE(context.cancel(key));
      context.set_receive_timeout(*this, 2ms, Tick{3});
    }
  }
};

TEST_F(SystemTest, timers_fire_once_repeat_stop_and_notice_idleness) {
  System& sys = start(2);
  const auto once = std::make_shared<std::atomic<int>>(0);
  const auto periodic = std::make_shared<std::atomic<int>>(0);
  const auto idle = std::make_shared<std::atomic<int>>(0);
  const auto timed = sys.spawn(Timed{once, periodic, idle});
  EXPECT_TRUE(timed.ask(Plan{}, patience));
  EXPECT_TRUE(eventually([&] { return *idle == 1; }));
  EXPECT_TRUE(sys.await_quiescence(patience));
  EXPECT_EQ(*once, 1);
  EXPECT_EQ(*periodic, 5);
  EXPECT_EQ(*idle, 1);
}

struct Nap {
  using Reply = int;
  Duration duration;
};
struct Sleeper {
  int handle(Nap m, Context& context) {
    const Instant before = context.now();
    context.sleep(m.duration);
    return context.now() - before >= m.duration ? 1 : 0;
  }
};

TEST_F(SystemTest, many_handlers_sleep_on_one_worker_and_none_wakes_early) {
  System& sys = start(1);
  std::vector<Ref<Sleeper>> sleepers;
  for (std::size_t i = 0; i < scaled(1'000); ++i) sleepers.push_back(sys.spawn<Sleeper>());
  std::vector<Pending<Nap>> pending;
  for (std::size_t i = 0; i < sleepers.size(); ++i) {
    pending.push_back(sleepers[i].ask_async(Nap{std::chrono::microseconds{i * 7 % 20'000}}, patience));
  }
  for (auto& one : pending) EXPECT_EQ(*one.get(), 1);
  sleep_for(sys, 1ms);  // a foreign thread sleeps too
}

TEST_F(SystemTest, deadlines_of_many_threads_and_actors_end_waits_for_actors_that_never_answer) {
  struct Silent {
    int handle(Get m, Context& context) {
      context.stash(m);
      return 0;
    }
  };
  struct Impatient {
    Ref<Silent> silent;
    int handle(Get) { return silent.ask(Get{}, 1ms).error() == AskError::timeout ? 1 : 0; }
  };
  System& sys = start(2);
  const auto silent = sys.spawn<Silent>();
  std::vector<Ref<Impatient>> actors;
  for (std::size_t i = 0; i < scaled(500); ++i) actors.push_back(sys.spawn(Impatient{silent}));
  std::vector<Pending<Get>> pending;
  for (const auto& one : actors) pending.push_back(one.ask_async(Get{}, patience));
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 5; ++i) EXPECT_EQ(silent.ask(Get{}, 1ms).error(), AskError::timeout);
      });
    }
  }
  for (auto& one : pending) EXPECT_EQ(*one.get(), 1);
}

struct Go {};

/// Lets everybody fall asleep, also the watchdog.
void rest(System& sys) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(sys.await_quiescence(patience));
    std::this_thread::sleep_for(sys.options().watch_period);
  }
}

// Goal:   whom a stuck handler has sent a message runs elsewhere.
// Method: the handler blocks its thread until that has happened, with everybody else asleep before.
TEST_F(SystemTest, a_stuck_worker_delays_nobody_whom_it_told) {
  struct Opener {
    void handle(Block m) { m.gate->open(); }
  };
  struct Stuck {
    Ref<Opener> first, second, third;
    std::shared_ptr<Gate> hot, queued, also_hot;
    void handle(Go) {
      std::this_thread::sleep_for(1ms);
      EXPECT_TRUE(first.tell(Block{hot}));
      hot->pass();  // by the other worker, from this one's hot slot
      EXPECT_TRUE(second.tell(Block{queued}));
      EXPECT_TRUE(third.tell(Block{also_hot}));
      queued->pass();  // from its queue
      also_hot->pass();
    }
  };
  System& sys = start(2, {.watch_period = 1ms});
  const auto gate = [] { return std::make_shared<Gate>(); };
  const auto opener = [&] { return sys.spawn<Opener>(); };
  const auto stuck = sys.spawn(Stuck{opener(), opener(), opener(), gate(), gate(), gate()});
  rest(sys);
  ASSERT_TRUE(stuck.tell(Go{}));
  EXPECT_TRUE(sys.await_quiescence(patience));
}

// Goal:   timers fire although the worker that armed them is stuck in a handler.
// Method: one handler arms a timer, the next on the same worker blocks its thread until the first has seen it.
TEST_F(SystemTest, a_stuck_worker_delays_none_of_its_timers) {
  struct Stuck {
    std::shared_ptr<Gate> rang;
    void handle(Go) { rang->pass(); }
  };
  struct Sleeps {
    Ref<Stuck> stuck;
    std::shared_ptr<Gate> rang;
    void handle(Go, Context& context) {
      EXPECT_TRUE(stuck.tell(Go{}));
      context.sleep(5ms);
      rang->open();
    }
  };
  System& sys = start(2, {.watch_period = 1ms});
  const auto rang = std::make_shared<Gate>();
  const auto sleeps = sys.spawn(Sleeps{sys.spawn(Stuck{rang}), rang});
  rest(sys);
  ASSERT_TRUE(sleeps.tell(Go{}));
  EXPECT_TRUE(sys.await_quiescence(patience));
}

TEST_F(SystemTest, a_foreign_thread_sleeps_in_a_system_where_all_else_sleeps) {
  System& sys = start(2, {.watch_period = 1ms});
  rest(sys);
  const Instant before = sys.now();
  sleep_for(sys, 1ms);
  EXPECT_GE(sys.now() - before, 1ms);
}

// Goal:   work that comes just when a worker goes to sleep wakes it.
// Method: the only worker does not spin, and a second message follows the first at a swept distance, so that it meets
//         every moment of falling asleep. Nothing follows that could help.
TEST_F(SystemTest, no_wake_up_is_lost_between_the_last_look_and_sleep) {
  struct Count {
    std::shared_ptr<std::atomic<int>> handled;
    void handle(Note) { handled->fetch_add(1); }
  };
  System& sys = start(1, {.spin = 0us});
  const auto handled = std::make_shared<std::atomic<int>>(0);
  const auto first = sys.spawn(Count{handled});
  const auto second = sys.spawn(Count{handled});
  for (int round = 0; round < static_cast<int>(scaled(20'000)); ++round) {
    ASSERT_TRUE(first.tell(Note{1}));
    while (handled->load() == 2 * round) {
    }
    for (int i = 0; i < round % 300; ++i) (void)handled->load();
    ASSERT_TRUE(second.tell(Note{2}));
    ASSERT_TRUE(eventually([&] { return handled->load() == 2 * (round + 1); }));
  }
}

TEST_F(SystemTest, no_wake_up_is_lost_among_several_workers_that_do_not_spin) {
  System& sys = start(3, {.spin = 0us});
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      const auto counter = sys.spawn<Counter>();
      for (int i = 1; i <= static_cast<int>(scaled(10'000)); ++i) {
        EXPECT_EQ(counter.ask(Add{1}, patience).value_or(0), i);
      }
    });
  }
}

// Goal:   await_quiescence never returns while a message is on its way.
// Method: a chain of actors on several workers that hop at random; when it says "quiet", the chain must have ended.
TEST_F(SystemTest, quiescence_is_never_claimed_too_early) {
  struct Hop {
    int left;
  };
  struct Hopper {
    std::shared_ptr<std::vector<Ref<Hopper>>> all;
    std::shared_ptr<std::atomic<int>> ended;
    void handle(Hop m, Context& context) {
      if (m.left == 0) {
        ++*ended;
      } else {
        if (context.draw("pause", 50) == 0) context.sleep(10us);
        EXPECT_TRUE((*all)[context.draw("next", all->size())].tell(Hop{m.left - 1}));
      }
    }
  };
  System& sys = start(4);
  const auto all = std::make_shared<std::vector<Ref<Hopper>>>();
  const auto ended = std::make_shared<std::atomic<int>>(0);
  for (int i = 0; i < 16; ++i) all->push_back(sys.spawn(Hopper{all, ended}));
  for (int round = 1; round <= static_cast<int>(scaled(300)); ++round) {
    for (int i = 0; i < 3; ++i) ASSERT_TRUE((*all)[static_cast<std::size_t>(i)].tell(Hop{100}));
    ASSERT_TRUE(sys.await_quiescence(patience));
    ASSERT_EQ(*ended, 3 * round);
  }
}

TEST_F(SystemTest, idle_workers_use_no_processor_time) {
  const auto used = [] {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
  };
  System& sys = start(4);
  EXPECT_EQ(*sys.spawn<Counter>().ask(Add{1}, patience), 1);
  ASSERT_TRUE(sys.await_quiescence(patience));
  const Duration before = used();
  std::this_thread::sleep_for(100ms);
  EXPECT_LT(used() - before, 50ms);  // one spinning thread alone would use 100
}

TEST_F(SystemTest, draws_depend_on_the_seed_and_nothing_else) {
  struct Draw {
    using Reply = std::vector<std::uint64_t>;
  };
  struct Gambler {
    std::vector<std::uint64_t> handle(Draw, Context& context) {
      return {context.draw("a", 0), context.draw("b", 10), context.draw("a", 0)};
    }
  };
  std::vector<std::vector<std::uint64_t>> drawn;
  for (const std::uint64_t seed : {7U, 7U, 8U, 0U, 0U}) {
    System& sys = start(2, {.draw_seed = seed});
    drawn.push_back(*sys.spawn("gambler", Gambler{})->ask(Draw{}, patience));
    finish();
  }
  EXPECT_EQ(drawn[0], drawn[1]);
  EXPECT_NE(drawn[0], drawn[2]);
  EXPECT_NE(drawn[3], drawn[4]);
  EXPECT_NE(drawn[0][0], drawn[0][2]);
  EXPECT_LT(drawn[0][1], 10U);
}

// ---- stopping ----

TEST_F(SystemTest, a_stop_that_is_late_names_who_is_still_alive_and_what_it_does) {
  System& sys = start(2);
  const auto gate = std::make_shared<Gate>();
  const auto stuck = sys.spawn("stuck", Recorder{});
  ASSERT_TRUE(stuck->tell(Block{gate}));
  struct Asker {
    Ref<Recorder> whom;
    void handle(Go) { (void)whom.ask(Seen{}, patience); }
  };
  const auto asker = sys.spawn("asker", Asker{*stuck});
  ASSERT_TRUE(asker->tell(Go{}));
  // Looking wakes a waiting handler once for nothing, so a second look may find it on its way back.
  std::string all;
  ASSERT_TRUE(eventually([&] {
    all.clear();
    for (const Activity& one : sys.activity()) all += one.actor + " " + one.doing + "; ";
    return all == "stuck in handler Block; asker waits for stuck; ";
  })) << all;

  std::string report;  // the last of some: on a busy machine it takes its time until only one is left
  EXPECT_TRUE(eventually([&] {
    const StopReport late = sys.shutdown(20ms);
    EXPECT_FALSE(late.is_complete);
    report = orrery_describe(late);
    return report == "1 actor still lives; stuck: in handler Block";
  })) << report;
  EXPECT_THROW((void)sys.spawn<Counter>(), SpawnFailed);
  gate->open();
  EXPECT_TRUE(sys.shutdown(patience).is_complete);
}

TEST_F(SystemTest, actors_that_spawn_while_the_system_stops_leave_nobody_behind) {
  struct Grow {};
  struct Grower {
    void handle(Grow m, Context& context) {
      const auto child = context.spawn(Grower{});  // refused once the stop has begun: this handler then fails
      (void)child.tell(Grow{});                    // it may have been stopped by now
      EXPECT_TRUE(context.self(*this).tell(m));
    }
  };
  for (int round = 0; round < 10; ++round) {
    System& sys = start(3);
    const auto first = sys.spawn<Grower>();
    ASSERT_TRUE(first.tell(Grow{}));
    EXPECT_TRUE(eventually([&] { return sys.living() > 500; }));
    finish();
  }
}

TEST_F(SystemTest, a_signal_stops_the_system_and_main_gets_its_exit_code) {
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction otherwise{};
    otherwise.sa_handler = SIG_DFL;  // a shell starts what runs in its background with SIGINT ignored
    ASSERT_EQ(sigaction(signal, &otherwise, nullptr), 0);
    System& sys = start(2);
    const auto counter = sys.spawn<Counter>();
    std::jthread sender{[signal] {
      struct sigaction now{};
      while (sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) std::this_thread::yield();
      EXPECT_EQ(kill(getpid(), signal), 0);
    }};
    EXPECT_EQ(sys.run_until_signal(), 0);
    EXPECT_EQ(counter.tell(Add{1}, ignore_reply).error(), TellError::actor_stopped);
    struct sigaction after{};
    EXPECT_EQ(sigaction(signal, nullptr, &after), 0);
    EXPECT_EQ(after.sa_handler, SIG_DFL);
    finish();
  }
}

TEST(StopSignalsDeathTest, a_second_signal_ends_the_process) {
  EXPECT_EXIT(
      {
        StopSignals signals;
        raise(SIGTERM);
        if (signals.wait() == SIGTERM) raise(SIGINT);
      },
      testing::KilledBySignal(SIGINT), "");
}

TEST_F(SystemTest, reports_of_one_kind_are_limited_and_reach_the_sink) {
  std::mutex mutex;
  std::vector<std::string> reports;
  System& sys = start(2, {.reports_per_minute = 2, .report_to = [&](std::string_view kind, const std::string& text) {
                            const std::lock_guard guard{mutex};
                            if (kind != "slow handler" && kind != "blocked worker") {
                              reports.push_back(std::string{kind} + ": " + text);
                            }
                          }});
  struct Rude {
    void on_stop(Context&) { throw std::runtime_error{"no"}; }
    void handle(Note) {}
  };
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(sys.stop(sys.spawn<Rude>()));
  EXPECT_TRUE(eventually([&] { return sys.living() == 0; }));
  finish();
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_TRUE(reports[0].starts_with("on_stop failed: ") && reports[0].ends_with(": no")) << reports[0];
}

}  // namespace
}  // namespace orrery
