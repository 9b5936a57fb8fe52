// guard_calls.cpp: the functions of the C library, and one of libstdc++, that a simulated run must not reach unseen.
// Why:  see guard.hpp.
// How:  each is defined here under its own name. The dynamic linker looks into the program before it looks into
//       libraries, so calls from inside of libstdc++ come here as well. guard.cpp calls unguarded_functions(), so that
//       the linker takes this member of the archive along with the engine.
// Always true:  (C1) without an active guard every call goes on to the function that would have been called
// Not here:     what cannot be interposed (rdtsc, rdrand, system calls by `syscall` instructions of one's own), and what
//               a guarded function of ours would only repeat (localtime, std::chrono's clocks, std::thread, sleep_for).
#undef _FORTIFY_SOURCE  // its inline open() calls a function of another name
#include "orrery/core/check.hpp"
#include "orrery/sim/guard.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <optional>
#include <random>
#include <utility>

// Called from everywhere, also before a sanitizer is ready and from its own threads.
#define ORRERY_PLAIN __attribute__((no_sanitize("address", "thread", "undefined")))

namespace {

using orrery::Duration;
using orrery::sim::Guard;

/// The function that a call goes on to.
template <class Function>
class Original;
template <class Result, class... Arguments>
class Original<Result(Arguments...)> {
 public:
  /// `interceptor`: a sanitizer's own, where it is linked into the program, so that "the next one" would go past it.
  constexpr Original(const char* name, void (*interceptor)()) : name_{name}, interceptor_{interceptor} {}
  ORRERY_PLAIN Result operator()(Arguments... arguments) {
    void* found = found_.load(std::memory_order_relaxed);  // whoever finds it finds the same
    if (found == nullptr) [[unlikely]]
      found = find();
    return reinterpret_cast<Result (*)(Arguments...)>(found)(arguments...);
  }

 private:
  [[gnu::cold]] ORRERY_PLAIN void* find() {
    void* found = reinterpret_cast<void*>(interceptor_);
    if (found == nullptr) found = ::dlsym(RTLD_NEXT, name_);
    ORRERY_CHECK(found != nullptr, "no library has {}: link the C library dynamically", name_);
    found_.store(found, std::memory_order_relaxed);
    return found;
  }

