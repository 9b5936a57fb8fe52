// thread_slot.hpp: one pointer per thread that a fiber may read after it has moved.
// Why:  compilers take the address of a `thread_local` for a constant of the function and keep it across
//       calls (g++ and clang under -fPIC; errno's address always). After a switch the function may run on
//       another thread, with the address of the first thread's variable still in a register.
// How:  the variable is private to one .cpp and reached only through functions that are never inlined, so
//       that every call finds the address anew on the thread it runs on. Any further thread_local used near
//       fibers follows this.
// Always true:  (T1) thread_slot() returns what the thread that makes the call last set, whichever stack it
//                    is on
// Rules for callers:  call again after every suspension, keep no pointer from before it; do not read errno
//                     after a suspension for a call made before it; hold no lock that knows its owner
//                     thread (std::mutex) across one.
// Not chosen:   a volatile thread_local (it constrains the access, not the address).
#pragma once

namespace orrery::fiber {

/// Returns: the calling thread's pointer, null until it is set.
///
/// Threads: any.    Blocks: nothing.    Cost: a call and two loads.
[[nodiscard]] void* thread_slot() noexcept;

/// Sets the calling thread's pointer; a switch neither saves nor changes it.
///
/// Threads: any.    Blocks: nothing.    Cost: a call, a load and a store.
void set_thread_slot(void* value) noexcept;

}  // namespace orrery::fiber
