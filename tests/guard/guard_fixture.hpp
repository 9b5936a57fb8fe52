// guard_fixture.hpp: one actor that does what a test says, under the leak guard.
#pragma once
#include "tests/sim/sim_fixture.hpp"

#include <functional>
#include <string>

namespace orrery::testing {

struct Go {};

/// Its handler does whatever it is given.
struct Doer {
  std::function<void(Context&)> act;
  void handle(Go, Context& context) { act(context); }
};

/// Returns: a program in which alice, who has one message to handle, does `act`.
inline sim::Body alice_does(std::function<void(Context&)> act) {
  return [act = std::move(act)](World& world) {
    const auto alice = world.spawn("alice", Doer{act}).value();
    alice.tell(Go{});
    world.run();
  };
}

inline sim::RunOptions with(sim::Leaks leaks) {
  sim::RunOptions options = no_faults();
  options.leaks = leaks;
  return options;
}

/// Returns: "LEAK pthread_create in alice handling Go", or "nothing".
inline std::string found(const sim::Body& body, sim::RunOptions options = no_faults()) {
  const sim::Outcome outcome = sim::execute(body, calm(), options);
  if (!outcome.finding) return "nothing";
  return fmt::format("{} {}", sim::headline(outcome.finding->kind), outcome.finding->name);
}

}  // namespace orrery::testing
