// memory.hpp: how much memory the process holds.
#pragma once
#include <malloc.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>

namespace orrery::test_support {

/// Returns: bytes of this process that are in memory.
[[nodiscard]] inline std::size_t resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// The same without what the C library keeps of memory that was freed: each thread frees into arenas of its own, which the C library
/// returns only from their ends, so that in a long life each of them comes to be as large as it ever was on some day.
[[nodiscard]] inline std::size_t held_bytes() {
  malloc_trim(0);
  return resident_bytes();
}

}  // namespace orrery::test_support
