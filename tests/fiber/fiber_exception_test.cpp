// What is in flight belongs to the fiber: the runtime's own record of it is per thread, and a switch must
// carry it.
#include "orrery/fiber/fiber.hpp"
#include "fiber_fixture.hpp"
#include <exception>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <thread>

namespace orrery::fiber {
namespace {

/// Resumes `fiber` on a thread of its own and waits for it.
void resume_elsewhere(BodyFiber& fiber) {
  std::thread other([&] {
    ThreadFiber thread;
    fiber.resume(thread.fiber());
  });
  other.join();
}

[[gnu::noinline]] void throw_at_depth(int depth, const std::string& text) {
  if (depth == 0) throw std::runtime_error(text);
  const std::string on_the_way(64, 'z');  // a destructor for the unwinder to run
  throw_at_depth(depth - 1, text);
}

TEST(FiberException, is_thrown_and_caught_inside_a_fiber) {
  StackPool pool;
  ThreadFiber thread;
  const std::size_t rounds = scaled(1'000);
  std::size_t caught = 0;
  BodyFiber fiber(pool, [&](BodyFiber& self) {
    for (std::size_t i = 0; i < rounds; ++i) {
      try {
        throw_at_depth(10, std::to_string(i));
      } catch (const std::runtime_error& error) {
        if (error.what() == std::to_string(i)) ++caught;
      }
      self.yield();
    }
  });
  while (!fiber.finished()) fiber.resume(thread.fiber());
  EXPECT_EQ(caught, rounds);
}

TEST(FiberException, survives_a_suspension_inside_its_catch_and_can_be_rethrown_on_another_thread) {
  StackPool pool;
  ThreadFiber thread;
  for (std::size_t i = 0; i < scaled(200); ++i) {
    std::string seen;
    BodyFiber fiber(pool, [&](BodyFiber& self) {
      try {
        try {
          throw std::runtime_error("first");
        } catch (const std::runtime_error&) {
          self.yield();
          throw;  // rethrows what the thread it runs on now calls the caught exception
        }
      } catch (const std::runtime_error& error) {
        seen = error.what();
      }
      EXPECT_EQ(std::current_exception(), nullptr);
    });
    fiber.resume(thread.fiber());
    EXPECT_EQ(std::current_exception(), nullptr) << "the fiber's exception leaked into its resumer";
    resume_elsewhere(fiber);
    ASSERT_TRUE(fiber.finished());
    EXPECT_EQ(seen, "first");
  }
}

TEST(FiberException, nests_across_suspensions_and_threads) {
  StackPool pool;
  ThreadFiber thread;
  std::string log;
  BodyFiber fiber(pool, [&](BodyFiber& self) {
    try {
      throw std::runtime_error("outer");
    } catch (const std::runtime_error& outer) {
      self.yield();
      try {
        throw_at_depth(3, "inner");
      } catch (const std::runtime_error& inner) {
        self.yield();
        log += inner.what();
        self.yield();
      }
      log += std::string("-") + outer.what();
      try {
        throw;
      } catch (const std::runtime_error& again) {
        self.yield();
        log += std::string("-") + again.what();
      }
    }
    if (std::current_exception() == nullptr) log += "-none";
  });
  while (!fiber.finished()) {
    fiber.resume(thread.fiber());
    if (!fiber.finished()) resume_elsewhere(fiber);
  }
  EXPECT_EQ(log, "inner-outer-outer-none");
}

// Two fibers leave their catch blocks in the order they entered them, which no stack of exceptions allows.
TEST(FiberException, is_kept_apart_from_those_of_fibers_suspended_at_the_same_time) {
  StackPool pool;
  ThreadFiber thread;
  std::string log;
  const auto body = [&](const char* name) {
    return [&log, name](BodyFiber& self) {
      try {
        throw std::runtime_error(name);
      } catch (const std::runtime_error&) {
        self.yield();
        try {
          throw;
        } catch (const std::runtime_error& error) {
          log += error.what();
        }
      }
    };
  };
  BodyFiber a(pool, body("a"));
  BodyFiber b(pool, body("b"));
  try {
    throw std::runtime_error("t");
  } catch (const std::runtime_error&) {
    a.resume(thread.fiber());
    b.resume(thread.fiber());
    a.resume(thread.fiber());
    b.resume(thread.fiber());
    try {
      throw;
    } catch (const std::runtime_error& error) {
      log += error.what();
    }
  }
  EXPECT_EQ(log, "abt");
}

class YieldsWhileUnwinding {
 public:
  YieldsWhileUnwinding(BodyFiber& self, int& before, int& after) : self_(self), before_(before), after_(after) {}
  ~YieldsWhileUnwinding() {
    before_ = std::uncaught_exceptions();
    self_.yield();
    after_ = std::uncaught_exceptions();
  }
  YieldsWhileUnwinding(const YieldsWhileUnwinding&) = delete;
  YieldsWhileUnwinding& operator=(const YieldsWhileUnwinding&) = delete;

 private:
  BodyFiber& self_;
  int& before_;
  int& after_;
};

TEST(FiberException, is_counted_as_uncaught_by_its_own_fiber_only) {
  StackPool pool;
  ThreadFiber thread;
  int before = -1;
  int after = -1;
  BodyFiber throwing(pool, [&](BodyFiber& self) {
    try {
      const YieldsWhileUnwinding guard(self, before, after);
      throw std::runtime_error("in flight");
    } catch (const std::runtime_error&) {
    }
    EXPECT_EQ(std::uncaught_exceptions(), 0);
  });
  int elsewhere = -1;
  BodyFiber calm(pool, [&](BodyFiber&) { elsewhere = std::uncaught_exceptions(); });
  throwing.resume(thread.fiber());
  EXPECT_EQ(std::uncaught_exceptions(), 0);
  calm.resume(thread.fiber());
  resume_elsewhere(throwing);
  ASSERT_TRUE(throwing.finished());
  EXPECT_EQ(before, 1);
  EXPECT_EQ(after, 1);
  EXPECT_EQ(elsewhere, 0);
}

#if !defined(ORRERY_FIBER_TSAN)  // an abort inside a fiber confuses TSan's own death report

TEST(FiberExceptionDeathTest, that_nobody_catches_ends_the_process) {
  const auto escape = [] {
    StackPool pool;
    ThreadFiber thread;
    BodyFiber fiber(pool, [](BodyFiber&) { throw std::runtime_error("escaped the fiber"); });
    fiber.resume(thread.fiber());
  };
  EXPECT_DEATH(escape(), "escaped the fiber");
}

#endif

}  // namespace
}  // namespace orrery::fiber
