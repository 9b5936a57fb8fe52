// Goal:   on threads: offloaded work blocks no worker, comes back in every form, survives stops, and is waited for and
//         named by the end of the system.
// Method: a real System with a small pool; gates hold the work, so that no outcome depends on how long anything takes.
#include "tests/threads/system_fixture.hpp"

#include "orrery/actor/offload.hpp"

#include <algorithm>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <string>

namespace orrery {
namespace {

struct Load {
  using Reply = int;
  int value = 0;
};
struct Hold {
  std::shared_ptr<Gate> gate;
};

struct Loader {
  int handle(Load m, Context& context) {
    return context.offload([value = m.value] { return 2 * value; });
  }
  void handle(Hold m, Context& context) {
    context.offload([gate = std::move(m.gate)] { gate->pass(); });
  }
};

TEST_F(SystemTest, offloaded_work_returns_values_nothing_and_what_can_only_be_moved) {
  struct All {
    int handle(Load m, Context& context) {
      int copy = 0;
      context.offload([&copy, m] { copy = m.value; });  // nobody stops this actor, so a reference is safe here
      auto parcel = context.offload([given = std::make_unique<int>(copy)]() mutable { return std::move(given); });
      try {
        context.offload([]() -> int { throw std::runtime_error{"disk"}; });
      } catch (const std::runtime_error& error) {
        return error.what() == std::string{"disk"} ? *parcel : -1;
      }
      return -2;
    }
  };
  System& sys = start(2);
  const auto all = sys.spawn<All>();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(all.ask(Load{i}, patience), i);
}

TEST_F(SystemTest, what_offloaded_work_throws_fails_the_handler_that_lets_it_pass) {
  struct Failing {
    int handle(Load, Context& context) {
      return context.offload([]() -> int { throw std::runtime_error{"disk"}; });
    }
  };
  System& sys = start(2);
  EXPECT_EQ(sys.spawn<Failing>().ask(Load{}, patience), std::unexpected(AskError::actor_failed));
}

TEST_F(SystemTest, offloaded_work_blocks_no_worker_and_no_other_actor) {
  System& sys = start(1);
  const auto gate = std::make_shared<Gate>();
  const auto holder = sys.spawn<Loader>();
  ASSERT_TRUE(holder.tell(Hold{gate}));
  EXPECT_TRUE(eventually([&] { return gate->is_reached(); }));
  EXPECT_EQ(sys.spawn<Counter>().ask(Add{3}, patience), 3);
  gate->open();
  EXPECT_EQ(holder.ask(Load{1}, patience), 2);
}

TEST_F(SystemTest, offloaded_work_runs_outside_of_any_actor_and_may_ask_and_sleep) {
  struct Outside {
    Ref<Counter> counter;
    int handle(Load, Context& context) {
      return context.offload([counter = counter, &runtime = context.runtime()] {
        if (current_execution() != nullptr) return -1;
        sleep_for(runtime, 1ms);
        counter.tell(Add{1}, ignore_reply);
        const int nested = offload(runtime, [] { return 5; });  // simply called
        return counter.ask(Get{}, patience).value_or(-2) + nested;
      });
    }
  };
  System& sys = start(2);
  EXPECT_EQ(sys.spawn(Outside{sys.spawn<Counter>()}).ask(Load{}, patience), 6);
  EXPECT_EQ(offload(sys, [] { return 7; }), 7);
}

TEST_F(SystemTest, a_thousand_pieces_of_offloaded_work_share_a_small_pool) {
  System& sys = start(3, {.offload_threads = 4});
  std::atomic<int> at_once{0};
  std::atomic<int> most{0};
  struct Worker_ {
    std::atomic<int>* at_once;
    std::atomic<int>* most;
    int handle(Load m, Context& context) {
      return context.offload([at_once = at_once, most = most, m] {
        const int now = at_once->fetch_add(1) + 1;
        int before = most->load();
        while (before < now && !most->compare_exchange_weak(before, now)) {
        }
        std::this_thread::yield();
        at_once->fetch_sub(1);
        return m.value;
      });
    }
  };
  const int count = 1'000;
  std::vector<Pending<Load>> pending;
  for (int i = 0; i < count; ++i) {
    pending.push_back(sys.spawn(Worker_{&at_once, &most}).ask_async(Load{i}, patience));
  }
  const auto results = wait_all(std::span{pending});
  for (int i = 0; i < count; ++i) ASSERT_EQ(results[static_cast<std::size_t>(i)], i);
  EXPECT_LE(most.load(), 4);
}

TEST_F(SystemTest, offloaded_work_that_waits_for_a_thread_begins_in_order) {
  System& sys = start(1, {.offload_threads = 1});
  const auto gate = std::make_shared<Gate>();
  ASSERT_TRUE(sys.spawn<Loader>().tell(Hold{gate}));
  EXPECT_TRUE(eventually([&] { return gate->is_reached(); }));
  struct Ordered {
    std::vector<int>* order;
    int handle(Load m, Context& context) {
      return context.offload([order = order, m] {
        order->push_back(m.value);
        return m.value;
      });
    }
  };
  std::vector<int> order;  // one thread writes it
  std::vector<int> wanted;
  std::vector<Pending<Load>> pending;
  for (int i = 0; i < 20; ++i) {
    pending.push_back(sys.spawn(Ordered{&order}).ask_async(Load{i}, patience));
    wanted.push_back(i);
    // Until it stands in the queue behind the others; looking may find somebody between two places.
    ASSERT_TRUE(eventually([&] {
      return std::ranges::count_if(sys.activity(), [](const Activity& one) {
               return one.doing.ends_with("waits for a thread");
             }) == i + 1;
    }));
  }
  gate->open();
  (void)wait_all(std::span{pending});
  EXPECT_EQ(order, wanted);
}

TEST_F(SystemTest, quiescence_waits_for_offloaded_work) {
  System& sys = start(2);
  const auto gate = std::make_shared<Gate>();
  ASSERT_TRUE(sys.spawn<Loader>().tell(Hold{gate}));
  EXPECT_FALSE(sys.await_quiescence(20ms));
  gate->open();
  EXPECT_TRUE(sys.await_quiescence(patience));
}

TEST_F(SystemTest, a_stop_unwinds_who_waits_and_lets_the_work_go_on) {
  struct Victim {
    std::atomic<int>* unwound;
    std::atomic<int>* done;
    void handle(Hold m, Context& context) {
      struct OnExit {
        std::atomic<int>* unwound;
        ~OnExit() { ++*unwound; }
      } on_exit{unwound};
      const std::string result = context.offload([gate = std::move(m.gate), done = done] {
        gate->pass();
        ++*done;
        return std::string(1'000, 'x');  // dropped, and not lost
      });
      *unwound += static_cast<int>(result.size());
    }
  };
  System& sys = start(2);
  std::atomic<int> unwound{0};
  std::atomic<int> done{0};
  const auto gate = std::make_shared<Gate>();
  const auto victim = sys.spawn(Victim{&unwound, &done});
  ASSERT_TRUE(victim.tell(Hold{gate}));
  EXPECT_TRUE(eventually([&] { return gate->is_reached(); }));
  EXPECT_TRUE(sys.stop(victim));
  EXPECT_TRUE(eventually([&] { return sys.living() == 0; }));
  EXPECT_EQ(unwound, 1);
  EXPECT_EQ(done, 0);
  gate->open();
  EXPECT_TRUE(sys.await_quiescence(patience));
  EXPECT_EQ(done, 1);
}

TEST_F(SystemTest, stops_that_race_with_offloaded_work_leave_nothing_behind) {
  struct Racer {
    std::atomic<int>* done;
    void handle(Note, Context& context) {
      context.offload([done = done, owned = std::make_unique<int>(1)] { *done += *owned; });
    }
  };
  System& sys = start(3, {.offload_threads = 2});
  std::atomic<int> done{0};
  const auto rounds = static_cast<int>(scaled(3'000));
  std::vector<Ref<Racer>> racers;
  for (int i = 0; i < rounds; ++i) {
    const auto racer = sys.spawn(Racer{&done});
    (void)racer.tell(Note{i});
    if (i % 3 == 0) std::this_thread::yield();
    sys.stop(racer);
  }
  EXPECT_TRUE(eventually([&] { return sys.living() == 0; }));
  EXPECT_TRUE(sys.await_quiescence(patience));
  EXPECT_LE(done, rounds);
}

TEST_F(SystemTest, a_stop_waits_for_offloaded_work_and_names_whose_it_is) {
  System& sys = start(2, {.offload_threads = 1});
  const auto gate = std::make_shared<Gate>();
  const auto loader = sys.spawn("loader", Loader{});
  ASSERT_TRUE(loader->tell(Hold{gate}));
  EXPECT_TRUE(eventually([&] { return gate->is_reached(); }));
  StopReport report;
  EXPECT_TRUE(eventually([&] {
    report = sys.shutdown(50ms);
    EXPECT_FALSE(report.is_complete);
    return report.living == 0;
  }));
  ASSERT_EQ(report.activity.size(), 1U) << orrery_describe(report);
  EXPECT_EQ(report.activity[0].actor, "loader");
  EXPECT_TRUE(report.activity[0].doing.starts_with("its work offloaded at offload_test.cpp:"))
      << report.activity[0].doing;
  EXPECT_NE(report.activity[0].doing.find(" has run for "), std::string::npos) << report.activity[0].doing;
  gate->open();
  EXPECT_TRUE(sys.shutdown(patience).is_complete);
}

TEST_F(SystemTest, activity_says_who_waits_for_offloaded_work) {
  System& sys = start(2);
  const auto gate = std::make_shared<Gate>();
  const auto loader = sys.spawn("loader", Loader{});
  ASSERT_TRUE(loader->tell(Hold{gate}));
  EXPECT_TRUE(eventually([&] {
    return std::ranges::any_of(sys.activity(), [](const Activity& one) {
      return one.actor == "loader" && one.doing == "waits for offloaded work";
    });
  }));
  gate->open();
}

TEST_F(SystemTest, a_handler_that_is_unwound_calls_its_work_in_place) {
  struct Closing {
    std::atomic<int>* flushed;
    void handle(Note, Context& context) { context.sleep(1h); }
    void on_stop(Context& context) {
      context.offload([flushed = flushed] { ++*flushed; });
    }
  };
  System& sys = start(2);
  std::atomic<int> flushed{0};
  const auto closing = sys.spawn(Closing{&flushed});
  ASSERT_TRUE(closing.tell(Note{1}));
  sys.stop(closing);
  EXPECT_TRUE(eventually([&] { return sys.living() == 0; }));
  EXPECT_EQ(flushed, 1);
}

TEST_F(SystemTest, threads_for_offloaded_work_end_when_they_are_idle_and_come_again) {
  System& sys = start(2, {.offload_idle = 0ms});
  const auto loader = sys.spawn<Loader>();
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(loader.ask(Load{i}, patience), 2 * i);
    if (i % 50 == 0) {
      ASSERT_TRUE(eventually([&] { return sys.offload_threads() == 0; }));
    }
  }
}

TEST_F(SystemTest, offloaded_work_gets_a_thread_of_its_own_while_there_are_enough) {
  struct Pair {
    std::atomic<int> arrived{0};
  };
  struct Partner {
    std::shared_ptr<Pair> pair;
    int handle(Load, Context& context) {
      // Each waits for the other, so one thread for both would never end it.
      return context.offload([pair = pair] {
        ++pair->arrived;
        return eventually([&] { return pair->arrived == 2; }) ? 1 : 0;
      });
    }
  };
  // The case that matters: one idle thread, and a second piece of work before it has woken for the first.
  for (std::size_t round = 0; round < scaled(100); ++round) {
    SystemOptions options;
    options.threads = 1;
    System sys{options};
    ASSERT_EQ(sys.spawn(Loader{}).ask(Load{1}, patience), 2);
    ASSERT_TRUE(sys.await_quiescence(patience));
    const auto pair = std::make_shared<Pair>();
    const auto first = sys.spawn(Partner{pair});
    const auto second = sys.spawn(Partner{pair});
    struct Both {
      Ref<Partner> one, other;
      int handle(Load) {
        auto a = one.ask_async(Load{}, no_timeout);
        auto b = other.ask_async(Load{}, no_timeout);
        return a.get().value_or(0) + b.get().value_or(0);
      }
    };
    ASSERT_EQ(sys.spawn(Both{first, second}).ask(Load{}, no_timeout), 2);
  }
}

}  // namespace
}  // namespace orrery
