#include "orrery/threads/idle_workers.hpp"

#include <algorithm>

namespace orrery {

void IdleWorkers::left(Sleeper& worker) noexcept {
  ++departures_;  // I3
  worker.wakes_watchdog = watchdog_sleeps_;
  watchdog_sleeps_ = false;
}

void IdleWorkers::wake_one() {
  Sleeper* woken = nullptr;
  {
    const std::lock_guard guard{mutex_};
    const std::uint32_t seen = word_.load(std::memory_order_seq_cst);
    if (sleepers_.empty() || seen % one_sleeping != 0) return;
    woken = sleepers_.back();  // the one that slept least: its caches are the warmest
    sleepers_.pop_back();
    word_.fetch_add(one_searching - one_sleeping, std::memory_order_seq_cst);
    left(*woken);
  }
  woken->parker.unpark();  // I2
}

bool IdleWorkers::begin_search() noexcept {
  // A hint would do: one searcher too many only costs a little time.
  if (2 * (word_.load(std::memory_order_relaxed) % one_sleeping) >= workers_) return false;
  word_.fetch_add(one_searching, std::memory_order_seq_cst);
  return true;
}

bool IdleWorkers::enter(Sleeper& self, bool was_searching) {
  if (!enter_list(self, was_searching)) return false;
  heavy_fence();  // before the caller looks again
  return true;
}

bool IdleWorkers::enter_list(Sleeper& self, bool was_searching) {
  const std::lock_guard guard{mutex_};
  if (closed_.load(std::memory_order_relaxed)) {
    if (was_searching) word_.fetch_sub(one_searching, std::memory_order_seq_cst);
    return false;
  }
  sleepers_.push_back(&self);
  word_.fetch_add(one_sleeping - (was_searching ? one_searching : 0), std::memory_order_seq_cst);
  if (sleepers_.size() == workers_) resting_.notify_all();
  return true;
}

bool IdleWorkers::leave(Sleeper& self) {
  const std::lock_guard guard{mutex_};
  const auto at = std::ranges::find(sleepers_, &self);
  if (at == sleepers_.end()) return false;
  sleepers_.erase(at);
  word_.fetch_sub(one_sleeping, std::memory_order_seq_cst);
  left(self);
  return true;
}

void IdleWorkers::close() {
  std::vector<Sleeper*> woken;
  {
    const std::lock_guard guard{mutex_};
    closed_.store(true, std::memory_order_release);
    woken.swap(sleepers_);
    for (Sleeper* const worker : woken) {
      word_.fetch_add(one_searching - one_sleeping, std::memory_order_seq_cst);
      left(*worker);
    }
  }
  for (Sleeper* const worker : woken) worker->parker.unpark();  // I2
}

IdleWorkers::Rest IdleWorkers::rest() {
  const std::lock_guard guard{mutex_};
  return {sleepers_.size() == workers_, departures_};
}

IdleWorkers::Rest IdleWorkers::await_rest(std::chrono::steady_clock::time_point until) {
  std::unique_lock lock{mutex_};
  resting_.wait_until(lock, until, [this] { return sleepers_.size() == workers_; });
  return {sleepers_.size() == workers_, departures_};
}

bool IdleWorkers::watchdog_may_sleep() {
  const std::lock_guard guard{mutex_};
  watchdog_sleeps_ = sleepers_.size() == workers_;
  return watchdog_sleeps_;
}

void IdleWorkers::watchdog_is_awake() {
  const std::lock_guard guard{mutex_};
  watchdog_sleeps_ = false;
}

}  // namespace orrery
