#include "orrery/fiber/stack_pool.hpp"
#include "fiber_fixture.hpp"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <set>
#include <sys/resource.h>
#include <thread>
#include <tuple>
#include <unistd.h>
#include <vector>

namespace orrery::fiber {
namespace {

std::vector<Stack> take(StackPool& pool, std::size_t count) {
  std::vector<Stack> stacks;
  while (stacks.size() < count) {
    const auto stack = pool.acquire();
    if (!stack) break;
    stacks.push_back(*stack);
  }
  return stacks;
}

void give_back(StackPool& pool, const std::vector<Stack>& stacks) {
  for (const Stack& stack : stacks) pool.release(stack);
}

TEST(StackPool, hands_out_stacks_of_the_asked_size_that_can_be_written_and_do_not_overlap) {
  StackPool pool({.stack_bytes = 20'000, .guarded_max = 70});
  auto stacks = take(pool, 200);
  ASSERT_EQ(stacks.size(), 200U);
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    EXPECT_EQ(stacks[i].bytes, 20'480U);  // whole pages
    std::memset(stacks[i].bottom, static_cast<int>(i), stacks[i].bytes);
  }
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    const auto is_mine = [i](std::byte b) { return b == static_cast<std::byte>(i); };
    EXPECT_TRUE(std::all_of(stacks[i].bottom, stacks[i].bottom + stacks[i].bytes, is_mine)) << i;
  }
  give_back(pool, stacks);
}

TEST(StackPool, guards_the_first_stacks_only_and_prefers_a_guarded_one_when_it_is_free_again) {
  StackPool pool({.guarded_max = 3});
  auto stacks = take(pool, 5);
  ASSERT_EQ(stacks.size(), 5U);
  const auto guarded = std::count_if(stacks.begin(), stacks.end(), [](const Stack& s) { return s.guarded; });
  EXPECT_EQ(guarded, 3);
  EXPECT_EQ(pool.counts().live_guarded, 3U);
  EXPECT_FALSE(stacks[4].guarded);

  pool.release(stacks[4]);
  pool.release(stacks[0]);
  const auto again = pool.acquire();
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->guarded);
  EXPECT_EQ(again->bottom, stacks[0].bottom);
  stacks = {*again, stacks[1], stacks[2], stacks[3]};
  give_back(pool, stacks);
}

TEST(StackPool, guards_nothing_when_told_so) {
  StackPool pool({.guard = false});
  const auto stack = pool.acquire();
  ASSERT_TRUE(stack);
  EXPECT_FALSE(stack->guarded);
  pool.release(*stack);
}

TEST(StackPool, uses_released_stacks_again_before_it_makes_new_ones) {
  StackPool pool({.guarded_max = 50});
  const auto first = take(pool, 100);
  give_back(pool, first);
  EXPECT_EQ(pool.counts().live, 0U);
  EXPECT_EQ(pool.counts().live_guarded, 0U);
  EXPECT_EQ(pool.counts().pooled, 100U);

  const auto second = take(pool, 100);
  std::set<std::byte*> before;
  std::set<std::byte*> now;
  for (const Stack& stack : first) before.insert(stack.bottom);
  for (const Stack& stack : second) now.insert(stack.bottom);
  EXPECT_EQ(before, now);
  EXPECT_EQ(pool.counts().live, 100U);
  EXPECT_EQ(pool.counts().pooled, 0U);
  EXPECT_EQ(pool.counts().created, 100U);
  give_back(pool, second);
}

TEST(StackPool, gives_back_the_pages_of_idle_stacks_past_pooled_max) {
  StackPool pool({.pooled_max = 1});
  const auto stacks = take(pool, 2);
  ASSERT_EQ(stacks.size(), 2U);
  for (const Stack& stack : stacks) *stack.bottom = std::byte{7};
  give_back(pool, stacks);
  EXPECT_EQ(pool.counts().pooled, 1U);
  EXPECT_EQ(pool.counts().cold, 1U);
  EXPECT_EQ(*stacks[0].bottom, std::byte{7});
  EXPECT_EQ(*stacks[1].bottom, std::byte{0});  // the system fills a page given back with zeros

  const auto again = take(pool, 2);
  EXPECT_EQ(pool.counts().created, 2U);
  EXPECT_EQ(pool.counts().cold, 0U);
  give_back(pool, again);
}

TEST(StackPool, answers_empty_and_stays_usable_when_there_is_no_such_memory) {
  for (const std::size_t bytes : {std::size_t{1} << 60U, std::numeric_limits<std::size_t>::max()}) {
    StackPool pool({.stack_bytes = bytes});
    EXPECT_FALSE(pool.acquire());
    EXPECT_FALSE(pool.acquire());
    EXPECT_EQ(pool.counts().live, 0U);
    EXPECT_EQ(pool.counts().created, 0U);
  }
}

TEST(StackPool, keeps_its_counts_when_threads_take_and_give_at_once) {
  StackPool pool({.guarded_max = 8, .pooled_max = 4});
  const std::size_t rounds = scaled(20'000);
  const auto work = [&] {
    for (std::size_t i = 0; i < rounds; ++i) {
      const auto stacks = take(pool, 1 + i % 8);
      for (const Stack& stack : stacks) {
        auto* const mark = reinterpret_cast<std::size_t*>(stack.bottom);
        *mark = i;  // K1: a stack that two threads hold is a race for TSan, and a wrong mark for everyone
        EXPECT_EQ(*mark, i);
      }
      give_back(pool, stacks);
    }
  };
  std::thread other(work);
  work();
  other.join();
  const StackCounts counts = pool.counts();
  EXPECT_EQ(counts.live, 0U);
  EXPECT_EQ(counts.pooled + counts.cold, counts.created);  // K2
  EXPECT_LE(counts.pooled, 4U);
  EXPECT_LE(counts.created, 16U);
}

#if !defined(ORRERY_FIBER_ASAN) && !defined(ORRERY_FIBER_TSAN)  // they need maps of their own and report for themselves

// Goal:   when memory runs out the answer is empty, and the stacks that exist go on being lent and taken
//         back.
// Method: a process of its own allows itself 64 MiB of addresses more than it has, and asks for 600 MiB.
TEST(StackPoolDeathTest, answers_empty_when_memory_runs_out_and_goes_on_with_what_it_has) {
  const auto run_out = [] {
    std::size_t pages_now = 0;
    std::ifstream("/proc/self/statm") >> pages_now;
    const rlim_t bytes = pages_now * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + (64U << 20U);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = bytes};
    setrlimit(RLIMIT_AS, &limit);
    StackPool pool({.guarded_max = 300});
    const auto stacks = take(pool, 10'000);
    const bool some = stacks.size() > 300 && stacks.size() < 2'000;
    const bool counted = pool.counts().live == stacks.size() && pool.counts().created == stacks.size();
    const bool still_empty = !pool.acquire();
    give_back(pool, stacks);
    const auto again = take(pool, 10'000);
    const bool same = again.size() == stacks.size();
    give_back(pool, again);
    std::_Exit(some && counted && still_empty && same ? 0 : 1);
  };
  EXPECT_EXIT(run_out(), testing::ExitedWithCode(0), "");
}

TEST(StackPoolDeathTest, refuses_to_die_before_its_stacks) {
  EXPECT_DEATH(
      {
        StackPool pool;
        std::ignore = pool.acquire();
      },
      "a stack pool dies while 1 stacks are in use");
}

#endif

}  // namespace
}  // namespace orrery::fiber
