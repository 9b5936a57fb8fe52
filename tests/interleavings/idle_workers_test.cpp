// IdleWorkers with the parkers and queues it is used with: work that is visible always finds somebody awake.
#include "orrery/threads/idle_workers.hpp"
#include "orrery/core/asymmetric_fence.hpp"
#include "orrery/threads/injection_queue.hpp"
#include "orrery/threads/steal_queue.hpp"
#include "tests/interleavings/checker/explore.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace orrery::interleave {
namespace {

struct Job {
  Plain<Job*> next{nullptr};
  Plain<Job*> brings{nullptr};  ///< a job that it makes runnable
  Plain<Job*> needs{nullptr};   ///< it computes until that one is finished
  Plain<int> done{0};
  Atomic<int> finished{0};
};

struct Thread : Sleeper {
  StealQueue<Job, 4> queue;
  bool searching = false;
};

/// What of the search for work is left out, to see it missed.
struct LeftOut {
  bool look_again = false;         ///< after entering the list of sleepers
  bool look_after_search = false;  ///< when the last searcher has found something
};

/// The search for work of threads/scheduling.cpp, without timers, hot slots and the watchdog.
struct Pool {
  Model& model;
  LeftOut left_out;
  std::size_t jobs;
  IdleWorkers idle;
  InjectionQueue<Job, &Job::next> injection;
  std::vector<Thread> threads;
  Atomic<std::size_t> jobs_done{0};

  Pool(Model& of, std::size_t workers, std::size_t total, LeftOut what)
      : model{of}, left_out{what}, jobs{total}, idle{workers}, threads(workers) {
    model.name(idle, "idle");
    model.name(injection, "injection");
    for (std::size_t i = 0; i < workers; ++i) model.name(threads[i], "worker " + std::to_string(i));
  }
  void wake_if_needed() {
    if (idle.should_wake()) idle.wake_one();
  }
  [[nodiscard]] bool anything_visible() const {
    return !injection.empty() ||
           std::ranges::any_of(threads, [](const Thread& thread) { return !thread.queue.empty(); });
  }
  void inject(Job& job) {
    injection.push(&job);
    wake_if_needed();
  }
  Job* steal(Thread& self) {
    for (Thread& victim : threads) {
      if (&victim == &self) continue;
      if (Job* const job = victim.queue.steal_into(self.queue)) return job;
    }
    return nullptr;
  }
  Job* find(Thread& self) {
    bool may_spin = true;
    while (true) {
      Job* job = self.queue.pop();
      if (job == nullptr) job = injection.pop();
      if (job == nullptr && may_spin) {
        if (!self.searching) self.searching = idle.begin_search();
        if (self.searching) {
          job = injection.pop();
          if (job == nullptr) job = steal(self);
        }
      }
      if (job == nullptr && !self.searching) job = steal(self);
      if (job != nullptr) {
        if (std::exchange(self.searching, false) && idle.end_search() && !left_out.look_after_search &&
            anything_visible()) {
          wake_if_needed();
        }
        return job;
      }
      if (idle.closed()) return nullptr;
      may_spin = sleep(self);
    }
  }
  bool sleep(Thread& self) {
    if (!idle.enter(self, std::exchange(self.searching, false))) return false;
    if (!left_out.look_again && anything_visible()) wake_if_needed();
    const bool woken = self.parker.park();
    self.searching = woken;
    return woken;
  }
  void work(Thread& self) {
    while (Job* const job = find(self)) {
      job->done = job->done + 1;
      if (Job* const needed = job->needs) {
        while (needed->finished.load(std::memory_order_acquire) == 0) spin_pause();
      }
      job->finished.store(1, std::memory_order_release);
      if (Job* const brought = job->brings) {
        self.queue.push(brought, [](std::span<Job* const>) {});
        wake_if_needed();
      }
      if (jobs_done.fetch_add(1, std::memory_order_relaxed) + 1 == jobs) idle.close();
    }
  }
};

/// Two workers, and jobs from outside; the first brings another along. Whoever does the last one ends the others; who
/// sleeps on while there is a job sleeps for ever, and that is found.
Body pool(std::size_t injected, bool brings, LeftOut left_out = {}) {
  return [=](Model& model) {
    std::array<Job, 3> jobs;
    const std::size_t total = injected + (brings ? 1 : 0);
    Pool pool{model, 2, total, left_out};
    if (brings) jobs[0].brings = &jobs[2];
    model.thread("worker 0", [&] { pool.work(pool.threads[0]); });
    model.thread("worker 1", [&] { pool.work(pool.threads[1]); });
    model.thread("outside", [&] {
      for (std::size_t i = 0; i < injected; ++i) pool.inject(jobs[i]);
    });
    model.run();
    for (const Job& job : jobs) model.require(job.done <= 1, "no job is done twice");
    model.require(pool.jobs_done.load(std::memory_order_relaxed) == total, "every job is done");
  };
}

/// Nobody sleeps beside work that somebody awake has left and will not come back to: a busy worker puts a job into its
/// queue and then never looks there again.
Body stuck(LeftOut left_out = {}) {
  return [=](Model& model) {
    Job job;
    Pool pool{model, 2, 1, left_out};
    model.thread("busy", [&] {
      pool.threads[0].queue.push(&job, [](std::span<Job* const>) {});
      pool.wake_if_needed();
    });
    model.thread("thief", [&] { pool.work(pool.threads[1]); });
    model.run();
    model.require(job.done == 1, "the job is done");
  };
}

/// A worker that searched takes a job that computes until another is done, which came while it searched and so woke
/// nobody.
Body busy_searcher(LeftOut left_out = {}) {
  return [=](Model& model) {
    std::array<Job, 2> jobs;
    Pool pool{model, 2, 2, left_out};
    jobs[0].needs = &jobs[1];
    model.thread("worker 0", [&] { pool.work(pool.threads[0]); });
    model.thread("worker 1", [&] { pool.work(pool.threads[1]); });
    model.thread("outside", [&] {
      for (Job& job : jobs) pool.inject(job);
    });
    model.run();
    for (const Job& job : jobs) model.require(job.done == 1, "every job is done");
  };
}

void with_both_fences(const std::string& name, Mode mode, const Body& body) {
  expect_holds(name, mode, body);
  detail::light_fence_is_free = false;
  expect_holds(name + ", without membarrier", mode, body);
  detail::light_fence_is_free = true;
}

TEST(IdleWorkers, nobody_sleeps_while_there_is_work) {
  with_both_fences("idle workers, left job", all(), stuck());
  with_both_fences("idle workers, 1 job", preemptions(1, 1), pool(1, false));
  with_both_fences("idle workers, 2 jobs", preemptions(1, 0), pool(2, false));
  with_both_fences("idle workers, a job that brings one", preemptions(1, 0), pool(1, true));
  with_both_fences("idle workers, busy searcher", preemptions(1, 0), busy_searcher());
  with_both_fences("idle workers, busy searcher, random", random(20'000), busy_searcher());
  with_both_fences("idle workers, 3 jobs, random", random(20'000), pool(2, true));
}

TEST(IdleWorkers, each_second_look_is_needed) {
  expect_fails("no look after entering", all(), "sleeps", stuck({.look_again = true}));
  expect_fails("no look after a search", preemptions(2, 0), "sleeps", busy_searcher({.look_after_search = true}));
}

}  // namespace
}  // namespace orrery::interleave
