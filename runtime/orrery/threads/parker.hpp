// parker.hpp: how a worker thread sleeps until there is work.
// Why:  between "I found nothing" and "I am asleep" new work may come. A token that outlives the wake-up call
//       closes that gap: an unpark() that comes too early makes the next park() return at once.
// How:  one word and the kernel's futex on it. park() takes one from the word, unpark() sets it to `token`:
//
//           empty (0) --unpark--> token (1)          token --park--> empty, returns at once
//           empty --park--> parked (-1), sleeps      parked --unpark--> token and a wake --> empty, returns
//                                                    parked --deadline--> empty, returns
//
// Always true:  (P1) an unpark() is never lost: it ends the park() it meets, or the next one
//               (P2) any number of unpark() since the last park() count as one
//               (P3) park() never returns without a token or a deadline that has passed
// Not chosen:   a condition variable (a mutex, two more system calls in the worst case); std::atomic::wait
//               (no deadline in C++23, and libstdc++ spins and shares its wait queues between addresses).
// Source:       Rust's std::thread::park on futex; U. Drepper: "Futexes Are Tricky", 2011.
#pragma once
#include "orrery/core/atomic.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace orrery {

class Parker {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  Parker() = default;
  Parker(const Parker&) = delete;
  Parker& operator=(const Parker&) = delete;

  /// Sleeps until there is a token, and takes it; or until `deadline`.
  ///
  /// Returns: true with the token, false if the deadline passed without one.
  /// Threads: the one that this parker belongs to, one at a time (checked).
  /// Blocks:  worker, without using the CPU. What happened before unpark() is visible after it returned true.
  bool park(std::optional<Deadline> deadline = std::nullopt);

  /// Leaves a token, and wakes the thread if it sleeps.
  ///
  /// Threads: any; the parker must outlive the call.    Blocks: nothing.
  /// Cost:    one exchange, and a system call only if the thread sleeps.
  void unpark() noexcept;

 private:
  using Word = std::uint32_t;
  static constexpr Word empty = 0;
  static constexpr Word token = 1;
  static constexpr Word parked = static_cast<Word>(-1);

  alignas(64) Atomic<Word> word_{empty};  // its own line: unparking threads write it
};

}  // namespace orrery
