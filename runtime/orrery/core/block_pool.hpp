// block_pool.hpp: memory for message envelopes, one pool per thread.
// Why:  a tell allocates on the sender's thread and frees on the receiver's. A general allocator pays for
//       that crossing with shared bins or locks; here the block simply goes back to the slab it was cut from.
// How:  a pool cuts slabs of 64 KiB into blocks of one size class. Arithmetic on a block's address finds its slab's
//       header, which names the owner and counts what is out. The owner takes from one slab per class, the current
//       one, and puts a block back into the list of its slab; everyone else pushes it onto the slab's remote list,
//       and the first to do so tells the owner's list of pending slabs. The owner collects those when the current
//       slab has run dry, or before it rests. A slab with nothing out goes back to the SlabStore, but for a few.
//
//         none --take--> current --dry--> full --one is back--> roomy --all are back--> kept, or to the store
//                           ^----------------------------------- | <---------------------- |
//
//       A burst that others drain while its owner does something else comes back too: who pushes a slab's last block
//       onto its remote list purges the slab in place when many such wait already; and a pool whose thread rests (or
//       has ended) is collected by those who push. A pool outlives its thread: a later thread adopts it.
// Always true:  (B1) a slab has one owner and one size class for as long as one of its blocks is live
//               (B2) a pool, and the owner's part of its slabs, is written by whoever holds the pool: its thread, or,
//                    while that rests or has ended, whoever took `held_`
//               (B3) nodes leave a remote list only all at once, so its compare-exchange has no ABA; the same for the
//                    list of pending slabs
//               (B4) a slab is pending, or about to be, exactly while its remote list is not empty; a block on that
//                    list counts as out until it is collected, so a pending slab never changes its owner
//               (B5) who turns a remote list that holds every block into `purging` has the slab alone until it says
//                    `purged`
// Not chosen:   a thread-local cache over a shared pool (the batch that crosses costs a lock); one free list per class
//               for all slabs (nobody knows when a slab is empty: a burst was kept for ever); a header per block (16
//               bytes for what the arithmetic gives free).
// Source:       free lists per slab, local and remote, are mimalloc's (D. Leijen, B. Zorn, L. de Moura: "Mimalloc: free
//               list sharding in action", 2019), and so is the counter that one branch looks at; that whoever frees
//               may finish the owner's work is snmalloc's thought (P. Liétar et al.: "snmalloc: a message passing
//               allocator", 2019); slabs are J. Bonwick's (1994), the remote stack is R. K. Treiber's (1986).
//
// Under ASan and TSan each block comes from operator new, so that those tools see every one; counting stays.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "orrery/core/check.hpp"
#include "orrery/core/slab_store.hpp"

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
  static constexpr std::size_t slab_bytes = SlabStore::slab_bytes;
  static constexpr std::array<std::uint16_t, 16> class_bytes{64,   96,   128,  192,  256,  384,  512,    1024,
                                                             1536, 2048, 3072, 4096, 6144, 8192, 12'288, 16'384};
  static constexpr std::size_t pooled_bytes_max = class_bytes.back();
  /// Empty slabs that a pool keeps of each class (512 KiB), so that ordinary ups and downs never reach the store.
  static constexpr std::uint32_t kept_slabs_max = 8;
  /// Slabs that others have filled completely and their owner has not collected; from here on they purge them (4 MiB).
  static constexpr std::int32_t uncollected_slabs_max = 64;
  /// Pending slabs of a resting pool from which on others collect for it.
  static constexpr std::uint32_t pending_slabs_max = 32;

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
  /// from those whose threads rest or have ended.
  ///
  /// Returns: the bytes given back. Their addresses stay reserved and serve later slabs.
  /// Threads: any.    Blocks: worker, on the registry's mutex.    Cost: O(pools + slabs given back).
  static std::size_t trim() noexcept;

  /// Returns: bytes of slabs, of all threads, that are in memory or may be.    Threads: any.
  [[nodiscard]] static std::size_t slab_bytes_in_memory() noexcept;

  /// For its lifetime the calling thread, which is about to sleep, leaves its pool (if it has one) to others, who then
  /// can give back what they release there.
  ///
  /// Pre:     the thread uses no pool meanwhile.
  /// Blocks:  at its end, for as long as somebody is just collecting (at most some pending slabs, some 10 us).
  class Rest {
   public:
    Rest() noexcept;
    ~Rest();
    Rest(const Rest&) = delete;
    Rest& operator=(const Rest&) = delete;

   private:
    BlockPool* pool_;
  };

 private:
  struct Registry;
  static constexpr std::size_t class_count = class_bytes.size();
  static constexpr std::uint64_t free_mark = 0x9d5c'0f3e'b1a7'6e25;

  struct FreeBlock {
    FreeBlock* next;
    std::uint64_t mark;  // free_mark mixed with the address while free; the aid against double release
  };

  enum class SlabState : std::uint8_t { none, current, full, roomy, kept };

  /// Three lines: what never changes while the slab is owned, the owner's, everybody's.
  struct alignas(SlabStore::header_bytes) Slab {
    BlockPool* owner = nullptr;
    std::byte* base = nullptr;
    std::uint32_t size_class = 0;
    std::uint32_t block_count = 0;

    alignas(64) FreeBlock* free = nullptr;
    // How many more releases by the owner until it must look: the blocks that are out, those on the remote list
    // included; one more while current, so that it never looks then; 1 while full.
    std::uint32_t releases_to_look = 0;
    SlabState state = SlabState::none;
    std::byte* uncut = nullptr;  // [uncut, uncut_end) was never given out so far
    std::byte* uncut_end = nullptr;
    Slab* next = nullptr;  // in the list of roomy and kept slabs
    Slab* previous = nullptr;

    alignas(64) std::atomic<std::uint64_t> remote{0};  // see RemoteWord
    Slab* next_pending = nullptr;
  };
  static_assert(sizeof(Slab) == SlabStore::header_bytes);

  struct ClassState {
    Slab* current = &no_slab;
    Slab* roomy = nullptr;  // with kept ones at its end
    Slab* last_roomy = nullptr;
    std::uint32_t kept = 0;
  };
  static Slab no_slab;  // has no free block, and is never written

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
  static Slab& slab_of(const void* block) noexcept { return *static_cast<Slab*>(SlabStore::header_of(block)); }
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

  [[gnu::noinline]] void* allocate_slowly(std::size_t size_class);
  void look_at(Slab& slab) noexcept;
  void push_remote(Slab& slab, FreeBlock* block) noexcept;
  void* allocate_alone(std::size_t bytes, std::size_t alignment);
  void release_alone(void* block, std::size_t bytes, std::size_t alignment) noexcept;

  Slab& slab_with_room(std::size_t size_class);
  Slab& new_slab(std::size_t size_class);
  static void cut(Slab& slab) noexcept;
  void add_roomy(Slab& slab) noexcept;
  void remove_roomy(Slab& slab) noexcept;
  void keep_or_give(Slab& slab) noexcept;
  static void give(Slab& slab, bool is_cold) noexcept;
  void push_pending(Slab& slab) noexcept;
  void collect() noexcept;
  void collect_one(Slab& slab) noexcept;
  void finish_for_owner(Slab& slab, std::uint64_t word) noexcept;
  void collect_if_it_rests() noexcept;
  bool try_hold() noexcept;
  void hold() noexcept;
  void let_go() noexcept;
  void give_empty_slabs() noexcept;

  std::array<ClassState, class_count> classes_{};
  std::atomic<std::uint64_t> allocated_{0};
  std::atomic<std::uint64_t> released_{0};
  alignas(64) std::atomic<Slab*> pending_{nullptr};  // this line is written by other threads
  std::atomic<std::uint32_t> pending_count_{0};
  std::atomic<std::int32_t> uncollected_{0};  // slabs with every block on the remote list, not purged
  std::atomic<bool> held_{true};              // B2
};

