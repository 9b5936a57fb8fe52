// generate.hpp: random scenarios in which something happens.
// How:  a tree is drawn, then one event after the other; each is tried on the model first. An event that makes the trace
//       undefined is drawn again, so is one that ends the root too soon, and targets are mostly alive.
// Always true:  (G1) equal seeds, sizes and options give equal scenarios
//               (G2) run_model finds nothing undefined in them, and print and parse give them back
//               (G3) no id is used under two parents, no supervisor with declared children is added again, and what stops
//                    slowly takes far less or far more time than it may
#pragma once
#include "orrery/testkit/scenario/scenario.hpp"

#include <rapidcheck.h>

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace orrery::scenario {

struct GenerateOptions {
  bool supkill = false;    ///< supervisors are killed, and their children become orphans
  bool bad_specs = true;   ///< now and then a start that must fail
  bool long_stops = true;  ///< workers that take some hundred milliseconds; they cost others real time
};

/// Returns: a scenario of up to about size / 8 actors and size / 4 events, often less. Pre: 0 <= size <= 100.
[[nodiscard]] Scenario generate_scenario(std::uint64_t seed, int size, const GenerateOptions& options = {});

/// For rapidcheck, with shrinking.
[[nodiscard]] rc::Gen<Scenario> any_scenario(const GenerateOptions& options = {});

/// Returns: scenarios with a little less in them, the boldest cuts first; none is undefined.
[[nodiscard]] std::vector<Scenario> simpler_scenarios(const Scenario& scenario);

void showValue(const Scenario& scenario,
               std::ostream& out);  // NOLINT(readability-identifier-naming): rapidcheck's name

}  // namespace orrery::scenario
