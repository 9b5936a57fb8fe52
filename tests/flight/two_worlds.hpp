// two_worlds.hpp: one body of a test, run on threads and in the simulator, with options of the runtime.
#pragma once
#include <orrery/sim/run.hpp>
#include <orrery/system.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>

namespace orrery {

/// Runs `body` on threads, and in a few runs of the simulator. `settle` waits until all is at rest.
inline void in_two_worlds(const RuntimeOptions& runtime_options,
                          const std::function<void(Runtime& runtime, const std::function<void()>& settle)>& body) {
  {
    SCOPED_TRACE("on threads");
    SystemOptions options;
    options.threads = 2;
    options.runtime = runtime_options;
    options.read_environment = false;
    System system{options};
    body(system, [&] { ASSERT_TRUE(system.await_quiescence(std::chrono::seconds{60})); });
  }
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE("in the simulator");
    sim::RunOptions options;
    options.runtime = runtime_options;
    options.runtime.actors_max = 1U << 10;
    options.faults = sim::FaultProfile::none;
    const sim::Outcome outcome = sim::execute([&](sim::World& world) { body(world, [&] { world.run(); }); },
                                              [&] { return std::make_unique<sim::RandomWalk>(seed); }, options);
    EXPECT_FALSE(outcome.finding.has_value()) << outcome.finding->name << ": " << outcome.finding->detail;
  }
}

}  // namespace orrery
