#include "orrery/core/block_pool.hpp"

#include <pthread.h>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace orrery {
namespace {

// Blocks are chained this many bytes at a time, so that a fresh slab neither touches all its pages at once
// nor sends every allocation through the slow path.
constexpr std::size_t cut_bytes = 4096;

// A pointer without a destructor, so that it can be read until the thread's very end; the pthread key below
// has the destructor. Reached through BlockPool::local() only.
constinit thread_local BlockPool* current_pool = nullptr;

/// What a slab's remote list is, in one word: how many blocks, which comes first, and what becomes of the slab.
struct RemoteWord {
  static constexpr std::uint64_t count_mask = 0xffff'ffff;
  static constexpr unsigned first_shift = 32;                       // first block's offset, below slab_bytes
  static constexpr std::uint64_t purged = std::uint64_t{1} << 61;   // every block is back, the memory is gone
  static constexpr std::uint64_t purging = std::uint64_t{1} << 62;  // B5
  static constexpr std::uint64_t missed = std::uint64_t{1} << 63;   // the owner came by meanwhile

  static std::uint64_t make(std::uint64_t count, std::size_t first_offset) noexcept {
    return count | static_cast<std::uint64_t>(first_offset) << first_shift;
  }
  static std::uint64_t count(std::uint64_t word) noexcept { return word & count_mask; }
  static std::size_t first(std::uint64_t word) noexcept {
    return static_cast<std::size_t>(word >> first_shift) % SlabStore::slab_bytes;
  }
};

}  // namespace

constinit BlockPool::Slab BlockPool::no_slab;

// Never destroyed: blocks may be released by static destructors after main().
struct BlockPool::Registry {
  std::mutex mutex;
  std::vector<BlockPool*> pools;      // all, in order of creation
  std::vector<BlockPool*> abandoned;  // those that no thread has
  SlabStore store;
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
};

// ---- threads and their pools ----------------------------------------------------------------------------------------

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
  bool is_new = false;
  {
    const std::scoped_lock lock(registry.mutex);
    if (registry.abandoned.empty()) {
      registry.pools.reserve(registry.pools.size() + 1);
      registry.abandoned.reserve(registry.pools.capacity());  // leave_thread() must not fail
      pool = new BlockPool;
      is_new = true;
      registry.pools.push_back(pool);
    } else {
      pool = registry.abandoned.back();
      registry.abandoned.pop_back();
    }
  }
  if (!is_new) pool->hold();
  const int error = pthread_setspecific(registry.at_thread_exit, pool);
  ORRERY_CHECK(error == 0);
  current_pool = pool;
  return *pool;
}

void BlockPool::leave_thread(void* pool) noexcept {
  current_pool = nullptr;
  auto* const left = static_cast<BlockPool*>(pool);
  left->let_go();
  Registry& registry = Registry::get();
  const std::scoped_lock lock(registry.mutex);
  registry.abandoned.push_back(left);
}

// Acquire and release: what one holder wrote, the next one sees (B2).
bool BlockPool::try_hold() noexcept { return !held_.exchange(true, std::memory_order_acquire); }

void BlockPool::hold() noexcept {
  while (!try_hold()) std::this_thread::yield();  // somebody collects
}

void BlockPool::let_go() noexcept {
  if (pending_.load(std::memory_order_relaxed) != nullptr) collect();
  held_.store(false, std::memory_order_release);
}

BlockPool::Rest::Rest() noexcept : pool_{current_pool} {
  if (pool_ != nullptr) pool_->let_go();
}

BlockPool::Rest::~Rest() {
  if (pool_ != nullptr) pool_->hold();
}

// ---- the owner's slow paths -----------------------------------------------------------------------------------------

void* BlockPool::allocate_slowly(std::size_t size_class) {
  ORRERY_CHECK(this == current_pool, "a pool was used by a thread that does not own it");
  Slab& slab = slab_with_room(size_class);
  FreeBlock* const block = slab.free;
  slab.free = block->next;
  ++slab.releases_to_look;
  mark_live(block);
  add_one(allocated_);
  return block;
}

/// Returns: the class's current slab, with a free block.
BlockPool::Slab& BlockPool::slab_with_room(std::size_t size_class) {
  if (pending_.load(std::memory_order_relaxed) != nullptr) collect();
  ClassState& state = classes_[size_class];
  Slab& old = *state.current;
  if (old.free != nullptr) return old;
  if (old.uncut != old.uncut_end) {
    cut(old);
    return old;
  }
  if (&old != &no_slab) {
    old.state = SlabState::full;
    old.releases_to_look = 1;
    state.current = &no_slab;  // stays so if there is no memory for another
  }
  Slab* slab = state.roomy;
  if (slab != nullptr) {
    remove_roomy(*slab);
  } else {
    slab = &new_slab(size_class);
  }
  slab->state = SlabState::current;
  ++slab->releases_to_look;
  state.current = slab;
  if (slab->free == nullptr) cut(*slab);
  return *slab;
}

