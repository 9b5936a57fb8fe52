#include "orrery/threads/dump_signal.hpp"

#include "orrery/core/check.hpp"
#include "orrery/threads/no_signals.hpp"

#include <pthread.h>
#include <semaphore.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <utility>

namespace orrery {

namespace {

constexpr std::size_t systems_max = 16;
struct Place {
  std::atomic<bool> is_used{false};
  std::atomic<std::uint32_t> requests{0};  ///< since the last dump
  sem_t asked;
};
std::array<Place, systems_max> places;  // semaphores stay: a handler may still be on its way out on another thread
std::mutex places_mutex;
std::size_t in_use = 0;
struct sigaction before;
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);  // else a signal handler may not touch it

extern "C" void orrery_on_dump_signal(int) {
  const int error = errno;
  for (Place& place : places) {
    if (!place.is_used.load()) continue;
    ++place.requests;
    (void)sem_post(&place.asked);
  }
  errno = error;
}

}  // namespace

DumpSignal::DumpSignal(std::function<void()> dump) : dump_{std::move(dump)} {
  {
    const std::lock_guard guard{places_mutex};
    for (place_ = 0; place_ < systems_max && places[place_].is_used.load();) ++place_;
    ORRERY_CHECK(place_ < systems_max, "more than {} systems want SIGUSR1", systems_max);
    static std::array<bool, systems_max> was_made{};
    if (!std::exchange(was_made[place_], true)) ORRERY_CHECK(sem_init(&places[place_].asked, 0, 0) == 0);
    places[place_].requests.store(0);
    places[place_].is_used.store(true);
    if (in_use++ == 0) {
      struct sigaction action{};
      action.sa_handler = &orrery_on_dump_signal;
      sigemptyset(&action.sa_mask);
      action.sa_flags = SA_RESTART;
      ORRERY_CHECK(sigaction(SIGUSR1, &action, &before) == 0);
    }
  }
  const NoSignals quiet;
  thread_ = std::thread{[this] {
    sem_t& asked = places[place_].asked;
    while (true) {
      while (sem_wait(&asked) != 0) ORRERY_CHECK(errno == EINTR);
      const bool is_over = is_over_.load();
      if (places[place_].requests.exchange(0) != 0) dump_();
      if (is_over) return;
    }
  }};
}

DumpSignal::~DumpSignal() {
  is_over_.store(true);
  (void)sem_post(&places[place_].asked);
  thread_.join();
  const std::lock_guard guard{places_mutex};
  if (--in_use == 0) {  // D1, unless the program has put a handler of its own there since
    struct sigaction present{};
    (void)sigaction(SIGUSR1, nullptr, &present);
    if (present.sa_handler == &orrery_on_dump_signal) (void)sigaction(SIGUSR1, &before, nullptr);
  }
  places[place_].is_used.store(false);
}

}  // namespace orrery
