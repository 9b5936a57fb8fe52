// run.hpp: a scenario, run on real supervisors; what happened, as the canonical trace.
// Why:  the same file can be given to Erlang/OTP and to us, and the two texts compared.
// How:  workers and supervisors are ordinary actors whose start functions follow the plans. They write into one log when
//       they start, handle and end; after each event everything comes to rest, and the log and the tree are printed.
// Always true:  (R1) the trace of a scenario is the same in both worlds, for every seed and number of threads, where OTP
//                    defines what happens
// Not modelled: time between events. Restarts are counted by a clock that only `advance` moves.
#pragma once
#include "orrery/testkit/scenario/scenario.hpp"

#include <cstdint>
#include <string>

namespace orrery::scenario {

struct TraceOptions {
  bool reports = true;  ///< with the `rep` lines
};

/// Runs it in the simulated world, in an order that `seed` decides, without faults.
///
/// Returns: the trace, every line ended; with a last line "finding ..." when the world itself found something wrong.
/// Cost:    about 20 microseconds per event. Threads: one at a time on a thread.
[[nodiscard]] std::string run_simulated(const Scenario& scenario, std::uint64_t seed, TraceOptions options = {});

/// Runs it on that many worker threads.
///
/// Returns: the trace; ends in "hangs: ..." when the system did not come to rest within `limit_seconds`.
/// Blocks:  the thread.
[[nodiscard]] std::string run_on_threads(const Scenario& scenario, unsigned threads, TraceOptions options = {},
                                         unsigned limit_seconds = 30);

}  // namespace orrery::scenario