BlockPool::Slab& BlockPool::new_slab(std::size_t size_class) {
  std::byte* const base = Registry::get().store.take();
  const std::size_t block_count = slab_bytes / class_bytes[size_class];
  auto* const slab = static_cast<Slab*>(SlabStore::header_of(base));
  // Made once: whoever released into an earlier life of it may be about to look at `remote` once more.
  if (slab->base == nullptr) ::new (slab) Slab;
  slab->free = nullptr;
  slab->releases_to_look = 0;
  slab->owner = this;
  slab->base = base;
  slab->size_class = static_cast<std::uint32_t>(size_class);
  slab->block_count = static_cast<std::uint32_t>(block_count);
  slab->uncut = base;
  slab->uncut_end = base + block_count * class_bytes[size_class];
  return *slab;
}

void BlockPool::cut(Slab& slab) noexcept {
  const std::size_t bytes = class_bytes[slab.size_class];
  const auto left = static_cast<std::size_t>(slab.uncut_end - slab.uncut) / bytes;
  const std::size_t count = std::min(left, std::max<std::size_t>(cut_bytes / bytes, 1));
  FreeBlock* first = nullptr;
  for (std::size_t i = count; i-- > 0;) {
    std::byte* block = slab.uncut + i * bytes;
    first = ::new (block) FreeBlock{.next = first, .mark = mark_for(block)};
  }
  slab.uncut += count * bytes;
  slab.free = first;
}

/// The owner's release has counted down to zero: a full slab got its first block back, or a roomy one its last.
void BlockPool::look_at(Slab& slab) noexcept {
  if (slab.state == SlabState::full) {
    slab.releases_to_look = slab.block_count - 1;
    add_roomy(slab);
  } else {
    remove_roomy(slab);
    keep_or_give(slab);
  }
}

void BlockPool::add_roomy(Slab& slab) noexcept {
  ClassState& state = classes_[slab.size_class];
  slab.state = SlabState::roomy;
  slab.previous = nullptr;
  slab.next = state.roomy;
  (state.roomy == nullptr ? state.last_roomy : state.roomy->previous) = &slab;
  state.roomy = &slab;
}

void BlockPool::remove_roomy(Slab& slab) noexcept {
  ClassState& state = classes_[slab.size_class];
  if (slab.state == SlabState::kept) --state.kept;
  (slab.previous == nullptr ? state.roomy : slab.previous->next) = slab.next;
  (slab.next == nullptr ? state.last_roomy : slab.next->previous) = slab.previous;
}

/// Pre: all its blocks are back, and it is in no list.
void BlockPool::keep_or_give(Slab& slab) noexcept {
  ClassState& state = classes_[slab.size_class];
  if (state.kept == kept_slabs_max) return give(slab, false);
  // At the end: as long as others have room, it stays whole and can be given away.
  ++state.kept;
  slab.state = SlabState::kept;
  slab.next = nullptr;
  slab.previous = state.last_roomy;
  (state.last_roomy == nullptr ? state.roomy : state.last_roomy->next) = &slab;
  state.last_roomy = &slab;
}

void BlockPool::give(Slab& slab, bool is_cold) noexcept {
  slab.state = SlabState::none;
  slab.owner = nullptr;
  Registry::get().store.give(slab.base, is_cold);
}

// ---- what others release --------------------------------------------------------------------------------------------

/// Called on the owner's pool by another thread.
void BlockPool::push_remote(Slab& slab, FreeBlock* block) noexcept {
  const auto offset = static_cast<std::size_t>(reinterpret_cast<std::byte*>(block) - slab.base);
  const std::uint64_t block_count = slab.block_count;
  std::uint64_t seen = slab.remote.load(std::memory_order_relaxed);
  std::uint64_t word = 0;
  do {
    block->next =
        RemoteWord::count(seen) == 0 ? nullptr : reinterpret_cast<FreeBlock*>(slab.base + RemoteWord::first(seen));
    word = RemoteWord::make(RemoteWord::count(seen) + 1, offset);
    // Release pairs with the acquire of whoever takes the list; acquire with the release of whoever took the last one,
    // and has read next_pending. B3: the first block may have been taken and pushed again meanwhile, and then it is the
    // list's true first again.
  } while (!slab.remote.compare_exchange_weak(seen, word, std::memory_order_acq_rel, std::memory_order_relaxed));
  const std::uint64_t count = RemoteWord::count(word);
  if (count == 1) {  // B4: so nobody collects the slab before it is pending
    push_pending(slab);
    if (pending_count_.load(std::memory_order_relaxed) >= pending_slabs_max) collect_if_it_rests();
  }
  if (count == block_count) finish_for_owner(slab, word);
}

