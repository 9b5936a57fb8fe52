#include "orrery/threads/parker.hpp"

#include "tests/support/scale.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

namespace orrery {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

using test_support::scaled;

/// A deadline that has passed: park() answers at once whether there was a token.
constexpr steady_clock::time_point passed{};

TEST(Parker, keeps_an_unpark_for_the_next_park) {
  Parker parker;
  parker.unpark();
  EXPECT_TRUE(parker.park());
}

TEST(Parker, counts_several_unparks_as_one) {
  Parker parker;
  for (int i = 0; i < 5; ++i) parker.unpark();
  EXPECT_TRUE(parker.park(passed));
  EXPECT_FALSE(parker.park(passed));
}

TEST(Parker, prefers_a_token_to_a_passed_deadline) {
  Parker parker;
  parker.unpark();
  EXPECT_TRUE(parker.park(steady_clock::time_point::min()));
  EXPECT_FALSE(parker.park(steady_clock::time_point::min()));
}

TEST(Parker, without_a_token_returns_no_earlier_than_its_deadline) {
  Parker parker;
  for (const auto delay : {0us, 1us, 300us, 2000us}) {
    const auto deadline = steady_clock::now() + delay;
    EXPECT_FALSE(parker.park(deadline));
    EXPECT_GE(steady_clock::now(), deadline);
  }
  parker.unpark();  // the deadlines left nothing behind
  EXPECT_TRUE(parker.park());
}

TEST(Parker, sleeps_in_the_kernel_instead_of_spinning) {
  const auto switches = [] {
    rusage usage{};
    EXPECT_EQ(::getrusage(RUSAGE_THREAD, &usage), 0);
    return usage.ru_nvcsw;
  };
  Parker parker;
  long slept = 0;
  // A deadline that has passed when the kernel is asked, because others ran meanwhile, is no sleep: some tries.
  for (int i = 0; i < 20 && slept == 0; ++i) {
    const long before = switches();
    EXPECT_FALSE(parker.park(steady_clock::now() + 5ms));
    slept = switches() - before;
  }
  EXPECT_GT(slept, 0);
}

// Goal:   no wake-up is lost, whichever of park and unpark comes first, and what was written before is seen.
// Method: two threads hand a plain counter to and fro; a lost token hangs the test, a missing order shows
//         under TSan.
TEST(Parker, hands_over_between_two_threads) {
  const int rounds = scaled(20'000);
  Parker here;
  Parker there;
  int counter = 0;
  std::jthread other([&] {
    for (int i = 0; i < rounds; ++i) {
      there.park();
      ++counter;
      here.unpark();
    }
  });
  for (int i = 0; i < rounds; ++i) {
    there.unpark();
    ASSERT_TRUE(here.park());
    ASSERT_EQ(counter, i + 1);
  }
}

// Goal:   a token that meets a deadline at the same moment is either taken or kept, never dropped.
// Method: the producer sends the next token only when the last has been taken, so a dropped one hangs the
//         test. Mostly the deadline has passed already: then park() is short, and a token often comes in the
//         middle of it.
TEST(Parker, drops_no_token_when_the_deadline_passes_with_it) {
  const int tokens = scaled(20'000);
  Parker parker;
  std::atomic<int> taken{0};
  std::jthread producer([&] {
    for (int sent = 0; sent < tokens; ++sent) {
      parker.unpark();
      while (taken.load(std::memory_order_acquire) <= sent) std::this_thread::yield();
    }
  });
  for (int parks = 1; taken.load(std::memory_order_relaxed) < tokens; ++parks) {
    const auto deadline = parks % 1000 == 0 ? steady_clock::now() + 5us : passed;
    if (parker.park(deadline)) taken.fetch_add(1, std::memory_order_release);
  }
  producer.join();
  EXPECT_FALSE(parker.park(passed));
}

// Goal:   what interrupts the sleep but is no token does not end the park.
// Method: signals whose handler asks for interrupted system calls not to be restarted, until twenty were
//         handled (or many sent: a tool may hold them back while the thread sleeps).
std::atomic<int> signals_handled{0};

TEST(Parker, sleeps_on_when_a_signal_interrupts) {
  struct sigaction counting{};
  struct sigaction before{};
  counting.sa_handler = [](int) { signals_handled.fetch_add(1, std::memory_order_relaxed); };
  ASSERT_EQ(::sigaction(SIGUSR1, &counting, &before), 0);
  Parker parker;
  std::atomic<bool> is_parking{false};
  std::atomic<bool> is_unparked{false};
  bool returned_early = false;
  std::jthread sleeper([&] {
    is_parking.store(true, std::memory_order_relaxed);
    parker.park();
    returned_early = !is_unparked.load(std::memory_order_relaxed);
  });
  while (!is_parking.load(std::memory_order_relaxed)) std::this_thread::yield();
  for (int sent = 0; sent < 20'000 && signals_handled.load(std::memory_order_relaxed) < 20; ++sent) {
    ::pthread_kill(sleeper.native_handle(), SIGUSR1);
    std::this_thread::yield();
  }
  is_unparked.store(true, std::memory_order_relaxed);
  parker.unpark();
  sleeper.join();
  EXPECT_FALSE(returned_early);
  ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

TEST(Parker, takes_tokens_from_many_threads) {
  const int per_thread = scaled(50'000);
  Parker parker;
  std::atomic<int> work{0};
  int done = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < per_thread; ++i) {
          work.fetch_add(1, std::memory_order_relaxed);
          parker.unpark();
        }
      });
    }
    while (done < 3 * per_thread) {
      EXPECT_TRUE(parker.park());
      done += work.exchange(0, std::memory_order_relaxed);
    }
  }
  EXPECT_EQ(done, 3 * per_thread);
}

}  // namespace
}  // namespace orrery
