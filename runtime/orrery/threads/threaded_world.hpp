// threaded_world.hpp: the production world: actors run on worker threads, time is the machine's.
// Why:  here stands everything that makes an actor run, wait and wake on real threads; what an actor is stands
//       above.
// How:  each worker runs a loop, and the loop runs on a fiber. A handler that suspends keeps that fiber: the worker
//       goes on with another loop, and when the handler may continue, some worker switches to it and parks its own
//       loop.
//
//         loop L1 --run(cell)--> handler --suspend--> switch to loop L2, which publishes the cell as parked
//         loop L2, any worker --may_continue(cell)--> switch to L1, which puts L2 away; the handler goes on
//
//       A runnable actor lies in exactly one place: the hot slot or the queue of a worker, or the injection deque.
//       A watchdog thread sleeps while all workers do. Else it looks every watch_period at what a stuck worker left
//       behind: its timers, and the actor in its hot slot; and says who is stuck. When all have slept for a while it
//       looks once for handlers that wait for each other.
// Fairness, counted in turns of one worker (a turn: one actor, at most `batch` messages, however many it has; one with
// more mail goes on by further batches while its turn has not lasted `turn`, and never beyond a look around):
//       - An actor in the queue behind q others gets its turn after at most (q + 1) x (hot_runs_max + 1) turns: the
//         queue is first in, first out, and the hot slot is served at most hot_runs_max times in a row. So between
//         two turns of anybody who always has work, one that floods itself has one turn.
//       - An actor in the hot slot waits for one turn, or is put at the end of the queue by the next one.
//       - What comes from outside, or did not fit into a queue, is looked at every turns_per_look_around turns, in the
//         order it came, 32 or a worker's share at once as far as there is room. While anything waits there, actors
//         whose turn is over go behind it. So n actors that always have work all get their turn within
//         (n + 256) x (hot_runs_max + 1) turns, also when n is more than a queue holds. Known limit: when one handler
//         makes more actors runnable than the queue has room for, those that wait in its older half go behind them.
//       - A delay counts from the first look around after it was asked for, and a timer that is due fires at the next
//         one; its message, like a handler that may continue, then makes its actor runnable, with the bounds above.
//       More workers only make it sooner: they take from the queue's front. What no rule bounds is one handler's time.
// Always true:  (P1) a handler's fiber is published only after the switch away from it is complete
//               (P2) whoever makes an actor runnable then looks whether a sleeper must be woken; except for the hot
//                    slot, which its worker serves next, or the watchdog points out
//               (P3) no function here keeps a Worker& across anything that may switch fibers
// Source:       DESIGN section 2; the Go scheduler and Tokio for queues, hot slot, fairness tick and searching.
#pragma once
#include "orrery/actor/runtime.hpp"
#include "orrery/core/check.hpp"
#include "orrery/threads/idle_workers.hpp"
#include "orrery/threads/injection_deque.hpp"
#include "orrery/threads/inspector.hpp"
#include "orrery/threads/loop_fibers.hpp"
#include "orrery/threads/offload_pool.hpp"
#include "orrery/threads/reporter.hpp"
#include "orrery/threads/system_options.hpp"
#include "orrery/threads/timer_shard.hpp"
#include "orrery/threads/watchdog.hpp"
#include "orrery/threads/worker.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace orrery {

class ThreadedWorld final : public World {
 public:
  using Clock = std::chrono::steady_clock;

  // What decides who waits for how long: see Fairness above.
  static constexpr std::uint32_t turns_per_look_around = 64;  ///< after so many: timers, and the injection deque first
  static constexpr std::uint32_t hot_runs_max = 3;            ///< turns of the hot slot in a row
  static constexpr std::size_t injected_at_once_max = 32;

  /// Pre: `options` went through resolve_options.
  explicit ThreadedWorld(const SystemOptions& options);
  ~ThreadedWorld() override;
  ThreadedWorld(const ThreadedWorld&) = delete;
  ThreadedWorld& operator=(const ThreadedWorld&) = delete;

  /// Starts the threads. Pre: every worker was added to `runtime` as an execution.
  void start(Runtime& runtime);
  /// Ends the threads and destroys all fibers. Pre: no actor lives, nobody sends any more.
  void stop();
  [[nodiscard]] std::span<const std::unique_ptr<Worker>> workers() const noexcept { return workers_; }

