#include "orrery/core/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "orrery/core/check.hpp"

namespace orrery {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t) &&
              std::atomic<std::uint32_t>::is_always_lock_free);  // the kernel reads the atomic as a plain word
static_assert(sizeof(std::time_t) == 8 && sizeof(long) == 8);    // SYS_futex takes this timespec on 64-bit systems

// Noinline: errno's address belongs to the thread, and a caller that switches fibers must not keep it.
[[gnu::noinline]] bool futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected, FutexDeadline deadline) {
  std::timespec until{};
  if (deadline) {
    // FUTEX_WAIT_BITSET measures an absolute time on CLOCK_MONOTONIC, which is libstdc++'s and libc++'s
    // steady_clock.
    const auto since_boot = std::chrono::duration_cast<std::chrono::nanoseconds>(deadline->time_since_epoch());
    if (since_boot.count() <= 0) return false;  // the kernel refuses negative times
    until.tv_sec = since_boot.count() / 1'000'000'000;
    until.tv_nsec = since_boot.count() % 1'000'000'000;
  }
  const long result = ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, expected, deadline ? &until : nullptr,
                                nullptr, FUTEX_BITSET_MATCH_ANY);
  if (result == 0) return true;
  const int error = errno;
  ORRERY_CHECK(error == EAGAIN || error == EINTR || error == ETIMEDOUT, "futex wait failed with errno {}", error);
  return error != ETIMEDOUT;
}

void futex_wake_one(std::atomic<std::uint32_t>& word) noexcept {
  // Nothing to check: the sleeper may be gone, and then waking nobody is right.
  (void)::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace orrery
