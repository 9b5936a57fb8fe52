// threaded_world.cpp: the seam itself, and the threads. How a worker finds its next actor: scheduling.cpp.
#include "orrery/threads/threaded_world.hpp"

#include "orrery/core/check.hpp"
#include "orrery/fiber/switch.hpp"
#include "orrery/threads/no_signals.hpp"
#include "orrery/threads/ring_watch.hpp"
#include "orrery/threads/thread_waiter.hpp"

#include <fmt/core.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

namespace orrery {

namespace {

std::uint64_t seed_of(const SystemOptions& options) {
  if (options.draw_seed != 0) return options.draw_seed;
  std::random_device source;
  const std::uint64_t high = source();
  return high << 32 | source();
}

}  // namespace

ThreadedWorld::ThreadedWorld(const SystemOptions& options)
    : options_{options},
      began_{Clock::now()},
      draw_seed_{seed_of(options)},
      loops_{{.stack_bytes = options.stack_bytes,
              .guard = options.stack_guards,
              .guarded_max = options.guarded_stacks_max}},
      reporter_{options.reports_per_minute, options.report_to, options.on_alarm},
      idle_{options.threads},
      offloads_{options.offload_threads, options.offload_idle},
      foreign_timers_{*this, options.timer_tick_bits},
      stuck_{{options.slow_handler, options.blocked_worker}, options.threads} {
  ORRERY_CHECK(options.threads >= 1);
  prepare_asymmetric_fences();
  for (std::uint32_t i = 0; i < options.threads; ++i) {
    workers_.push_back(std::make_unique<Worker>(*this, i, options.timer_tick_bits));
    workers_.back()->seen_turns.resize(options.threads);
    workers_.back()->window_turns.resize(options.threads);
  }
}

ThreadedWorld::~ThreadedWorld() { ORRERY_CHECK(!watchdog_.joinable(), "a world is destroyed after its threads ended"); }

void ThreadedWorld::start(Runtime& runtime) {
  runtime_ = &runtime;
  const NoSignals inherited_by_the_threads;
  for (const auto& worker : workers_) {
    worker->runtime = &runtime;
    worker->thread = std::thread{[this, &worker = *worker] { run_worker(worker); }};
  }
  watchdog_ = std::thread{[this] { keep_watch(); }};
}

void ThreadedWorld::stop() {
  offloads_.stop();
  idle_.close();
  watchdog_parker_.unpark();
  watchdog_.join();
  for (const auto& worker : workers_) worker->thread.join();
  for (const auto& worker : workers_) LoopFibers::destroy_all(worker->parked_loops);
}

void ThreadedWorld::run_worker(Worker& worker) {
  std::optional<FlightRecorder::SignalStack> signal_stack;
  if (options_.flight.entries != 0 && !options_.flight.crash_folder.empty()) signal_stack.emplace();
  fiber::ThreadFiber home;
  worker.home = &home.fiber();
  worker.pool = &BlockPool::local();
  fiber::set_thread_slot(static_cast<Execution*>(&worker));
  worker.fiber = loops_.take(worker.parked_loops, &ThreadedWorld::loop, this);
  ORRERY_CHECK(worker.fiber != nullptr, "there is no memory for the stack of a worker");
  fiber::switch_to(home.fiber(), *worker.fiber);
  fiber::set_thread_slot(nullptr);
}

Instant ThreadedWorld::now() noexcept { return Instant{std::chrono::duration_cast<Duration>(Clock::now() - began_)}; }

std::int64_t ThreadedWorld::unix_nanoseconds() noexcept {
  return std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count();
}

ThreadedWorld::Clock::time_point ThreadedWorld::to_clock(Instant instant) const noexcept {
  const Duration since = instant.time_since_epoch();
  return since > Clock::time_point::max() - began_ ? Clock::time_point::max() : began_ + since;
}

std::uint64_t ThreadedWorld::draw(std::uint64_t stream, std::uint64_t counter, std::uint64_t limit) {
  Entropy once{orrery::draw(draw_seed_, stream, counter), counter};
  return limit == 0 ? once.next() : once.below(limit);
}

MessageId ThreadedWorld::new_id(std::uint64_t stream, std::uint64_t counter) {
  const std::uint64_t key = hash_text("orrery.message_id") + stream;
  const std::uint64_t high = orrery::draw(draw_seed_, key, 2 * counter);
  return {high, orrery::draw(draw_seed_, key, 2 * counter + 1)};
}

void ThreadedWorld::report(std::string_view kind, const std::string& text) { reporter_.report(now(), kind, text); }

void ThreadedWorld::saw_backlog(const Cell& cell, std::size_t depth) {
  inspector_.saw_backlog(*runtime_, cell, depth, now());
}
void ThreadedWorld::saw_wait(const Cell& cell, const MessageInfo& message, Duration waited) {
  inspector_.saw_wait(*runtime_, cell, message, waited, now());
}
void ThreadedWorld::saw_timeout(Handle asker, Handle asked, const MessageInfo& message, Duration after) {
  inspector_.saw_timeout(*runtime_, workers(), asker, asked, message, after, now());
}

// ---- timers
// -------------------------------------------------------------------------------------------------------

void ThreadedWorld::arm(Timer& timer, Instant due) {
  if (Worker* const worker = this_worker()) {
    timer.shard = worker->index;
    worker->timers.arm(timer, due);  // awake itself, and the watchdog too while it is
    return;
  }
  timer.shard = static_cast<std::uint32_t>(workers_.size());
  foreign_timers_.arm(timer, due);
  // The shard's lock orders this load behind the watchdog's last look into the shard, hence behind the store
  // that says "awake" before that look: either the watchdog saw this timer, or we see "awake" or the instant
  // it sleeps until.
  if (due.time_since_epoch().count() < watchdog_wakes_at_.load(std::memory_order_seq_cst)) watchdog_parker_.unpark();
}

void ThreadedWorld::arm_in(Timer& timer, Duration delay) {
  Worker* const worker = this_worker();
  if (worker == nullptr) return World::arm_in(timer, delay);
  timer.shard = worker->index;
  worker->timers.arm_in(timer, std::max(delay, Duration::zero()));
}

bool ThreadedWorld::cancel(Timer& timer) {
  return (timer.shard < workers_.size() ? workers_[timer.shard]->timers : foreign_timers_).cancel(timer);
}

void ThreadedWorld::expire(TimerShard& shard) {
  const Instant due = shard.next_due();
  if (due == Instant::max()) return;
  if (due == Instant{} || due <= now()) shard.expire();
}

void ThreadedWorld::keep_watch() {
  std::vector<std::uint32_t> seen(workers_.size());
  while (!idle_.closed()) {
    watchdog_wakes_at_.store(Duration::max().count(), std::memory_order_seq_cst);  // awake: see arm()
    expire(foreign_timers_);
    const Instant overdue = now() - options_.watch_period;
    bool is_left_behind = false;
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      Worker& worker = *workers_[i];
      if (worker.timers.next_due() <= overdue) expire(worker.timers);
      const std::uint32_t turns = worker.turns.load(std::memory_order_relaxed);
      const bool has_more = !worker.hot.empty() || !worker.queue.empty();
      if (turns == std::exchange(seen[i], turns) && has_more) is_left_behind = true;
      if (!stuck_.is_off()) look_at(i);
    }
    if (is_left_behind) wake_if_needed();
    Instant until = foreign_timers_.next_due();
    const Instant present = now();
    const bool all_sleep = idle_.watchdog_may_sleep();
    const auto rest = all_sleep ? idle_.rest() : IdleWorkers::Rest{};
    until = std::min(until, all_sleep ? watch_stillness(present) : present + options_.watch_period);
    until = std::min(
        until, inspector_.inspect(*runtime_, present, rest.all_sleep ? std::optional{rest.departures} : std::nullopt));
    watchdog_wakes_at_.store(until.time_since_epoch().count(), std::memory_order_seq_cst);
    (void)watchdog_parker_.park(until == Instant::max() ? std::nullopt : std::optional{to_clock(until)});
    idle_.watchdog_is_awake();
  }
}

