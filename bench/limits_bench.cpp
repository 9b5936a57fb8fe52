// limits_bench.cpp: what the machine itself takes for the parts of which the figures are made: the baselines.
#include "bench/support.hpp"

#include <benchmark/benchmark.h>

#include <orrery/core/block_pool.hpp>
#include <orrery/core/entropy.hpp>
#include <orrery/core/hash.hpp>
#include <orrery/core/timer_wheel.hpp>
#include <orrery/fiber/fiber.hpp>
#include <orrery/fiber/switch.hpp>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <queue>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

using namespace orrery;
using orrery::bench::spin_until;

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

/// The same with the standard library's heap: what everybody could write.
void limit_std_heap_timer(benchmark::State& state) {
  using Due = std::pair<std::uint64_t, std::uint64_t>;  // instant, number
  std::priority_queue<Due, std::vector<Due>, std::greater<>> heap;
  Entropy random{1, 0};
  const auto pending = static_cast<std::uint64_t>(state.range(0));
  for (std::uint64_t i = 0; i < pending; ++i) heap.emplace(random.below(1'000'000'000), i);
  for (auto _ : state) {
    const std::uint64_t now = heap.top().first;
    heap.pop();
    heap.emplace(now + random.below(1'000'000'000), pending);
  }
}
BENCHMARK(limit_std_heap_timer)->ArgName("pending")->Arg(100'000);

/// A copy of so many bytes, source and target in the cache where they fit.
void limit_memcpy(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::vector<unsigned char> from(size, 1);
  std::vector<unsigned char> to(size);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), size);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(limit_memcpy)->ArgName("bytes")->Arg(16)->Arg(100)->Arg(1'024)->Arg(65'536)->Arg(1'048'576);

/// What the caller of a function that throws pays.
void limit_throw_catch(benchmark::State& state) {
  void (*volatile function)() = [] { throw std::runtime_error{"thrown"}; };
  std::uint64_t caught = 0;
  for (auto _ : state) {
    try {
      function();
    } catch (const std::runtime_error&) {
      ++caught;
    }
  }
  benchmark::DoNotOptimize(caught);
}
BENCHMARK(limit_throw_catch);

// --- between two cores ------------------------------------------------------------------------------------------------

struct alignas(128) Line {
  std::atomic<std::uint32_t> word{0};
};

/// A cache line goes to another core and back. Half of it is one way.
void limit_line_round_trip(benchmark::State& state) {
  constexpr std::uint32_t stop = ~0U;
  Line there;
  Line back;
  std::thread partner{[&] {
    for (std::uint32_t seen = 0; seen != stop;) {
      std::uint32_t now = seen;
      spin_until([&] { return (now = there.word.load(std::memory_order_acquire)) != seen; });
      back.word.store(now, std::memory_order_release);
      seen = now;
    }
  }};
  std::uint32_t round = 0;
  for (auto _ : state) {
    there.word.store(++round, std::memory_order_release);
    spin_until([&] { return back.word.load(std::memory_order_acquire) == round; });
  }
  there.word.store(stop, std::memory_order_release);
  partner.join();
}
BENCHMARK(limit_line_round_trip)->UseRealTime();

/// The cheapest stream between two cores: a ring of words with one writer and one reader, each of which looks at the
/// other's index only when its copy of it says full or empty. Source: L. Lamport's ring; the copies are from
/// FastForward and its kin.
void limit_ring_stream(benchmark::State& state) {
  constexpr std::uint64_t size = 1'024;
  struct alignas(128) Index {
    std::atomic<std::uint64_t> value{0};
  };
  std::array<std::uint64_t, size> ring{};
  Index written;
  Index read;
  std::atomic<bool> ends{false};
  std::thread reader{[&] {
    std::uint64_t at = 0;
    std::uint64_t sum = 0;
    bool last = false;
    while (!last) {
      std::uint64_t until = at;
      spin_until([&] {
        last = ends.load(std::memory_order_acquire);  // before the look at what was written
        return (until = written.value.load(std::memory_order_acquire)) != at || last;
      });
      for (; at != until; ++at) sum += ring[at % size];
      read.value.store(at, std::memory_order_release);
    }
    benchmark::DoNotOptimize(sum);
  }};
  std::uint64_t at = 0;
  std::uint64_t seen = 0;
  for (auto _ : state) {
    if (at - seen == size) spin_until([&] { return (seen = read.value.load(std::memory_order_acquire)) + size != at; });
    ring[at % size] = at;
    written.value.store(++at, std::memory_order_release);
  }
  ends.store(true, std::memory_order_release);
  reader.join();
}
BENCHMARK(limit_ring_stream)->UseRealTime();

void futex_wait_while(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  while (word.load(std::memory_order_acquire) == value) {
    ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
  }
}
void futex_set(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  word.store(value, std::memory_order_release);
  ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}
/// A thread that has been asleep for a while is woken, and wakes the one that woke it, which sleeps meanwhile.
void limit_futex_round_trip(benchmark::State& state) {
  constexpr std::uint32_t stop = ~0U;
  Line there;
  Line back;
  std::thread partner{[&] {
    for (std::uint32_t seen = 0; seen != stop;) {
      futex_wait_while(there.word, seen);
      seen = there.word.load(std::memory_order_acquire);
      futex_set(back.word, seen);
    }
  }};
  std::uint32_t round = 0;
  for (auto _ : state) {
    std::this_thread::sleep_for(std::chrono::microseconds{300});
    const auto began = std::chrono::steady_clock::now();
    futex_set(there.word, round + 1);
    futex_wait_while(back.word, round);
    ++round;
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  }
  futex_set(there.word, stop);
  partner.join();
}
BENCHMARK(limit_futex_round_trip)->UseManualTime();

// --- the simulator ----------------------------------------------------------------------------------------------------

/// What a simulator cannot do without: draw one of those that can go next, take its message, count it, hash and record
/// the step, pass the message on. Eight messages among so many actors.
void limit_bare_simulator_loop(benchmark::State& state) {
  struct Actor {
    std::uint64_t seen = 0;
    std::uint64_t mail = 0;
  };
  struct Event {
    std::uint32_t actor;
    std::uint32_t kind;
    std::uint64_t what;
  };
  const auto count = static_cast<std::uint32_t>(state.range(0));
  std::vector<Actor> actors(count);
  std::array<Event, 1'024> record{};
  std::array<std::uint32_t, 8> ready{};
  for (std::uint32_t i = 0; i < ready.size(); ++i) ready[i] = i;
  Entropy random{1, 0};
  TraceHasher hasher;
  std::uint64_t step = 0;
  for (auto _ : state) {
    const auto which = static_cast<std::size_t>(random.below(ready.size()));
    Actor& actor = actors[ready[which]];
    ++actor.seen;
    const std::uint64_t message = actor.mail + step;
    hasher.add(ready[which]);
    hasher.add(message);
    record[step++ % record.size()] = {ready[which], 1, message};
    ready[which] = (ready[which] + 7) % count;
    actors[ready[which]].mail = message;
  }
  benchmark::DoNotOptimize(record);
  benchmark::DoNotOptimize(hasher.value());
}
BENCHMARK(limit_bare_simulator_loop)->ArgName("actors")->Arg(10)->Arg(1'000)->Arg(100'000);

}  // namespace
