// linearization_cache.hpp: where a search for a linearization has been, in few bytes.
// Why:  the same operations can be put in many orders that end in the same state, and what follows is the same for all.
//       Lowe's memoisation explores it once; without it a few dozen overlapping operations are too many. With it memory
//       is what a long history runs out of, so a place is kept in as few words as can be.
// How:  a place is (what is linearized, state). Operations with a known end are numbered by their invocation. All below
//       the highest linearized one are linearized too, but for a few: each of those was open when the highest one was
//       invoked, so they are never more than there are processes. The state is the number of a state that is kept once.
//       Operations without a known end are bits, in the words between the first and the last that is not zero.
// Always true:  (C1) a place is covered when one was kept with the same state and the same operations with a known end,
//                    and with no operation of unknown end that this one has not used: who has used fewer can do all
//                    that the other can
#pragma once
#include "orrery/core/mix.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace orrery::testkit::detail {

/// Numbers by hash: whoever uses it compares, since different things may have one hash.
class NumbersByHash {
 public:
  /// Calls `is_it(number)` for each number added under `hash` until one says yes.    Returns: whether one did.
  template <class IsIt>
  bool any(std::uint64_t hash, IsIt is_it) const {
    if (slots_.empty()) return false;
    for (std::size_t at = hash & (slots_.size() - 1); slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) {
      if (hashes_[slots_[at] - 1] == hash && is_it(slots_[at] - 1)) return true;
    }
    return false;
  }
  /// Returns: the new number; they count from 0.
  std::uint32_t add(std::uint64_t hash) {
    if (2 * (hashes_.size() + 1) > slots_.size()) grow();
    hashes_.push_back(hash);
    const auto number = static_cast<std::uint32_t>(hashes_.size());
    put(hash, number);
    return number - 1;
  }
  [[nodiscard]] std::size_t bytes() const { return 4 * slots_.capacity() + 8 * hashes_.capacity(); }

 private:
  void put(std::uint64_t hash, std::uint32_t number) {
    std::size_t at = hash & (slots_.size() - 1);
    while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = number;
  }
  void grow() {
    slots_.assign(std::max<std::size_t>(16, 2 * slots_.size()), 0);
    for (std::uint32_t i = 0; i < hashes_.size(); ++i) put(hashes_[i], i + 1);
  }

  std::vector<std::uint32_t> slots_;  // number + 1; 0 is free
  std::vector<std::uint64_t> hashes_;
};

/// Which operations are linearized, as the search changes it.
struct Linearized {
  std::uint32_t end = 0;              ///< all numbers below are linearized, but for
  std::vector<std::uint32_t> gaps{};  ///< these, ascending
  std::vector<std::uint64_t> used{};  ///< bits of the operations with unknown end

  void add(std::uint32_t number) {
    if (number < end) {
      gaps.erase(std::ranges::lower_bound(gaps, number));
      return;
    }
    for (; end < number; ++end) gaps.push_back(end);
    end = number + 1;
  }
  /// Takes `number` back, which was added last, when `end` was `end_before`.
  void remove(std::uint32_t number, std::uint32_t end_before) {
    if (number < end_before) {
      gaps.insert(std::ranges::lower_bound(gaps, number), number);
      return;
    }
    gaps.resize(gaps.size() - (number - end_before));
    end = end_before;
  }
  void flip(std::uint32_t unknown) { used[unknown / 64] ^= std::uint64_t{1} << (unknown % 64); }
};

class LinearizationCache {
 public:
  /// Keeps the place unless it is covered (C1).    Returns: whether it was new; `compared` grows by what was looked at.
  bool add(const Linearized& done, std::uint32_t state, std::uint64_t& compared) {
    std::uint64_t hash = mix64(state * golden_step + done.end);
    for (const std::uint32_t gap : done.gaps) hash = mix64(hash + gap);
    const auto covers = [&](std::uint32_t number) {
      ++compared;
      const Place& place = places_[number];
      return place.state == state && place.end == done.end && has_gaps(place, done.gaps) &&
             uses_no_more(place, done.used);
    };
    if (table_.any(hash, covers)) return false;
    std::size_t low = 0;
    std::size_t high = done.used.size();
    while (high > 0 && done.used[high - 1] == 0) --high;
    while (low < high && done.used[low] == 0) ++low;
    table_.add(hash);
    places_.push_back({state, done.end, static_cast<std::uint32_t>(done.gaps.size()), static_cast<std::uint32_t>(low),
                       static_cast<std::uint32_t>(high - low), words_.size()});
    words_.insert(words_.end(), done.gaps.begin(), done.gaps.end());
    for (std::size_t i = low; i < high; ++i) {
      words_.push_back(static_cast<std::uint32_t>(done.used[i]));
      words_.push_back(static_cast<std::uint32_t>(done.used[i] >> 32));
    }
    return true;
  }
  [[nodiscard]] std::size_t bytes() const {
    return table_.bytes() + places_.capacity() * sizeof(Place) + words_.capacity() * 4;
  }

 private:
  struct Place {
    std::uint32_t state, end, gaps, used_low, used_words;
    std::uint64_t words;  ///< where its gaps begin, and then its used bits
  };

  bool has_gaps(const Place& place, std::span<const std::uint32_t> gaps) const {
    return std::ranges::equal(std::span{words_}.subspan(place.words, place.gaps), gaps);
  }
  bool uses_no_more(const Place& place, std::span<const std::uint64_t> used) const {
    const std::uint32_t* word = words_.data() + place.words + place.gaps;
    for (std::size_t i = place.used_low; i < place.used_low + place.used_words; ++i, word += 2) {
      if (((word[0] | std::uint64_t{word[1]} << 32) & ~used[i]) != 0) return false;
    }
    return true;
  }

  NumbersByHash table_;
  std::vector<Place> places_;
  std::vector<std::uint32_t> words_;
};

}  // namespace orrery::testkit::detail
