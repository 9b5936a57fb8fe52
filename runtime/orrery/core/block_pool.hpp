// block_pool.hpp: memory for message envelopes, one pool per thread.
// Why:  a tell allocates on the sender's thread and frees on the receiver's. A general allocator pays for
//       that crossing with shared bins or locks; here the block simply goes back to the pool it was cut from.
// How:  a pool cuts 64 KiB slabs, aligned to 64 KiB, into blocks of one size class. Masking a block's address
//       finds its slab, and the slab names its owner. Owner's releases go onto a plain list; everyone else
//       pushes onto the owner's remote list, which the owner takes whole with one exchange once its own list
//       has run dry. A pool outlives its thread: it is abandoned at thread exit and adopted by a later
//       thread.
// Always true:  (B1) a slab has one owner and one size class for as long as one of its blocks is live
//               (B2) a pool's plain lists and counters are written by one thread at a time: the thread that
//                    holds it, or, while it is abandoned, whoever holds the registry's mutex
//               (B3) nodes leave a remote list only all at once, so its compare-exchange has no ABA
// Not chosen:   a thread-local cache over a shared pool (the batch that crosses costs a lock); a header per
//               block (16 bytes for what the mask gives free); one header address per slab (all headers 64
//               KiB apart fall into one cache set, so they are spread over the slab's first 2 KiB).
// Source:       the owner-direct remote list is mimalloc's (D. Leijen, B. Zorn, L. de Moura: "Mimalloc: free
//               list sharding in action", 2019); slabs are J. Bonwick's (1994); the remote stack is R. K.
//               Treiber's (1986).
//
// Under ASan and TSan each block comes from operator new, so that those tools see every one; counting stays.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "orrery/core/check.hpp"

// 1: blocks are cut from slabs, 0: each is its own operator new. One value for a whole program.
#if !defined(ORRERY_BLOCK_POOL_SLABS)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ORRERY_BLOCK_POOL_SLABS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ORRERY_BLOCK_POOL_SLABS 0
#else
#define ORRERY_BLOCK_POOL_SLABS 1
#endif
#else
#define ORRERY_BLOCK_POOL_SLABS 1
#endif
#endif

namespace orrery {

class BlockPool {
 public:
  static constexpr bool uses_slabs = ORRERY_BLOCK_POOL_SLABS != 0;
  static constexpr std::size_t block_alignment = 16;
  static constexpr std::size_t slab_bytes = std::size_t{64} * 1024;
  static constexpr std::array<std::uint16_t, 8> class_bytes{64, 96, 128, 192, 256, 384, 512, 1024};
  static constexpr std::size_t pooled_bytes_max = class_bytes.back();

  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  /// Returns: the calling thread's pool. The reference is good on this thread only, so whoever holds it must
  ///          not keep it over a fiber switch; the noinline call is what keeps compilers from doing so in
  ///          secret.
  /// Threads: any.    Blocks: nothing, but the first call of a thread takes the registry's mutex.
  [[nodiscard, gnu::noinline]] static BlockPool& local() noexcept;

  /// Returns: `bytes` of memory aligned to 16 (to `alignment` in the second form), for release() on any
  ///          thread.
  ///
  /// Pre:     this is the calling thread's pool; `alignment` is a power of two.
  /// Errors:  std::bad_alloc when the system has no memory left.
  /// Cost:    one list pop. Above pooled_bytes_max, or aligned to more than 16, an operator new.
  [[nodiscard]] void* allocate(std::size_t bytes);
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment);

  /// Takes back what allocate() gave; `here` is the calling thread's pool, for callers that know it already.
  ///
  /// Pre:     `block` came from any pool's allocate() with the same `bytes` and `alignment`, and was not
  ///          released since (a second release is caught unless the block was given out again in between).
  /// Threads: any.    Blocks: nothing.    Cost: one list push; into another thread's pool one CAS when
  ///          uncontended.
  static void release(BlockPool& here, void* block, std::size_t bytes) noexcept;
  static void release(BlockPool& here, void* block, std::size_t bytes, std::size_t alignment) noexcept;
  static void release(void* block, std::size_t bytes) noexcept { release(local(), block, bytes); }
  static void release(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    release(local(), block, bytes, alignment);
  }

  /// Returns: blocks given out and not yet released, of all threads and sizes. Exact if what other threads
  ///          did happens before this call (they were joined, say); else a moment's estimate.
  /// Threads: any.    Blocks: worker, on the registry's mutex.    Cost: O(threads that ever ran at once).
  [[nodiscard]] static std::uint64_t live_blocks();

  /// Gives the memory of slabs without a live block back to the system, from the calling thread's pool and
  /// from abandoned ones.
  ///
  /// Returns: the bytes given back. Their addresses stay reserved and serve later slabs.
  /// Threads: any.    Blocks: worker, on the registry's mutex.    Cost: O(free blocks + slabs).
  static std::size_t trim() noexcept;

 private:
  struct Registry;
  static constexpr std::size_t class_count = class_bytes.size();
  static constexpr std::size_t header_bytes = 64;
  static constexpr std::size_t header_area_bytes = 2048;
  static constexpr std::uint64_t free_mark = 0x9d5c'0f3e'b1a7'6e25;

