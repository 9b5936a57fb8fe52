#include "orrery/fiber/thread_slot.hpp"

#if defined(__clang__)
#define ORRERY_FIBER_OPAQUE [[gnu::noinline]]
#else
#define ORRERY_FIBER_OPAQUE [[gnu::noinline, gnu::noipa]]
#endif

namespace orrery::fiber {
namespace {

// initial-exec: the offset from the thread pointer is fixed at load time, which saves the call of
// __tls_get_addr that position-independent code would make. Eight bytes fit the reserve that glibc keeps
// for libraries loaded late.
[[gnu::tls_model("initial-exec")]] constinit thread_local void* slot = nullptr;

}  // namespace

// The empty asm statements make both functions look as if they touched all memory, so that no analysis,
// within this file or at link time, can conclude that two calls in a row give the same answer (T1).
ORRERY_FIBER_OPAQUE void* thread_slot() noexcept {
  __asm__ volatile("" ::: "memory");
  return slot;
}

ORRERY_FIBER_OPAQUE void set_thread_slot(void* value) noexcept {
  slot = value;
  __asm__ volatile("" ::: "memory");
}

}  // namespace orrery::fiber