  void schedule(Cell& cell) override;
  void schedule_from(Execution& here, Cell& cell) override;
  [[nodiscard]] Instant now() noexcept override;
  [[nodiscard]] std::int64_t unix_nanoseconds() noexcept override;
  [[nodiscard]] std::uint64_t draw(std::uint64_t stream, std::uint64_t counter, std::uint64_t limit) override;
  [[nodiscard]] MessageId new_id(std::uint64_t stream, std::uint64_t counter) override;
  void arm(Timer& timer, Instant due) override;
  void arm_in(Timer& timer, Duration delay) override;
  bool cancel(Timer& timer) override;
  void suspend(Cell& cell) override;
  void continue_handler(Cell&) override { ORRERY_CHECK(false, "loop() does that itself"); }
  [[nodiscard]] Waiter& waiter() override;
  void block(Wait& wait) override;
  void offload(std::shared_ptr<Job> job) override { offloads_.start(std::move(job)); }
  void report(std::string_view kind, const std::string& text) override;
  void saw_backlog(const Cell& cell, std::size_t depth) override;
  void saw_wait(const Cell& cell, const MessageInfo& message, Duration waited) override;
  void saw_timeout(Handle asker, Handle asked, const MessageInfo& message, Duration after) override;

  /// Waits until nothing runs, is runnable, or is to come by a timer somebody waits for (see System).
  ///
  /// Returns: false when that was not reached in time.    Threads: no worker.    Blocks: the thread.
  [[nodiscard]] bool await_quiescence(Clock::time_point until);
  /// Waits until all workers sleep and no runnable actor waits for one. Returns, Threads, Blocks: as above.
  [[nodiscard]] bool await_idle(Clock::time_point until);
  /// Returns: how many runnable actors wait for any worker.
  [[nodiscard]] std::size_t injected() const noexcept { return injection_.size(); }
  [[nodiscard]] OffloadPool& offloads() noexcept { return offloads_; }
  [[nodiscard]] const OffloadPool& offloads() const noexcept { return offloads_; }
  /// Held by whoever looks at the waits of parked handlers: two who did so at once would each miss what the other holds.
  [[nodiscard]] std::unique_lock<std::mutex> look_alone() { return std::unique_lock{look_mutex_}; }
  [[nodiscard]] bool is_worker() const noexcept { return this_worker() != nullptr; }
  [[nodiscard]] fiber::StackCounts fibers() const { return loops_.counts(); }
  [[nodiscard]] const Inspector& inspector() const noexcept { return inspector_; }
  [[nodiscard]] const Reporter& reporter() const noexcept { return reporter_; }

 private:
  /// Returns: the calling worker of this world, null on any other thread.
  [[nodiscard]] Worker* this_worker() const noexcept {
    Execution* const execution = current_execution();
    return execution != nullptr && execution->runtime == runtime_ ? static_cast<Worker*>(execution) : nullptr;
  }
  /// The same where only a worker can be.
  [[nodiscard]] static Worker& own_worker() noexcept { return *static_cast<Worker*>(current_execution()); }

  void run_worker(Worker& worker);
  static void loop(void* world) noexcept;
  Cell* next_cell(Worker& worker);
  [[gnu::noinline]] void put_back(Cell& cell);
  [[gnu::noinline]] void leave_loop();
  static void put_loop_away(void* fiber);

  [[nodiscard]] bool may_go_on(Instant until);
  [[gnu::noinline]] Cell* find_elsewhere(Worker& worker);
  void enqueue(Worker& worker, Cell& cell);
  Cell* take_local(Worker& worker);
  Cell* take_injected(Worker& worker);
  Cell* steal(Worker& worker);
  Cell* take_from_stuck(Worker& worker);
  Cell* search(Worker& worker);
  bool sleep(Worker& worker);
  void doze(Worker& worker);
  void expire(TimerShard& shard);
  [[nodiscard]] bool anything_visible() const noexcept;
  void wake_if_needed();

  void keep_watch();
  void look_at(std::size_t index);
  [[gnu::cold]] void report_stuck(const Worker& worker, const Watchdog::Look& look, Watchdog::Verdict verdict);
  [[nodiscard]] Instant watch_stillness(Instant present);
  [[nodiscard]] Clock::time_point to_clock(Instant instant) const noexcept;

  const SystemOptions options_;
  const Clock::time_point began_;
  std::uint64_t draw_seed_;
  Runtime* runtime_ = nullptr;
  LoopFibers loops_;
  Reporter reporter_;
  std::vector<std::unique_ptr<Worker>> workers_;
  IdleWorkers idle_;
  std::mutex look_mutex_;
  Inspector inspector_{options_, reporter_, look_mutex_};
  InjectionDeque<Cell> injection_;

  OffloadPool offloads_;
  TimerShard foreign_timers_;
  std::atomic<Duration::rep> watchdog_wakes_at_{0};  ///< later than any instant while it is awake
  Parker watchdog_parker_;
  std::thread watchdog_;
  // The next few belong to that thread.
  Watchdog stuck_;
  std::uint64_t still_departures_ = 0;  ///< how often workers had left their sleep when all slept last
  Instant still_since_{};
  bool still_was_searched_ = false;
  Instant next_ring_search_{};
};

}  // namespace orrery