void BlockPool::push_pending(Slab& slab) noexcept {
  Slab* next = pending_.load(std::memory_order_relaxed);
  do {
    slab.next_pending = next;
  } while (!pending_.compare_exchange_weak(next, &slab, std::memory_order_release, std::memory_order_relaxed));
  pending_count_.fetch_add(1, std::memory_order_relaxed);
}

void BlockPool::collect_if_it_rests() noexcept {
  if (held_.load(std::memory_order_relaxed) || !try_hold()) return;
  let_go();
}

/// All blocks of the slab were released by others, and the owner may be slow to see it.
void BlockPool::finish_for_owner(Slab& slab, std::uint64_t word) noexcept {
  if (uncollected_.fetch_add(1, std::memory_order_relaxed) < uncollected_slabs_max) return;
  uncollected_.fetch_sub(1, std::memory_order_relaxed);
  // Acquire: the others' last writes into their blocks come before the pages go.
  if (!slab.remote.compare_exchange_strong(word, RemoteWord::purging, std::memory_order_acquire)) {
    uncollected_.fetch_add(1, std::memory_order_relaxed);  // whoever collected it has counted it off
    return;
  }
  Registry::get().store.purge(slab.base);
  const std::uint64_t old = slab.remote.exchange(RemoteWord::purged, std::memory_order_acq_rel);
  if ((old & RemoteWord::missed) != 0) slab.owner->push_pending(slab);
}

/// Pre: B2.
void BlockPool::collect() noexcept {
  // Acquire pairs with the release in push_pending().
  for (Slab* slab = pending_.exchange(nullptr, std::memory_order_acquire); slab != nullptr;) {
    Slab* const next = slab->next_pending;  // once its list is taken, it may become pending anew
    pending_count_.fetch_sub(1, std::memory_order_relaxed);
    collect_one(*slab);
    slab = next;
  }
}

void BlockPool::collect_one(Slab& slab) noexcept {
  std::uint64_t word = slab.remote.load(std::memory_order_relaxed);
  while (true) {
    const bool is_busy = (word & RemoteWord::purging) != 0;
    const std::uint64_t left = is_busy ? word | RemoteWord::missed : 0;
    if (!slab.remote.compare_exchange_weak(word, left, std::memory_order_acq_rel, std::memory_order_relaxed)) continue;
    if (is_busy) return;  // B5: it becomes pending once more
    break;
  }
  if ((word & RemoteWord::purged) != 0) {
    if (slab.state != SlabState::current) return give(slab, true);
    Registry::get().store.reuse_purged();
    slab.uncut = slab.base;
    slab.releases_to_look = 1;
    return;
  }
  auto* const first = reinterpret_cast<FreeBlock*>(slab.base + RemoteWord::first(word));
  const auto count = static_cast<std::uint32_t>(RemoteWord::count(word));
  if (count == slab.block_count) uncollected_.fetch_sub(1, std::memory_order_relaxed);
  if (slab.state == SlabState::full) {
    slab.free = first;
    slab.releases_to_look = slab.block_count - count;
    if (slab.releases_to_look == 0) return keep_or_give(slab);
    return add_roomy(slab);
  }
  FreeBlock** end = &slab.free;
  while (*end != nullptr) end = &(*end)->next;
  *end = first;
  slab.releases_to_look -= count;
  if (slab.releases_to_look == 0) {
    remove_roomy(slab);
    keep_or_give(slab);
  }
}

// ---- the rest -------------------------------------------------------------------------------------------------------

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

std::size_t BlockPool::slab_bytes_in_memory() noexcept { return Registry::get().store.warm_bytes(); }

std::size_t BlockPool::trim() noexcept {
  BlockPool& here = local();
  here.give_empty_slabs();
  Registry& registry = Registry::get();
  const std::scoped_lock lock(registry.mutex);
  for (BlockPool* const pool : registry.pools) {
    if (pool == &here || !pool->try_hold()) continue;
    pool->give_empty_slabs();
    pool->let_go();
  }
  return registry.store.trim();
}

/// Pre: B2.
void BlockPool::give_empty_slabs() noexcept {
  collect();
  for (ClassState& state : classes_) {
    while (state.last_roomy != nullptr && state.last_roomy->state == SlabState::kept) {
      Slab& slab = *state.last_roomy;
      remove_roomy(slab);
      give(slab, false);
    }
    if (state.current == &no_slab || state.current->releases_to_look != 1) continue;  // some are out
    give(*std::exchange(state.current, &no_slab), false);
  }
}

}  // namespace orrery
