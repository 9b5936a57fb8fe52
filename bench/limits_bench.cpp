// limits_bench.cpp: what the machine itself takes for the parts of which the figures are made: the baselines.
#include <benchmark/benchmark.h>

#include <orrery/core/block_pool.hpp>
#include <orrery/core/hash.hpp>
#include <orrery/core/timer_wheel.hpp>
#include <orrery/fiber/fiber.hpp>
#include <orrery/fiber/switch.hpp>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

namespace {

using namespace orrery;

void limit_uncontended_exchange(benchmark::State& state) {
  std::atomic<std::uint64_t> word{0};
  std::uint64_t value = 0;
  for (auto _ : state) benchmark::DoNotOptimize(value = word.exchange(value + 1, std::memory_order_acq_rel));
}
BENCHMARK(limit_uncontended_exchange);

void limit_pool_pair(benchmark::State& state) {
  BlockPool& pool = BlockPool::local();
  for (auto _ : state) {
    void* const block = pool.allocate(96);
    benchmark::DoNotOptimize(block);
    BlockPool::release(pool, block, 96);
  }
}
BENCHMARK(limit_pool_pair);

void limit_indirect_call(benchmark::State& state) {
  std::uint64_t (*volatile function)(std::uint64_t) = [](std::uint64_t x) { return x + 1; };
  std::uint64_t value = 0;
  for (auto _ : state) benchmark::DoNotOptimize(value = function(value));
}
BENCHMARK(limit_indirect_call);

struct PingPong {
  fiber::Fiber* home = nullptr;
  fiber::Fiber* away = nullptr;
};
void bounce(void* argument) {
  auto& fibers = *static_cast<PingPong*>(argument);
  while (true) fiber::switch_to(*fibers.away, *fibers.home);
}
void limit_two_fiber_switches(benchmark::State& state) {
  fiber::StackPool stacks;
  fiber::ThreadFiber thread;
  PingPong fibers{&thread.fiber(), nullptr};
  fibers.away = fiber::create(stacks, &bounce, &fibers);
  for (auto _ : state) fiber::switch_to(*fibers.home, *fibers.away);
  fiber::destroy(fibers.away);
}
BENCHMARK(limit_two_fiber_switches);

void limit_trace_hash_word(benchmark::State& state) {
  TraceHasher hasher;
  std::uint64_t word = 0;
  for (auto _ : state) hasher.add(++word);
  benchmark::DoNotOptimize(hasher.value());
}
BENCHMARK(limit_trace_hash_word);

/// Arms a timer and lets it fire, among many that are due in an hour.
void limit_timer_wheel(benchmark::State& state) {
  constexpr std::size_t batch = 1'000;
  std::vector<TimerNode> pending(static_cast<std::size_t>(state.range(0)));
  std::vector<TimerNode> timers(batch);
  Instant now{};
  TimerWheel wheel{now};
  for (auto& timer : pending) wheel.arm(timer, now + std::chrono::hours{1'000});
  std::size_t fired = 0;
  while (state.KeepRunningBatch(batch)) {
    for (auto& timer : timers) wheel.arm(timer, now + std::chrono::milliseconds{1});
    now += std::chrono::milliseconds{2};
    fired += wheel.expire(now, [](TimerNode&) {});
  }
  if (fired != static_cast<std::size_t>(state.iterations())) state.SkipWithError("a timer did not fire");
}
BENCHMARK(limit_timer_wheel)->ArgName("pending")->Arg(100'000);

}  // namespace
