// histogram.hpp: how often values of each size came, in little memory and with known error.
// Why:  an average hides what hurts. To say that one in a thousand takes a second, one needs the distribution; and whoever
//       measures on a hot path can spare neither a lock nor a list of samples.
// How:  values below 64 have a bucket each. From there on every power of two is cut into 32 buckets of equal width, so that
//       a bucket is never wider than 1/32 of what it holds. Each writer has a histogram of its own; who reads adds them up.
// Always true:  (H1) every value has exactly one bucket, and greater values never have a smaller one
//               (H2) quantile() is off by at most 1/64 of the true value (1.6 %), and never above the greatest value
//               (H3) adding histograms up and recording everything in one give the same
// Not chosen:   a running estimate of a quantile (cannot be added up); a bucket per digit, as 1, 2, 5 (error of a half).
// Source:       the form of buckets is that of HdrHistogram (G. Tene).
#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace orrery {

/// Which bucket a value is in, and what a bucket holds.
struct HistogramBuckets {
  static constexpr unsigned steps_bits = 5;  ///< a power of two has 2^this buckets
  static constexpr std::size_t single = std::size_t{2} << steps_bits;
  static constexpr std::size_t count = single + ((63 - steps_bits) << steps_bits);

  [[nodiscard]] static constexpr std::size_t of(std::uint64_t value) noexcept {
    if (value < single) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - (steps_bits + 1);
    return (std::size_t{shift} << steps_bits) + (value >> shift);
  }
  /// Returns: the least value of that bucket. Pre: index < count.
  [[nodiscard]] static constexpr std::uint64_t least(std::size_t index) noexcept {
    if (index < single) return index;
    const std::size_t shift = (index >> steps_bits) - 1;
    return (index - (shift << steps_bits)) << shift;
  }
  /// Returns: the greatest value of that bucket. Pre: index < count.
  [[nodiscard]] static constexpr std::uint64_t most(std::size_t index) noexcept {
    return index + 1 == count ? UINT64_MAX : least(index + 1) - 1;
  }
};
static_assert(HistogramBuckets::of(UINT64_MAX) == HistogramBuckets::count - 1);
static_assert(HistogramBuckets::least(HistogramBuckets::count - 1) == UINT64_MAX - (UINT64_MAX >> 6));

/// What histograms add up to: plain numbers. 15 KiB.
class HistogramCounts {
 public:
  void add(std::uint64_t value) noexcept {
    ++buckets[HistogramBuckets::of(value)];
    sum += value;
    greatest = std::max(greatest, value);
  }
  HistogramCounts& operator+=(const HistogramCounts& other) noexcept {
    for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
    sum += other.sum;
    greatest = std::max(greatest, other.greatest);
    return *this;
  }
  friend bool operator==(const HistogramCounts&, const HistogramCounts&) = default;

  /// Returns: how many values there are.    Cost: O(buckets), as are the next two.
  [[nodiscard]] std::uint64_t count() const noexcept {
    std::uint64_t all = 0;
    for (const std::uint64_t one : buckets) all += one;
    return all;
  }
  /// Returns: about the least value that `part` of `of` values do not exceed (H2): quantile(999, 1'000) is P99.9.
  /// 0 without values. Pre: part <= of, of > 0.
  [[nodiscard]] std::uint64_t quantile(std::uint32_t part, std::uint32_t of) const noexcept {
    const std::uint64_t all = count();
    if (all == 0) return 0;
    // Its place among the values in their order, counted from 1: all x part / of, rounded up.
    const std::uint64_t place = std::max<std::uint64_t>(all / of * part + (all % of * part + of - 1) / of, 1);
    std::uint64_t passed = 0;
    std::size_t index = 0;
    while ((passed += buckets[index]) < place) ++index;
    const std::uint64_t least = HistogramBuckets::least(index);
    return std::min(least + (HistogramBuckets::most(index) - least) / 2, greatest);
  }
  /// Returns: how many values do not exceed `value`; exact where that is the greatest of its bucket, as 2^n - 1 is.
  [[nodiscard]] std::uint64_t count_up_to(std::uint64_t value) const noexcept {
    std::uint64_t passed = 0;
    for (std::size_t i = 0; i < buckets.size() && HistogramBuckets::most(i) <= value; ++i) passed += buckets[i];
    return passed;
  }

  std::array<std::uint64_t, HistogramBuckets::count> buckets{};
  std::uint64_t sum = 0;  ///< wraps around
  std::uint64_t greatest = 0;
};

/// One writer's histogram, which others may read at any time.
class Histogram {
 public:
  /// Threads: one.    Cost: four loads and three stores, none of them ordered.
  void add(std::uint64_t value) noexcept {
    grow(buckets_[HistogramBuckets::of(value)], 1);
    grow(sum_, value);
    if (value > greatest_.load(std::memory_order_relaxed)) greatest_.store(value, std::memory_order_relaxed);
  }
  /// Adds what there is so far to `total`. What is being added meanwhile may be there in part.    Threads: any.
  void add_to(HistogramCounts& total) const noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      total.buckets[i] += buckets_[i].load(std::memory_order_relaxed);
    }
    total.sum += sum_.load(std::memory_order_relaxed);
    total.greatest = std::max(total.greatest, greatest_.load(std::memory_order_relaxed));
  }

 private:
  using Cell = std::atomic<std::uint64_t>;
  static void grow(Cell& cell, std::uint64_t by) noexcept {  // there is one writer: no read-modify-write
    cell.store(cell.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::array<Cell, HistogramBuckets::count> buckets_{};
  Cell sum_{0};
  Cell greatest_{0};
};

}  // namespace orrery
