// Goal:   offering no choice where none can matter loses no outcome and invents none.
// Method: brute force. Random programs are run under every schedule, with the reductions and without, and the sets of
//         outcomes are compared. ORRERY_REDUCTION_PROGRAMS=<n> tries n programs of each kind.
#include "tests/sim/little_programs.hpp"
#include "tests/support/sanitizers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

namespace orrery::testing {
namespace {

int programs_wanted(int otherwise) {
  const char* const text = std::getenv("ORRERY_REDUCTION_PROGRAMS");
  if (text != nullptr) return std::atoi(text);
  return test_support::is_sanitized ? otherwise / 6
                                    : otherwise;  // what a sanitizer could see, it sees in the first of them
}

std::uint64_t median(std::vector<std::uint64_t> values) {
  if (values.empty()) return 0;
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

struct Kind {
  const char* name;
  Features features;
  int programs;  ///< in the short form
  std::uint64_t runs_max = 12'000;
};

class Reductions : public ::testing::TestWithParam<Kind> {};

TEST_P(Reductions, lose_and_invent_no_outcome) {
  const Kind& kind = GetParam();
  const int wanted = programs_wanted(kind.programs);
  std::vector<std::uint64_t> reduced_runs;
  std::vector<std::uint64_t> all_runs;
  std::vector<std::uint64_t> outcomes;
  int skipped = 0;
  int plain = 0;
  for (std::uint64_t seed = 0; static_cast<int>(all_runs.size()) < wanted; ++seed) {
    Entropy entropy{seed, 77};
    const Program program = draw_program(entropy, kind.features);
    const Outcomes every = all_outcomes(program, false, kind.runs_max);
    if (!every.complete) {
      ++skipped;
      continue;
    }
    const Outcomes reduced = all_outcomes(program, true, kind.runs_max);
    ASSERT_TRUE(reduced.complete) << "a reduction made more runs of it, seed " << seed << '\n' << to_text(program);
    std::string difference;
    for (const auto& outcome : every.all) {
      if (!reduced.all.contains(outcome)) difference += "  lost:     " + outcome + '\n';
    }
    for (const auto& outcome : reduced.all) {
      if (!every.all.contains(outcome)) difference += "  invented: " + outcome + '\n';
    }
    ASSERT_EQ(difference, "") << "seed " << seed << '\n' << to_text(program);
    if (every.all.size() == 1) {  // shows little: compared, but not counted
      ++plain;
      continue;
    }
    all_runs.push_back(every.runs);
    reduced_runs.push_back(reduced.runs);
    outcomes.push_back(every.all.size());
  }
  RecordProperty("median_runs_all", std::to_string(median(all_runs)));
  RecordProperty("median_runs_reduced", std::to_string(median(reduced_runs)));
  std::printf(
      "  %s: %zu programs (and %d with one outcome, %d too large), schedules: median %llu of all, %llu reduced; "
      "outcomes: median %llu\n",
      kind.name, all_runs.size(), plain, skipped, static_cast<unsigned long long>(median(all_runs)),
      static_cast<unsigned long long>(median(reduced_runs)), static_cast<unsigned long long>(median(outcomes)));
}

INSTANTIATE_TEST_SUITE_P(
    Programs, Reductions,
    ::testing::Values(
        Kind{"tells", {}, 60}, Kind{"asks", {.asks = true}, 60},
        Kind{"timeouts", {.asks = true, .timeouts = true, .timers = true}, 40},
        Kind{"stall", {.asks = true, .timeouts = true, .timers = true, .stalls = true, .messages_max = 4}, 25},
        Kind{"bounded", {.asks = true, .bounded = true}, 40},
        Kind{"priorities", {.asks = true, .priorities = true}, 40}, Kind{"stops", {.asks = true, .stops = true}, 60},
        Kind{"failures", {.asks = true, .failures = true}, 40}, Kind{"looks", {.asks = true, .looks = true}, 40},
        Kind{"offloads", {.offloads = true}, 15}, Kind{"offloads_asks", {.asks = true, .offloads = true}, 15},
        Kind{
            "offloads_stops", {.asks = true, .timeouts = true, .stops = true, .offloads = true, .messages_max = 5}, 15},
        Kind{"assured", {.asks = true, .assured = true, .messages_max = 6}, 40},
        Kind{"assured_bounded", {.bounded = true, .failures = true, .assured = true, .messages_max = 5}, 30},
        Kind{"assured_stops", {.asks = true, .timers = true, .stops = true, .assured = true, .messages_max = 5}, 30},
        Kind{"assured_stall", {.assured = true, .stalls = true, .messages_max = 4}, 15},
        Kind{"assured_per_pair", {.bounded = true, .assured = true, .per_pair = true, .messages_max = 5}, 20},
        Kind{"watched", {.asks = true, .watched = true}, 40},
        Kind{"per_pair", {.asks = true, .per_pair = true, .messages_max = 5}, 30},
        Kind{"everything",
             {.asks = true,
              .timeouts = true,
              .bounded = true,
              .priorities = true,
              .timers = true,
              .stops = true,
              .failures = true,
              .looks = true,
              .watched = false,
              .offloads = true,
              .stalls = false},
             60}),
    [](const auto& test) { return std::string{test.param.name}; });

}  // namespace
}  // namespace orrery::testing
