// explore.hpp: runs a small program through its interleavings and says what was found.
#pragma once
#include "tests/interleavings/checker/atomic.hpp"

#include <functional>
#include <set>
#include <string>

namespace orrery::interleave {

struct Report {
  bool failed = false;
  bool complete = false;  ///< all that the mode promises was seen
  std::uint64_t executions = 0;
  std::uint64_t pruned = 0;  ///< of these, how many were left early because the rest was seen elsewhere
  unsigned steps_max = 0;
  std::set<std::string> outcomes;
  std::string failure;  ///< what was wrong
  std::string story;    ///< the interleaving that shows it, with as few preemptions as were found
  std::string choices;  ///< its replay: ORRERY_INTERLEAVING=<name>:<choices>
};

using Body = std::function<void(Model&)>;

/// Executes `body` once per interleaving, until one fails or there are no more.
///
/// The body builds a program's state, adds threads, calls run(), and then looks at the state; it is executed many
/// times and must do the same each time. ORRERY_INTERLEAVING=<name>:<choices> replays one execution instead.
[[nodiscard]] Report explore(const std::string& name, Mode mode, const Body& body, Model::Limits limits = {});

/// GoogleTest: expects that no execution fails and that the mode's promise was kept, and prints the figures.
void expect_holds(const std::string& name, Mode mode, const Body& body, Model::Limits limits = {});
/// Expects a failure whose text contains `what`.
void expect_fails(const std::string& name, Mode mode, const std::string& what, const Body& body,
                  Model::Limits limits = {});
/// Expects exactly these outcomes of all interleavings.
void expect_outcomes(const std::string& name, const std::set<std::string>& outcomes, const Body& body);

[[nodiscard]] inline Mode all() { return {}; }
[[nodiscard]] inline Mode preemptions(unsigned most, unsigned stale_reads = ~0U) {
  return {.kind = Mode::bounded, .preemptions = most, .stale_reads = stale_reads, .choices = {}};
}
[[nodiscard]] inline Mode random(std::uint64_t executions, std::uint64_t seed = 1) {
  return {.kind = Mode::random, .seed = seed, .executions = executions, .choices = {}};
}

}  // namespace orrery::interleave
