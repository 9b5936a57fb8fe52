#include "orrery/fiber/fiber.hpp"
#include "orrery/fiber/switch.hpp"
#include "fiber_fixture.hpp"
#include <algorithm>
#include <array>
#include <cfenv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace orrery::fiber {
namespace {

using Fibers = std::vector<std::unique_ptr<BodyFiber>>;

TEST(Fiber, runs_between_switches_only_and_finds_its_locals_again) {
  StackPool pool;
  ThreadFiber thread;
  std::string log;
  BodyFiber fiber(pool, [&](BodyFiber& self) {
    int local = 1;
    log += "a";
    self.yield();
    log += std::to_string(++local);
    self.yield();
    log += std::to_string(++local);
  });
  EXPECT_TRUE(fiber.fiber().is_parked());
  EXPECT_EQ(log, "");
  fiber.resume(thread.fiber());
  EXPECT_EQ(log, "a");
  fiber.resume(thread.fiber());
  EXPECT_EQ(log, "a2");
  EXPECT_FALSE(fiber.finished());
  fiber.resume(thread.fiber());
  EXPECT_EQ(log, "a23");
  EXPECT_TRUE(fiber.finished());
}

TEST(Fiber, hands_control_round_a_ring_without_going_back_to_the_thread) {
  StackPool pool;
  ThreadFiber thread;
  constexpr std::size_t members = 5;
  struct Ring {
    std::array<Fiber*, members> fibers{};
    Fiber* home = nullptr;
    std::string log;
    std::size_t next = 0;
  } ring;
  ring.home = &thread.fiber();
  for (Fiber*& fiber : ring.fibers) {
    fiber = create(
        pool,
        [](void* argument) {
          auto& r = *static_cast<Ring*>(argument);
          const std::size_t mine = r.next++;
          for (;;) {
            r.log += static_cast<char>('a' + mine);
            switch_to(*r.fibers[mine], mine + 1 < members ? *r.fibers[mine + 1] : *r.home);
          }
        },
        &ring);
    ASSERT_NE(fiber, nullptr);
  }
  for (int round = 0; round < 3; ++round) switch_to(thread.fiber(), *ring.fibers[0]);
  EXPECT_EQ(ring.log, "abcdeabcdeabcde");
  for (Fiber* const fiber : ring.fibers) destroy(fiber);
  EXPECT_EQ(pool.counts().live, 0U);
}

TEST(Fiber, runs_the_after_action_on_the_successor_once_the_leaver_is_parked) {
  StackPool pool;
  ThreadFiber thread;
  struct Seen {
    Fiber* leaver = nullptr;
    Fiber* successor = nullptr;
    bool leaver_parked = false;
    bool successor_parked = true;
    int calls = 0;
  } seen;
  BodyFiber fiber(pool, [&](BodyFiber& self) {
    seen.leaver = &self.fiber();
    seen.successor = &thread.fiber();
    self.yield(
        [](void* argument) {
          auto& s = *static_cast<Seen*>(argument);
          s.leaver_parked = s.leaver->is_parked();
          s.successor_parked = s.successor->is_parked();
          ++s.calls;
        },
        &seen);
  });
  fiber.resume(thread.fiber());
  EXPECT_EQ(seen.calls, 1);
  EXPECT_TRUE(seen.leaver_parked);
  EXPECT_FALSE(seen.successor_parked);
  fiber.resume(thread.fiber());
  EXPECT_EQ(seen.calls, 1);
}

TEST(Fiber, may_be_destroyed_by_the_after_action_of_its_last_switch) {
  StackPool pool;
  ThreadFiber thread;
  struct Last {
    Fiber* self = nullptr;
    Fiber* home = nullptr;
  } last{nullptr, &thread.fiber()};
  for (int i = 0; i < 100; ++i) {
    last.self = create(
        pool,
        [](void* argument) {
          const Last l = *static_cast<Last*>(argument);
          switch_to(*l.self, *l.home, [](void* self) { destroy(static_cast<Fiber*>(self)); }, l.self);
        },
        &last);
    ASSERT_NE(last.self, nullptr);
    switch_to(thread.fiber(), *last.self);
    EXPECT_EQ(pool.counts().live, 0U);
  }
  EXPECT_EQ(pool.counts().created, 1U);
}

TEST(Fiber, stands_for_another_fibers_stack_when_adopted_there) {
  StackPool pool;
  ThreadFiber thread;
  std::string log;
  BodyFiber outer(pool, [&](BodyFiber& self) {
    ThreadFiber nested;
    BodyFiber inner(pool, [&](BodyFiber& inside) {
      log += "i";
      inside.yield();
      log += "j";
    });
    inner.resume(nested.fiber());
    log += "o";
    self.yield();
    inner.resume(nested.fiber());
    log += "p";
  });
  outer.resume(thread.fiber());
  log += "t";
  outer.resume(thread.fiber());
  EXPECT_EQ(log, "iotjp");
  EXPECT_TRUE(outer.finished());
}

TEST(Fiber, keeps_its_own_rounding_mode) {
  StackPool pool;
  ThreadFiber thread;
  ASSERT_EQ(std::fegetround(), FE_TONEAREST);
  int inside = -1;
  BodyFiber fiber(pool, [&](BodyFiber& self) {
    std::fesetround(FE_UPWARD);
    self.yield();
    inside = std::fegetround();
  });
  fiber.resume(thread.fiber());
  EXPECT_EQ(std::fegetround(), FE_TONEAREST);
  fiber.resume(thread.fiber());
  EXPECT_EQ(inside, FE_UPWARD);
  EXPECT_EQ(std::fegetround(), FE_TONEAREST);
}

TEST(Fiber, answers_null_when_there_is_no_memory_for_its_stack) {
  StackPool pool({.stack_bytes = std::size_t{1} << 60U});
  EXPECT_EQ(create(pool, [](void*) {}, nullptr), nullptr);
  EXPECT_EQ(pool.counts().live, 0U);
}

// Each fiber parks in mid-function, so `count` stacks are in use at once; then all end.
void run_and_park_and_finish(StackPool& pool, std::size_t count) {
  ThreadFiber thread;
  std::size_t sum = 0;
  Fibers fibers;
  for (std::size_t i = 0; i < count; ++i) {
    fibers.push_back(std::make_unique<BodyFiber>(pool, [&sum, i](BodyFiber& self) {
      const std::size_t local = i;
      self.yield();
      sum += local;
    }));
    fibers.back()->resume(thread.fiber());
  }
  EXPECT_EQ(pool.counts().live, count);
  EXPECT_EQ(sum, 0U);
  for (auto& fiber : fibers) fiber->resume(thread.fiber());
  EXPECT_EQ(sum, count * (count - 1) / 2);
  fibers.clear();
  EXPECT_EQ(pool.counts().live, 0U);
}

TEST(Fiber, ten_thousand_live_each_with_a_guard) {
  const std::size_t count = scaled(10'000);
  StackPool pool;
  run_and_park_and_finish(pool, count);
  // All were guarded: none was made in a plain slab, or it would be free now and the guarded ones fewer.
  std::vector<Stack> stacks;
  for (std::size_t i = 0; i < count; ++i) {
    const auto stack = pool.acquire();
    ASSERT_TRUE(stack);
    EXPECT_TRUE(stack->guarded);
    stacks.push_back(*stack);
  }
  EXPECT_EQ(pool.counts().created, count);
  for (const Stack& stack : stacks) pool.release(stack);
}

TEST(Fiber, twenty_thousand_live_more_than_can_have_guards) {
  const std::size_t count = scaled(20'000);
  StackPool pool({.guarded_max = count * 4 / 5});
  run_and_park_and_finish(pool, count);
  const StackCounts counts = pool.counts();
  EXPECT_EQ(counts.created, count);
  EXPECT_EQ(counts.pooled + counts.cold, count);
}

// Fills a frame with known bytes; with ASan its red zones are poisoned while it lives.
[[gnu::noinline]] std::size_t use_stack(BodyFiber* self, std::size_t bytes_asked) {
  std::array<char, 4096> frame;
  std::memset(frame.data(), 'x', frame.size());
  if (self != nullptr) self->yield();
  if (bytes_asked > frame.size()) return use_stack(nullptr, bytes_asked - frame.size()) + frame.size();
  return static_cast<std::size_t>(std::count(frame.begin(), frame.end(), 'x'));
}

// Goal:   a stack whose last owner was destroyed in mid-frame is clean for the next one.
// Method: abandon a fiber at one depth, use the same stack at many others; ASan reports any red zone left
//         behind.
TEST(Fiber, may_use_the_stack_of_one_that_was_never_unwound) {
  StackPool pool;
  ThreadFiber thread;
  std::byte* bottom = nullptr;
  for (std::size_t round = 0; round < 20; ++round) {
    {
      BodyFiber abandoned(pool, [&](BodyFiber& self) { use_stack(&self, 100); });
      abandoned.resume(thread.fiber());
      EXPECT_FALSE(abandoned.finished());
    }
    const auto stack = pool.acquire();
    ASSERT_TRUE(stack);
    if (bottom == nullptr) bottom = stack->bottom;
    EXPECT_EQ(stack->bottom, bottom);
    std::memset(stack->bottom, 0, stack->bytes);
    pool.release(*stack);
    BodyFiber next(pool, [&](BodyFiber&) { EXPECT_GE(use_stack(nullptr, 4096 * (1 + round % 5)), 4096U); });
    next.resume(thread.fiber());
    EXPECT_TRUE(next.finished());
  }
  EXPECT_EQ(pool.counts().created, 1U);
}

TEST(Fiber, leaves_most_of_the_asked_stack_to_its_owner) {
  StackPool pool;
  ThreadFiber thread;
  std::size_t used = 0;
  BodyFiber fiber(pool, [&](BodyFiber&) {
    std::array<char, 32 * 1024> frame;  // half of the default, which leaves room for the sanitizers' wider frames
    std::memset(frame.data(), 'y', frame.size());
    used = static_cast<std::size_t>(std::count(frame.begin(), frame.end(), 'y'));
  });
  fiber.resume(thread.fiber());
  EXPECT_EQ(used, 32U * 1024U);
}

#if !defined(ORRERY_FIBER_ASAN) && !defined(ORRERY_FIBER_TSAN)  // they turn the signal into a report of their own

[[gnu::noinline]] std::size_t recurse_for_ever(std::size_t depth) {
  std::array<volatile char, 512> frame{};
  frame[depth % frame.size()] = 1;
  if (depth == static_cast<std::size_t>(-1)) return 0;
  return recurse_for_ever(depth + 1) + static_cast<std::size_t>(frame[(depth + 1) % frame.size()]);
}

std::byte* expected_bottom = nullptr;

void report_where(int, siginfo_t* info, void*) {
  const auto* const fault = static_cast<std::byte*>(info->si_addr);
  const bool at_the_guard = fault < expected_bottom && fault >= expected_bottom - 16 * 1024;
  std::_Exit(at_the_guard ? 42 : 1);
}

// Goal:   running off a stack stops right below it, before a byte of the neighbour is touched.
// Method: the fault's own address, seen by a handler on a stack of its own, in a process of its own. The
//         neighbour lies below, so that without a gap the overflow would go on through it.
TEST(FiberDeathTest, overflow_of_a_stack_stops_at_its_guard) {
  const auto overflow = [] {
    static std::array<std::byte, 64 * 1024> signal_stack;
    const stack_t alternate{.ss_sp = signal_stack.data(), .ss_flags = 0, .ss_size = signal_stack.size()};
    sigaltstack(&alternate, nullptr);
    struct sigaction action{};
    action.sa_sigaction = &report_where;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, nullptr);

    StackPool pool;
    ThreadFiber thread;
    BodyFiber neighbour(pool, [](BodyFiber& self) { self.yield(); });
    neighbour.resume(thread.fiber());
    const auto stack = pool.acquire();
    expected_bottom = stack->bottom;
    pool.release(*stack);  // the next fiber gets the stack released last
    BodyFiber deep(pool, [](BodyFiber&) { std::ignore = recurse_for_ever(0); });
    deep.resume(thread.fiber());
  };
  EXPECT_EXIT(overflow(), testing::ExitedWithCode(42), "");
}

TEST(FiberDeathTest, misuse_is_caught) {
  StackPool pool;
  ThreadFiber thread;
  const auto resume_a_running_one = [&] { switch_to(thread.fiber(), thread.fiber()); };
  EXPECT_DEATH(resume_a_running_one(), "not parked");

  const auto leave_a_parked_one = [&] {
    BodyFiber one(pool, [](BodyFiber&) {});
    BodyFiber two(pool, [](BodyFiber&) {});
    switch_to(one.fiber(), two.fiber());
  };
  EXPECT_DEATH(leave_a_parked_one(), "does not run");

  const auto return_from_entry = [&] { switch_to(thread.fiber(), *create(pool, [](void*) {}, nullptr)); };
  EXPECT_DEATH(return_from_entry(), "entry function of a fiber returned");

  const auto destroy_the_running_one = [&] {
    BodyFiber suicidal(pool, [](BodyFiber& self) { destroy(&self.fiber()); });
    suicidal.resume(thread.fiber());
  };
  EXPECT_DEATH(destroy_the_running_one(), "destroyed while it runs");
}

#endif

}  // namespace
}  // namespace orrery::fiber
