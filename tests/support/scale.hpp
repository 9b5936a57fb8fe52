// scale.hpp: how much work a test does: less where that is asked for, or where every step is instrumented.
#pragma once
#include "tests/support/sanitizers.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace orrery::test_support {

/// Returns: whether ORRERY_TEST_SCALE=short asks for less.
[[nodiscard]] inline bool is_short() {
  const char* const scale = std::getenv("ORRERY_TEST_SCALE");
  return scale != nullptr && std::string_view{scale} == "short";
}

/// Returns: `full`, or a twentieth of it.
[[nodiscard]] inline int scaled(int full) { return is_short() || under_tsan ? full / 20 : full; }

/// splitmix64 (S. Vigna): a few lines, integers only, the same everywhere; on purpose not the code under test.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t below(std::uint64_t bound) {
    std::uint64_t x = state_ += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return (x ^ (x >> 31)) % bound;
  }

 private:
  std::uint64_t state_;
};

}  // namespace orrery::test_support
