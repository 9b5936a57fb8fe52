#include "orrery/testkit/detail/candidates.hpp"

#include <memory>
#include <utility>

namespace orrery::testkit::detail {

namespace {

Hash128 hash_of(const SchedulePlan& plan, std::uint64_t identity, const sim::RunOptions& options) {
  TraceHasher hasher;
  hasher.add(identity);
  hasher.add(static_cast<std::uint64_t>(options.grain));
  hasher.add(options.reduce ? 1 : 0);
  hasher.add(static_cast<std::uint64_t>(plan.kind));
  hasher.add((plan.at_once.sends ? 1U : 0U) + (plan.at_once.replies ? 2U : 0U));
  hasher.add(plan.seed);
  hasher.add(plan.deviations.held.size());
  for (const auto& [op, until] : plan.deviations.held) {
    hasher.add(op);
    hasher.add(until);
  }
  hasher.add(plan.deviations.draws.size());
  for (const auto& [stream, counter, value] : plan.deviations.draws) {
    hasher.add(stream);
    hasher.add(counter);
    hasher.add(value);
  }
  hasher.add(plan.deviations.faults.size());
  for (const auto& [stream, counter, value] : plan.deviations.faults) {
    hasher.add(stream);
    hasher.add(counter);
    hasher.add(value);
  }
  hasher.add(plan.script.size());
  for (const std::uint64_t name : plan.script) hasher.add(name);
  return hasher.value();
}

std::unique_ptr<sim::Strategy> make(const SchedulePlan& plan) {
  switch (plan.kind) {
    case SchedulePlan::Kind::deviations:
      return std::make_unique<sim::FollowDeviations>(plan.deviations);
    case SchedulePlan::Kind::script:
      return std::make_unique<sim::FollowScript>(plan.script, plan.deviations.draws, plan.deviations.faults,
                                                 plan.at_once);
    case SchedulePlan::Kind::random:
      break;
  }
  return std::make_unique<sim::RandomWalk>(plan.seed);
}

}  // namespace

std::optional<Tried> Candidates::run(const Input& input, std::uint64_t identity, const SchedulePlan& plan) {
  if (is_over() || !tried_.insert(hash_of(plan, identity, options_)).second) return std::nullopt;
  ++runs_;
  options_.record_events = false;
  Tried tried = execute_(property_, input, [&] { return make(plan); }, options_, false);
  operations_ += tried.outcome.operations + 1;  // a run costs something even when nothing happens in it
  if (!tried.outcome.finding || !is_same_failure(*tried.outcome.finding, wanted_)) return std::nullopt;
  return tried;
}

Tried Candidates::repeat(const Input& input, const sim::Outcome& outcome, bool record_events) {
  sim::RunOptions options = options_;
  options.record_events = record_events;
  options.reduce = outcome.reduced;
  const auto replay = [&] { return std::make_unique<sim::Replay>(outcome.decisions, sim::Replay::Mode::strict); };
  Tried tried = execute_(property_, input, replay, options, record_events);
  tried.outcome.divergence.reset();
  return tried;
}

}  // namespace orrery::testkit::detail