void ThreadedWorld::look_at(std::size_t index) {
  const Worker& worker = *workers_[index];
  const Watchdog::Look look{.turns = worker.turns.load(std::memory_order_relaxed),
                            .handling = worker.message.identity(),
                            .on_behalf = worker.running.load(std::memory_order_acquire)};  // pairs with loop()
  const Watchdog::Verdict verdict = stuck_.look(index, look, now());
  workers_[index]->same_since.store(stuck_.since(index).time_since_epoch().count(), std::memory_order_relaxed);
  if (verdict.kind != Watchdog::Kind::fine) report_stuck(worker, look, verdict);
}

void ThreadedWorld::report_stuck(const Worker& worker, const Watchdog::Look& look, Watchdog::Verdict verdict) {
  const bool is_blocked = verdict.kind == Watchdog::Kind::blocked_worker;
  const std::string_view kind = is_blocked ? alarm::blocked_worker : alarm::slow_handler;
  const auto swallowed = reporter_.admit(now(), kind);
  if (!swallowed) return;
  const auto* const cell = static_cast<const Cell*>(look.on_behalf);
  const std::string actor = runtime_->path_of(cell->handle());
  const MessageInfo* const message = look.handling == nullptr ? nullptr : worker.message.type();
  const std::string what = message == nullptr ? "a lifecycle hook" : fmt::format("its handler of {}", message->name);
  const std::string so_far = format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(verdict.so_far));
  reporter_.deliver({.kind = kind,
                     .text = is_blocked
                                 ? fmt::format("worker {} runs nothing but {}, which has been in {} for {}; work that "
                                               "blocks belongs into context.offload",
                                               worker.index, actor, what, so_far)
                                 : fmt::format("{} has been in {} for {}", actor, what, so_far),
                     .actor = actor,
                     .message = std::string{message == nullptr ? std::string_view{} : message->name},
                     .duration = verdict.so_far,
                     .suppressed = *swallowed});
}

