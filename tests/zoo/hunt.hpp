// hunt.hpp: how many runs a strategy needs to find a bug of the zoo.
#pragma once
#include "orrery/sim/strategies/portfolio.hpp"
#include "tests/zoo/zoo.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace orrery::zoo {

/// The runs of a campaign over one program, one after the other, as a test's campaign makes them.
class Campaign {
 public:
  Campaign(const Program& program, sim::StrategyKind strategy, std::uint64_t seed)
      : program_{program}, strategy_{strategy}, seed_{seed} {}
  /// Makes the next run.
  [[nodiscard]] sim::Outcome next();

 private:
  const Program& program_;
  sim::StrategyKind strategy_;
  std::uint64_t seed_;
  std::uint64_t run_ = 0;
  sim::Learned learned_;
};

struct Hunt {
  std::uint64_t found = 0;   ///< in how many seeds
  std::uint64_t median = 0;  ///< runs to the first report, over all seeds; 0: more than half have not found it
  std::uint64_t runs_max = 0;
  std::string other;  ///< a finding that is not the bug: a false alarm, or a second bug
};
[[nodiscard]] Hunt hunt(const Program& program, sim::StrategyKind strategy, std::uint64_t seeds,
                        std::uint64_t runs_max);

/// Returns: what is reported of a correct program in so many runs, if anything.
[[nodiscard]] std::optional<std::string> watch_control(const Program& program, sim::StrategyKind strategy,
                                                       std::uint64_t runs);

}  // namespace orrery::zoo
