// entropy.hpp: deterministic randomness from integers alone.
// Why:  a run must be repeatable on another compiler, standard library and CPU. Standard distributions and
//       std::shuffle differ between libraries, floating point between flags; nothing here uses either.
// How:  counter-based. A draw is a pure function of (seed, stream, counter), so streams do not influence each
//       other: one more draw in one actor changes nothing in another, and any draw can be computed alone.
// Always true:  (N1) the numbers are part of the product: known-answer tests hold them still
//               (N2) equal seed and counter, different streams: different draws (draw is a bijection of the
//                    stream key, and one of the seed)
//               (N3) no two draws happen in one unsequenced expression
// Not chosen:   std::mt19937_64 (2.5 KB of state per stream, and a stream cannot be entered in the middle).
// Source:       J. Salmon et al.: "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011) for the idea;
//               D. Lemire: "Fast Random Integer Generation in an Interval" (ACM TOMACS 29, 2019) for below().
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "orrery/core/check.hpp"
#include "orrery/core/mix.hpp"

namespace orrery {
/// A probability: `num` out of `den`.
struct Ratio {
  std::uint64_t num = 0;
  std::uint64_t den = 1;
  friend constexpr bool operator==(const Ratio&, const Ratio&) = default;
};

namespace detail {
struct DrawKey {
  std::uint64_t seed;
  std::uint64_t stream;
};
constexpr DrawKey draw_key(std::uint64_t seed, std::uint64_t stream_key) {
  // Two different constants, so that a seed that equals its stream key is nothing special.
  return {.seed = mix64(seed + golden_step), .stream = mix64(stream_key + 0xd1b54a32d192ed03)};
}
constexpr std::uint64_t draw(DrawKey key, std::uint64_t counter) {
  return mix64(mix64(counter * golden_step + key.seed) ^ key.stream);
}
__extension__ using Wide = unsigned __int128;
}  // namespace detail

/// The draw number `counter` of the stream `stream_key` (often hash_text of its name) under `seed`.
///
/// Threads: any, pure.    Cost: four mixes; Entropy keeps the two that do not change.
[[nodiscard]] constexpr std::uint64_t draw(std::uint64_t seed, std::uint64_t stream_key, std::uint64_t counter) {
  return detail::draw(detail::draw_key(seed, stream_key), counter);
}

/// One named stream of draws.
///
/// Threads: one at a time.    Shape: 24 bytes, copyable; a copy repeats what the original would draw.
class Entropy {
 public:
  constexpr Entropy(std::uint64_t seed, std::uint64_t stream_key) : key_(detail::draw_key(seed, stream_key)) {}

  /// Returns: 64 uniform bits.    Cost: two mixes.
  [[nodiscard]] constexpr std::uint64_t next() { return detail::draw(key_, counter_++); }

  /// How many 64-bit draws were taken so far; the counter of the next one.
  [[nodiscard]] constexpr std::uint64_t drawn() const { return counter_; }

  /// Pre:     `n` > 0.
  /// Returns: 0 .. n-1, each equally likely, without bias.
  /// Cost:    one draw and one wide multiplication; another draw with probability below n / 2^64.
  [[nodiscard]] constexpr std::uint64_t below(std::uint64_t n) {
    ORRERY_CHECK(n > 0);
    detail::Wide product = detail::Wide{next()} * n;
    if (static_cast<std::uint64_t>(product) < n) {
      // Of the 2^64 draws, 2^64 mod n are too many to share out evenly; those are drawn again.
      const std::uint64_t surplus = (0 - n) % n;
      while (static_cast<std::uint64_t>(product) < surplus) product = detail::Wide{next()} * n;
    }
    return static_cast<std::uint64_t>(product >> 64);
  }

  /// Pre:     `lo` <= `hi`.
  /// Returns: lo .. hi, both included, each equally likely.
  [[nodiscard]] constexpr std::int64_t between(std::int64_t lo, std::int64_t hi) {
    ORRERY_CHECK(lo <= hi, "between({}, {})", lo, hi);
    const std::uint64_t distance = static_cast<std::uint64_t>(hi) - static_cast<std::uint64_t>(lo);
    const std::uint64_t offset = distance == UINT64_MAX ? next() : below(distance + 1);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(lo) + offset);  // modulo 2^64, as intended
  }

  /// Pre:     0 < den, num <= den.
  /// Returns: true in `num` of `den` cases. Draws also when the answer is certain, so that changing a
  ///          probability to 0 or 1 does not shift the draws behind it.
  [[nodiscard]] constexpr bool chance(Ratio probability) {
    ORRERY_CHECK(probability.den > 0);
    ORRERY_CHECK(probability.num <= probability.den, "{} of {}", probability.num, probability.den);
    return below(probability.den) < probability.num;
  }

  /// Puts `items` (a span, vector or array) into a random order, all orders equally likely.
  ///
  /// Cost: size-1 draws and swaps.    Source: Fisher and Yates, in R. Durstenfeld's form (CACM 7, 1964).
  template <class Items>
    requires requires(Items& items) { std::span(items); }
  constexpr void shuffle(Items&& items) {
    const std::span view(items);
    for (std::size_t left = view.size(); left > 1; --left) {
      const auto chosen = static_cast<std::size_t>(below(left));
      using std::swap;
      if (chosen != left - 1) swap(view[chosen], view[left - 1]);
    }
  }

 private:
  detail::DrawKey key_;
  std::uint64_t counter_ = 0;
};
}  // namespace orrery
