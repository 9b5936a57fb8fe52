#include "orrery/core/block_pool.hpp"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <vector>

namespace orrery {
namespace {

// Slabs are taken from the system in chunks of a huge page and never returned as addresses: trim() gives back
// the pages behind them. So a slab costs no mapping of its own (the process's map count is for fiber stacks).
constexpr std::size_t chunk_bytes = std::size_t{2} * 1024 * 1024;

// Blocks are chained this many bytes at a time, so that a fresh slab neither touches all its pages at once
// nor sends every allocation through refill().
constexpr std::size_t cut_bytes = 4096;

// A pointer without a destructor, so that it can be read until the thread's very end; the pthread key below
// has the destructor. Reached through BlockPool::local() only.
constinit thread_local BlockPool* current_pool = nullptr;

}  // namespace

// Never destroyed: blocks may be released by static destructors after main().
struct BlockPool::Registry {
  std::mutex mutex;
  std::vector<BlockPool*> pools;        // all, in order of creation
  std::vector<BlockPool*> abandoned;    // those that no thread holds
  std::vector<std::byte*> spare_slabs;  // no live block, no owner; room for every slab is reserved
  std::size_t slab_count = 0;
  pthread_key_t at_thread_exit{};

  Registry() {
    // A key and not a thread_local object: keys are cleared after all thread_local destructors, and set again
    // by a late user they are cleared again, so no pool is lost to the order of destruction.
    const int error = pthread_key_create(&at_thread_exit, &BlockPool::leave_thread);
    ORRERY_CHECK(error == 0);
  }

  static Registry& get() {
    static Registry& registry = *new Registry;
    return registry;
  }

