// Fibers between threads: what one thread parks another may resume at once.
#include "orrery/fiber/fiber.hpp"
#include "orrery/fiber/switch.hpp"
#include "orrery/fiber/thread_slot.hpp"
#include "fiber_fixture.hpp"
#include <array>
#include <atomic>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace orrery::fiber {
namespace {

/// What one thread of these tests has: its own stack, and the fiber it is to run next.
struct Worker {
  ThreadFiber thread;
  int number = 0;
  std::atomic<Fiber*> inbox{nullptr};  // stores release, exchanges acquire: carries F2's "parked" to the taker
};

Worker& this_worker() { return *static_cast<Worker*>(thread_slot()); }

// Goal:   a fiber lives on two threads by turns, 10,000 times, and never notices but through thread_slot().
// Method: each park's after-action puts the fiber into the other worker's inbox.
TEST(FiberMigration, moves_between_two_threads_ten_thousand_times) {
  const std::size_t moves = scaled(10'000);
  struct Shared {
    std::array<Worker*, 2> workers{};
    std::atomic<bool> ready{false};
    std::atomic<bool> done{false};
    std::size_t moves = 0;
    std::size_t wrong_thread = 0;
    Fiber* traveller = nullptr;
  } shared;
  shared.moves = moves;
  StackPool pool;
  shared.traveller = create(
      pool,
      [](void* argument) {
        auto& s = *static_cast<Shared*>(argument);
        struct Trip {
          Fiber* traveller;
          Worker* target;
        };
        for (std::size_t i = 0; i < s.moves; ++i) {
          Worker& here = this_worker();
          if (here.number != static_cast<int>(i % 2)) ++s.wrong_thread;
          Trip trip{s.traveller, s.workers[(i + 1) % 2]};
          switch_to(
              *s.traveller, here.thread.fiber(),
              [](void* t) {
                const Trip there = *static_cast<Trip*>(t);  // gone as soon as the store below is seen
                there.target->inbox.store(there.traveller, std::memory_order_release);
              },
              &trip);
        }
        switch_to(
            *s.traveller, this_worker().thread.fiber(),
            [](void* end) { static_cast<Shared*>(end)->done.store(true, std::memory_order_release); }, &s);
      },
      &shared);
  ASSERT_NE(shared.traveller, nullptr);

  const auto work = [&](int number) {
    Worker worker;
    worker.number = number;
    set_thread_slot(&worker);
    shared.workers[static_cast<std::size_t>(number)] = &worker;
    if (number == 1) shared.ready.store(true, std::memory_order_release);
    if (number == 0) {
      while (!shared.ready.load(std::memory_order_acquire)) std::this_thread::yield();
      worker.inbox.store(shared.traveller, std::memory_order_release);
    }
    while (!shared.done.load(std::memory_order_acquire)) {
      Fiber* const next = worker.inbox.exchange(nullptr, std::memory_order_acquire);
      if (next == nullptr) {
        std::this_thread::yield();
        continue;
      }
      switch_to(worker.thread.fiber(), *next);
    }
    set_thread_slot(nullptr);
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  EXPECT_EQ(shared.wrong_thread, 0U);
  destroy(shared.traveller);
  EXPECT_EQ(pool.counts().live, 0U);
}

// Goal:   the after-action may publish its fiber to a thread that resumes it at once (F2).
// Method: two threads and five fibers share one atomic slot. A parking fiber puts itself in and takes out
//         whoever was there, to run next on this thread; so the other thread enters a stack within
//         nanoseconds of its being left. Published a moment too early, two threads stand on one stack: the
//         ticket or the canary breaks, or a check.
struct Exchange {
  std::atomic<Fiber*> slot{nullptr};
  std::atomic<std::size_t> finished{0};
  std::atomic<bool> broken{false};
  std::size_t rounds = 0;
};

struct Dancer {
  Exchange* exchange = nullptr;
  Fiber* fiber = nullptr;
  std::size_t inside = 0;  // not atomic on purpose: only the thread that runs the fiber touches it
  bool finished = false;
};

// The worker's own stack, after its dancer left: what to run next.
void swap_with_slot(void* argument) {
  auto& dancer = *static_cast<Dancer*>(argument);
  Fiber* const taken = dancer.exchange->slot.exchange(dancer.fiber, std::memory_order_acq_rel);
  if (taken != nullptr) this_worker().inbox.store(taken, std::memory_order_relaxed);  // same thread takes it
}

void leave_for_good(void* argument) {
  static_cast<Exchange*>(argument)->finished.fetch_add(1, std::memory_order_release);
}

void dance(void* argument) {
  auto& dancer = *static_cast<Dancer*>(argument);
  std::array<std::size_t, 16> canary{};
  for (std::size_t round = 0; round < dancer.exchange->rounds; ++round) {
    if (++dancer.inside != 1) dancer.exchange->broken = true;
    canary.fill(round);
    --dancer.inside;
    switch_to(*dancer.fiber, this_worker().thread.fiber(), &swap_with_slot, &dancer);
    for (const std::size_t word : canary) {
      if (word != round) dancer.exchange->broken = true;
    }
  }
  dancer.finished = true;
  switch_to(*dancer.fiber, this_worker().thread.fiber(), &leave_for_good, dancer.exchange);
}

TEST(FiberMigration, a_parked_fiber_may_be_resumed_by_another_thread_at_once) {
  constexpr std::size_t dancers = 5;
  StackPool pool;
  Exchange exchange;
  exchange.rounds = scaled(40'000);
  std::array<Dancer, dancers> all;
  for (Dancer& dancer : all) {
    dancer.exchange = &exchange;
    dancer.fiber = create(pool, &dance, &dancer);
    ASSERT_NE(dancer.fiber, nullptr);
  }
  const auto work = [&](std::size_t first, std::size_t last) {
    Worker worker;
    set_thread_slot(&worker);
    // Fibers nobody has run yet; each thread brings its own into the exchange.
    std::vector<Fiber*> own;
    for (std::size_t i = first; i < last; ++i) own.push_back(all[i].fiber);
    while (exchange.finished.load(std::memory_order_acquire) < dancers) {
      Fiber* next = worker.inbox.exchange(nullptr, std::memory_order_acquire);
      if (next == nullptr && !own.empty()) {
        next = own.back();
        own.pop_back();
      }
      if (next == nullptr) next = exchange.slot.exchange(nullptr, std::memory_order_acquire);
      if (next == nullptr) {
        std::this_thread::yield();
        continue;
      }
      switch_to(worker.thread.fiber(), *next);
    }
    set_thread_slot(nullptr);
  };
  std::thread other(work, 0, 2);
  work(2, dancers);
  other.join();
  EXPECT_FALSE(exchange.broken);
  for (const Dancer& dancer : all) {
    EXPECT_TRUE(dancer.finished);
    destroy(dancer.fiber);
  }
  EXPECT_EQ(pool.counts().live, 0U);
}

TEST(FiberMigration, may_be_created_here_run_there_and_destroyed_here) {
  StackPool pool;
  std::string log;
  auto fiber = std::make_unique<BodyFiber>(pool, [&](BodyFiber& self) {
    log += "a";
    self.yield();
    log += "b";
  });
  for (int i = 0; i < 2; ++i) {
    std::thread other([&] {
      ThreadFiber thread;
      fiber->resume(thread.fiber());
    });
    other.join();
  }
  EXPECT_TRUE(fiber->finished());
  fiber.reset();
  EXPECT_EQ(log, "ab");
  EXPECT_EQ(pool.counts().live, 0U);
}

#if !defined(ORRERY_FIBER_ASAN) && !defined(ORRERY_FIBER_TSAN)

// Goal:   F4, a thread's own stack is never entered from elsewhere.
// Method: a fiber keeps the first thread's stack as its way back and is resumed by a second thread.
TEST(FiberMigrationDeathTest, does_not_take_a_threads_own_stack_along) {
  const auto enter_from_elsewhere = [] {
    StackPool pool;
    ThreadFiber first;
    Fiber* const home = &first.fiber();
    BodyFiber fiber(pool, [home](BodyFiber& self) {
      std::thread second([&self, home] {
        ThreadFiber thread;
        switch_to(thread.fiber(), *home);
        static_cast<void>(self);
      });
      second.join();
    });
    fiber.resume(first.fiber());
  };
  EXPECT_DEATH(enter_from_elsewhere(), "entered from another thread");
}

#endif

}  // namespace
}  // namespace orrery::fiber
