// mix.hpp: the one bit mixer that hashing and randomness share.
// Why:  both need "every input bit changes every output bit with probability one half", and both promise the
//       same numbers on every machine and with every compiler.
// Source:  D. Stafford's variant 13 of the MurmurHash3 finalizer, as used by SplitMix64 in G. Steele, D. Lea,
//          C. Flood: "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014).
#pragma once
#include <cstdint>

namespace orrery {
/// 2^64 divided by the golden ratio, odd: steps of it visit all 64-bit numbers, neighbours far apart.
inline constexpr std::uint64_t golden_step = 0x9e3779b97f4a7c15;

/// Mixes all bits. A bijection, so different inputs never meet; 0 stays 0.
///
/// Cost: two multiplications.
[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}
}  // namespace orrery
