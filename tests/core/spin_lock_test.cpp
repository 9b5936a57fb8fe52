#include "orrery/core/spin_lock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace orrery {
namespace {
static_assert(sizeof(SpinLock) == 1 && !std::is_copy_constructible_v<SpinLock>);

TEST(SpinLock, is_free_at_first_and_again_after_unlock) {
  SpinLock lock;
  ASSERT_TRUE(lock.try_lock());
  lock.unlock();
  {
    std::lock_guard guard(lock);
  }
  EXPECT_TRUE(lock.try_lock());
  lock.unlock();
}

TEST(SpinLock, refuses_while_it_is_held) {
  SpinLock lock;
  std::lock_guard guard(lock);
  bool taken = true;
  std::thread([&] { taken = lock.try_lock(); }).join();
  EXPECT_FALSE(taken);
}

// Goal: mutual exclusion, and L1 when built with TSan: the counter is a plain variable.
TEST(SpinLock, lets_one_thread_in_at_a_time) {
  constexpr int threads = 4;
  constexpr int rounds = 20'000;
  SpinLock lock;
  int counter = 0;
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&, i] {
      for (int round = 0; round < rounds; ++round) {
        if (i % 2 == 0) {
          lock.lock();
        } else {
          while (!lock.try_lock()) std::this_thread::yield();
        }
        ++counter;
        lock.unlock();
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(counter, threads * rounds);
}

TEST(SpinLock, a_waiter_gets_in_when_the_owner_leaves) {
  SpinLock lock;
  std::atomic<bool> waiting = false;
  int order = 0;
  lock.lock();
  std::thread waiter([&] {
    waiting = true;
    std::lock_guard guard(lock);
    EXPECT_EQ(order, 1);
    order = 2;
  });
  while (!waiting) std::this_thread::yield();
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();  // time for the waiter to run out of spins
  order = 1;
  lock.unlock();
  waiter.join();
  EXPECT_EQ(order, 2);
}
}  // namespace
}  // namespace orrery
