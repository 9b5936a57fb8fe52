// What the sanitizers believe about fibers, asked of themselves. Without one, only the first test has
// something to say.
#include "orrery/fiber/fiber.hpp"
#include "orrery/fiber/switch.hpp"
#include "fiber_fixture.hpp"
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <gtest/gtest.h>
#include <stdexcept>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

namespace orrery::fiber {
namespace {

[[gnu::noinline]] void write_frame(char value) {
  std::array<volatile char, 512> frame;
  for (auto& byte : frame) byte = value;
}

// Goal:   fibers that take turns on one stack are no race, even when nothing orders their switches.
// Method: the second is created where the first was destroyed and writes the same frames; TSan fails the
//         process.
TEST(FiberSanitizer, forgets_the_last_owner_of_a_stack) {
  StackPool pool;
  ThreadFiber thread;
  struct Turn {
    Fiber* self = nullptr;
    Fiber* home = nullptr;
  };
  // Not on this stack: what the fibers read here unordered, this stack's next frames would race with.
  static std::array<Turn, 3> turns;
  for (Turn& turn : turns) {
    turn.home = &thread.fiber();
    turn.self = create(
        pool,
        [](void* argument) {
          const Turn mine = *static_cast<Turn*>(argument);
          write_frame('w');
          switch_to(*mine.self, *mine.home, nullptr, nullptr, SwitchOrder::unordered);
        },
        &turn);
    ASSERT_NE(turn.self, nullptr);
    // Going in is ordered, so the fiber may read `turn`; coming back is not, so nothing it wrote is known
    // here.
    switch_to(thread.fiber(), *turn.self);
    destroy(turn.self);
  }
  EXPECT_EQ(pool.counts().created, 1U);
}

#if defined(ORRERY_FIBER_TSAN)

TEST(FiberSanitizer, thread_sanitizer_knows_who_runs) {
  StackPool pool;
  ThreadFiber thread;
  void* const on_thread = __tsan_get_current_fiber();
  void* here = nullptr;
  void* there = nullptr;
  BodyFiber fiber(pool, [&](BodyFiber& self) {
    here = __tsan_get_current_fiber();
    self.yield();
    there = __tsan_get_current_fiber();
  });
  fiber.resume(thread.fiber());
  EXPECT_NE(here, on_thread);
  EXPECT_EQ(__tsan_get_current_fiber(), on_thread);
  std::thread other([&] {
    ThreadFiber other_thread;
    fiber.resume(other_thread.fiber());
  });
  other.join();
  EXPECT_EQ(there, here);
}

int shared = 0;

// Goal:   with unordered switches, two fibers that share memory are a race although one thread runs both;
//         with ordered ones they are not.
// Method: in a process of its own; TSan ends one that saw a race with its exit code.
[[noreturn]] void run_pair_and_exit(SwitchOrder order) {
  StackPool pool;
  ThreadFiber thread;
  struct Turn {
    Fiber* self = nullptr;
    Fiber* home = nullptr;
    SwitchOrder order = SwitchOrder::ordered;
  };
  std::array<Turn, 2> turns;
  for (Turn& turn : turns) {
    turn = {nullptr, &thread.fiber(), order};
    turn.self = create(
        pool,
        [](void* argument) {
          const Turn mine = *static_cast<Turn*>(argument);
          ++shared;
          switch_to(*mine.self, *mine.home, nullptr, nullptr, mine.order);
        },
        &turn);
  }
  for (Turn& turn : turns) switch_to(thread.fiber(), *turn.self);
  for (Turn& turn : turns) destroy(turn.self);
  std::exit(0);
}

TEST(FiberSanitizerDeathTest, unordered_switches_leave_shared_memory_a_race) {
  EXPECT_EXIT(run_pair_and_exit(SwitchOrder::unordered), testing::ExitedWithCode(66), "data race");
  EXPECT_EXIT(run_pair_and_exit(SwitchOrder::ordered), testing::ExitedWithCode(0), "");
}

#endif

#if defined(ORRERY_FIBER_ASAN)

bool is_mapped(void* address) {
  const auto page_bytes = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto page = reinterpret_cast<std::uintptr_t>(address) / page_bytes * page_bytes;
  unsigned char resident = 0;
  return mincore(reinterpret_cast<void*>(page), 1, &resident) == 0 || errno != ENOMEM;
}

// Goal:   the frames that detect_stack_use_after_return keeps aside stay with their stack, and go when it
//         goes.
// Method: ASan names them by a pointer, null when that option is off. A destroyed fiber's are no longer
//         mapped.
TEST(FiberSanitizer, address_sanitizer_gives_every_stack_its_kept_frames_back) {
  StackPool pool;
  ThreadFiber thread;
  void* const on_thread = __asan_get_current_fake_stack();
  void* first = nullptr;
  void* again = nullptr;
  {
    BodyFiber fiber(pool, [&](BodyFiber& self) {
      write_frame('f');
      first = __asan_get_current_fake_stack();
      self.yield();
      again = __asan_get_current_fake_stack();
      self.yield();
    });
    fiber.resume(thread.fiber());
    EXPECT_EQ(__asan_get_current_fake_stack(), on_thread);
    fiber.resume(thread.fiber());
    EXPECT_EQ(again, first);
    if (on_thread != nullptr) {
      EXPECT_NE(first, nullptr);
      EXPECT_NE(first, on_thread);
      EXPECT_TRUE(is_mapped(first));
    }
  }
  EXPECT_EQ(__asan_get_current_fake_stack(), on_thread);
  if (first != nullptr) {
    EXPECT_FALSE(is_mapped(first));
  }
}

[[gnu::noinline]] void throw_from_wide_frames(int depth) {
  std::array<volatile char, 256> frame{};
  frame[static_cast<std::size_t>(depth)] = 1;
  if (depth == 0) throw std::runtime_error("wide");
  throw_from_wide_frames(depth - 1);
  frame[0] = 1;
}

/// Returns: the first poisoned byte among those where deeper frames stood, null when there is none.
[[gnu::noinline]] void* red_zone_left_below() {
  auto* const here = static_cast<char*>(__builtin_frame_address(0));
  return __asan_region_is_poisoned(here - 16 * 1024, 15 * 1024);
}

// Goal:   a throw leaves the thread's own stack clean, though a fiber ran in between, and the fiber's too.
// Method: at a throw ASan unpoisons the frames up to the end of the stack it believes it is on; believing
//         in a wrong one it leaves the red zones of dead frames behind.
TEST(FiberSanitizer, address_sanitizer_cleans_the_right_stack_at_a_throw) {
  StackPool pool;
  ThreadFiber thread;
  BodyFiber fiber(pool, [](BodyFiber& self) {
    for (;;) {
      EXPECT_THROW(throw_from_wide_frames(20), std::runtime_error);
      EXPECT_EQ(red_zone_left_below(), nullptr);
      self.yield();
    }
  });
  for (int i = 0; i < 2; ++i) {
    fiber.resume(thread.fiber());
    EXPECT_THROW(throw_from_wide_frames(20), std::runtime_error);
    EXPECT_EQ(red_zone_left_below(), nullptr);
  }
}

#endif

}  // namespace
}  // namespace orrery::fiber
