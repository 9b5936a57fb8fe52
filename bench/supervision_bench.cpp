// supervision_bench.cpp: what it costs to have a supervisor: to start a child, to restart it after a failure, and whether a
// storm of restarts stays what it was in the beginning.
#include "bench/support.hpp"

#include <orrery/supervision/supervisor.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <stdexcept>

namespace {

using namespace orrery;
using namespace orrery::bench;
using namespace std::chrono_literals;

/// How much memory the process holds, in KiB.
std::uint64_t resident_kib() {
  unsigned long pages = 0;
  unsigned long resident = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  const int read = std::fscanf(file, "%lu %lu", &pages, &resident);
  std::fclose(file);
  return read == 2 ? resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 1'024 : 0;
}

// --- F7: a spawn by request, with and without a supervisor ------------------------------------------------------------

struct SpawnOne {};
/// Spawns an actor per request, and watches over none of them.
struct Spawner {
  void handle(SpawnOne, Context& context) { context.spawn(Adder{}); }
};

constexpr std::uint64_t spawned_at_once = 10'000;

/// One message per actor to whoever spawns it; stopping them is not in the time.
template <class MakeSpawner, class Ask, class End>
void spawn_by_request(benchmark::State& state, MakeSpawner make, Ask request, End end) {
  System system{with_threads(1)};
  std::uint64_t living = 0;
  Row row{state, 1};
  for (auto _ : state) {
    state.PauseTiming();
    const auto spawner = make(system);
    if (!rest(system, state)) return;
    state.ResumeTiming();
    request(system, spawner);
    if (!rest(system, state)) return;
    state.PauseTiming();
    living = system.living() - 1;
    end(system, spawner);
    if (!rest(system, state)) return;
    if (system.living() != 0) return state.SkipWithError("some did not end");
    state.ResumeTiming();
  }
  row.finish(spawned_at_once, living);
}

void F7_spawn_alone(benchmark::State& state) {
  spawn_by_request(
      state, [](System& system) { return system.spawn(Spawner{}); },
      [](System&, const Ref<Spawner>& spawner) {
        for (std::uint64_t i = 0; i < spawned_at_once; ++i) spawner.tell(SpawnOne{});
      },
      [](System& system, const Ref<Spawner>&) {
        system.for_each_cell([&](const Cell& cell) { system.stop(Ref<Adder>{system.index(), cell.handle()}); });
      });
}
BENCHMARK(F7_spawn_alone)->UseRealTime()->Unit(benchmark::kMillisecond);

SupervisorSpec many(RestartType restart = RestartType::temporary) {
  return {.strategy = RestartStrategy::simple_one_for_one, .children = {child("adder", Adder{}, {.restart = restart})}};
}
void F7_spawn_supervised(benchmark::State& state) {
  spawn_by_request(
      state, [](System& system) { return *start_supervisor(system, "", many()); },
      [](System&, const Ref<Supervisor>& supervisor) {
        for (std::uint64_t i = 0; i < spawned_at_once; ++i) supervisor.tell(StartInstance{}, ignore_reply);
      },
      [](System& system, const Ref<Supervisor>& supervisor) { system.stop(supervisor); });
}
BENCHMARK(F7_spawn_supervised)->UseRealTime()->Unit(benchmark::kMillisecond);

// --- F7: restart after a thrown exception -----------------------------------------------------------------------------

struct Boom {};
struct Fragile {
  std::uint64_t handled = 0;
  void handle(Boom) { throw std::runtime_error{"boom"}; }
  std::uint64_t handle(Sum) { return handled; }
};
SupervisorSpec storm() {
  return {.intensity = 1'000'000'000, .period = 1ms, .children = {child("fragile", Fragile{})}};
}

/// Keeps one crash in flight behind each other: every message makes the child throw, and its supervisor restart it.
void crash(System& system, const Ref<Fragile>& fragile, std::uint64_t times, benchmark::State& state) {
  constexpr std::uint64_t window = 1'000;
  for (std::uint64_t sent = 0; sent < times; sent += window) {
    for (std::uint64_t i = 0; i < window; ++i) fragile.tell(Boom{});
    if (!rest(system, state)) return;
  }
}

void F7_restart(benchmark::State& state) {
  System system{with_threads(state.range(0))};
  const auto supervisor = start_supervisor(system, "s", storm());
  const auto fragile = *system.find<Fragile>("s/fragile");
  constexpr std::uint64_t crashes = 20'000;
  Row row{state, state.range(0)};
  for (auto _ : state) crash(system, fragile, crashes, state);
  const auto counts = supervisor->ask(CountChildren{}, no_timeout);
  row.finish(crashes, counts ? counts->active : 0);
}
BENCHMARK(F7_restart)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

/// A million crashes in tenths: what the slowest tenth took more than the fastest, and what memory grew after the first.
void restart_storm(benchmark::State& state) {
  const auto crashes = static_cast<std::uint64_t>(state.range(0));
  for (auto _ : state) {
    System system{with_threads(2)};
    const auto supervisor = start_supervisor(system, "s", storm());
    const auto fragile = *system.find<Fragile>("s/fragile");
    std::array<double, 10> tenths{};
    std::uint64_t memory_after_first = 0;
    for (double& seconds : tenths) {
      const auto began = std::chrono::steady_clock::now();
      crash(system, fragile, crashes / tenths.size(), state);
      seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
      if (memory_after_first == 0) memory_after_first = resident_kib();
    }
    const std::uint64_t memory = resident_kib();
    const double per_tenth = static_cast<double>(crashes / tenths.size());
    state.counters["first_tenth_ns"] = tenths.front() / per_tenth * 1e9;
    state.counters["last_tenth_ns"] = tenths.back() / per_tenth * 1e9;
    state.counters["slowest_by_fastest"] = *std::ranges::max_element(tenths) / *std::ranges::min_element(tenths);
    state.counters["grown_kib"] = memory > memory_after_first ? static_cast<double>(memory - memory_after_first) : 0.0;
    state.counters["living"] = static_cast<double>(system.living());
  }
}
BENCHMARK(restart_storm)
    ->ArgName("crashes")
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Iterations(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
