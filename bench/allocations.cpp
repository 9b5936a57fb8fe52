#include "bench/allocations.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

struct alignas(64) Counter {
  std::atomic<std::uint64_t> count{0};
};
// Threads share a counter when there are more of them than counters, hence an addition and not a plain store.
constinit std::array<Counter, 64> counters{};
constinit std::atomic<std::size_t> threads{0};

void count() noexcept {
  thread_local const std::size_t mine = threads.fetch_add(1, std::memory_order_relaxed) % counters.size();
  counters[mine].count.fetch_add(1, std::memory_order_relaxed);
}

void* allocate(std::size_t bytes) {
  count();
  void* const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}
void* allocate(std::size_t bytes, std::align_val_t alignment) {
  count();
  const auto to = static_cast<std::size_t>(alignment);
  void* const memory = std::aligned_alloc(to, (bytes + to - 1) / to * to);
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}

}  // namespace

namespace orrery::bench {

std::uint64_t allocations() noexcept {
  std::uint64_t sum = 0;
  for (const auto& counter : counters) sum += counter.count.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace orrery::bench

// The other forms of new and delete end in these.
void* operator new(std::size_t bytes) { return allocate(bytes); }
void* operator new(std::size_t bytes, std::align_val_t alignment) { return allocate(bytes, alignment); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
