#include "orrery/fiber/thread_slot.hpp"
#include "fiber_fixture.hpp"
#include <array>
#include <gtest/gtest.h>
#include <thread>

namespace orrery::fiber {
namespace {

TEST(ThreadSlot, starts_null_and_belongs_to_one_thread) {
  int mine = 0;
  EXPECT_EQ(thread_slot(), nullptr);
  set_thread_slot(&mine);
  std::thread other([] {
    EXPECT_EQ(thread_slot(), nullptr);
    int theirs = 0;
    set_thread_slot(&theirs);
    EXPECT_EQ(thread_slot(), &theirs);
  });
  other.join();
  EXPECT_EQ(thread_slot(), &mine);
  set_thread_slot(nullptr);
}

// The shape that breaks a plain thread_local: reads in one function, before and after a switch. The
// compiler that knew the variable would compute its address once and keep it.
[[gnu::noinline]] std::array<void*, 4> read_around_switches(BodyFiber& self) {
  std::array<void*, 4> seen{};
  seen[0] = thread_slot();
  self.yield();
  seen[1] = thread_slot();
  self.yield();
  seen[2] = thread_slot();
  set_thread_slot(&self);
  self.yield();
  seen[3] = thread_slot();
  return seen;
}

// Goal:   T1. One function, on three threads by turns, always reads the slot of the thread it is on.
TEST(ThreadSlot, is_read_on_the_thread_that_runs_the_fiber_now) {
  StackPool pool;
  ThreadFiber thread;
  int first = 0;
  int second = 0;
  int third = 0;
  std::array<void*, 4> seen{};
  BodyFiber fiber(pool, [&](BodyFiber& self) { seen = read_around_switches(self); });

  void* third_thread_after = nullptr;
  const auto resume_elsewhere = [&](int& value, void** after) {
    std::thread other([&, after] {
      ThreadFiber other_thread;
      set_thread_slot(&value);
      fiber.resume(other_thread.fiber());
      if (after != nullptr) *after = thread_slot();
    });
    other.join();
  };
  set_thread_slot(&first);
  fiber.resume(thread.fiber());
  resume_elsewhere(second, nullptr);
  resume_elsewhere(third, &third_thread_after);
  EXPECT_EQ(thread_slot(), &first);  // what the fiber set went to the third thread
  fiber.resume(thread.fiber());
  ASSERT_TRUE(fiber.finished());
  EXPECT_EQ(seen, (std::array<void*, 4>{&first, &second, &third, &first}));
  EXPECT_EQ(third_thread_after, &fiber);
  set_thread_slot(nullptr);
}

}  // namespace
}  // namespace orrery::fiber
