// time.hpp: the two words for time that all layers share, and their short text.
// Why:  an actor must not be able to ask the machine for the time, only its world. An Instant therefore
//       belongs to a clock that has no now(): whoever wants one has to be given it.
// Always true:  (T1) integers only; nothing is rounded, so different durations have different texts
//               (T2) no function here reads a clock
// Not chosen:   std::chrono::steady_clock::time_point (real and virtual instants could be mixed up);
//               fmt/chrono.h (rounds, and costs every includer a large header).
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace orrery {
/// A span of time. Units: nanoseconds, about 292 years in each direction.
using Duration = std::chrono::nanoseconds;

/// The tag of the world's time axis. It has no now(): a world hands out instants.
struct WorldClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<WorldClock, duration>;
  static constexpr bool is_steady = true;
};

/// A moment on the world's time axis; its epoch is the start of the run.
using Instant = std::chrono::time_point<WorldClock, Duration>;

/// The exact short text of a duration: "0", "90us", "1.5s", "1m30s", "3h12m", "2d1h0.25s", "-5ms".
///
/// Below a minute one unit with a decimal fraction; from a minute on days, hours, minutes, seconds without
/// the parts that are zero.
[[nodiscard]] inline std::string format_duration(Duration duration) {
  const auto append_decimal = [](std::string& out, std::uint64_t value, std::uint64_t unit, const char* name) {
    out += std::to_string(value / unit);
    if (std::uint64_t rest = value % unit; rest != 0) {
      out += '.';
      for (std::uint64_t digit = unit / 10; rest != 0; rest %= digit, digit /= 10) {
        out += static_cast<char>('0' + rest / digit);
        if (digit == 1) break;
      }
    }
    out += name;
  };
  constexpr std::uint64_t microsecond = 1'000, millisecond = 1'000'000, second = 1'000'000'000;
  constexpr std::uint64_t minute = 60 * second, hour = 60 * minute, day = 24 * hour;

  if (duration == Duration::zero()) return "0";
  std::string out = duration < Duration::zero() ? "-" : "";
  std::uint64_t left = static_cast<std::uint64_t>(duration.count());
  if (duration < Duration::zero()) left = 0 - left;  // unsigned, because Duration::min() has no positive twin

  if (left < microsecond) {
    append_decimal(out, left, 1, "ns");
  } else if (left < millisecond) {
    append_decimal(out, left, microsecond, "us");
  } else if (left < second) {
    append_decimal(out, left, millisecond, "ms");
  } else {
    const auto take_whole = [&](std::uint64_t unit, const char* name) {
      if (left >= unit) out += std::to_string(left / unit) + name;
      left %= unit;
    };
    take_whole(day, "d");
    take_whole(hour, "h");
    take_whole(minute, "m");
    if (left != 0) append_decimal(out, left, second, "s");
  }
  return out;
}
}  // namespace orrery
