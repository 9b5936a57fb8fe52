// Who gets a turn, when somebody always has work; and what lies between two systems, or beyond the last
// stack.
#include "system_fixture.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace orrery {
namespace {

struct Flood {};
/// Sends itself messages until it is told to end.
struct Flooder {
  std::shared_ptr<std::atomic<bool>> ended;
  void handle(Flood m, Context& context) {
    if (!ended->load(std::memory_order_relaxed)) (void)context.self(*this).tell(m);
  }
};

TEST_F(SystemTest, actors_that_flood_themselves_starve_neither_others_nor_foreign_threads) {
  for (const unsigned threads : {1U, 2U}) {
    System& sys = start(threads);
    const auto ended = std::make_shared<std::atomic<bool>>(false);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(sys.spawn(Flooder{ended}).tell(Flood{}));
    const auto counter = sys.spawn<Counter>();
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(counter.ask(Add{1}, patience));
    sleep_for(sys, 1ms);  // nor timers
    *ended = true;
    finish();
  }
}

struct Turn {
  int left;
};
/// Two of them schedule each other through the hot slot of their only worker.
struct PingPong {
  std::vector<Ref<PingPong>> other;
  std::shared_ptr<std::atomic<int>> turns;
  void handle(Turn m) {
    ++*turns;
    const bool goes_on = m.left == 0 || other.front().tell(Turn{m.left - 1}).has_value();
    EXPECT_TRUE(goes_on);
  }
  void handle(Ref<PingPong> m) { other = {m}; }
};
struct Third {
  std::shared_ptr<std::atomic<int>> turns_at_note, turns;
  void handle(Note) { turns_at_note->store(turns->load()); }
};
struct Begin {
  std::vector<Ref<PingPong>> pair;
  std::vector<Ref<Third>> third;
};
struct Starter {
  void handle(Begin m) {
    EXPECT_TRUE(m.third.front().tell(Note{1}));     // in the hot slot
    EXPECT_TRUE(m.pair.front().tell(Turn{1'000}));  // drives it out into the queue
  }
};

TEST_F(SystemTest, two_actors_that_schedule_each_other_do_not_starve_the_queue) {
  System& sys = start(1);
  const auto turns_at_note = std::make_shared<std::atomic<int>>(-1);
  const auto turns = std::make_shared<std::atomic<int>>(0);
  const auto ping = sys.spawn(PingPong{{}, turns});
  const auto pong = sys.spawn(PingPong{{ping}, turns});
  ASSERT_TRUE(ping.tell(pong));
  const auto third = sys.spawn(Third{turns_at_note, turns});
  ASSERT_TRUE(sys.await_quiescence(patience));
  ASSERT_TRUE(sys.spawn<Starter>().tell(Begin{{ping}, {third}}));
  ASSERT_TRUE(sys.await_quiescence(patience));
  EXPECT_EQ(*turns, 1'001);
  EXPECT_GE(*turns_at_note, 1);
  EXPECT_LE(*turns_at_note, 3);
}

TEST_F(SystemTest, actors_of_two_systems_talk_to_each_other) {
  struct Bridge {
    Ref<Counter> far;
    int handle(Add m) { return *far.ask(m, patience); }  // blocks its worker: the other system's fibers are not ours
  };
  System other{{.threads = 2, .read_environment = false}};
  System& sys = start(2);
  const auto far = other.spawn<Counter>();
  const auto bridge = sys.spawn(Bridge{far});
  for (int i = 1; i <= 50; ++i) EXPECT_EQ(*bridge.ask(Add{1}, patience), i);
  EXPECT_TRUE(other.shutdown(patience).is_complete);
  EXPECT_EQ(far.tell(Add{1}, ignore_reply).error(), TellError::actor_stopped);
  finish();
}

struct Forever {
  using Reply = void;
};
struct Deep {
  void handle(Forever m, Context& context) { context.stash(m); }
};
struct Waits {
  Ref<Deep> deep;
  void handle(Note) { (void)deep.ask(Forever{}, no_timeout); }
};

#if !defined(ORRERY_FIBER_ASAN) && !defined(ORRERY_FIBER_TSAN)  // they need address space of their own
/// Lets ever more handlers wait, each on a stack of 256 MiB, in a process that may map no more than 1 GiB
/// further.
void exhaust_stacks() {
  System sys{{.threads = 1, .stack_bytes = std::size_t{1} << 28, .read_environment = false}};
  if (!sys.spawn<Counter>().ask(Add{1}, patience)) return;  // the worker has its own stack
  std::size_t pages = 0;
  std::ifstream{"/proc/self/statm"} >> pages;
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + (std::size_t{1} << 30);
  setrlimit(RLIMIT_AS, &limit);
  const auto deep = sys.spawn("deep", Deep{});
  for (int i = 0; i < 100; ++i) (void)sys.spawn(Waits{*deep}).tell(Note{i});
  (void)sys.await_quiescence(patience);
}

TEST(SystemDeathTest, a_wait_without_memory_for_a_stack_says_so) {
  EXPECT_DEATH(exhaust_stacks(), "Waits#[0-9]+ cannot wait: the system gives no memory for one more fiber stack");
}
#endif

void shut_down_from_a_handler() {
  struct Suicide {
    System* system;
    void handle(Note) { (void)system->shutdown(1s); }
  };
  System sys{{.threads = 1, .read_environment = false}};
  (void)sys.spawn(Suicide{&sys}).tell(Note{1});
  (void)sys.await_quiescence(patience);
}

TEST(SystemDeathTest, a_handler_that_waits_for_all_handlers_is_a_check_failure) {
  EXPECT_DEATH(shut_down_from_a_handler(), "a handler cannot wait for all handlers to end");
}

void swallow_an_unwind() {
  struct Swallows {
    Ref<Deep> deep;
    void handle(Note) {
      try {
        (void)deep.ask(Forever{}, no_timeout);
      } catch (...) {
      }
    }
  };
  System sys{{.threads = 1, .read_environment = false}};
  const auto deep = sys.spawn("deep", Deep{});
  const auto bad = sys.spawn("bad", Swallows{*deep});
  (void)bad->tell(Note{1});
  (void)sys.await_quiescence(patience);
  (void)sys.stop(*bad);
  (void)sys.await_quiescence(patience);
}

TEST(SystemDeathTest, a_swallowed_unwind_names_the_actor) {
  EXPECT_DEATH(swallow_an_unwind(), "bad swallowed orrery::Unwind while it handled Note");
}

}  // namespace
}  // namespace orrery
