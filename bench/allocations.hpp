// allocations.hpp: how often the process has called operator new, for "allocations per operation".
// How:  allocations.cpp replaces operator new in every benchmark; each thread counts in a cache line of its own.
#pragma once
#include <cstdint>

namespace orrery::bench {

/// Returns: calls of operator new so far, by all threads.    Threads: any; exact when the others rest.
[[nodiscard]] std::uint64_t allocations() noexcept;

}  // namespace orrery::bench
