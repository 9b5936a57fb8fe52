#include "orrery/testkit/self_test.hpp"

#include "orrery/sim/strategy.hpp"
#include "orrery/testkit/assertions.hpp"

#include <fmt/core.h>

#include <time.h>

#include <cstdio>
#include <memory>
#include <random>

namespace orrery::testkit {

namespace {

using namespace std::chrono_literals;

struct Look {};
/// What user code has seen at the second 90 of the world.
struct Seen {
  Duration world{};
  Duration steady{};
  Duration machine{};
  std::uint32_t entropy = 0;
};
struct Looker {
  const Leaky* leaky;
  Seen* seen;
  void handle(Look, Context& context) {
    context.sleep(90s);
    seen->world = context.now().time_since_epoch();
    seen->steady = leaky->steady_clock();
    seen->machine = leaky->clock_gettime();
    seen->entropy = leaky->entropy();
  }
};

sim::Outcome look(const Leaky& leaky, Seen& seen) {
  sim::RunOptions options;
  options.faults = sim::FaultProfile::none;
  return run_once(
      [&](sim::World& world) {
        world.spawn("looker", Looker{&leaky, &seen}).value().tell(Look{});
        world.run_for(100s);
      },
      [] { return std::make_unique<sim::RandomWalk>(1); }, options);
}

SelfTest clock_test(std::string_view name, Duration seen, Duration world) {
  if (seen == world && world == 90s) return {true, "virtual clock", fmt::format("{} tells the world's time", name)};
  return {false, "virtual clock",
          fmt::format("{} tells {} ns in a run at {} ns: calls go past the leak guard (docs/leak-guard.md); is the "
                      "program linked statically, or with a wrapper of that function?",
                      name, seen.count(), world.count())};
}

}  // namespace

Leaky leaks_of_this_program() {
  return {.steady_clock = [] { return Duration{std::chrono::steady_clock::now().time_since_epoch()}; },
          .clock_gettime =
              [] {
                timespec now{};
                ::clock_gettime(CLOCK_MONOTONIC, &now);
                return Duration{std::chrono::seconds{now.tv_sec}} + std::chrono::nanoseconds{now.tv_nsec};
              },
          .entropy = [] { return std::uint32_t{std::random_device{}()}; }};
}

std::vector<SelfTest> self_test(const Leaky& leaky) {
  Seen first, second;
  const sim::Outcome one = look(leaky, first);
  const sim::Outcome other = look(leaky, second);
  std::vector<SelfTest> tests;
  tests.push_back(clock_test("std::chrono::steady_clock::now", first.steady, first.world));
  tests.push_back(clock_test("clock_gettime", first.machine, first.world));
  const bool is_same = first.entropy == second.entropy;
  tests.push_back({is_same, "entropy",
                   is_same
                       ? "std::random_device is a decision of the run"
                       : "std::random_device differs between two executions of one run: calls go past the leak guard "
                         "(docs/leak-guard.md); is libstdc++ linked statically?"});
  const bool is_repeated = !one.finding && one.trace_hash == other.trace_hash && one.decisions == other.decisions;
  tests.push_back({is_repeated, "repetition",
                   is_repeated ? "two executions of one run are identical"
                               : fmt::format("two executions of one run differ{}",
                                             one.finding ? ": " + one.finding->name + " " + one.finding->detail : "")});
  return tests;
}

int print_self_test() {
  int code = 0;
  for (const auto& [is_good, what, says] : self_test()) {
    fmt::print("{}\t{}\t{}\n", is_good ? "ok" : "BAD", what, says);
    if (!is_good) code = 1;
  }
  std::fflush(stdout);
  return code;
}

}  // namespace orrery::testkit
