#include "tests/scenario/generate.hpp"

#include "orrery/core/check.hpp"
#include "orrery/testkit/scenario/print.hpp"
#include "tests/scenario/generate_parts.hpp"
#include "tests/scenario/model.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

namespace orrery::scenario {

namespace {

template <class Wanted>
bool has_event(const std::vector<Event>& events) {
  return std::ranges::any_of(events, [](const Event& event) {
    if (std::holds_alternative<Wanted>(event.action)) return true;
    const auto* const batch = std::get_if<Batch>(&event.action);
    return batch != nullptr && has_event<Wanted>(batch->operations);
  });
}

void add_tags(Scenario& scenario, const GenerateOptions& options) {
  scenario.tags = {"generated"};
  const auto& declared = scenario.declarations;
  const bool nested = std::ranges::count(declared, Kind::supervisor, &Declaration::kind) > 1;
  const bool simple = std::ranges::count(declared, Strategy::simple_one_for_one, &Declaration::strategy) > 0;
  scenario.tags.emplace_back(nested ? "nested" : "flat");
  if (simple) scenario.tags.emplace_back("simple");
  if (has_event<Batch>(scenario.events)) scenario.tags.emplace_back("batch");
  if (has_event<Signal>(scenario.events)) scenario.tags.emplace_back("signal");
  if (options.supkill) scenario.tags.emplace_back("supkill");
}

}  // namespace

Scenario generate_scenario(std::uint64_t seed, int size, const GenerateOptions& options) {
  ORRERY_CHECK(0 <= size && size <= 100, "size {}", size);
  generate::Dice dice{seed};
  // Small ones among the large: what they find is easier to read.
  const auto actors = static_cast<int>(dice.between(1, 1 + size / 8));
  const auto events = static_cast<int>(dice.between(1, 3 + size / 4));
  Scenario out;
  do {
    out = {.name = "generated", .tags = {}, .declarations = {}, .events = {}};
    generate::draw_tree(dice, actors, options, out);
  } while (!run_model(out, false).undefined.empty());
  generate::draw_events(dice, events, options, out);
  add_tags(out, options);
  return out;
}

rc::Gen<Scenario> any_scenario(const GenerateOptions& options) {
  return [options](const rc::Random& random, int size) {
    const std::uint64_t seed = rc::Random{random}.next();
    return rc::shrinkable::shrinkRecur(
        generate_scenario(seed, std::min(size, 100), options),
        [](const Scenario& value) { return rc::seq::fromContainer(simpler_scenarios(value)); });
  };
}

void showValue(const Scenario& scenario, std::ostream& out) { out << print(scenario); }

}  // namespace orrery::scenario
