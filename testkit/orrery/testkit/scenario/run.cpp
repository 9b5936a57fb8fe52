#include "orrery/testkit/scenario/run.hpp"

#include "orrery/sim/run.hpp"
#include "orrery/system.hpp"
#include "orrery/testkit/scenario/detail/stage.hpp"

#include <fmt/core.h>

#include <chrono>
#include <memory>
#include <optional>

namespace orrery::scenario {

std::string run_simulated(const Scenario& scenario, std::uint64_t seed, TraceOptions options) {
  std::string trace;
  std::optional<detail::Stage> stage;  // its tree refers to it, until the end of the world
  const auto body = [&](sim::World& world) {
    const auto settle = [&world] {
      (void)world.run_until([] { return false; });  // until it is at rest; a held supervisor may wait
      return true;
    };
    trace = stage.emplace(scenario, world, settle, options).run();
  };
  const sim::Outcome outcome = sim::execute(body, [seed] { return std::make_unique<sim::RandomWalk>(seed); },
                                            {.faults = sim::FaultProfile::none});
  if (outcome.finding) {
    trace += fmt::format("finding {}: {} {}\n", sim::headline(outcome.finding->kind), outcome.finding->name,
                         outcome.finding->detail);
  }
  return trace;
}

std::string run_on_threads(const Scenario& scenario, unsigned threads, TraceOptions options, unsigned limit_seconds) {
  const Duration limit = std::chrono::seconds{limit_seconds};
  std::optional<detail::Stage> stage;
  System system{SystemOptions{.threads = threads, .stop_timeout = std::chrono::milliseconds{500}}};
  return stage.emplace(scenario, system, [&] { return system.await_quiescence(limit); }, options).run();
}

}  // namespace orrery::scenario
