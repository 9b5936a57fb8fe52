// slab_store.hpp: the memory of the block pools, by the slab, and its way back to the system.
// Why:  a burst of messages takes memory by the gigabyte. What it no longer uses must go back to the system, and what
//       every second of ordinary work uses must not: a system call and sixteen page faults per slab are 8 us.
// How:  chunks of 2 MiB are cut into slabs of 64 KiB. The first slab of a chunk holds a header for each of the others.
//       A free slab is warm while its pages are in memory; when more than `warm_max` are, the next ones are purged
//       first (madvise) and become cold: addresses without memory.
// Always true:  (G1) a slab is in the store or with the one who took it, never both
//               (G2) no more than `warm_max` slabs of the store are warm
//               (G3) a header lies apart from its slab, so that it can be read while the slab is purged
// Not chosen:   unmapping (a hole in a mapping counts against the process's limit of maps, which fiber stacks need);
//               headers inside the slabs (a purged burst would keep 1 page in 16); purging after a delay, as mimalloc
//               and jemalloc do (a clock, and somebody who looks at it).
// Source:       slabs are J. Bonwick's (1994); what to purge when: mimalloc's page reset, and C. Evans: jemalloc's
//               "decay"; here a fixed number of warm slabs stands for both.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace orrery {

class SlabStore {
 public:
  static constexpr std::size_t slab_bytes = std::size_t{64} * 1024;
  static constexpr std::size_t chunk_bytes = std::size_t{2} * 1024 * 1024;
  static constexpr std::size_t header_bytes = 256;
  static constexpr std::size_t warm_max = 256;  ///< 16 MiB

  SlabStore() = default;
  SlabStore(const SlabStore&) = delete;
  SlabStore& operator=(const SlabStore&) = delete;

  /// Returns: a slab, aligned to its size; warm if there is one.    Errors: std::bad_alloc.
  /// Threads: any.    Blocks: the thread, on a mutex held for O(1), but for O(slabs) once per chunk.
  [[nodiscard]] std::byte* take();

  /// Takes a slab back; `is_cold`: purge() was called since it was last written.
  /// Threads: any.    Blocks: the thread, on a mutex held for O(1), and for a system call when there are enough warm.
  void give(std::byte* slab, bool is_cold) noexcept;

  /// Gives the memory of a slab back to the system; its contents are lost, its addresses stay good.
  /// Pre:     the caller is the only one who uses the slab.    Threads: any.    Blocks: a system call.
  void purge(std::byte* slab) noexcept;

  /// Somebody writes into a slab again that was purged and never given.
  void reuse_purged() noexcept { cold_.fetch_sub(1, std::memory_order_relaxed); }

  /// Purges all warm slabs. Returns: their bytes.
  std::size_t trim() noexcept;

  /// Returns: bytes of all slabs that are not cold, wherever they are. A moment's figure.
  [[nodiscard]] std::size_t warm_bytes() const noexcept {
    return (slabs_.load(std::memory_order_relaxed) - cold_.load(std::memory_order_relaxed)) * slab_bytes;
  }

  /// Returns: where the header of the slab that `address` lies in is; `header_bytes`, zero when the slab was made.
  [[nodiscard]] static void* header_of(const void* address) noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    const auto chunk = at & ~(chunk_bytes - 1);
    const auto index = (at / slab_bytes) % (chunk_bytes / slab_bytes);
    return reinterpret_cast<void*>(chunk + index * header_bytes);
  }

 private:
  static constexpr std::size_t slabs_per_chunk = chunk_bytes / slab_bytes - 1;  // the first holds the headers
  static_assert((slabs_per_chunk + 1) * header_bytes <= slab_bytes);

  void add_chunk();

  std::mutex mutex_;
  std::vector<std::byte*> warm_slabs_;  // both have room for every slab there is
  std::vector<std::byte*> cold_slabs_;
  std::atomic<std::size_t> slabs_{0};
  std::atomic<std::size_t> cold_{0};  // also those that a pool had purged and still holds
};

}  // namespace orrery
