// atomic.hpp: the door through which lock-free code reaches the machine.
// Why:  whether such code is right shows only in the rare interleaving. Code that names its atomics, its pauses and its
//       locks here can be compiled a second time, against a checker that runs it through its interleavings and lets
//       its loads see every store that C++ allows them to see (docs/interleavings.md).
// How:  in every ordinary build the names below are the standard ones, by alias: no cost, no other behaviour. A
//       translation unit compiled with ORRERY_CHECKED_ATOMICS set to a quoted header takes that header instead.
// Rules for callers:  say the memory order of each operation; pause in every loop that waits; share plain members
//                     between threads as Plain, so that the checker can tell whether their accesses are ordered.
//                     A program is checked or it is not: the two kinds of translation units do not link together.
#pragma once

#if defined(ORRERY_CHECKED_ATOMICS)
#include ORRERY_CHECKED_ATOMICS
#else

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace orrery {

template <class T>
using Atomic = std::atomic<T>;

/// A member that no two threads may touch at once; something else must order their accesses.
template <class T>
using Plain = T;

using Mutex = std::mutex;
using ConditionVariable = std::condition_variable;

inline void thread_fence(std::memory_order order) noexcept { std::atomic_thread_fence(order); }

/// Tells the core that this is a wait: it saves power and leaves the pipeline to its twin.
inline void spin_pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Gives the core away: whoever is waited for may need one.
inline void yield_thread() noexcept { std::this_thread::yield(); }

}  // namespace orrery

#endif