/// The calling thread's pool without holding it: BlockPool::local().allocate(bytes).
[[nodiscard]] inline void* allocate_block(std::size_t bytes) { return BlockPool::local().allocate(bytes); }

inline void* BlockPool::allocate(std::size_t bytes) {
  if (!uses_slabs || bytes > pooled_bytes_max) [[unlikely]]
    return allocate_alone(bytes, block_alignment);
  const std::size_t size_class = class_of(bytes);
  Slab& slab = *classes_[size_class].current;
  FreeBlock* const block = slab.free;
  if (block == nullptr) [[unlikely]]
    return allocate_slowly(size_class);
  slab.free = block->next;
  ++slab.releases_to_look;
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
  Slab& slab = slab_of(block);
  ORRERY_CHECK(slab.size_class == size_class, "block {} released as {} bytes, not its size", block, bytes);
  FreeBlock* free = mark_free(block);
  add_one(here.released_);
  if (slab.owner == &here) [[likely]] {
    free->next = slab.free;
    slab.free = free;
    if (--slab.releases_to_look == 0) [[unlikely]]
      here.look_at(slab);
  } else {
    ORRERY_CHECK(slab.owner != nullptr, "block {} released twice", block);
    slab.owner->push_remote(slab, free);
  }
}

inline void BlockPool::release(BlockPool& here, void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (alignment <= block_alignment) return release(here, block, bytes);
  here.release_alone(block, bytes, alignment);
}

}  // namespace orrery
