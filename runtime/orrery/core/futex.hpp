// futex.hpp: the kernel's wait on a word.
// Why:  the only way for a thread to sleep until another changes a word, with a deadline and without a lock.
// Source:  U. Drepper: "Futexes Are Tricky", 2011.
#pragma once
#include "orrery/core/atomic.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace orrery {

using FutexDeadline = std::optional<std::chrono::steady_clock::time_point>;

/// Sleeps while `word` is `expected`; may also return for no reason.
///
/// Returns: false if the deadline has passed.    Blocks: the thread.
[[nodiscard]] bool futex_wait(Atomic<std::uint32_t>& word, std::uint32_t expected, FutexDeadline deadline);

/// Wakes one thread that sleeps on `word`, if any does.    Threads: any.    Cost: a system call.
void futex_wake_one(Atomic<std::uint32_t>& word) noexcept;

}  // namespace orrery
