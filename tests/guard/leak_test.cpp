// Goal:   a thread, or a wait that holds the thread, ends the run with a finding that names the actor and repeats; nothing
//         hangs, and the next run is none the worse.
#include "tests/guard/guard_fixture.hpp"

#include "orrery/props/rapidcheck.hpp"
#include "orrery/sim/guard.hpp"
#include "orrery/testkit/check.hpp"

#include <gmock/gmock.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <random>
#include <semaphore>
#include <thread>

namespace orrery::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Guard, takes_effect_in_this_program) { EXPECT_EQ(sim::unguarded_functions(), std::vector<std::string>{}); }

/// What holds a thread, or takes one more, and the name of the finding.
struct Leak {
  const char* name;
  std::function<void()> act;
};

const std::vector<Leak>& leaks() {
  static const std::vector<Leak> all = {
      {"pthread_create", [] { std::thread{[] {}}.join(); }},
      {"pthread_create", [] { std::jthread worker{[] {}}; }},
      {"pthread_create", [] { std::async(std::launch::async, [] {}).get(); }},
      {"pthread_create", [] { std::async([] {}).get(); }},
      {"pthread_create",
       [] {
         pthread_t thread{};
         EXPECT_EQ(::pthread_create(&thread, nullptr, [](void*) -> void* { return nullptr; }, nullptr), EAGAIN);
       }},
      {"pthread_cond_wait",
       [] {
         std::mutex mutex;
         std::condition_variable condition;
         std::unique_lock lock{mutex};
         condition.wait(lock, [] { return false; });
       }},
      {"pthread_cond_clockwait",
       [] {
         std::mutex mutex;
         std::condition_variable condition;
         std::unique_lock lock{mutex};
         while (!condition.wait_for(lock, 1ms, [] { return false; })) {
         }
       }},
      {"pthread_cond_timedwait",
       [] {
         std::mutex mutex;
         std::condition_variable condition;
         std::unique_lock lock{mutex};
         (void)condition.wait_until(lock, std::chrono::system_clock::now() + 1ms);
       }},
      {"a wait for a future, an atomic or a semaphore", [] { std::promise<int>{}.get_future().wait(); }},
      {"a wait for a future, an atomic or a semaphore",
       [] {
         std::promise<int> promise;
         (void)promise.get_future().get();
       }},
      {"a wait for a future, an atomic or a semaphore",
       [] {
         std::promise<int> promise;
         (void)promise.get_future().wait_for(1s);
       }},
  };
  return all;
}

TEST(Leak, in_a_handler_names_the_actor_and_the_message) {
  for (const Leak& leak : leaks()) {
    EXPECT_EQ(found(alice_does([&](Context&) { leak.act(); })), fmt::format("LEAK {} in alice handling Go", leak.name));
  }
}

TEST(Leak, in_the_body_of_the_test_says_so) {
  for (const Leak& leak : leaks()) {
    EXPECT_EQ(found([&](World& world) {
                leak.act();
                world.run();
              }),
              fmt::format("LEAK {} in the body of the test", leak.name));
  }
}

TEST(Leak, in_offloaded_work_names_whose_it_is) {
  for (const Leak& leak : leaks()) {
    EXPECT_EQ(found(alice_does([&](Context& context) { context.offload([&] { leak.act(); }); })),
              fmt::format("LEAK {} in work that alice offloaded", leak.name));
  }
}

TEST(Leak, in_on_start_names_the_actor) {
  struct Starter {
    std::function<void()> act;
    void on_start(Context&) { act(); }
    void handle(Go) {}
  };
  for (const Leak& leak : leaks()) {
    EXPECT_EQ(found([&](World& world) {
                (void)world.spawn("alice", Starter{leak.act});
                world.run();
              }),
              fmt::format("LEAK {} in alice", leak.name));
  }
}

TEST(Leak, in_mid_handler_after_a_wait_is_its_actors) {
  const auto body = alice_does([](Context& context) {
    context.sleep(1s);
    std::thread{[] {}}.join();
  });
  EXPECT_EQ(found(body), "LEAK pthread_create in alice handling Go");
}

TEST(Leak, leaves_the_locks_and_objects_around_it) {
  std::mutex mutex;
  (void)found(alice_does([&](Context&) {
    std::condition_variable condition;
    std::unique_lock lock{mutex};
    condition.wait(lock, [] { return false; });
  }));
  EXPECT_TRUE(mutex.try_lock());
  mutex.unlock();
}

