// sanitizer.hpp: what AddressSanitizer and ThreadSanitizer must be told about stacks.
// Why:  both keep a model of "the stack of this thread". A switch they do not hear of makes ASan poison the
//       wrong bytes at the next throw, and makes TSan charge one fiber with the accesses of another.
// How:  one function per event in the life of a fiber; in a build without sanitizers each is empty. The
//       packaged Boost.Context carries no annotations, so they stand here, by hand.
// Always true:  (S1) between started_switch() and finished_switch() no instrumented code runs
//               (S2) the layout of FiberRecord is the same in every build
// Known limit:  every object that switches is built with the same sanitizers as this layer; an unannotated
//               switch in a sanitized program is exactly what this file exists to prevent.
// Source:       sanitizer/common_interface_defs.h and sanitizer/tsan_interface.h, the sections about
//               fibers.
#pragma once
#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ORRERY_FIBER_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define ORRERY_FIBER_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ORRERY_FIBER_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define ORRERY_FIBER_TSAN 1
#endif

// A switch is inlined into its caller: the processor predicts returns from a stack of its own, which a
// switch leaves out of step, so that every `ret` right after one costs a misprediction (6 ns; the whole
// switch takes 5). Not so under sanitizers, where no instrumented code may stand around the jump (S1).
#if defined(ORRERY_FIBER_ASAN) || defined(ORRERY_FIBER_TSAN)
#define ORRERY_FIBER_SWITCH __attribute__((noinline)) inline
#else
#define ORRERY_FIBER_SWITCH __attribute__((always_inline)) inline
#endif

#if defined(ORRERY_FIBER_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
/// For the functions around a switch: their locals stay on the true stack, and no access of theirs is
/// checked.
#define ORRERY_FIBER_UNSANITIZED __attribute__((no_sanitize("address")))
#elif defined(ORRERY_FIBER_TSAN)
#include <sanitizer/tsan_interface.h>
#define ORRERY_FIBER_UNSANITIZED __attribute__((no_sanitize("thread")))
#else
#define ORRERY_FIBER_UNSANITIZED
#endif

namespace orrery::fiber::detail {

#if defined(ORRERY_FIBER_TSAN)
inline constexpr bool tsan_build = true;
#else
inline constexpr bool tsan_build = false;
#endif

/// What the sanitizers know of one fiber. Unused, but present, in a plain build (S2).
struct FiberRecord {
  const void* stack_bottom = nullptr;  // ASan: told at creation, or learned at the first switch away
  std::size_t stack_bytes = 0;
  void* fake_stack = nullptr;    // ASan: the frames kept aside by detect_stack_use_after_return, while parked
  void* tsan_context = nullptr;  // TSan: its vector clock and shadow call stack
};

/// A fiber gets the stack of `bytes` bytes from `bottom` upwards.
inline void created(FiberRecord& record, const void* bottom, std::size_t bytes) noexcept {
  record.stack_bottom = bottom;
  record.stack_bytes = bytes;
#if defined(ORRERY_FIBER_TSAN)
  record.tsan_context = __tsan_create_fiber(0);
#endif
}

/// A fiber stands for the stack that runs now. ASan's bounds of it come with the first switch away.
inline void adopted([[maybe_unused]] FiberRecord& record) noexcept {
#if defined(ORRERY_FIBER_TSAN)
  record.tsan_context = __tsan_get_current_fiber();
#endif
}

/// The next instruction that counts is the jump from `from` to `to` (S1).
ORRERY_FIBER_UNSANITIZED inline void started_switch([[maybe_unused]] FiberRecord& from,
                                                    [[maybe_unused]] FiberRecord& to,
                                                    [[maybe_unused]] bool ordered) noexcept {
#if defined(ORRERY_FIBER_ASAN)
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack_bottom, to.stack_bytes);
#elif defined(ORRERY_FIBER_TSAN)
  __tsan_switch_to_fiber(to.tsan_context, ordered ? 0U : __tsan_switch_to_fiber_no_sync);
#endif
}

/// The jump is done, `to` runs. Teaches `from` the bounds of its stack, which is news for a thread's own.
ORRERY_FIBER_UNSANITIZED inline void finished_switch([[maybe_unused]] FiberRecord& from,
                                                     [[maybe_unused]] FiberRecord& to) noexcept {
#if defined(ORRERY_FIBER_ASAN)
  __sanitizer_finish_switch_fiber(to.fake_stack, &from.stack_bottom, &from.stack_bytes);
  to.fake_stack = nullptr;
#endif
}

/// A parked fiber will never run again: gives back what the sanitizers hold for it.
ORRERY_FIBER_UNSANITIZED inline void destroyed([[maybe_unused]] FiberRecord& record) noexcept {
#if defined(ORRERY_FIBER_ASAN)
  if (record.fake_stack != nullptr) {
    // ASan frees a fake stack only when its owner leaves it for good, and a parked fiber already left
    // meaning to return. So pretend to visit it: no byte of either stack is touched between these four
    // calls (S1).
    void* mine = nullptr;
    const void* my_bottom = nullptr;
    std::size_t my_bytes = 0;
    __sanitizer_start_switch_fiber(&mine, record.stack_bottom, record.stack_bytes);
    __sanitizer_finish_switch_fiber(record.fake_stack, &my_bottom, &my_bytes);
    __sanitizer_start_switch_fiber(nullptr, my_bottom, my_bytes);
    __sanitizer_finish_switch_fiber(mine, nullptr, nullptr);
    record.fake_stack = nullptr;
  }
#elif defined(ORRERY_FIBER_TSAN)
  __tsan_destroy_fiber(record.tsan_context);
#endif
}

/// Frames that were never unwound left red zones behind; the next owner of this memory must not trip over
/// them.
inline void unpoison([[maybe_unused]] void* bottom, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(ORRERY_FIBER_ASAN)
  __asan_unpoison_memory_region(bottom, bytes);
#endif
}

}  // namespace orrery::fiber::detail
