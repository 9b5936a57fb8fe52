// idle_workers.hpp: who looks for work, who sleeps, and who is woken.
// Why:  a worker that finds nothing must sleep at no cost, and no runnable actor may ever wait for a sleeper that
//       nobody woke. Waking more than one at a time only makes them fight for the same actor.
// How:  one word counts searching and sleeping workers. A producer first publishes its work and then reads the word; a
//       worker first changes the word and then looks for work once more. While nobody sleeps a producer only loads
//       (asymmetric_fence.hpp: whoever goes to sleep pays for both); once somebody does, it reads by a
//       read-modify-write: the changes of one word have one order, so of the two at least one sees the other:
//
//         producer: push; word.fetch_add(0)  --- earlier --->  worker: word.fetch_add(...); look again: sees the push
//                             \--- later: sees the sleeper, and wakes it unless somebody searches
//
// Always true:  (I1) a worker in the list of sleepers is counted as sleeping, has no work of its own, and runs
//                    nothing
//               (I2) whoever takes a worker off the list leaves it exactly one token, or is that worker itself
//               (I3) `departures` grows whenever a worker leaves the list
// Not chosen:   full fences for producers (as dear as the read-modify-write); a read-modify-write for every producer
//               (two busy workers then pass the word's line to and fro, once per message that wakes its receiver).
// Source:       the Go scheduler (D. Vyukov) and Tokio's idle.rs; T. J. Dekker's mutual exclusion, by E. W.
//               Dijkstra.
#pragma once
#include "orrery/core/asymmetric_fence.hpp"
#include "orrery/core/atomic.hpp"
#include "orrery/threads/parker.hpp"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

namespace orrery {

/// The part of a worker that can sleep.
struct Sleeper {
  Parker parker;
  Plain<bool> wakes_watchdog = false;  ///< set by whoever wakes this one, before its token
};

class IdleWorkers {
 public:
  explicit IdleWorkers(std::size_t workers) : workers_{workers} { sleepers_.reserve(workers); }

  /// Returns: whether somebody sleeps and nobody searches. Orders the caller's earlier stores before it (see
  /// How).    Cost: one load while nobody sleeps.
  [[nodiscard]] bool should_wake() noexcept {
    light_fence();
    if (word_.load(std::memory_order_relaxed) < one_sleeping) return false;
    const std::uint32_t seen = word_.fetch_add(0, std::memory_order_seq_cst);
    return seen % one_sleeping == 0 && seen != 0;
  }

  /// Wakes one sleeper, which then counts as searching; unless there is none, or somebody searches.  Threads:
  /// any.
  void wake_one();

  /// Returns: whether the caller counts as searching now; false when enough workers do.
  [[nodiscard]] bool begin_search() noexcept;
  /// The caller found something. Returns: whether nobody searches now: then look whether there is more, and
  /// wake.
  [[nodiscard]] bool end_search() noexcept {
    return word_.fetch_sub(one_searching, std::memory_order_seq_cst) % one_sleeping == one_searching;
  }

  /// Enters the caller in the list; it must then look for work once more, and park.    Cost: a heavy_fence().
  ///
  /// Returns: false when the workers are being stopped.
  [[nodiscard]] bool enter(Sleeper& self, bool was_searching);
  /// Takes the caller off the list. Returns: false when somebody else did: a token is there, or under way
  /// (I2).
  [[nodiscard]] bool leave(Sleeper& self);

  /// Wakes everybody for good: enter() refuses from now on.
  void close();
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  struct Rest {
    bool all_sleep = false;
    std::uint64_t departures = 0;
  };
  [[nodiscard]] Rest rest();
  /// Waits until all workers sleep, or until `until`.    Blocks: the thread.
  Rest await_rest(std::chrono::steady_clock::time_point until);

  /// The watchdog sleeps until a worker leaves the list. Returns: false when one is awake, and it must stay
  /// awake too.
  [[nodiscard]] bool watchdog_may_sleep();
  void watchdog_is_awake();

 private:
  static constexpr std::uint32_t one_searching = 1;
  static constexpr std::uint32_t one_sleeping = 1U << 16;

  bool enter_list(Sleeper& self, bool was_searching);
  void left(Sleeper& worker) noexcept;

  const std::size_t workers_;
  alignas(64) Atomic<std::uint32_t> word_{0};
  alignas(64) Mutex mutex_;
  ConditionVariable resting_;
  std::vector<Sleeper*> sleepers_;
  std::uint64_t departures_ = 0;
  bool watchdog_sleeps_ = false;
  Atomic<bool> closed_{false};  // written under the mutex
};

}  // namespace orrery