TEST(Leak, ends_the_run_before_anybody_acts_on_it) {
  bool acted = false;
  (void)found([&](World& world) {
    const auto bob = world.spawn("bob", Doer{[&](Context&) { acted = true; }}).value();
    const auto alice = world
                           .spawn("alice", Doer{[bob](Context&) {
                                    try {
                                      std::thread{[] {}}.join();
                                    } catch (const std::system_error&) {
                                      bob.tell(Go{});
                                    }
                                  }})
                           .value();
    alice.tell(Go{});
    world.run();
  });
  EXPECT_FALSE(acted);
}

TEST(Leak, repeats_with_the_same_name_and_tells_the_calls_that_led_to_it) {
  const auto body = alice_does([](Context&) { std::thread{[] {}}.join(); });
  const auto once = sim::execute(body, random_walk(5), no_faults());
  const auto again = sim::execute(body, random_walk(5), no_faults());
  ASSERT_TRUE(once.finding && again.finding);
  EXPECT_TRUE(once.finding->same_failure(*again.finding));
  EXPECT_EQ(once.trace_hash, again.trace_hash);
  EXPECT_THAT(once.finding->name, Not(HasSubstr("0x")));
  EXPECT_THAT(once.finding->detail, HasSubstr("starts a thread"));
  EXPECT_THAT(once.finding->detail, HasSubstr("guard_test+0x"));
}

TEST(Leak, is_reproduced_and_shrunk_by_a_campaign) {
  const auto property = testkit::make_property("Leak.campaign", [](World& world, const std::vector<int>& values) {
    const auto alice = world
                           .spawn("alice", Doer{[](Context&) {
                                    if (std::random_device{}() % 4 == 1) std::thread{[] {}}.join();
                                  }})
                           .value();
    for (std::size_t i = 0; i < values.size(); ++i) alice.tell(Go{});
    world.run();
  });
  const auto result = testkit::run_campaign(property, {}, 1);
  ASSERT_TRUE(result.failure);
  EXPECT_EQ(result.failure->finding.kind, FindingKind::leak) << result.failure->finding.detail;
  EXPECT_EQ(result.failure->finding.name, "pthread_create in alice handling Go");
}

TEST(Leak, of_any_kind_is_a_finding_when_all_is_forbidden) {
  const std::pair<const char*, std::function<void()>> all[] = {
      {"clock_gettime", [] { (void)std::chrono::steady_clock::now(); }},
      {"nanosleep", [] { std::this_thread::sleep_for(1s); }},
      {"std::random_device", [] { (void)std::random_device{}(); }},
      {"rand", [] { (void)std::rand(); }},
      {"pthread_create", [] { std::thread{[] {}}.join(); }}};
  for (const auto& [name, act] : all) {
    EXPECT_EQ(found(alice_does([&](Context&) { act(); }), with(sim::Leaks::forbidden)),
              fmt::format("LEAK {} in alice handling Go", name));
  }
}

TEST(Leak, is_nobodys_business_when_the_guard_is_off) {
  bool ran = false;
  EXPECT_EQ(found(alice_does([&](Context&) { std::thread{[&] { ran = true; }}.join(); }), with(sim::Leaks::off)),
            "nothing");
  EXPECT_TRUE(ran);
}

TEST(Leak, threads_can_be_started_again_after_the_run) {
  (void)found(alice_does([](Context&) { std::thread{[] {}}.join(); }));
  bool ran = false;
  std::thread{[&] { ran = true; }}.join();
  EXPECT_TRUE(ran);
}

TEST(Leak, in_a_destructor_while_the_run_ends_hangs_nothing) {
  struct Stubborn {
    std::mutex mutex;
    std::condition_variable condition;
    ~Stubborn() {
      std::unique_lock lock{mutex};
      (void)condition.wait_for(lock, 1h);
      std::this_thread::sleep_for(1h);
    }
  };
  struct Owner {
    std::unique_ptr<Stubborn> state = std::make_unique<Stubborn>();
    void handle(Go) {}
  };
  EXPECT_EQ(found([](World& world) {
              world.spawn("alice", Owner{}).value().tell(Go{});
              world.run();
            }),
            "nothing");
}

using GuardDeathTest = ::testing::Test;

TEST(GuardDeathTest, code_that_cannot_be_left_ends_the_process_with_the_reason) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH((void)found(alice_does([](Context&) { std::binary_semaphore{0}.acquire(); })),
               "LEAK \"a wait for a future, an atomic or a semaphore in alice handling Go\"");
}

}  // namespace
}  // namespace orrery::testing
