// worker.hpp: what one worker thread owns.
// Why:  a worker finds its next actor without asking anyone; only what others may take from it is shared.
// How:  a slot for the actor scheduled last, a ring from which others steal half, a shard of timers, a few parked
//       loops.
// Always true:  (K1) plain members are touched by the worker's own thread only, on whichever fiber it is
#pragma once
#include "orrery/actor/execution.hpp"
#include "orrery/core/atomic.hpp"
#include "orrery/core/entropy.hpp"
#include "orrery/threads/hot_slot.hpp"
#include "orrery/threads/idle_workers.hpp"
#include "orrery/threads/loop_fibers.hpp"
#include "orrery/threads/steal_queue.hpp"
#include "orrery/threads/timer_shard.hpp"

#include <cstdint>
#include <thread>
#include <vector>

namespace orrery {

class Cell;

struct alignas(64) Worker : Execution, Sleeper {
  Worker(World& world, std::uint32_t number, unsigned timer_tick_bits)
      : index{number}, timers{world, timer_tick_bits}, victims{number, 0} {}

  const std::uint32_t index;
  std::uint32_t hot_runs = 0;    ///< how often in a row the slot was served before the queue
  bool others_keep_up = false;   ///< its last look at other queues found actors that their workers get to soon
  bool searching = false;        ///< counted as searching by IdleWorkers
  fiber::Fiber* home = nullptr;  ///< the thread's own stack
  LoopFibers::List parked_loops;
  std::vector<std::uint32_t> seen_turns;    ///< of the other workers when this one began to search
  std::vector<std::uint32_t> window_turns;  ///< the same when it last looked at their queues

  alignas(64) HotSlot<Cell> hot;   ///< the actor scheduled last
  Atomic<std::uint32_t> turns{0};  ///< one writer; stands still while a handler runs
  Atomic<Cell*> running{nullptr};  ///< one writer; for reports
  StealQueue<Cell> queue;
  TimerShard timers;
  Entropy victims;
  SingleWriterCounter steals;                ///< actors taken from others, counted by visits
  SingleWriterCounter asleep_ns;             ///< how long it slept
  std::atomic<Duration::rep> same_since{0};  ///< written by the watchdog: since when it has been in the same handler
  std::thread thread;
};

}  // namespace orrery
