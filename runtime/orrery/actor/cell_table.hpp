// cell_table.hpp: the cells of one runtime, found by slot.
// Why:  a handle may be looked up by any thread at any time, also a stale or a made-up one: it must lead to a cell that
//       is valid memory, or to none.
// How:  chunks of cells that are never moved or freed while the table is in use, in an array of fixed length.
// Always true:  (L1) a slot that was given out leads to the same cell for as long as its runtime lives
//               (L2) after clear() nothing can be seen in a cell that differs from a new one
// A simulation makes a runtime in less time than a chunk takes to allocate: it hands the table of one run on to the next.
#pragma once
#include "orrery/actor/cell.hpp"
#include "orrery/core/check.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace orrery {

class CellTable {
 public:
  CellTable() = default;
  explicit CellTable(std::uint32_t cells_max)
      : cells_max_{cells_max},
        chunks_max_{(cells_max + cells_per_chunk - 1) / cells_per_chunk},
        chunks_{std::make_unique<std::atomic<Cell*>[]>(chunks_max_)} {}
  /// Threads: nobody else uses either table.
  CellTable(CellTable&& other) noexcept { swap(other); }
  CellTable& operator=(CellTable&& other) noexcept {
    swap(other);
    return *this;
  }
  ~CellTable() {
    for (std::uint32_t chunk = 0; chunk < chunks_max_; ++chunk) delete[] chunks_[chunk].load(std::memory_order_relaxed);
  }

  [[nodiscard]] std::uint32_t cells_max() const noexcept { return cells_max_; }
  /// Returns: how many slots were given out; they are the first ones.    Threads: any.
  [[nodiscard]] std::uint32_t used() const noexcept { return used_.load(std::memory_order_acquire); }

  /// Returns: the cell in that slot, whoever lives there, or null in a chunk that does not exist.    Threads: any.
  [[nodiscard]] Cell* at(std::uint32_t slot) const noexcept {
    const std::uint32_t chunk = slot / cells_per_chunk;
    if (chunk >= chunks_max_) return nullptr;
    Cell* const cells = chunks_[chunk].load(std::memory_order_acquire);
    return cells == nullptr ? nullptr : cells + slot % cells_per_chunk;
  }

  /// Gives out the next slot. Returns: its cell, or null when there is none left.    Threads: one at a time.
  [[nodiscard]] Cell* add() {
    const std::uint32_t slot = used_.load(std::memory_order_relaxed);
    if (slot >= cells_max_) return nullptr;
    std::atomic<Cell*>& chunk = chunks_[slot / cells_per_chunk];
    Cell* cells = chunk.load(std::memory_order_relaxed);
    if (cells == nullptr) {
      cells = new Cell[cells_per_chunk];
      for (std::uint32_t i = 0; i < cells_per_chunk; ++i) cells[i].slot = slot / cells_per_chunk * cells_per_chunk + i;
      chunk.store(cells, std::memory_order_release);
    }
    used_.store(slot + 1, std::memory_order_release);
    return cells + slot % cells_per_chunk;
  }

  /// Makes every cell as good as new; keeps the memory of as many as a run usually has, and some.
  ///
  /// Pre: all are vacant (checked).    Threads: nobody else uses the table.    Cost: O(used).
  void clear() {
    static_assert(std::is_trivially_destructible_v<Cell>);
    const std::uint32_t used = used_.exchange(0, std::memory_order_relaxed);
    for (std::uint32_t slot = 0; slot < used; ++slot) {
      Cell* const cell = at(slot);
      ORRERY_CHECK(cell->life == Cell::Life::vacant && cell->extras == nullptr,
                   "a runtime is destroyed after its actors");
      ::new (cell) Cell;
      cell->slot = slot;
    }
    for (std::uint32_t chunk = kept_chunks_max; chunk < (used + cells_per_chunk - 1) / cells_per_chunk; ++chunk) {
      delete[] chunks_[chunk].exchange(nullptr, std::memory_order_relaxed);
    }
  }

 private:
  static constexpr std::uint32_t cells_per_chunk = 1'024;
  static constexpr std::uint32_t kept_chunks_max = 128;

  void swap(CellTable& other) noexcept {
    std::swap(cells_max_, other.cells_max_);
    std::swap(chunks_max_, other.chunks_max_);
    chunks_.swap(other.chunks_);
    used_.store(other.used_.exchange(used_.load(std::memory_order_relaxed), std::memory_order_relaxed),
                std::memory_order_relaxed);
  }

  std::uint32_t cells_max_ = 0;
  std::uint32_t chunks_max_ = 0;
  std::unique_ptr<std::atomic<Cell*>[]> chunks_;
  std::atomic<std::uint32_t> used_{0};
};

}  // namespace orrery
