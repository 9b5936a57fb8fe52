// SpinLock and Parker: who waits is woken, and sees what came before.
#include "orrery/core/spin_lock.hpp"
#include "orrery/threads/parker.hpp"
#include "tests/interleavings/checker/explore.hpp"

#include <gtest/gtest.h>

#include <array>
#include <mutex>

namespace orrery::interleave {
namespace {

Body under_lock(int threads, int rounds) {
  return [=](Model& model) {
    SpinLock lock;
    Plain<int> count{0};
    model.name(lock, "lock");
    constexpr const char* names[] = {"a", "b", "c"};
    for (int i = 0; i < threads; ++i) {
      model.thread(names[i], [&, rounds] {
        for (int round = 0; round < rounds; ++round) {
          const std::lock_guard guard{lock};
          count = count + 1;
        }
      });
    }
    model.run();
    model.require(count == threads * rounds, "everybody counted");
  };
}

TEST(SpinLock, lets_one_in_at_a_time_who_sees_what_the_last_one_wrote) {
  expect_holds("spin lock, 2 x 1", all(), under_lock(2, 1));
  expect_holds("spin lock, 2 x 2", all(), under_lock(2, 2));
  expect_holds("spin lock, 3 x 1", all(), under_lock(3, 1));
}

TEST(SpinLock, is_refused_only_while_somebody_holds_it) {
  expect_holds("spin lock, try", all(), [](Model& model) {
    SpinLock lock;
    Plain<int> count{0};
    int got = 0;
    const auto attempt = [&] {
      if (!lock.try_lock()) return;
      count = count + 1;
      ++got;
      lock.unlock();
    };
    model.thread("a", attempt);
    model.thread("b", attempt);
    model.run();
    model.require(got >= 1 && count == got, "one of two attempts came in");
  });
}

struct Work {
  Parker parker;
  Plain<int> data{0};
};

// P1: the token may come before, while and after the other goes to sleep.
TEST(Parker, never_loses_a_wake_up_and_shows_what_came_before_it) {
  const Body body = [](Model& model) {
    Work w;
    model.name(w.parker, "parker");
    model.thread("sleeper", [&] {
      model.require(w.parker.park(), "P3: without a deadline it returns with a token");
      model.require(w.data == 1, "what came before the token is seen");
    });
    model.thread("waker", [&] {
      w.data = 1;
      w.parker.unpark();
    });
    model.run();
  };
  expect_holds("parker", all(), body);
  expect_holds("parker woken for nothing", all(), body, {.false_wakes = 2});
}

// P2: the second waker's work is seen too, with its own token or with the first one's.
TEST(Parker, shows_the_work_of_all_wakers) {
  expect_holds("parker, 2 wakers", all(), [](Model& model) {
    Parker parker;
    std::array<Atomic<int>, 2> work;
    const auto wake = [&](std::size_t i) {
      work[i].store(1, std::memory_order_relaxed);
      parker.unpark();
    };
    model.thread("sleeper", [&] {
      while (work[0].load(std::memory_order_relaxed) + work[1].load(std::memory_order_relaxed) < 2) {
        model.require(parker.park(), "it returns with a token");
      }
    });
    model.thread("one", [&] { wake(0); });
    model.thread("two", [&] { wake(1); });
    model.run();
  });
}

// P1 at the deadline: a token that comes with it is taken now, or is there for the next park.
TEST(Parker, a_deadline_takes_no_token_away) {
  expect_holds("parker with a deadline", all(),
               [](Model& model) {
                 Work w;
                 model.thread("sleeper", [&] {
                   if (!w.parker.park(Parker::Deadline::max())) model.require(w.parker.park(), "the token comes");
                   model.require(w.data == 1, "what came before the token is seen");
                 });
                 model.thread("waker", [&] {
                   w.data = 1;
                   w.parker.unpark();
                 });
                 model.run();
               },
               {.false_wakes = 1});
}

}  // namespace
}  // namespace orrery::interleave
