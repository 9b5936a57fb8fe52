// scheduling.cpp: how a worker finds its next actor, and when it sleeps.
// Order of search:  now and then the injection deque first (so that a busy worker cannot starve it); the hot slot,
//                   but not too often in a row (so that two actors that schedule each other cannot starve the
//                   queue); the queue; the injection deque; other workers' queues, as far as they do not keep up with
//                   them; their hot slots, if they are stuck in a handler.
#include "orrery/core/check.hpp"
#include "orrery/fiber/switch.hpp"
#include "orrery/threads/threaded_world.hpp"

#include <algorithm>

namespace orrery {

namespace {

constexpr Duration patience = std::chrono::microseconds{5};
constexpr Duration doze_for = std::chrono::microseconds{200};

void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

void ThreadedWorld::schedule(Cell& cell) {
  if (Worker* const worker = this_worker()) return schedule_from(*worker, cell);
  injection_.push(&cell);
  wake_if_needed();
}

void ThreadedWorld::schedule_from(Execution& here, Cell& cell) {
  auto& worker = static_cast<Worker&>(here);
  Cell* const cooled = worker.hot.put(cell);
  if (cooled == nullptr) return;  // P2
  enqueue(worker, *cooled);
}

/// Makes `cell` one that idle workers may take.
void ThreadedWorld::enqueue(Worker& worker, Cell& cell) {
  worker.queue.push(&cell, [this](std::span<Cell* const> cells) { injection_.push(cells); });
  wake_if_needed();
}

void ThreadedWorld::wake_if_needed() {
  if (idle_.should_wake()) idle_.wake_one();
}

bool ThreadedWorld::anything_visible() const noexcept {
  return !injection_.empty() ||
         std::ranges::any_of(workers_, [](const auto& worker) { return !worker->queue.empty(); });
}

/// A worker's life. run() may return on another thread, so nothing of a worker is kept across it (P3).
void ThreadedWorld::loop(void* world) noexcept {
  auto& self = *static_cast<ThreadedWorld*>(world);
  const std::uint32_t batch = self.options_.runtime.batch;
  while (true) {
    Worker& worker = own_worker();
    Cell* const cell = self.next_cell(worker);
    if (cell == nullptr) break;
    worker.running.store(cell, std::memory_order_release);  // pairs with look_at(): the cell is what it is by now
    if (cell->wait != nullptr) {
      if (!self.runtime_->may_continue(*cell)) {
        self.runtime_->parked(*cell);
        continue;
      }
      // Here, not behind calls: each return right after a switch is mispredicted.
      fiber::Fiber& mine = *worker.fiber;
      worker.fiber = std::exchange(cell->wait->fiber, nullptr);
      fiber::switch_to(mine, *worker.fiber, &ThreadedWorld::put_loop_away, &mine);
      continue;
    }
    bool is_runnable = self.runtime_->run(worker, *cell, batch);
    if (is_runnable && self.options_.turn != Duration::zero()) [[unlikely]] {
      const Instant until = self.now() + self.options_.turn;
      while (is_runnable && self.may_go_on(until)) is_runnable = self.runtime_->run(own_worker(), *cell, batch);
    }
    if (is_runnable) self.put_back(*cell);
  }
  self.leave_loop();
}

/// After a batch: whether the same actor may have another one in this turn. It counts as a turn of the worker all the
/// same, and none goes on beyond a look around.
bool ThreadedWorld::may_go_on(Instant until) {
  Worker& worker = own_worker();
  const std::uint32_t turn = worker.turns.load(std::memory_order_relaxed) + 1;
  if (turn % turns_per_look_around == 0 || now() >= until) return false;
  worker.turns.store(turn, std::memory_order_relaxed);
  return true;
}

/// Its turn is over, but not its mail.
void ThreadedWorld::put_back(Cell& cell) {
  Worker& worker = own_worker();
  // With more actors than a queue holds, those that wait in the injection deque would else wait for long.
  if (!injection_.empty()) {
    injection_.push(&cell);
    wake_if_needed();
    return;
  }
  if (worker.hot.empty() && worker.queue.empty()) {
    (void)worker.hot.put(cell);  // nobody else wants a turn here
    return;
  }
  enqueue(worker, cell);
}

inline Cell* ThreadedWorld::next_cell(Worker& worker) {
  const std::uint32_t turn = worker.turns.load(std::memory_order_relaxed) + 1;
  worker.turns.store(turn, std::memory_order_relaxed);
  if (turn % turns_per_look_around == 0) [[unlikely]] {
    expire(worker.timers);
    // A share, not one: behind an actor that keeps telling itself, those who had overflowed into it would wait for long.
    if (Cell* const cell = take_injected(worker)) return cell;
  }
  if (Cell* const cell = take_local(worker)) return cell;
  return find_elsewhere(worker);
}

inline Cell* ThreadedWorld::take_local(Worker& worker) {
  if (worker.hot_runs < hot_runs_max) {
    if (Cell* const cell = worker.hot.take()) {
      ++worker.hot_runs;
      return cell;
    }
  }
  worker.hot_runs = 0;
  if (Cell* const cell = worker.queue.pop()) {
    if (const Cell* const next = worker.queue.peek(); next != nullptr) {
      // Both of its lines come from memory while this one runs, if there are many actors. A cell is never freed.
      __builtin_prefetch(&next->mailbox, 1);
      __builtin_prefetch(&next->bell, 1);
    }
    return cell;
  }
  return worker.hot.take();
}

/// A share of what waits there: the first to run now, the others into the own queue.
Cell* ThreadedWorld::take_injected(Worker& worker) {
  if (injection_.empty()) return nullptr;
  // No more than fit: a full queue puts its older half behind all that wait here, and those had nearly come to their turn.
  const std::size_t room = StealQueue<Cell>::capacity - worker.queue.size();
  const std::size_t share = std::min({injection_.size() / workers_.size() + 1, injected_at_once_max, room + 1});
  Cell* first = nullptr;
  std::array<Cell*, injected_at_once_max> others;
  std::size_t count = 0;
  injection_.pop_some(share, [&](Cell* cell) {
    if (first == nullptr) {
      first = cell;
    } else {
      others[count++] = cell;
    }
  });
  for (std::size_t i = 0; i < count; ++i) {
    worker.queue.push(others[i], [this](std::span<Cell* const> cells) { injection_.push(cells); });
  }
  return first;
}

/// Takes from the queue of a worker that has had fewer turns since it was looked at last (`patience` ago) than actors
/// wait there now. What a worker gets to within that time is served sooner, and with warmer caches, where it is: two
/// workers that steal from each other what takes 20 ns spend 60 ns on moving it (docs/performance.md, row F1f).
Cell* ThreadedWorld::steal(Worker& worker) {
  const std::size_t count = workers_.size();
  const auto first = static_cast<std::size_t>(worker.victims.below(count));
  for (std::size_t i = 0; i < count; ++i) {
    Worker& victim = *workers_[(first + i) % count];
    if (&victim == &worker) continue;
    const std::uint32_t turns = victim.turns.load(std::memory_order_relaxed);
    const std::uint32_t served = turns - std::exchange(worker.window_turns[victim.index], turns);
    const std::size_t waiting = victim.queue.size();
    if (waiting == 0) continue;
    if (served >= waiting) {
      worker.others_keep_up = true;
      continue;
    }
    if (Cell* const cell = victim.queue.steal_into(worker.queue)) {
      worker.steals.add();
      return cell;
    }
  }
  return nullptr;
}

/// The actor in the hot slot of a worker that has been in the same handler since this one began to search.
Cell* ThreadedWorld::take_from_stuck(Worker& worker) {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    Worker& victim = *workers_[i];
    if (&victim == &worker || victim.turns.load(std::memory_order_relaxed) != worker.seen_turns[i]) continue;
    if (Cell* const cell = victim.hot.steal()) {
      worker.steals.add();
      return cell;
    }
  }
  return nullptr;
}

/// Looks for work until there is some, a timer is due, or `spin` is over. Pre: counted as searching.
Cell* ThreadedWorld::search(Worker& worker) {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    worker.seen_turns[i] = worker.window_turns[i] = workers_[i]->turns.load(std::memory_order_relaxed);
  }
  const Instant began = now();
  Instant present = began;
  const Instant until = began + options_.spin;
  Instant next_look = present + std::min(patience, options_.spin);
  while (true) {
    if (Cell* const cell = take_injected(worker)) return cell;
    present = now();
    if (present >= worker.timers.next_due()) return present >= began + patience ? take_from_stuck(worker) : nullptr;
    if (present >= next_look) {
      next_look = present + patience;
      worker.others_keep_up = false;
      if (Cell* const cell = steal(worker)) return cell;
    }
    if (present >= until) return take_from_stuck(worker);
    if (idle_.closed()) return nullptr;
    for (int i = 0; i < 16; ++i) relax();
  }
}

