// hash.hpp: the hashes whose values are part of the product: of names, and of whole traces.
// Why:  two runs are the same run when their traces have the same hash, on any machine. So the value depends
//       on numbers and on a defined byte order only, never on memory layout, std::hash or the CPU.
// How:  a name is hashed once (FNV-1a, then mixed). A trace is a stream of 64-bit words, fed into two lanes
//       that do not see each other until value(); each is one xor or add, one rotation and one
//       multiplication.
// Always true:  (H1) for a given word, a step is a bijection of each lane; for a given lane, of the word
//               (H2) byte i of a text is bits 8i..8i+7 of its word, on every CPU
//               (H3) the values are held still by known-answer tests
// Not chosen:   a cryptographic hash (nobody attacks his own trace; it would cost 20 times as much);
//               std::hash (different in every library).
// Source:       Fowler, Noll, Vo: FNV-1a, 64 bit.
#pragma once
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "orrery/core/mix.hpp"

namespace orrery {
/// hash_text of a name that is known in pieces: `add(a)`, `add(b)`, then value() is hash_text(a + b).
///
/// Shape: 8 bytes; a copy can be continued on its own.
class TextHasher {
 public:
  constexpr void add(std::string_view text) {
    for (const char byte : text) state_ = (state_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  [[nodiscard]] constexpr std::uint64_t value() const { return mix64(state_); }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325;
};

/// The hash of a name: FNV-1a over its bytes, then mix64, so that short names spread over all 64 bits.
[[nodiscard]] constexpr std::uint64_t hash_text(std::string_view text) {
  TextHasher hasher;
  hasher.add(text);
  return hasher.value();
}

/// A 128-bit hash value, ordered as the number hi * 2^64 + lo.
struct Hash128 {
  std::uint64_t hi = 0;
  std::uint64_t lo = 0;
  friend constexpr auto operator<=>(const Hash128&, const Hash128&) = default;
};

/// Returns: 32 lower-case hexadecimal digits, most significant first.
[[nodiscard]] inline std::string to_hex(Hash128 hash) {
  std::string text(32, '0');
  for (std::size_t i = 0; i < 32; ++i) {
    const std::uint64_t word = i < 16 ? hash.hi : hash.lo;
    text[i] = "0123456789abcdef"[(word >> (60 - 4 * (i % 16))) & 15];
  }
  return text;
}

/// Returns: the value to_hex printed; upper-case digits are accepted. Empty unless there are exactly 32
/// digits.
[[nodiscard]] constexpr std::optional<Hash128> parse_hash128(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  Hash128 hash;
  for (std::size_t i = 0; i < 32; ++i) {
    const char c = text[i];
    std::uint64_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<std::uint64_t>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<std::uint64_t>(c - 'A') + 10;
    } else {
      return std::nullopt;
    }
    std::uint64_t& word = i < 16 ? hash.hi : hash.lo;
    word = word << 4 | digit;
  }
  return hash;
}

/// The rolling hash of a trace: feed it words and texts in order, read the value at any time.
///
/// Encoding: the stream is a sequence of 64-bit words. add(w) is the word w. add_bytes(t) is the length of t,
///           then the bytes of t in groups of 8, byte i of a group at bits 8i..8i+7, the last group filled up
///           with zero bits. The length in front makes ("ab", "c") differ from ("a", "bc").
/// Threads:  one at a time.    Shape: 16 bytes; a copy is a checkpoint.
class TraceHasher {
 public:
  /// Cost: three multiplications, of which only one waits for the call before.
  constexpr void add(std::uint64_t word) {
    // The word is mixed before it meets a lane: a lane alone moves a difference in high bits to few places,
    // where the next word could undo it. Outside the lanes' chain of dependencies this costs no time.
    std::uint64_t mixed = (word + golden_step) * 0xbf58476d1ce4e5b9;
    mixed ^= mixed >> 32;
    first_ = std::rotl(first_ ^ mixed, 29) * 0x9fb21c651e98df25;
    second_ = std::rotl(second_ + mixed, 41) * 0xd6e8feb86659fd93;
  }

  /// Cost: one add per 8 bytes and one for the length.
  constexpr void add_bytes(std::string_view text) {
    add(text.size());
    while (text.size() >= 8) {
      add(word_of(text.substr(0, 8)));
      text.remove_prefix(8);
    }
    if (!text.empty()) add(word_of(text));
  }

  /// Returns: the hash of everything added so far; adding may go on.
  [[nodiscard]] constexpr Hash128 value() const {
    const std::uint64_t hi = mix64(first_ ^ std::rotl(second_, 32));
    return {.hi = hi, .lo = mix64(second_ + hi)};  // a bijection of the two lanes, nothing is lost here
  }

 private:
  /// Pre: at most 8 bytes.
  static constexpr std::uint64_t word_of(std::string_view bytes) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);  // H2
    }
    return word;
  }

  std::uint64_t first_ = 0x243f6a8885a308d3;  // digits of pi: any start but zero, nothing up the sleeve
  std::uint64_t second_ = 0x13198a2e03707344;
};
}  // namespace orrery
