// load_bench.cpp: what a flooded actor costs per message, by the batch that one turn may take, alone and beside others
// who always have work. The rows differ in `batch` only; the price of a larger one is how long the others wait, which is
// counted in messages by tests/threads/fairness_test.cpp.
#include <benchmark/benchmark.h>

#include <orrery/system.hpp>
#include <chrono>
#include <cstdint>
#include <vector>

namespace {

using namespace orrery;

struct Number {
  std::uint64_t value;
};
struct Sum {
  using Reply = std::uint64_t;
};
struct Start {
  std::uint64_t count;
};
struct Adder {
  std::uint64_t sum = 0;
  void handle(Number m) { sum += m.value; }
  std::uint64_t handle(Sum) { return std::exchange(sum, 0); }
};
struct Source {
  Ref<Adder> to;
  void handle(Start m) const {
    for (std::uint64_t i = 0; i < m.count; ++i) to.tell(Number{i});
  }
};

SystemOptions options_of(const benchmark::State& state) {
  SystemOptions options;
  options.threads = static_cast<std::uint32_t>(state.range(0));
  options.runtime.batch = static_cast<std::uint32_t>(state.range(1));
  options.runtime.mailbox_depth_warning = 0;
  return options;
}

/// `senders` actors send a burst each, and `receivers` actors get it: more queued than any cache holds.
void flood(benchmark::State& state, std::size_t senders, std::size_t receivers) {
  constexpr std::uint64_t messages = 400'000;
  System system{options_of(state)};
  const auto to = system.spawn_n<Adder>(receivers, [](std::size_t) { return Adder{}; });
  const auto from = system.spawn_n<Source>(senders, [&](std::size_t i) { return Source{to[i % receivers]}; });
  std::uint64_t sum = 0;
  for (auto _ : state) {
    for (const auto& source : from) source.tell(Start{messages / senders});
    if (!system.await_quiescence(std::chrono::minutes{1})) return state.SkipWithError("no rest");
    sum = 0;
    for (const auto& one : to) sum += one.ask(Sum{}, no_timeout).value_or(0);
  }
  const auto items = static_cast<double>(state.iterations()) * static_cast<double>(messages);
  state.counters["per_item"] = benchmark::Counter(items, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["checksum"] = static_cast<double>(sum);
}

void arguments(benchmark::internal::Benchmark* row) {
  row->ArgNames({"threads", "batch"})->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);
  for (const std::int64_t threads : {1, 2}) {
    for (const std::int64_t batch : {64, 256, 1'024}) row->Args({threads, batch});
  }
}

void F1d_flood_1_to_1(benchmark::State& state) { flood(state, 1, 1); }
BENCHMARK(F1d_flood_1_to_1)->Apply(arguments);
void F1d_flood_100_to_1(benchmark::State& state) { flood(state, 100, 1); }
BENCHMARK(F1d_flood_100_to_1)->Apply(arguments);
void F1d_flood_16_to_16(benchmark::State& state) { flood(state, 16, 16); }
BENCHMARK(F1d_flood_16_to_16)->Apply(arguments);
void F1d_flood_256_to_256(benchmark::State& state) { flood(state, 256, 256); }
BENCHMARK(F1d_flood_256_to_256)->Apply(arguments);

}  // namespace
