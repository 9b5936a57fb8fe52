// shrinking.hpp: failing runs of the zoo, to be shrunk.
#pragma once
#include "orrery/testkit/shrink.hpp"
#include "tests/zoo/zoo.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace orrery::zoo {

struct FailingRun {
  testkit::CheckOptions options;
  sim::Outcome outcome;  ///< with events
};

/// Returns: the first run of a campaign that shows the program's bug; nothing when it is not found within `runs_max` runs
/// (0: as many as the program says).
[[nodiscard]] std::optional<FailingRun> failing_run(const Program& program, std::uint64_t seed,
                                                    std::uint64_t runs_max = 0);
[[nodiscard]] testkit::ShrinkResult shrink(const Program& program, const FailingRun& found,
                                           testkit::ShrinkBudget budget = {});
[[nodiscard]] testkit::Property property_of(const Program& program);

/// Returns: how often a message is handled by another actor than the one before.
[[nodiscard]] std::uint64_t switches_in(const sim::Outcome& outcome);

/// Returns: the middle one, the lower of two. Pre: not empty.
[[nodiscard]] inline std::uint64_t median_of(std::vector<std::uint64_t> values) {
  std::ranges::sort(values);
  return values[(values.size() - 1) / 2];
}

}  // namespace orrery::zoo
