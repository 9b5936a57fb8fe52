#include "tests/flight/allocations.hpp"

#include <cstdlib>
#include <new>

namespace {
// Reached only through this function: a fiber may go on elsewhere.
[[gnu::noinline]] std::size_t& count() noexcept {
  thread_local std::size_t allocations = 0;
  return allocations;
}
}  // namespace

std::size_t orrery::allocations() noexcept { return count(); }

#if !defined(ORRERY_TEST_SANITIZED)
void* operator new(std::size_t bytes) {
  ++count();
  if (void* const block = std::malloc(bytes == 0 ? 1 : bytes)) return block;
  throw std::bad_alloc{};
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
#endif
