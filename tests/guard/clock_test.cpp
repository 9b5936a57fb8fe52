// Goal:   whatever clock user code reads and however it sleeps, it is in the run's virtual time; without a run, or on
//         another thread, nothing changes.
#include "tests/guard/guard_fixture.hpp"

#include <gmock/gmock.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>
#include <thread>

namespace orrery::testing {
namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr auto first_date = system_clock::time_point{1'735'689'600s};  // 2025-01-01

TEST(GuardedClock, tells_virtual_time_whichever_is_read) {
  run_calmly(alice_does([](Context& context) {
    context.sleep(90s);
    EXPECT_EQ(steady_clock::now().time_since_epoch(), 90s);
    EXPECT_EQ(system_clock::now(), first_date + 90s);
    EXPECT_EQ(std::chrono::high_resolution_clock::now().time_since_epoch(), (first_date + 90s).time_since_epoch());
    EXPECT_EQ(std::time(nullptr), 1'735'689'690);
    EXPECT_EQ(std::clock(), 90 * CLOCKS_PER_SEC);
    timeval old{};
    gettimeofday(&old, nullptr);
    EXPECT_EQ(old.tv_sec, 1'735'689'690);
    timespec c11{};
    EXPECT_EQ(timespec_get(&c11, TIME_UTC), TIME_UTC);
    EXPECT_EQ(c11.tv_sec, 1'735'689'690);
    timespec cpu{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    EXPECT_EQ(cpu.tv_sec, 90);
  }));
}

TEST(GuardedClock, is_the_machines_before_and_after_a_run) {
  const auto before = system_clock::now();
  run_calmly(alice_does([](Context&) { EXPECT_EQ(system_clock::now(), first_date); }));
  EXPECT_NE(before, first_date);
  EXPECT_GE(system_clock::now(), before);
}

TEST(GuardedClock, is_the_machines_on_another_thread_while_a_run_is_made) {
  std::atomic<int> step = 0;
  system_clock::time_point there;
  std::thread other{[&] {
    while (step.load() != 1) std::this_thread::yield();
    there = system_clock::now();
    step = 2;
  }};
  const auto before = system_clock::now();
  run_calmly(alice_does([&](Context&) {
    step = 1;
    while (step.load() != 2) std::this_thread::yield();
  }));
  other.join();
  EXPECT_GE(there, before);
}

TEST(GuardedClock, is_the_machines_when_the_guard_is_off) {
  const auto before = system_clock::now();
  system_clock::time_point inside;
  run_calmly(alice_does([&](Context&) { inside = system_clock::now(); }), with(sim::Leaks::off));
  EXPECT_GE(inside, before);
}

TEST(GuardedClock, watched_until_time_passes_is_a_finding_and_ends) {
  const auto spin = alice_does([](Context&) {
    const auto end = steady_clock::now() + 1s;
    while (steady_clock::now() < end) {
    }
  });
  EXPECT_EQ(found(spin), "LEAK clock_gettime in alice handling Go");
}

TEST(GuardedSleep, suspends_the_handler_in_virtual_time) {
  const std::pair<const char*, std::function<void()>> ways[] = {
      {"sleep_for", [] { std::this_thread::sleep_for(2s); }},
      {"steady sleep_until", [] { std::this_thread::sleep_until(steady_clock::now() + 2s); }},
      {"system sleep_until", [] { std::this_thread::sleep_until(system_clock::now() + 2s); }},
      {"sleep", [] { ::sleep(2); }},
      {"usleep", [] { ::usleep(2'000'000); }},
      {"nanosleep",
       [] {
         const timespec time{.tv_sec = 2, .tv_nsec = 0};
         EXPECT_EQ(::nanosleep(&time, nullptr), 0);
       }},
      {"clock_nanosleep for",
       [] {
         const timespec time{.tv_sec = 2, .tv_nsec = 0};
         EXPECT_EQ(::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr), 0);
       }},
      {"clock_nanosleep until", [] {
         const timespec time{.tv_sec = 1'735'689'602, .tv_nsec = 0};
         EXPECT_EQ(::clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, nullptr), 0);
       }}};
  for (const auto& [name, way] : ways) {
    std::string log;
    run_calmly([&](World& world) {
      const auto alice = world.spawn("alice", Doer{[&](Context&) {
                                       log += "a";
                                       way();
                                       log += "A";
                                     }});
      const auto bob = world.spawn("bob", Doer{[&](Context&) { log += "b"; }});
      alice.value().tell(Go{});
      bob.value().tell(Go{});
      world.run();
      EXPECT_EQ(world.now().time_since_epoch(), 2s) << name;
    });
    EXPECT_EQ(log, "abA") << name;  // bob had his turn meanwhile
  }
}

TEST(GuardedSleep, of_the_body_of_the_test_lets_others_run) {
  run_calmly([](World& world) {
    bool done = false;
    const auto alice = world.spawn("alice", Doer{[&](Context& context) {
                                     context.sleep(1s);
                                     done = true;
                                   }});
    alice.value().tell(Go{});
    std::this_thread::sleep_for(3s);
    EXPECT_TRUE(done);
    EXPECT_EQ(world.now().time_since_epoch(), 3s);
  });
}

TEST(GuardedSleep, of_offloaded_work_passes_in_virtual_time) {
  run_calmly(alice_does([](Context& context) {
    const auto slept = context.offload([] {
      const auto begin = steady_clock::now();
      std::this_thread::sleep_for(5s);
      return steady_clock::now() - begin;
    });
    EXPECT_EQ(slept, 5s);
  }));
}

TEST(GuardedSleep, of_a_time_that_is_none_is_an_error_as_ever) {
  run_calmly(alice_does([](Context&) {
    const timespec nonsense{.tv_sec = 0, .tv_nsec = 2'000'000'000};
    EXPECT_EQ(::nanosleep(&nonsense, nullptr), -1);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &nonsense, nullptr), EINVAL);
  }));
}

TEST(GuardedSleep, where_nobody_may_wait_is_a_finding) {
  struct Late {
    void handle(Go, Context& context) { context.stop(); }
    void on_stop(Context&, const ExitReason&) { std::this_thread::sleep_for(1s); }
  };
  const std::string in_hook = found([](World& world) {
    world.spawn("alice", Late{}).value().tell(Go{});
    world.run();
  });
  EXPECT_EQ(in_hook, "LEAK nanosleep in alice");
  const std::string in_predicate = found([](World& world) {
    world.always("sleepy", [] {
      std::this_thread::sleep_for(1s);
      return true;
    });
    world.spawn("alice", Doer{[](Context&) {}}).value().tell(Go{});
    world.run();
  });
  EXPECT_EQ(in_predicate, "LEAK nanosleep in a predicate");
}

TEST(GuardedSleep, is_unwound_when_its_actor_is_stopped) {
  bool unwound = false;
  run_calmly([&](World& world) {
    struct Trace {
      bool& gone;
      ~Trace() { gone = true; }
    };
    const auto alice = world
                           .spawn("alice", Doer{[&](Context&) {
                                    const Trace trace{unwound};
                                    std::this_thread::sleep_for(1h);
                                    ADD_FAILURE() << "was stopped before";
                                  }})
                           .value();
    alice.tell(Go{});
    world.run_for(1s);
    world.stop(alice);
    world.run_for(1s);
    EXPECT_FALSE(world.is_living(alice));
  });
  EXPECT_TRUE(unwound);
}

}  // namespace
}  // namespace orrery::testing