  const char* name_;
  void (*interceptor_)();
  std::atomic<void*> found_{nullptr};
};

// The world's time begins at this date, for those who ask for one: 2025-01-01 00:00:00 UTC.
constexpr Duration epoch = std::chrono::seconds{1'735'689'600};

bool tells_dates(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_REALTIME_ALARM ||
         clock == CLOCK_TAI;
}

Duration now(Guard& guard, clockid_t clock, const char* call) {
  return guard.now(call).time_since_epoch() + (tells_dates(clock) ? epoch : Duration{});
}

timespec to_timespec(Duration time) {
  return {.tv_sec = static_cast<time_t>(time / std::chrono::seconds{1}),
          .tv_nsec = (time % std::chrono::seconds{1}).count()};
}

/// Returns: nothing for what the C library calls invalid; times too long to count are as long as can be.
std::optional<Duration> to_duration(const timespec* time) {
  if (time->tv_nsec < 0 || time->tv_nsec >= 1'000'000'000) return std::nullopt;
  const std::chrono::seconds seconds{std::clamp<std::int64_t>(time->tv_sec, -4'000'000'000, 4'000'000'000)};
  return seconds + Duration{time->tv_nsec};
}

int sleep_as(Guard& guard, const timespec* time, const char* call) {
  const auto duration = to_duration(time);
  if (!duration || *duration < Duration{}) return EINVAL;
  guard.sleep(*duration, call);
  return 0;
}

bool is_entropy_device(const char* path) {
  return path != nullptr && (std::strcmp(path, "/dev/urandom") == 0 || std::strcmp(path, "/dev/random") == 0);
}

mode_t mode_of(int flags, va_list& rest) {
  if ((flags & O_CREAT) == 0 && (flags & O_TMPFILE) != O_TMPFILE) return 0;
  return va_arg(rest, mode_t);
}

std::FILE* open_entropy_file(Guard& guard, const char* call) {
  const int file = guard.open_entropy(call);
  return file < 0 ? nullptr : ::fdopen(file, "rb");
}

std::uint32_t draw_32(Guard& guard, const char* call) {
  std::uint32_t value = 0;
  guard.fill(std::as_writable_bytes(std::span{&value, 1}), call);
  return value;
}

}  // namespace

// original_NAME, which NAME below goes on to.
#define ORRERY_ORIGINAL(name, ...)                               \
  extern "C" __attribute__((weak)) void ___interceptor_##name(); \
  static constinit Original<__VA_ARGS__> original_##name { #name, &___interceptor_##name }

ORRERY_ORIGINAL(clock_gettime, int(clockid_t, timespec*));
ORRERY_ORIGINAL(gettimeofday, int(timeval*, void*));
ORRERY_ORIGINAL(time, time_t(time_t*));
ORRERY_ORIGINAL(timespec_get, int(timespec*, int));
ORRERY_ORIGINAL(clock, clock_t());
ORRERY_ORIGINAL(nanosleep, int(const timespec*, timespec*));
ORRERY_ORIGINAL(clock_nanosleep, int(clockid_t, int, const timespec*, timespec*));
ORRERY_ORIGINAL(usleep, int(useconds_t));
ORRERY_ORIGINAL(sleep, unsigned(unsigned));
ORRERY_ORIGINAL(getrandom, ssize_t(void*, std::size_t, unsigned));
ORRERY_ORIGINAL(getentropy, int(void*, std::size_t));
ORRERY_ORIGINAL(rand, int());
ORRERY_ORIGINAL(random, long());
ORRERY_ORIGINAL(arc4random, std::uint32_t());
ORRERY_ORIGINAL(arc4random_buf, void(void*, std::size_t));
ORRERY_ORIGINAL(arc4random_uniform, std::uint32_t(std::uint32_t));
ORRERY_ORIGINAL(open, int(const char*, int, mode_t));
ORRERY_ORIGINAL(open64, int(const char*, int, mode_t));
ORRERY_ORIGINAL(openat, int(int, const char*, int, mode_t));
ORRERY_ORIGINAL(openat64, int(int, const char*, int, mode_t));
ORRERY_ORIGINAL(fopen, std::FILE*(const char*, const char*));
ORRERY_ORIGINAL(fopen64, std::FILE*(const char*, const char*));
ORRERY_ORIGINAL(pthread_create, int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*));
ORRERY_ORIGINAL(pthread_cond_wait, int(pthread_cond_t*, pthread_mutex_t*));
ORRERY_ORIGINAL(pthread_cond_timedwait, int(pthread_cond_t*, pthread_mutex_t*, const timespec*));
ORRERY_ORIGINAL(pthread_cond_clockwait, int(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*));
ORRERY_ORIGINAL(syscall, long(long, long, long, long, long, long, long));
static constinit Original<unsigned(std::random_device*)> original_getval{"_ZNSt13random_device9_M_getvalEv", nullptr};

// ---- clocks -------------------------------------------------------------------------------------------------------------

extern "C" {

ORRERY_PLAIN int clock_gettime(clockid_t clock, timespec* time) noexcept {
  Guard* const guard = Guard::active();
  if (guard == nullptr) return original_clock_gettime(clock, time);
  *time = to_timespec(now(*guard, clock, "clock_gettime"));
  return 0;
}

ORRERY_PLAIN int gettimeofday(timeval* __restrict time, void* __restrict zone) noexcept {
  Guard* const guard = Guard::active();
  if (guard == nullptr) return original_gettimeofday(time, zone);
  const timespec fine = to_timespec(now(*guard, CLOCK_REALTIME, "gettimeofday"));
  *time = {.tv_sec = fine.tv_sec, .tv_usec = fine.tv_nsec / 1'000};
  return 0;
}

ORRERY_PLAIN time_t time(time_t* seconds) noexcept {
  Guard* const guard = Guard::active();
  if (guard == nullptr) return original_time(seconds);
  const time_t value = to_timespec(now(*guard, CLOCK_REALTIME, "time")).tv_sec;
  if (seconds != nullptr) *seconds = value;
  return value;
}

ORRERY_PLAIN int timespec_get(timespec* time, int base) noexcept {
  Guard* const guard = Guard::active();
  if (guard == nullptr || base != TIME_UTC) return original_timespec_get(time, base);
  *time = to_timespec(now(*guard, CLOCK_REALTIME, "timespec_get"));
  return base;
}

ORRERY_PLAIN clock_t clock() noexcept {
  Guard* const guard = Guard::active();
  if (guard == nullptr) return original_clock();
  constexpr Duration tick = Duration{std::chrono::seconds{1}} / CLOCKS_PER_SEC;
  return guard->now("clock").time_since_epoch() / tick;
}

// ---- sleeps -------------------------------------------------------------------------------------------------------------

ORRERY_PLAIN int nanosleep(const timespec* time, timespec* left) {
  Guard* const guard = Guard::active();
  if (guard == nullptr) return original_nanosleep(time, left);
  const int error = sleep_as(*guard, time, "nanosleep");
  if (error == 0) return 0;
  errno = error;
  return -1;
}

ORRERY_PLAIN int clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec* left) {
  Guard* const guard = Guard::active();
  if (guard == nullptr) return original_clock_nanosleep(clock, flags, time, left);
  if ((flags & TIMER_ABSTIME) == 0) return sleep_as(*guard, time, "clock_nanosleep");
  const auto until = to_duration(time);
  if (!until) return EINVAL;
  const Duration duration = *until - now(*guard, clock, "clock_nanosleep");
  guard->sleep(std::max(duration, Duration{}), "clock_nanosleep");
  return 0;
}

ORRERY_PLAIN int usleep(useconds_t microseconds) {
  Guard* const guard = Guard::active();
  if (guard == nullptr) return original_usleep(microseconds);
  guard->sleep(std::chrono::microseconds{microseconds}, "usleep");
  return 0;
}

ORRERY_PLAIN unsigned sleep(unsigned seconds) {
  Guard* const guard = Guard::active();
  if (guard == nullptr) return original_sleep(seconds);
  guard->sleep(std::chrono::seconds{seconds}, "sleep");
  return 0;
}

// ---- entropy ------------------------------------------------------------------------------------------------------------

ORRERY_PLAIN ssize_t getrandom(void* buffer, std::size_t bytes, unsigned flags) {
  Guard* const guard = Guard::active();
  if (guard == nullptr) return original_getrandom(buffer, bytes, flags);
  guard->fill({static_cast<std::byte*>(buffer), bytes}, "getrandom");
  return static_cast<ssize_t>(bytes);
}

ORRERY_PLAIN int getentropy(void* buffer, std::size_t bytes) {
  Guard* const guard = Guard::active();
  if (guard == nullptr || bytes > 256) return original_getentropy(buffer, bytes);  // too many: an error
  guard->fill({static_cast<std::byte*>(buffer), bytes}, "getentropy");
  return 0;
}

static_assert(RAND_MAX == 0x7fff'ffff);

ORRERY_PLAIN int rand() noexcept {
  Guard* const guard = Guard::active();
  return guard == nullptr ? original_rand() : static_cast<int>(guard->draw("rand"));
}

ORRERY_PLAIN long random() noexcept {
  Guard* const guard = Guard::active();
  return guard == nullptr ? original_random() : static_cast<long>(guard->draw("random"));
}

ORRERY_PLAIN std::uint32_t arc4random() noexcept {
  Guard* const guard = Guard::active();
  return guard == nullptr ? original_arc4random() : draw_32(*guard, "arc4random");
}

ORRERY_PLAIN void arc4random_buf(void* buffer, std::size_t bytes) noexcept {
  Guard* const guard = Guard::active();
  if (guard == nullptr) return original_arc4random_buf(buffer, bytes);
  guard->fill({static_cast<std::byte*>(buffer), bytes}, "arc4random_buf");
}

ORRERY_PLAIN std::uint32_t arc4random_uniform(std::uint32_t limit) noexcept {
  Guard* const guard = Guard::active();
  if (guard == nullptr) return original_arc4random_uniform(limit);
  if (limit < 2) return 0;
  return static_cast<std::uint32_t>((std::uint64_t{draw_32(*guard, "arc4random_uniform")} * limit) >> 32);
}

ORRERY_PLAIN int open(const char* path, int flags, ...) {
  if (Guard* const guard = Guard::active(); guard != nullptr && is_entropy_device(path)) {
    return guard->open_entropy("open of an entropy device");
  }
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return original_open(path, flags, mode);
}

ORRERY_PLAIN int open64(const char* path, int flags, ...) {
  if (Guard* const guard = Guard::active(); guard != nullptr && is_entropy_device(path)) {
    return guard->open_entropy("open of an entropy device");
  }
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return original_open64(path, flags, mode);
}

ORRERY_PLAIN int openat(int folder, const char* path, int flags, ...) {
  if (Guard* const guard = Guard::active(); guard != nullptr && is_entropy_device(path)) {
    return guard->open_entropy("open of an entropy device");
  }
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return original_openat(folder, path, flags, mode);
}

ORRERY_PLAIN int openat64(int folder, const char* path, int flags, ...) {
  if (Guard* const guard = Guard::active(); guard != nullptr && is_entropy_device(path)) {
    return guard->open_entropy("open of an entropy device");
  }
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return original_openat64(folder, path, flags, mode);
}

ORRERY_PLAIN std::FILE* fopen(const char* __restrict path, const char* __restrict mode) {
  Guard* const guard = Guard::active();
  if (guard == nullptr || !is_entropy_device(path)) return original_fopen(path, mode);
  return open_entropy_file(*guard, "fopen of an entropy device");
}

ORRERY_PLAIN std::FILE* fopen64(const char* __restrict path, const char* __restrict mode) {
  Guard* const guard = Guard::active();
  if (guard == nullptr || !is_entropy_device(path)) return original_fopen64(path, mode);
  return open_entropy_file(*guard, "fopen of an entropy device");
}

// ---- threads and waits ----------------------------------------------------------------------------------------------------

ORRERY_PLAIN int pthread_create(pthread_t* __restrict thread, const pthread_attr_t* __restrict attributes,
                                void* (*start)(void*), void* __restrict argument) noexcept {
  Guard* const guard = Guard::active();
  if (guard == nullptr) return original_pthread_create(thread, attributes, start, argument);
  guard->refuse_thread("pthread_create");
  return EAGAIN;
}

ORRERY_PLAIN int pthread_cond_wait(pthread_cond_t* __restrict condition, pthread_mutex_t* __restrict mutex) {
  Guard* const guard = Guard::active();
  if (guard == nullptr) return original_pthread_cond_wait(condition, mutex);
  guard->refuse_wait("pthread_cond_wait");
  return 0;
}

ORRERY_PLAIN int pthread_cond_timedwait(pthread_cond_t* __restrict condition, pthread_mutex_t* __restrict mutex,
                                        const timespec* __restrict until) {
  Guard* const guard = Guard::active();
  if (guard == nullptr) return original_pthread_cond_timedwait(condition, mutex, until);
  guard->refuse_wait("pthread_cond_timedwait");
  return ETIMEDOUT;
}

ORRERY_PLAIN int pthread_cond_clockwait(pthread_cond_t* __restrict condition, pthread_mutex_t* __restrict mutex,
                                        clockid_t clock, const timespec* __restrict until) {
  Guard* const guard = Guard::active();
  if (guard == nullptr) return original_pthread_cond_clockwait(condition, mutex, clock, until);
  guard->refuse_wait("pthread_cond_clockwait");
  return ETIMEDOUT;
}

}  // extern "C"

// Under a name of its own here: libstdc++'s is a private member, and unistd.h says that syscall() does not throw, while the
// waits of std::future and std::atomic, which come through it, may be left by an exception.
unsigned orrery_random_device_value(std::random_device* device) __asm__("_ZNSt13random_device9_M_getvalEv");
long orrery_syscall(long number, ...) __asm__("syscall");

// Weak: a program with a libstdc++ of its own (-static-libstdc++) keeps that one's, and unguarded_functions() says so.
__attribute__((weak)) ORRERY_PLAIN unsigned orrery_random_device_value(std::random_device* device) {
  Guard* const guard = Guard::active();
  return guard == nullptr ? original_getval(device) : draw_32(*guard, "std::random_device");
}

ORRERY_PLAIN long orrery_syscall(long number, ...) {
  va_list rest;
  va_start(rest, number);
  long arguments[6];
  for (long& argument : arguments) argument = va_arg(rest, long);  // as the C library does: the kernel knows how many
  va_end(rest);
  if (Guard* const guard = Guard::active(); guard != nullptr) [[unlikely]] {
    if (number == SYS_getrandom) {
      const auto bytes = static_cast<std::size_t>(arguments[1]);
      guard->fill({reinterpret_cast<std::byte*>(arguments[0]), bytes}, "syscall(SYS_getrandom)");
      return static_cast<long>(bytes);
    }
    const long command = arguments[1] & FUTEX_CMD_MASK;
    if (number == SYS_futex && (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET)) {
      const auto* const word = reinterpret_cast<const std::atomic<std::uint32_t>*>(arguments[0]);
      if (word->load(std::memory_order_acquire) == static_cast<std::uint32_t>(arguments[2])) {
        guard->refuse_wait("a wait for a future, an atomic or a semaphore");
        errno = arguments[3] == 0 ? EINTR : ETIMEDOUT;
        return -1;
      }
    }
  }
  return original_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

// ---- whether it works -------------------------------------------------------------------------------------------------

std::vector<std::string> orrery::sim::unguarded_functions() {
  struct Guarded {
    const char* name;
    void* ours;
  };
#define ORRERY_GUARDED(function) \
  Guarded { #function, reinterpret_cast<void*>(&function) }
  const Guarded all[] = {
      ORRERY_GUARDED(clock_gettime),
      Guarded{"gettimeofday", reinterpret_cast<void*>(static_cast<int (*)(timeval*, void*)>(&gettimeofday))},
      Guarded{"time", reinterpret_cast<void*>(static_cast<time_t (*)(time_t*)>(&::time))},
      ORRERY_GUARDED(timespec_get),
      Guarded{"clock", reinterpret_cast<void*>(static_cast<clock_t (*)()>(&::clock))},
      ORRERY_GUARDED(nanosleep),
      ORRERY_GUARDED(clock_nanosleep),
      ORRERY_GUARDED(usleep),
      ORRERY_GUARDED(sleep),
      ORRERY_GUARDED(getrandom),
      ORRERY_GUARDED(getentropy),
      ORRERY_GUARDED(rand),
      ORRERY_GUARDED(random),
      ORRERY_GUARDED(arc4random),
      ORRERY_GUARDED(arc4random_buf),
      ORRERY_GUARDED(arc4random_uniform),
      ORRERY_GUARDED(open),
      ORRERY_GUARDED(open64),
      ORRERY_GUARDED(openat),
      ORRERY_GUARDED(openat64),
      ORRERY_GUARDED(fopen),
      ORRERY_GUARDED(fopen64),
      ORRERY_GUARDED(pthread_create),
      ORRERY_GUARDED(pthread_cond_wait),
      ORRERY_GUARDED(pthread_cond_timedwait),
      ORRERY_GUARDED(pthread_cond_clockwait),
      Guarded{"syscall", reinterpret_cast<void*>(&orrery_syscall)},
      Guarded{"_ZNSt13random_device9_M_getvalEv", reinterpret_cast<void*>(&orrery_random_device_value)},
  };
#undef ORRERY_GUARDED
  std::vector<std::string> missing;
  for (const auto& [name, ours] : all) {
    if (::dlsym(RTLD_DEFAULT, name) != ours) missing.emplace_back(name);
  }
  return missing;
}
