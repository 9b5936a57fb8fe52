// offload_pool.hpp: the threads that run offloaded work.
// Why:  work that blocks needs threads that nobody minds being blocked: more than there are cores, but not one for each
//       of ten thousand waiting handlers, and none while there is no such work.
// How:  one queue under one mutex. A job wakes an idle thread if there is one for it, else begins a new thread, until
//       there are `threads_max`; then jobs wait in the order in which they came. A thread that was idle for a while ends.
//       Work that is worth offloading takes far longer than the mutex.
//
//         started --> queued --a thread takes it--> running --> done, let go of, counted as finished
//
// Always true:  (J1) jobs begin in the order in which they were started
//               (J2) a job waits only while all `threads_max` threads are busy, or about to take one
//               (J3) unfinished() counts a job until it has woken its actor and its closure is destroyed
// Not chosen:   a thread per job (10,000 handlers that read files would be 10,000 threads); stealing between queues.
// Source:       tokio's blocking pool (at most 512 threads, idle ones end after 10 s); Akka's default blocking dispatcher
//               (16 threads, fixed).
#pragma once
#include "orrery/core/time.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace orrery {

class Job;

class OffloadPool {
 public:
  using Clock = std::chrono::steady_clock;

  /// Pre: threads_max >= 1. Begins no thread yet.
  OffloadPool(std::uint32_t threads_max, Duration idle_for);
  ~OffloadPool();
  OffloadPool(const OffloadPool&) = delete;
  OffloadPool& operator=(const OffloadPool&) = delete;

  /// Takes `job` over. Throws: std::system_error when there is no thread and none can be begun; it is not run then.
  /// Threads: any.    Blocks: the thread, on a short lock and while a thread begins.
  void start(std::shared_ptr<Job> job);

  /// Returns: how many jobs run or wait for a thread (J3).    Threads: any.
  [[nodiscard]] std::size_t unfinished() const;
  /// Waits until none does. Returns: false when that was not reached in time.    Blocks: the thread.
  [[nodiscard]] bool await_none(Clock::time_point until);

  /// A job that has not finished.
  struct Unfinished {
    std::string actor;  ///< who handed it over
    std::string where;  ///< "loader.cpp:31"
    bool runs = false;  ///< or it waits for a thread
    Duration since{};   ///< how long it has run
  };
  /// Returns: the running ones first, each group in the order of their start.    Cost: O(result).
  [[nodiscard]] std::vector<Unfinished> list_unfinished() const;
  /// Returns: how many threads there are.
  [[nodiscard]] std::size_t threads() const;

  /// Ends all threads. Pre: nothing is unfinished, nobody starts anything any more.    Blocks: the thread.
  void stop();

 private:
  struct Thread {
    std::thread thread;
    std::shared_ptr<Job> job;  ///< null between jobs
    Clock::time_point began;
  };
  using Threads = std::list<Thread>;

  void work(Threads::iterator self);
  static void join(Threads& ended);

  const std::size_t threads_max_;
  const Duration idle_for_;
  mutable std::mutex mutex_;
  std::condition_variable work_came_;
  std::condition_variable all_done_;
  std::deque<std::shared_ptr<Job>> queue_;
  Threads threads_;
  Threads ended_;         ///< still to be joined, by whoever ends next or by stop()
  std::size_t idle_ = 0;  ///< threads that wait for work; one that was woken counts until it holds the mutex
  std::size_t running_ = 0;
  bool closed_ = false;
};

}  // namespace orrery