/// All workers sleep. When they have done so for a while, handlers that wait for each other are looked for, once until
/// somebody has been awake again, and not too often, since it is a walk through all cells.
/// Returns: when to look again, if nothing happens.
Instant ThreadedWorld::watch_stillness(Instant present) {
  constexpr int searches_apart = 10;  // in units of ring_watch
  if (options_.ring_watch <= Duration::zero()) return Instant::max();
  const auto rest = idle_.rest();
  if (!rest.all_sleep) return Instant::max();  // who woke wakes the watchdog too
  if (rest.departures != still_departures_) {
    still_departures_ = rest.departures;
    still_since_ = present;
    still_was_searched_ = false;
  }
  if (still_was_searched_) return Instant::max();
  const Instant due = std::max(still_since_ + options_.ring_watch, next_ring_search_);
  if (present < due) return due;
  still_was_searched_ = true;
  next_ring_search_ = present + searches_apart * options_.ring_watch;
  inspector_.tell_rings(*runtime_, present);
  return Instant::max();
}

// ---- fibers
// -------------------------------------------------------------------------------------------------------

void ThreadedWorld::suspend(Cell& cell) {
  Worker& worker = own_worker();
  fiber::Fiber* const next = loops_.take(worker.parked_loops, &ThreadedWorld::loop, this);
  ORRERY_CHECK(next != nullptr,
               "{} cannot wait: the system gives no memory for one more fiber stack, {} are in use; raise "
               "vm.max_map_count or the memory limit, or let fewer handlers wait at once",
               runtime_->path_of(cell.handle()), fibers().live);
  fiber::Fiber& mine = *worker.fiber;
  cell.wait->fiber = &mine;
  worker.fiber = next;
  fiber::switch_to(
      mine, *next, [](void* parked) { current_execution()->runtime->parked(*static_cast<Cell*>(parked)); },
      &cell);  // P1
}

/// Runs on the fiber that was switched to. `fiber` is parked in loop(), or in leave_loop for good.
void ThreadedWorld::put_loop_away(void* fiber) {
  Worker& worker = own_worker();
  auto& world = static_cast<ThreadedWorld&>(worker.runtime->world());
  world.loops_.put(worker.parked_loops, static_cast<fiber::Fiber*>(fiber));
}

void ThreadedWorld::leave_loop() {
  Worker& worker = own_worker();
  fiber::Fiber& mine = *worker.fiber;
  worker.fiber = worker.home;
  fiber::switch_to(mine, *worker.home, &ThreadedWorld::put_loop_away, &mine);
}

// ---- threads that are no workers
// ----------------------------------------------------------------------------------

Waiter& ThreadedWorld::waiter() { return ThreadWaiter::of_this_thread(); }

void ThreadedWorld::block(Wait& wait) {
  ORRERY_CHECK(!is_worker(), "code that runs on a worker outside a handler (a destructor, a factory) cannot wait");
  ThreadWaiter& mine = ThreadWaiter::of_this_thread();
  while (!wait.ready()) mine.sleep();
}

// ---- rest
// ---------------------------------------------------------------------------------------------------------

bool ThreadedWorld::await_idle(Clock::time_point until) {
  ORRERY_CHECK(!is_worker(), "a handler cannot wait for all handlers to end");
  while (true) {
    const auto rest = idle_.await_rest(until);
    if (rest.all_sleep && injection_.empty()) return true;
    if (Clock::now() >= until) return false;
    std::this_thread::yield();  // a wake-up is under way
  }
}

bool ThreadedWorld::await_quiescence(Clock::time_point until) {
  using namespace std::chrono_literals;
  while (true) {
    if (!await_idle(until)) return false;
    const auto before = idle_.rest();
    std::size_t pending = foreign_timers_.pending();
    for (const auto& worker : workers_) pending += worker->timers.pending();
    const bool is_offloading = !offloads_.await_none(until);
    bool at_rest = false;
    {
      const auto alone = look_alone();  // whoever holds a parked handler may hold its wake-up back
      const auto after = idle_.rest();
      // Between two looks at sleeping workers of which none departed nothing ran, so the timers counted are all
      // there are; and whoever was woken by offloaded work was woken before that was done (J3).
      at_rest = before.all_sleep && after.all_sleep && before.departures == after.departures && injection_.empty();
    }
    if (at_rest && pending == 0 && !is_offloading) return true;
    const auto present = Clock::now();
    if (present >= until) return false;
    if (at_rest)
      std::this_thread::sleep_until(std::min<Clock::time_point>(until, present + 200us));  // a timer is to come
  }
}

}  // namespace orrery
