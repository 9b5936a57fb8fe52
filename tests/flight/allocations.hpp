// allocations.hpp: how often the calling thread has allocated, in this executable; not under sanitizers, which allocate
// themselves.
#pragma once
#include <cstddef>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define ORRERY_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define ORRERY_TEST_SANITIZED 1
#endif
#endif

namespace orrery {

#if defined(ORRERY_TEST_SANITIZED)
inline constexpr bool counts_allocations = false;
#else
inline constexpr bool counts_allocations = true;
#endif

/// Returns: 0 where they are not counted.
[[nodiscard]] std::size_t allocations() noexcept;

}  // namespace orrery