  struct FreeBlock {
    FreeBlock* next;
    std::uint64_t mark;  // free_mark mixed with the address while free; the aid against double release
  };
  struct alignas(header_bytes) Slab {
    BlockPool* owner;
    Slab* next;
    std::byte* base;
    std::uint32_t size_class;
    std::uint32_t free_blocks;  // counted by trim() only
  };
  struct ClassState {
    FreeBlock* free = nullptr;
    std::byte* uncut = nullptr;  // the newest slab's rest [uncut, uncut_end), never given out so far
    std::byte* uncut_end = nullptr;
    Slab* slabs = nullptr;
  };
  struct alignas(64) RemoteList {
    std::atomic<FreeBlock*> head{nullptr};
  };

  BlockPool() = default;
  ~BlockPool() = default;

  static constexpr auto class_table = [] {
    std::array<std::uint8_t, pooled_bytes_max / block_alignment + 1> table{};
    std::uint8_t size_class = 0;
    for (std::size_t i = 0; i < table.size(); ++i) {
      if (i * block_alignment > class_bytes[size_class]) ++size_class;
      table[i] = size_class;
    }
    return table;
  }();
  static constexpr std::size_t class_of(std::size_t bytes) noexcept {
    return class_table[(bytes + block_alignment - 1) / block_alignment];
  }
  static Slab& slab_of(const void* block) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    const auto base = address & ~(slab_bytes - 1);
    const auto colour = (address / slab_bytes) % (header_area_bytes / header_bytes);
    return *reinterpret_cast<Slab*>(base + colour * header_bytes);
  }
  static std::uint64_t mark_for(const void* block) noexcept {
    return free_mark ^ reinterpret_cast<std::uintptr_t>(block);
  }
  static FreeBlock* mark_free(void* block) noexcept;
  static void mark_live(FreeBlock* block) noexcept {
    // Volatile: the caller's constructor begins a new lifetime here, so a plain store counts as dead and goes
    // away, and a payload that leaves these bytes alone would look released.
    const_cast<volatile std::uint64_t&>(block->mark) = 0;
  }
  static void add_one(std::atomic<std::uint64_t>& counter) noexcept {
    // B2: one writer, so no read-modify-write; relaxed, the readers only add up.
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  static BlockPool& join_thread() noexcept;
  static void leave_thread(void* pool) noexcept;

  FreeBlock* refill(std::size_t size_class);
  FreeBlock* cut(std::size_t size_class);
  void push_remote(std::size_t size_class, FreeBlock* block) noexcept;
  void* allocate_alone(std::size_t bytes, std::size_t alignment);
  void release_alone(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  std::size_t give_back_free_slabs(Registry& registry) noexcept;

  std::array<ClassState, class_count> classes_{};
  std::atomic<std::uint64_t> allocated_{0};
  std::atomic<std::uint64_t> released_{0};
  std::array<RemoteList, class_count> remote_{};  // each on its own line: other threads write here
};

/// The calling thread's pool without holding it: BlockPool::local().allocate(bytes).
[[nodiscard]] inline void* allocate_block(std::size_t bytes) { return BlockPool::local().allocate(bytes); }

inline void* BlockPool::allocate(std::size_t bytes) {
  if (!uses_slabs || bytes > pooled_bytes_max) [[unlikely]]
    return allocate_alone(bytes, block_alignment);
  const std::size_t size_class = class_of(bytes);
  FreeBlock* block = classes_[size_class].free;
  if (block == nullptr) [[unlikely]]
    block = refill(size_class);
  classes_[size_class].free = block->next;
  mark_live(block);
  add_one(allocated_);
  return block;
}

inline void* BlockPool::allocate(std::size_t bytes, std::size_t alignment) {
  return alignment <= block_alignment ? allocate(bytes) : allocate_alone(bytes, alignment);
}

inline BlockPool::FreeBlock* BlockPool::mark_free(void* block) noexcept {
  auto* free = static_cast<FreeBlock*>(block);
  auto& mark = const_cast<volatile std::uint64_t&>(free->mark);  // volatile: as in mark_live()
  const std::uint64_t mark_if_free = mark_for(block);
  ORRERY_CHECK(mark != mark_if_free, "block {} released twice", block);
  mark = mark_if_free;
  return free;
}

inline void BlockPool::release(BlockPool& here, void* block, std::size_t bytes) noexcept {
  if (!uses_slabs || bytes > pooled_bytes_max) [[unlikely]]
    return here.release_alone(block, bytes, block_alignment);
  const std::size_t size_class = class_of(bytes);
  const Slab& slab = slab_of(block);
  ORRERY_CHECK(slab.size_class == size_class, "block {} released as {} bytes, not its size", block, bytes);
  FreeBlock* free = mark_free(block);
  add_one(here.released_);
  if (slab.owner == &here) [[likely]] {
    free->next = here.classes_[size_class].free;
    here.classes_[size_class].free = free;
  } else {
    slab.owner->push_remote(size_class, free);
  }
}

inline void BlockPool::release(BlockPool& here, void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (alignment <= block_alignment) return release(here, block, bytes);
  here.release_alone(block, bytes, alignment);
}

}  // namespace orrery
