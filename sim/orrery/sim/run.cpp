#include "orrery/sim/run.hpp"

#include <exception>

namespace orrery::sim {

namespace {

/// One attempt. Returns: false when the run must be made again without reductions.
bool attempt(const Body& body, Strategy& strategy, const RunOptions& options, Outcome& outcome) {
  World world{strategy, options};
  Engine& engine = world.internals();
  try {
    body(world);
  } catch (const RunStopped&) {
    // The finding stands in the engine.
  } catch (const std::exception& error) {
    engine.report_finding({.kind = FindingKind::exception_in_test, .name = error.what(), .detail = {}, .file = {}});
  } catch (...) {
    engine.report_finding(
        {.kind = FindingKind::exception_in_test, .name = "not a std::exception", .detail = {}, .file = {}});
  }
  if (engine.wants_rerun_unreduced()) {
    (void)world.finish();
    return false;
  }
  outcome.virtual_time = world.now().time_since_epoch();
  outcome.divergence = strategy.divergence();
  outcome.ledger = world.finish();
  outcome.finding = engine.finding();
  outcome.cut_short = engine.was_cut_short();
  outcome.pruned = engine.is_pruned();
  outcome.trace_hash = engine.trace_hash();
  outcome.decisions = engine.decisions();
  outcome.order = engine.executed_keys();
  outcome.events = std::move(engine.events());
  outcome.attachments = engine.attachments();
  outcome.sometimes = engine.sometimes();
  outcome.faults = engine.faults();
  outcome.lost = engine.lost();
  outcome.steps = engine.steps();
  outcome.operations = engine.operations();
  return true;
}

}  // namespace

Outcome execute(const Body& body, const MakeStrategy& make_strategy, RunOptions options) {
  Outcome outcome;
  outcome.reduced = options.reduce;
  if (const auto strategy = make_strategy(); attempt(body, *strategy, options, outcome)) return outcome;
  options.reduce = outcome.reduced = false;
  const auto strategy = make_strategy();
  (void)attempt(body, *strategy, options, outcome);
  return outcome;
}

Searched search_all(const Body& body, RunOptions options, std::uint64_t runs_max,
                    const std::function<void(const Outcome&)>& visit) {
  // Whether reductions apply must be one answer for the whole tree: with the first run that needs none, start again.
  for (const bool reduce : {options.reduce, false}) {
    options.reduce = reduce;
    Exhaustive strategy;
    Searched searched;
    bool restart = false;
    do {
      if (searched.runs == runs_max) {
        searched.complete = false;
        break;
      }
      Outcome outcome;
      if (!attempt(body, strategy, options, outcome)) {
        restart = true;
        break;
      }
      ++searched.runs;
      visit(outcome);
    } while (strategy.advance());
    if (!restart) return searched;
  }
  return {};
}

}  // namespace orrery::sim
