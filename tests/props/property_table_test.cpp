// Goal:   every property of the library can fail, and fails for nothing else: a system that keeps it passes in all runs and under
//         load on threads, and every system with a planted mistake is found.
// Method: the table of property_table.hpp; 1,000 runs for a mistake, ORRERY_RUNS (2,000 unless it is set) for a correct system.
#include "tests/props/property_table.hpp"

#include "orrery/testkit/settings.hpp"
#include "tests/support/scale.hpp"

#include <fmt/core.h>

#include <iterator>
#include <optional>

namespace orrery::props_tests {

const std::vector<Row>& property_table() {
  static const std::vector<Row> table = [] {
    std::vector<Row> all;
    for (auto make : {promise_rows, mailbox_rows, restart_rows, group_rows}) {
      auto rows = make();
      all.insert(all.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
    }
    return all;
  }();
  return table;
}

namespace {

constexpr std::uint64_t mutant_runs_max = 1'000;

/// Returns: the first run that failed, with what it showed.
std::optional<testkit::RunNote> first_failure(const Case& one, const sim::RunOptions& run, std::uint64_t runs) {
  const testkit::CheckOptions options{.runs = runs, .run = run};
  testkit::Runs all{one.simulated, options, 1};
  for (std::uint64_t i = 0; i < runs; ++i) {
    auto note = testkit::note_run(all, i);
    if (note.failed()) return note;
  }
  return std::nullopt;
}
std::string text_of(const testkit::RunNote& note) {
  return note.finding ? fmt::format("{}: {}", sim::to_string(*note.finding), note.finding->detail) : note.differs;
}

TEST(PropertyTable, finds_every_planted_mistake_within_1000_runs) {
  fmt::print("{:<22} {:<44} {}\n", "property", "mistake", "runs needed");
  for (const Row& row : property_table()) {
    for (const Case& mutant : row.mutants) {
      const auto failure = first_failure(mutant, row.run, mutant_runs_max);
      fmt::print("{:<22} {:<44} {}\n", row.property, mutant.name, failure ? std::to_string(failure->run + 1) : "NONE");
      EXPECT_TRUE(failure) << row.property << " does not see: " << mutant.name;
    }
  }
}

TEST(PropertyTable, finds_nothing_in_correct_systems) {
  const std::uint64_t runs = testkit::settings().runs.value_or(static_cast<std::uint64_t>(test_support::scaled(2'000)));
  for (const Row& row : property_table()) {
    const auto failure = first_failure(row.correct, row.run, runs);
    fmt::print("{:<22} {:<44} {} runs\n", row.property, row.correct.name, runs);
    EXPECT_FALSE(failure) << row.property << ", " << row.correct.name << ", run " << failure->run << ": "
                          << text_of(*failure);
  }
}

TEST(PropertyTable, finds_nothing_in_correct_systems_on_threads) {
  for (const std::uint32_t threads : {2U, 4U}) {
    for (const Row& row : property_table()) {
      props::Stress stress{.rounds = static_cast<std::uint64_t>(test_support::scaled(20))};
      stress.system.threads = threads;
      const std::uint64_t rounds = row.correct.stress(stress);
      EXPECT_EQ(rounds, stress.rounds) << row.property << ", " << row.correct.name;
    }
  }
}

}  // namespace
}  // namespace orrery::props_tests
