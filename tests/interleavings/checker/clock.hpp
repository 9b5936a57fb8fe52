// clock.hpp: what has happened, as each thread of a checked program can know it.
// How:  thread t counts its steps; a clock holds, per thread, the last step that is known to have happened before.
// Source:  F. Mattern: "Virtual Time and Global States of Distributed Systems", 1988.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>

namespace orrery::interleave {

/// Thread 0 is the body of the test itself, before and after the others run.
inline constexpr unsigned threads_max = 8;
using Time = std::uint32_t;

struct Clock {
  std::array<Time, threads_max> times{};

  void join(const Clock& other) noexcept {
    for (unsigned i = 0; i < threads_max; ++i) times[i] = std::max(times[i], other.times[i]);
  }
  [[nodiscard]] bool covers(unsigned thread, Time time) const noexcept { return times[thread] >= time; }
  /// Returns: the thread whose part of `other` is not covered, or threads_max.
  [[nodiscard]] unsigned first_uncovered(const Clock& other) const noexcept {
    for (unsigned i = 0; i < threads_max; ++i) {
      if (times[i] < other.times[i]) return i;
    }
    return threads_max;
  }
};

}  // namespace orrery::interleave
