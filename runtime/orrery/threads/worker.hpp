// worker.hpp: what one worker thread owns.
// Why:  a worker finds its next actor without asking anyone; only what others may take from it is shared.
// How:  a slot for the actor scheduled last, a ring from which others steal half, a shard of timers, a few parked
//       loops.
// Always true:  (K1) plain members are touched by the worker's own thread only, on whichever fiber it is
//               (K2) the slot's owner is the only one who puts something in; anyone takes it out by an exchange
#pragma once
#include "orrery/actor/execution.hpp"
#include "orrery/core/entropy.hpp"
#include "orrery/threads/loop_fibers.hpp"
#include "orrery/threads/parker.hpp"
#include "orrery/threads/steal_queue.hpp"
#include "orrery/threads/timer_shard.hpp"

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace orrery {

class Cell;

struct alignas(64) Worker : Execution {
  Worker(std::uint32_t number, unsigned timer_tick_bits) : index{number}, timers{timer_tick_bits}, victims{number, 0} {
    parked_loops.reserve(LoopFibers::kept_by_worker + 1);
  }

  const std::uint32_t index;
  std::uint32_t picks = 0;
  std::uint32_t hot_runs = 0;    ///< how often in a row the slot was served before the queue
  bool searching = false;        ///< counted as searching by IdleWorkers
  bool wakes_watchdog = false;   ///< set by whoever wakes this worker, before its token
  fiber::Fiber* home = nullptr;  ///< the thread's own stack
  LoopFibers::List parked_loops;
  std::vector<std::uint32_t> seen_turns;  ///< of the other workers when this one began to search

  alignas(64) std::atomic<Cell*> hot{nullptr};  ///< the actor scheduled last (K2)
  std::atomic<std::uint32_t> turns{0};          ///< one writer; stands still while a handler runs
  std::atomic<Cell*> running{nullptr};          ///< one writer; for reports
  StealQueue<Cell> queue;
  TimerShard timers;
  Parker parker;
  Entropy victims;
  std::thread thread;

  /// Puts `runnable` into the slot. Returns: what was there, or null.    Threads: the owner.
  Cell* put_hot(Cell& runnable) noexcept {
    if (hot.load(std::memory_order_relaxed) == nullptr) {  // K2: nobody else makes it non-null
      hot.store(&runnable, std::memory_order_release);     // pairs with the acquire in take_hot
      return nullptr;
    }
    return hot.exchange(&runnable, std::memory_order_acq_rel);
  }
  /// Threads: any.
  Cell* take_hot() noexcept {
    if (hot.load(std::memory_order_relaxed) == nullptr) return nullptr;
    return hot.exchange(nullptr, std::memory_order_acquire);
  }
};

}  // namespace orrery