  /// Pre: the mutex is held.
  std::byte* take_spare_slab() {
    if (spare_slabs.empty()) {
      constexpr std::size_t slabs = chunk_bytes / slab_bytes;
      spare_slabs.reserve(slab_count + slabs);
      auto* chunk = static_cast<std::byte*>(::operator new(chunk_bytes, std::align_val_t{chunk_bytes}));
      for (std::size_t i = slabs; i-- > 0;) spare_slabs.push_back(chunk + i * slab_bytes);
      slab_count += slabs;
    }
    auto* slab = spare_slabs.back();
    spare_slabs.pop_back();
    return slab;
  }
};

BlockPool& BlockPool::local() noexcept {
  // The barrier keeps link-time optimisation from finding this function pure and merging calls across a
  // switch.
  asm volatile("" ::: "memory");
  BlockPool* pool = current_pool;
  if (pool == nullptr) [[unlikely]]
    return join_thread();
  return *pool;
}

[[gnu::cold]] BlockPool& BlockPool::join_thread() noexcept {
  Registry& registry = Registry::get();
  BlockPool* pool = nullptr;
  {
    const std::scoped_lock lock(registry.mutex);
    if (registry.abandoned.empty()) {
      registry.pools.reserve(registry.pools.size() + 1);
      registry.abandoned.reserve(registry.pools.capacity());  // leave_thread() must not fail
      pool = new BlockPool;
      registry.pools.push_back(pool);
    } else {
      pool = registry.abandoned.back();
      registry.abandoned.pop_back();
    }
  }
  const int error = pthread_setspecific(registry.at_thread_exit, pool);
  ORRERY_CHECK(error == 0);
  current_pool = pool;
  return *pool;
}

void BlockPool::leave_thread(void* pool) noexcept {
  current_pool = nullptr;
  Registry& registry = Registry::get();
  const std::scoped_lock lock(registry.mutex);
  registry.abandoned.push_back(static_cast<BlockPool*>(pool));
}

BlockPool::FreeBlock* BlockPool::refill(std::size_t size_class) {
  ORRERY_CHECK(this == current_pool, "a pool was used by a thread that does not own it");
  // Relaxed look first: an exchange would take the line from the threads that push. The exchange pairs with
  // the release in push_remote().
  auto& remote = remote_[size_class].head;
  if (remote.load(std::memory_order_relaxed) != nullptr) return remote.exchange(nullptr, std::memory_order_acquire);
  return cut(size_class);
}

BlockPool::FreeBlock* BlockPool::cut(std::size_t size_class) {
  ClassState& state = classes_[size_class];
  const std::size_t bytes = class_bytes[size_class];
  if (state.uncut == state.uncut_end) {
    std::byte* base = nullptr;
    {
      Registry& registry = Registry::get();
      const std::scoped_lock lock(registry.mutex);
      base = registry.take_spare_slab();
    }
    auto* slab = ::new (&slab_of(base)) Slab{
        .owner = this,
        .next = state.slabs,
        .base = base,
        .size_class = static_cast<std::uint32_t>(size_class),
        .free_blocks = 0,
    };
    state.slabs = slab;
    state.uncut = base + header_area_bytes;
    state.uncut_end = state.uncut + (slab_bytes - header_area_bytes) / bytes * bytes;
  }
  const auto left = static_cast<std::size_t>(state.uncut_end - state.uncut) / bytes;
  const std::size_t count = std::min(left, cut_bytes / bytes);
  FreeBlock* first = nullptr;
  for (std::size_t i = count; i-- > 0;) {
    std::byte* block = state.uncut + i * bytes;
    first = ::new (block) FreeBlock{.next = first, .mark = mark_for(block)};
  }
  state.uncut += count * bytes;
  return first;
}

void BlockPool::push_remote(std::size_t size_class, FreeBlock* block) noexcept {
  auto& head = remote_[size_class].head;
  FreeBlock* next = head.load(std::memory_order_relaxed);
  do {
    block->next = next;
    // Release pairs with the owner's acquire in refill(). B3: `next` may have been taken and pushed again
    // meanwhile, and then it is the list's true head again.
  } while (!head.compare_exchange_weak(next, block, std::memory_order_release, std::memory_order_relaxed));
}

void* BlockPool::allocate_alone(std::size_t bytes, std::size_t alignment) {
  void* block =
      alignment <= block_alignment ? ::operator new(bytes) : ::operator new(bytes, std::align_val_t{alignment});
  add_one(allocated_);
  return block;
}

void BlockPool::release_alone(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  add_one(released_);
  if (alignment <= block_alignment) {
    ::operator delete(block, bytes);
  } else {
    ::operator delete(block, bytes, std::align_val_t{alignment});
  }
}

std::uint64_t BlockPool::live_blocks() {
  Registry& registry = Registry::get();
  const std::scoped_lock lock(registry.mutex);
  std::uint64_t allocated = 0;
  std::uint64_t released = 0;
  for (const BlockPool* pool : registry.pools) {
    released += pool->released_.load(std::memory_order_relaxed);
    allocated += pool->allocated_.load(std::memory_order_relaxed);
  }
  // A block may be counted released and not yet allocated while other threads are at work.
  return allocated > released ? allocated - released : 0;
}

std::size_t BlockPool::trim() noexcept {
  BlockPool& here = local();
  Registry& registry = Registry::get();
  const std::scoped_lock lock(registry.mutex);
  std::size_t bytes = here.give_back_free_slabs(registry);
  for (BlockPool* pool : registry.abandoned) bytes += pool->give_back_free_slabs(registry);  // B2: under the mutex
  return bytes;
}

std::size_t BlockPool::give_back_free_slabs(Registry& registry) noexcept {
  std::size_t bytes_given_back = 0;
  for (std::size_t size_class = 0; size_class < class_count; ++size_class) {
    ClassState& state = classes_[size_class];
    // All free blocks in one list; acquire pairs with the release in push_remote().
    FreeBlock** end = &state.free;
    while (*end != nullptr) end = &(*end)->next;
    *end = remote_[size_class].head.exchange(nullptr, std::memory_order_acquire);

    // Only the newest slab, the head of the list, can have an uncut rest, and that counts as free.
    const std::size_t block_bytes = class_bytes[size_class];
    const auto blocks_per_slab = static_cast<std::uint32_t>((slab_bytes - header_area_bytes) / block_bytes);
    for (Slab* slab = state.slabs; slab != nullptr; slab = slab->next) slab->free_blocks = 0;
    if (state.slabs != nullptr)
      state.slabs->free_blocks =
          static_cast<std::uint32_t>(static_cast<std::size_t>(state.uncut_end - state.uncut) / block_bytes);
    for (FreeBlock* block = state.free; block != nullptr; block = block->next) ++slab_of(block).free_blocks;
    const auto is_free = [&](const Slab& slab) { return slab.free_blocks == blocks_per_slab; };

    if (state.slabs != nullptr && is_free(*state.slabs)) state.uncut = state.uncut_end = nullptr;
    for (FreeBlock** link = &state.free; *link != nullptr;) {
      if (is_free(slab_of(*link))) {
        *link = (*link)->next;
      } else {
        link = &(*link)->next;
      }
    }
    for (Slab** link = &state.slabs; *link != nullptr;) {
      Slab& slab = **link;
      if (!is_free(slab)) {
        link = &slab.next;
        continue;
      }
      *link = slab.next;
      std::byte* base = slab.base;
      // If refused, the memory is kept and reused all the same.
      (void)::madvise(base, slab_bytes, MADV_DONTNEED);
      registry.spare_slabs.push_back(base);
      bytes_given_back += slab_bytes;
    }
  }
  return bytes_given_back;
}

}  // namespace orrery
