// sim_bench.cpp: how fast the simulator is: handled messages a second in one long run, and short runs a second.
#include <benchmark/benchmark.h>

#include <orrery/sim/run.hpp>
#include <cstdint>
#include <vector>

namespace {

using namespace orrery;

struct Token {
  std::uint32_t hops_left;
};
struct Node {
  std::vector<Ref<Node>>* all;
  std::uint32_t index;
  std::uint64_t seen = 0;
  void handle(Token m) {
    ++seen;
    if (m.hops_left > 0) (*all)[(index + 7) % all->size()].tell(Token{m.hops_left - 1});
  }
};

/// Tokens that go round among many actors; every hop is an enqueue, a decision when there is one, a take and a hash.
void F9_handled_messages(benchmark::State& state) {
  const auto actors = static_cast<std::uint32_t>(state.range(0));
  constexpr std::uint32_t tokens = 8;
  constexpr std::uint32_t hops = 20'000;
  std::uint64_t steps = 0;
  std::uint64_t hash = 0;
  for (auto _ : state) {
    std::vector<Ref<Node>> all;
    const auto outcome = sim::execute(
        [&](sim::World& world) {
          all.clear();
          for (std::uint32_t i = 0; i < actors; ++i) all.push_back(world.spawn(Node{&all, i}));
          for (std::uint32_t i = 0; i < tokens; ++i) all[i % actors].tell(Token{hops});
          world.run();
        },
        [] { return std::make_unique<sim::RandomWalk>(1); },
        {.faults = sim::FaultProfile::none, .operations_max = 10'000'000});
    steps += outcome.steps;
    hash = outcome.trace_hash.lo;
  }
  state.counters["handled_per_second"] = benchmark::Counter(static_cast<double>(steps), benchmark::Counter::kIsRate);
  state.counters["checksum"] = static_cast<double>(hash % 1'000'000);
}
BENCHMARK(F9_handled_messages)->ArgName("actors")->Arg(10)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

struct Go {};
struct Ping {
  int left;
};
struct Player {
  Ref<Player>* other;
  int seen = 0;
  void handle(Ping m) {
    ++seen;
    if (m.left > 0) other->tell(Ping{m.left - 1});
  }
};

/// Five actors, fifty messages, the whole world set up and torn down.
void F10_short_runs(benchmark::State& state) {
  std::uint64_t runs = 0;
  std::uint64_t hash = 0;
  for (auto _ : state) {
    std::vector<Ref<Player>> players(5);
    const auto outcome = sim::execute(
        [&](sim::World& world) {
          for (std::size_t i = 0; i < players.size(); ++i) {
            players[i] = world.spawn(Player{&players[(i + 1) % players.size()]});
          }
          for (const auto& player : players) player.tell(Ping{9});
          world.run();
        },
        [&] { return std::make_unique<sim::RandomWalk>(runs); }, {.faults = sim::FaultProfile::none});
    ++runs;
    hash ^= outcome.trace_hash.lo;
  }
  state.counters["runs_per_second"] = benchmark::Counter(static_cast<double>(runs), benchmark::Counter::kIsRate);
  state.counters["checksum"] = static_cast<double>(hash % 1'000'000);
}
BENCHMARK(F10_short_runs)->Unit(benchmark::kMicrosecond);

}  // namespace
