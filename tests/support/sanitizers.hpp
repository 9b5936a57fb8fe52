// sanitizers.hpp: which sanitizer this test was built with.
#pragma once

#if defined(__has_feature)  // clang
#define ORRERY_TEST_HAS_SANITIZER(name) __has_feature(name)
#else
#define ORRERY_TEST_HAS_SANITIZER(name) 0
#endif

namespace orrery::test_support {

#if defined(__SANITIZE_THREAD__) || ORRERY_TEST_HAS_SANITIZER(thread_sanitizer)
inline constexpr bool under_tsan = true;
#else
inline constexpr bool under_tsan = false;
#endif

#if defined(__SANITIZE_ADDRESS__) || ORRERY_TEST_HAS_SANITIZER(address_sanitizer)
inline constexpr bool under_asan = true;
#else
inline constexpr bool under_asan = false;
#endif

inline constexpr bool is_sanitized = under_tsan || under_asan;

/// Whether the memory of this process, and its calls of the allocator, are the program's own: sanitizers have allocators of their
/// own, which keep what is freed for a while on purpose.
inline constexpr bool memory_says_something = !is_sanitized;

}  // namespace orrery::test_support

#undef ORRERY_TEST_HAS_SANITIZER