Cell* ThreadedWorld::find_elsewhere(Worker& worker) {
  worker.running.store(nullptr, std::memory_order_relaxed);
  bool may_spin = true;
  while (true) {
    expire(worker.timers);
    Cell* cell = take_local(worker);
    if (cell == nullptr) cell = take_injected(worker);
    if (cell == nullptr && may_spin) {
      if (!worker.searching) worker.searching = idle_.begin_search();
      if (worker.searching) cell = search(worker);
    }
    if (cell != nullptr) {
      if (std::exchange(worker.searching, false) && idle_.end_search() && anything_visible()) wake_if_needed();
      return cell;
    }
    if (worker.timers.next_due() <= now()) continue;
    if (idle_.closed()) return nullptr;
    if (std::exchange(worker.others_keep_up, false)) {
      doze(worker);
      may_spin = true;
    } else {
      may_spin = sleep(worker);
    }
  }
}

/// There is work, but not for us: others get to it sooner than we could. Rests for a moment without counting as a
/// sleeper, so that their sends need not wake us over and over.
void ThreadedWorld::doze(Worker& worker) {
  // What is visible in queues keeps up; what came from outside meanwhile relied on us.
  if (std::exchange(worker.searching, false) && idle_.end_search() && !injection_.empty()) wake_if_needed();
  const Instant until = std::min(worker.timers.next_due(), now() + doze_for);
  const BlockPool::Rest rest;
  (void)worker.parker.park(to_clock(until));
}

/// Sleeps until there is work or the worker's next timer is due.
/// Returns: whether it was woken for work, and so counts as searching.
bool ThreadedWorld::sleep(Worker& worker) {
  if (!idle_.enter(worker, std::exchange(worker.searching, false))) return false;
  if (anything_visible()) wake_if_needed();  // came while we searched, and its producer relied on us
  const Instant due = worker.timers.next_due();
  bool woken = false;
  const Instant began = now();
  {
    const BlockPool::Rest rest;  // what we sent may be handled, and given back to the system, while we sleep
    woken = worker.parker.park(due == Instant::max() ? std::nullopt : std::optional{to_clock(due)});
    if (!woken && !idle_.leave(worker)) woken = worker.parker.park();  // a token is under way
  }
  worker.asleep_ns.add(static_cast<std::uint64_t>((now() - began).count()));
  worker.searching = woken;
  if (std::exchange(worker.wakes_watchdog, false)) watchdog_parker_.unpark();
  return woken;
}

}  // namespace orrery
