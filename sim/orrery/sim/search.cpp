#include "orrery/sim/search.hpp"

#include "orrery/core/check.hpp"
#include "orrery/sim/strategies/around.hpp"
#include "orrery/sim/strategies/dpor.hpp"

namespace orrery::sim {

SearchedTraces search_traces(const Body& body, RunOptions options, std::uint64_t runs_max,
                             const std::function<void(const Outcome&)>& visit) {
  ORRERY_CHECK(options.faults == FaultProfile::none, "a search over traces knows no stalls");
  // Whether reductions apply must be one answer for the whole search, as in search_all().
  for (const bool reduce : {options.reduce, false}) {
    options.reduce = reduce;
    Dpor dpor;
    SearchedTraces searched;
    bool is_reduced = true;
    do {
      if (searched.traces + searched.pruned == runs_max) {
        searched.complete = false;
        return searched;
      }
      // The strategy outlives the run.
      const Outcome outcome = execute(body, [&] { return std::make_unique<Around>(dpor); }, options);
      is_reduced = outcome.reduced;
      if (reduce && !is_reduced) break;
      ++(outcome.pruned ? searched.pruned : searched.traces);
      if (outcome.finding && !outcome.pruned) dpor.cut_short();
      if (!outcome.pruned) visit(outcome);
    } while (dpor.advance());
    if (!reduce || is_reduced) return searched;
  }
  return {};
}

}  // namespace orrery::sim
