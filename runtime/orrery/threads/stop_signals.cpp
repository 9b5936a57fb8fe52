#include "orrery/threads/stop_signals.hpp"

#include "orrery/core/check.hpp"

#include <semaphore.h>

#include <atomic>
#include <cerrno>

namespace orrery {

namespace {

std::atomic<bool> in_use{false};
std::atomic<int> first_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);  // else a signal handler may not touch it
sem_t arrived;

extern "C" void orrery_on_stop_signal(int signal) {
  const int before = errno;
  int none = 0;
  if (first_signal.compare_exchange_strong(none, signal)) {
    (void)sem_post(&arrived);
  } else {
    (void)::signal(signal, SIG_DFL);
    (void)::raise(signal);
  }
  errno = before;
}

}  // namespace

StopSignals::StopSignals() {
  ORRERY_CHECK(!in_use.exchange(true), "two systems wait for a signal to stop; one process has one");
  first_signal.store(0);
  ORRERY_CHECK(sem_init(&arrived, 0, 0) == 0);
  struct sigaction action{};
  action.sa_handler = &orrery_on_stop_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  ORRERY_CHECK(sigaction(SIGINT, &action, &before_interrupt_) == 0);
  ORRERY_CHECK(sigaction(SIGTERM, &action, &before_terminate_) == 0);
}

StopSignals::~StopSignals() {
  (void)sigaction(SIGINT, &before_interrupt_, nullptr);  // S1
  (void)sigaction(SIGTERM, &before_terminate_, nullptr);
  in_use.store(false);  // the semaphore stays: a handler may still be on its way out on another thread
}

int StopSignals::wait() {
  while (sem_wait(&arrived) != 0) ORRERY_CHECK(errno == EINTR);
  return first_signal.load();
}

}  // namespace orrery
