#include "orrery/core/slab_store.hpp"

#include <sys/mman.h>

#include <new>

namespace orrery {

void SlabStore::add_chunk() {
  const std::size_t slabs = slabs_.load(std::memory_order_relaxed) + slabs_per_chunk;
  warm_slabs_.reserve(slabs);  // give() must not fail
  cold_slabs_.reserve(slabs);
  void* const memory = ::operator new(chunk_bytes, std::align_val_t{chunk_bytes});
  auto* const chunk = static_cast<std::byte*>(memory);
  for (std::size_t i = 0; i < (slabs_per_chunk + 1) * header_bytes; ++i) chunk[i] = std::byte{};
  for (std::size_t i = slabs_per_chunk; i > 0; --i) cold_slabs_.push_back(chunk + i * slab_bytes);
  slabs_.store(slabs, std::memory_order_relaxed);
  cold_.fetch_add(slabs_per_chunk, std::memory_order_relaxed);
}

std::byte* SlabStore::take() {
  const std::scoped_lock lock(mutex_);
  if (!warm_slabs_.empty()) {
    std::byte* const slab = warm_slabs_.back();
    warm_slabs_.pop_back();
    return slab;
  }
  if (cold_slabs_.empty()) add_chunk();
  std::byte* const slab = cold_slabs_.back();
  cold_slabs_.pop_back();
  cold_.fetch_sub(1, std::memory_order_relaxed);
  return slab;
}

void SlabStore::give(std::byte* slab, bool is_cold) noexcept {
  if (!is_cold) {
    {
      const std::scoped_lock lock(mutex_);
      if (warm_slabs_.size() < warm_max) {  // G2
        warm_slabs_.push_back(slab);
        return;
      }
    }
    purge(slab);  // without the lock
  }
  const std::scoped_lock lock(mutex_);
  cold_slabs_.push_back(slab);
}

void SlabStore::purge(std::byte* slab) noexcept {
  // If refused, the memory is kept and reused all the same. DONTNEED and not FREE: with FREE the memory counts as ours
  // until somebody else needs it, and whoever watches the process sees a leak.
  (void)::madvise(slab, slab_bytes, MADV_DONTNEED);
  cold_.fetch_add(1, std::memory_order_relaxed);
}

std::size_t SlabStore::trim() noexcept {
  const std::scoped_lock lock(mutex_);
  for (std::byte* const slab : warm_slabs_) purge(slab);
  const std::size_t bytes = warm_slabs_.size() * slab_bytes;
  cold_slabs_.insert(cold_slabs_.end(), warm_slabs_.begin(), warm_slabs_.end());
  warm_slabs_.clear();
  return bytes;
}

}  // namespace orrery
