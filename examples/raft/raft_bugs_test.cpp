// Goal:   the property of raft_property.hpp finds every planted bug within 10,000 runs.
// Method: the campaign of a test, up to its first finding. RAFT_SEEDS=5 prints how many runs it takes with so many seeds.
#include "raft_bugs.hpp"

#include <fmt/core.h>

#include <cstdlib>

namespace {

using namespace raft::bugs;

struct Found {
  std::uint64_t runs = 0;  ///< 0: not found
  std::string what;
};

Found hunt(const Bug& bug, std::uint64_t seed, std::uint64_t runs_max) {
  const auto property = orrery::testkit::make_property(
      std::string{bug.name}, [bug](orrery::sim::World& w, const raft::Plan& plan) { bug.body(w, bug.servers, plan); });
  const auto options = raft::in_a_bad_network(runs_max);
  orrery::testkit::Runs runs{property, options, seed};
  for (std::uint64_t run = 0; run < runs_max; ++run) {
    const auto outcome = runs.make(run);
    if (outcome.finding) return {run + 1, outcome.finding->name};
  }
  return {};
}

class RaftBugs : public testing::TestWithParam<Bug> {};

TEST_P(RaftBugs, is_found_within_10_000_runs) {
  constexpr std::uint64_t runs_max = 10'000;
  const Found found = hunt(GetParam(), orrery::testkit::default_seed, runs_max);
  EXPECT_NE(found.runs, 0U) << GetParam().name;
  const char* const seeds = std::getenv("RAFT_SEEDS");
  if (seeds == nullptr) return;
  std::vector<std::uint64_t> needed;
  for (std::uint64_t seed = 1; seed <= std::strtoull(seeds, nullptr, 10); ++seed) {
    const Found one = hunt(GetParam(), seed, runs_max);
    needed.push_back(one.runs == 0 ? runs_max + 1 : one.runs);
    fmt::print("{:<45} {:>6}  {}\n", GetParam().name, one.runs, one.what);
  }
  std::ranges::sort(needed);
  if (!needed.empty()) fmt::print("{:<45} median {}\n", GetParam().name, needed[(needed.size() - 1) / 2]);
}

INSTANTIATE_TEST_SUITE_P(Each, RaftBugs, testing::ValuesIn(all()), [](const auto& one) {
  std::string name{one.param.name};
  std::ranges::replace(name, ' ', '_');
  return name;
});

}  // namespace
