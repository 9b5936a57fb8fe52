#include "tests/zoo/shrinking.hpp"

#include <string>

namespace orrery::zoo {

testkit::Property property_of(const Program& program) {
  return {.name = std::string{program.name},
          .make_input = [](const testkit::InputOrigin&) { return std::make_unique<testkit::NoInput>(); },
          .body = [&program](sim::World& world, const testkit::Input&) { program.body(world); }};
}

std::optional<FailingRun> failing_run(const Program& program, std::uint64_t seed, std::uint64_t runs_max) {
  const testkit::Property property = property_of(program);
  FailingRun found;
  found.options.run = program.options;
  testkit::Runs runs{property, found.options, seed};
  if (runs_max == 0) runs_max = program.runs_max;
  for (std::uint64_t run = 0; run < runs_max; ++run) {
    const sim::Outcome outcome = runs.make(run);
    if (!outcome.finding || !outcome.finding->name.starts_with(program.found)) continue;
    found.outcome = runs.make(run, true);
    found.options.run = runs.options_of(run);
    return found;
  }
  return std::nullopt;
}

testkit::ShrinkResult shrink(const Program& program, const FailingRun& found, testkit::ShrinkBudget budget) {
  const testkit::Property property = property_of(program);
  return testkit::shrink(property, found.options, {}, std::make_unique<testkit::NoInput>(), found.outcome, budget);
}

std::uint64_t switches_in(const sim::Outcome& outcome) {
  std::uint64_t switches = 0;
  const std::string* last = nullptr;
  for (const sim::Event& event : outcome.events) {
    if (event.kind != sim::EventKind::take) continue;
    if (last != nullptr && *last != event.to) ++switches;
    last = &event.to;
  }
  return switches;
}

}  // namespace orrery::zoo
