// self_test.hpp: whether the simulated world is sealed in this program.
// Why:  the leak guard works because the linker finds its functions first. A static libc, a wrapper of the toolchain's or a
//       linker option can take that away, and then tests go on passing, and stop being repeatable.
// How:  a tiny simulation reads clocks and entropy as user code does, twice, and looks whether it got the world's.
#pragma once
#include "orrery/core/time.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace orrery::testkit {

/// How user code reads what it should not; replaced in tests.
struct Leaky {
  std::function<Duration()> steady_clock;   ///< std::chrono::steady_clock::now
  std::function<Duration()> clock_gettime;  ///< of CLOCK_MONOTONIC
  std::function<std::uint32_t()> entropy;   ///< std::random_device
};
[[nodiscard]] Leaky leaks_of_this_program();

struct SelfTest {
  bool is_good = false;
  std::string what;
  std::string says;
};
[[nodiscard]] std::vector<SelfTest> self_test(const Leaky& leaky = leaks_of_this_program());

/// Prints a line for each: "ok" or "BAD", what it is, and what it says, with tabs between them; `orrery doctor` reads them.
/// Returns: the exit code.
int print_self_test();

}  // namespace orrery::testkit
