// search.hpp: all behaviours of a finite program, with and without repetition.
#pragma once
#include "orrery/sim/run.hpp"

namespace orrery::sim {

/// What a search has done.
struct SearchedTraces {
  std::uint64_t traces = 0;  ///< complete runs: orders of conflicting operations, each different from the others
  std::uint64_t pruned = 0;  ///< runs that were given up because they would have repeated one
  bool complete = true;      ///< false: `runs_max` was reached
};

/// Runs `body` once for every order of conflicting operations (strategies/dpor.hpp) and calls `visit` with each outcome.
///
/// Pre: the program ends under every schedule, its draws are bounded, options.faults is none.
/// Cost: one run per trace, with quadratic bookkeeping in its length.
SearchedTraces search_traces(const Body& body, RunOptions options, std::uint64_t runs_max,
                             const std::function<void(const Outcome&)>& visit);

}  // namespace orrery::sim
