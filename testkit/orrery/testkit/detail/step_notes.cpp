#include "orrery/testkit/detail/step_notes.hpp"

namespace orrery::testkit::detail {

std::uint64_t NotingSteps::choose(const sim::Point& point) {
  const std::uint64_t index = Around::choose(point);
  if (point.kind == sim::DecisionKind::draw) {
    notes_.draws.push_back({.stream = point.stream,
                            .counter = point.counter,
                            .count = point.count,
                            .value = index,
                            .done = notes_.done.size() - 1});
  }
  return index;
}

void NotingSteps::note(const sim::Op& op) {
  StepNotes::Done done{.name = names_.name(op),
                       .kind = op.kind,
                       .label = names_.label(op),
                       .access = sim::access_of(op),
                       .is_own = op.kind == sim::OpKind::take || op.kind == sim::OpKind::resume};
  if (const auto at = handling_.find(op.agent->index); at != handling_.end()) done.during = at->second;
  notes_.done.push_back(done);
  names_.done(op);
  last_agent_ = op.agent->index;
}

void NotingSteps::executed(const sim::Op& op) {
  note(op);
  Around::executed(op);
}

void NotingSteps::hurried(const sim::Op& op) {
  note(op);
  Around::hurried(op);
}

void NotingSteps::sent(const sim::Agent& who, const sim::Agent& from, const sim::Agent& to, std::uint32_t ordinal) {
  // A timer brings its tick in the name of the actor that has set it. Whatever else is brought by somebody who does not
  // act right now is the body's, which runs alone.
  const bool is_timer = !notes_.done.empty() && notes_.done.back().kind == sim::OpKind::fire;
  if (!notes_.done.empty() && (who.index == last_agent_ || is_timer)) {
    brought_[{from.index, to.index, ordinal}] = notes_.done.size() - 1;
  }
  Around::sent(who, from, to, ordinal);
}

void NotingSteps::handles(const sim::Agent& who, const sim::Agent& from, std::uint32_t ordinal) {
  StepNotes::Take take{.done = notes_.done.size() - 1, .to = who.index, .from = from.index};
  if (const auto at = brought_.find({from.index, who.index, ordinal}); at != brought_.end()) {
    take.by = at->second;
    notes_.done[take.by].take = notes_.takes.size();
  }
  handling_[who.index] = notes_.takes.size();
  notes_.takes.push_back(take);
  Around::handles(who, from, ordinal);
}

}  // namespace orrery::testkit::detail
