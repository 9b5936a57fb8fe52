// asymmetric_fence.hpp: a pair of fences of which the one on the busy side costs nothing.
// Why:  a worker that takes its next actor, or makes one runnable, must be ordered against the rare thread that wants
//       to sleep or to take something away from it (Dekker's problem: each stores, then loads what the other stored).
//       A full fence or a read-modify-write on the busy side costs about as much as a whole tell.
// How:  the rare side asks the kernel to run a full fence on every thread of the process at once; between two
//       instructions of the busy side there is then either nothing of it, or all of it, so the compiler's order is
//       enough there.
//
//         busy side:  store A; light_fence(); load B          rare side:  store B; heavy_fence(); load A
//         at least one of the two loads sees the other side's store
//
// Always true:  (F1) of a light_fence() and a heavy_fence() on two threads, one comes first: what the first thread
//                    stored before it is seen by what the second one loads after it
// Not chosen:   a read-modify-write on the busy side: 4.7 ns each (docs/performance.md), two to four per message.
// Source:       membarrier(2), MEMBARRIER_CMD_PRIVATE_EXPEDITED; the proposal P1202 and folly's AsymmetricThreadFence
//               for the idea and the names.
#pragma once
#include "orrery/core/atomic.hpp"

#include <atomic>

namespace orrery {

namespace detail {
extern bool light_fence_is_free;  ///< written once, by prepare_asymmetric_fences()
}

/// Finds out what the kernel offers; without membarrier both fences are full ones. Call it before the first thread that
/// uses a fence is started.    Threads: any.
void prepare_asymmetric_fences() noexcept;

/// The busy side.    Cost: a load and a branch; keeps the compiler's order.
inline void light_fence() noexcept {
  if (detail::light_fence_is_free) [[likely]] {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
    thread_fence(std::memory_order_seq_cst);
  }
}

/// The rare side.    Cost: a system call that interrupts the other running threads of the process: 1 to 10 us.
void heavy_fence() noexcept;

}  // namespace orrery
