#include "orrery/threads/offload_pool.hpp"

#include "orrery/actor/offload.hpp"
#include "orrery/core/check.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

namespace orrery {

namespace {

std::string place_of(const std::source_location& where) {
  const std::string_view path = where.file_name();
  return fmt::format("{}:{}", path.substr(path.find_last_of('/') + 1), where.line());
}

}  // namespace

OffloadPool::OffloadPool(std::uint32_t threads_max, Duration idle_for)
    : threads_max_{threads_max}, idle_for_{idle_for} {
  ORRERY_CHECK(threads_max >= 1);
}

OffloadPool::~OffloadPool() {
  stop();
  ORRERY_CHECK(queue_.empty(), "a pool is destroyed after its work is done");
}

void OffloadPool::start(std::shared_ptr<Job> job) {
  const std::lock_guard guard{mutex_};
  ORRERY_CHECK(!closed_, "work is offloaded to a system that has stopped");
  queue_.push_back(std::move(job));
  if (queue_.size() <= idle_) {  // each idle thread takes one
    work_came_.notify_one();
    return;
  }
  if (threads_.size() == threads_max_) return;  // J2
  const auto self = threads_.emplace(threads_.end());
  try {
    self->thread = std::thread{[this, self] { work(self); }};
  } catch (const std::system_error&) {
    threads_.erase(self);
    if (!threads_.empty()) return;  // those that there are will come to it
    queue_.pop_back();
    throw;
  }
}

void OffloadPool::work(Threads::iterator self) {
  std::unique_lock lock{mutex_};
  while (true) {
    if (queue_.empty()) {
      if (closed_) break;
      ++idle_;
      const bool called =
          work_came_.wait_until(lock, Clock::now() + idle_for_, [this] { return closed_ || !queue_.empty(); });
      --idle_;
      if (!called) break;
      continue;
    }
    self->job = std::move(queue_.front());  // J1
    queue_.pop_front();
    self->began = Clock::now();
    ++running_;
    lock.unlock();
    self->job->run();
    std::shared_ptr<Job> done;
    lock.lock();
    done.swap(self->job);  // list_unfinished() may be looking
    lock.unlock();
    done.reset();  // J3: perhaps the last to hold it, and its result's destructor is the user's
    lock.lock();
    --running_;
    if (running_ == 0 && queue_.empty()) all_done_.notify_all();
  }
  Threads ended;
  ended.swap(ended_);
  ended_.splice(ended_.end(), threads_, self);
  lock.unlock();
  join(ended);
}

void OffloadPool::join(Threads& ended) {
  for (Thread& one : ended) {
    if (one.thread.joinable()) one.thread.join();
  }
}

std::size_t OffloadPool::unfinished() const {
  const std::lock_guard guard{mutex_};
  return running_ + queue_.size();
}

bool OffloadPool::await_none(Clock::time_point until) {
  std::unique_lock lock{mutex_};
  return all_done_.wait_until(lock, until, [this] { return running_ == 0 && queue_.empty(); });
}

std::vector<OffloadPool::Unfinished> OffloadPool::list_unfinished() const {
  const std::lock_guard guard{mutex_};
  const auto present = Clock::now();
  std::vector<const Thread*> busy;
  for (const Thread& thread : threads_) {
    if (thread.job != nullptr) busy.push_back(&thread);
  }
  std::ranges::sort(busy, {}, &Thread::began);
  std::vector<Unfinished> found;
  for (const Thread* thread : busy) {
    found.push_back({thread->job->actor(), place_of(thread->job->where()), true, present - thread->began});
  }
  for (const auto& job : queue_) found.push_back({job->actor(), place_of(job->where()), false, {}});
  return found;
}

std::size_t OffloadPool::threads() const {
  const std::lock_guard guard{mutex_};
  return threads_.size();
}

void OffloadPool::stop() {
  {
    const std::lock_guard guard{mutex_};
    closed_ = true;
  }
  work_came_.notify_all();
  while (true) {
    Threads ended;
    std::thread last;
    {
      const std::lock_guard guard{mutex_};
      if (threads_.empty()) {
        ended.swap(ended_);
        if (ended.empty()) return;
      } else {
        // It puts itself among the ended ones, where nothing is left to join then.
        last = std::move(threads_.front().thread);
      }
    }
    if (last.joinable()) last.join();
    join(ended);
  }
}

}  // namespace orrery
