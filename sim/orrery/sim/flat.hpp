// flat.hpp: the containers of a simulated run: flat, ordered by what is put in, and as good as new after clear().
// Why:  a run handles a message in some tens of nanoseconds and may be over in microseconds, so its tables may neither
//       allocate per entry nor be built anew per run.
// How:  each keeps its memory when it is cleared. None can be iterated in an order that depends on an address or a hash.
// Always true:  (F1) after clear() nothing can be observed that differs from a new container
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "orrery/core/mix.hpp"

namespace orrery::sim {

/// Empties a vector; its memory stays for the next run unless it is out of the ordinary.
template <class T>
void clear_and_keep(std::vector<T>& items) {
  constexpr std::size_t kept_bytes_max = std::size_t{32} << 20;
  items.clear();
  if (items.capacity() * sizeof(T) > kept_bytes_max) items = {};
}

/// First in, first out, in a ring that doubles when it is full.
template <class T>
class Ring {
 public:
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  void push(T item) {
    if (count_ == items_.size()) grow();
    items_[(first_ + count_++) & (items_.size() - 1)] = item;
  }
  /// Pre: not empty.
  T pop() noexcept {
    T const item = items_[first_];
    first_ = (first_ + 1) & (items_.size() - 1);
    --count_;
    return item;
  }
  /// Calls `visit` with each, oldest first.
  void for_each(auto&& visit) const {
    for (std::size_t i = 0; i < count_; ++i) visit(items_[(first_ + i) & (items_.size() - 1)]);
  }
  void clear() noexcept { first_ = count_ = 0; }

 private:
  void grow() {
    std::vector<T> wider(items_.empty() ? 16 : 2 * items_.size());
    for (std::size_t i = 0; i < count_; ++i) wider[i] = items_[(first_ + i) & (items_.size() - 1)];
    items_ = std::move(wider);
    first_ = 0;
  }
  std::vector<T> items_;  // a power of two
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

/// Objects that stay where they are, found by number.
template <class T>
  requires std::is_trivially_destructible_v<T>
class Blocks {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T& operator[](std::size_t index) const noexcept {
    return blocks_[index / per_block]->items[index % per_block];
  }
  /// Appends a T as it is when it is made.
  T& add() {
    if (size_ == blocks_.size() * per_block) blocks_.push_back(std::make_unique_for_overwrite<Block>());
    T& item = (*this)[size_++];
    return *::new (&item) T{};
  }
  void clear() {
    size_ = 0;
    if (blocks_.size() > kept_blocks_max) blocks_.resize(kept_blocks_max);
  }

 private:
  static constexpr std::size_t per_block = 256;
  static constexpr std::size_t kept_blocks_max = 1'024;
  struct Block {
    Block() noexcept {}  // nothing is made before add()
    union {
      T items[per_block];
    };
  };
  std::vector<std::unique_ptr<Block>> blocks_;
  std::size_t size_ = 0;
};

/// Objects that are taken and given back.
template <class T>
class Pool {
 public:
  /// Returns: a T as it is when it is made.
  [[nodiscard]] T& take() {
    if (free_.empty()) return all_.add();
    T& item = *free_.back();
    free_.pop_back();
    return item = T{};
  }
  void give(T& item) { free_.push_back(&item); }
  void clear() {
    all_.clear();
    clear_and_keep(free_);
  }

 private:
  Blocks<T> all_;
  std::vector<T*> free_;
};

/// A number for every pair of numbers, 0 unless it was set.
///
/// Cost: one cache line while it is at most half full. clear() is O(1): entries of earlier rounds count as free.
class PairTable {
 public:
  [[nodiscard]] std::uint32_t& at(std::uint32_t first, std::uint32_t second) {
    if (2 * (used_ + 1) > entries_.size()) grow();
    Entry& entry = find(entries_, first, second);
    if (entry.round != round_) {
      entry = {first, second, 0, round_};
      ++used_;
    }
    return entry.value;
  }
  void clear() {
    used_ = 0;
    if (++round_ == 0 || entries_.size() > kept_max) {
      entries_.clear();
      round_ = 1;
    }
  }

 private:
  static constexpr std::size_t kept_max = std::size_t{1} << 20;
  struct Entry {
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    std::uint32_t value = 0;
    std::uint32_t round = 0;
  };
  [[nodiscard]] Entry& find(std::vector<Entry>& entries, std::uint32_t first, std::uint32_t second) const noexcept {
    const std::size_t mask = entries.size() - 1;
    std::size_t at = mix64((std::uint64_t{first} << 32) | second) & mask;
    while (entries[at].round == round_ && (entries[at].first != first || entries[at].second != second)) {
      at = (at + 1) & mask;
    }
    return entries[at];
  }
  void grow() {
    std::vector<Entry> wider(entries_.empty() ? 64 : 2 * entries_.size());
    for (const Entry& entry : entries_) {
      if (entry.round == round_) find(wider, entry.first, entry.second) = entry;
    }
    entries_ = std::move(wider);
  }
  std::vector<Entry> entries_;  // a power of two
  std::size_t used_ = 0;
  std::uint32_t round_ = 1;
};

}  // namespace orrery::sim
