// actor_bench.cpp: what the basic acts cost in production: tell, ask, spawn, a hop in a ring.
// Each row's baseline stands beside it in limits_bench.cpp. items_per_second is messages (asks, actors, hops) a second;
// its inverse, printed as per_item, is the figure to compare.
#include <benchmark/benchmark.h>

#include <orrery/system.hpp>
#include <cstdint>
#include <vector>

namespace {

using namespace orrery;

void finish(benchmark::State& state, std::uint64_t items_per_iteration, std::uint64_t checksum) {
  const auto items = static_cast<double>(state.iterations()) * static_cast<double>(items_per_iteration);
  state.SetItemsProcessed(static_cast<std::int64_t>(items));
  state.counters["per_item"] = benchmark::Counter(items, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["checksum"] = static_cast<double>(checksum);
}

struct Number {
  std::uint64_t value;
};
struct Sum {
  using Reply = std::uint64_t;
};
struct Run {
  using Reply = std::uint64_t;
  std::uint64_t count;
};

struct Adder {
  std::uint64_t sum = 0;
  void handle(Number m) { sum += m.value; }
  std::uint64_t handle(Sum) { return sum; }
};

/// Keeps a window of 1,000 messages in flight: after each window one ask, which is answered behind them.
struct Teller {
  Ref<Adder> to;
  std::uint64_t handle(Run m) {
    constexpr std::uint64_t window = 1'000;
    std::uint64_t sum = 0;
    for (std::uint64_t sent = 0; sent < m.count; sent += window) {
      for (std::uint64_t i = 0; i < window; ++i) to.tell(Number{i});
      sum = to.ask(Sum{}, no_timeout).value_or(0);
    }
    return sum;
  }
};

void F1_tell_window_1000(benchmark::State& state) {
  System system{{.threads = static_cast<unsigned>(state.range(0))}};
  const auto teller = system.spawn(Teller{system.spawn(Adder{})});
  constexpr std::uint64_t messages = 1'000'000;
  std::uint64_t sum = 0;
  for (auto _ : state) sum = teller.ask(Run{messages}, no_timeout).value_or(0);
  finish(state, messages, sum);
}
BENCHMARK(F1_tell_window_1000)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

struct Asker {
  Ref<Adder> to;
  Duration timeout;
  std::uint64_t handle(Run m) {
    std::uint64_t answered = 0;
    for (std::uint64_t i = 0; i < m.count; ++i) answered += to.ask(Sum{}, timeout).has_value() ? 1 : 0;
    return answered;
  }
};

void ask(benchmark::State& state, Duration timeout) {
  System system{{.threads = static_cast<unsigned>(state.range(0))}};
  const auto asker = system.spawn(Asker{system.spawn(Adder{}), timeout});
  constexpr std::uint64_t asks = 200'000;
  std::uint64_t answered = 0;
  for (auto _ : state) answered = asker.ask(Run{asks}, no_timeout).value_or(0);
  finish(state, asks, answered);
}
void F2_ask_round_trip(benchmark::State& state) { ask(state, no_timeout); }
void F2_ask_with_deadline(benchmark::State& state) { ask(state, std::chrono::seconds{5}); }
BENCHMARK(F2_ask_round_trip)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(F2_ask_with_deadline)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

struct Mayfly {
  std::uint64_t seen = 0;
  void handle(Number m, Context& context) {
    seen += m.value;
    context.stop();
  }
};
struct Breeder {
  std::uint64_t handle(Run m, Context& context) {
    for (std::uint64_t i = 0; i < m.count; ++i) context.spawn(Mayfly{}).tell(Number{i});
    return m.count;
  }
};
void F3_spawn_tell_stop(benchmark::State& state) {
  System system{{.threads = static_cast<unsigned>(state.range(0))}};
  const auto breeder = system.spawn(Breeder{});
  constexpr std::uint64_t actors = 1'000;
  std::uint64_t spawned = 0;
  for (auto _ : state) {
    spawned = breeder.ask(Run{actors}, no_timeout).value_or(0);
    while (system.living() > 1) benchmark::ClobberMemory();
  }
  finish(state, actors, spawned);
}
BENCHMARK(F3_spawn_tell_stop)->ArgName("threads")->Arg(1)->UseRealTime()->Unit(benchmark::kMicrosecond);

struct Token {
  std::uint64_t hops_left;
};
struct Node;
struct Link {
  Ref<Node> next;
};
struct Done {
  using Reply = std::uint64_t;
};
struct Node {
  Ref<Node> next;
  std::uint64_t seen = 0;
  void handle(Link m) { next = m.next; }
  void handle(Token m) {
    ++seen;
    if (m.hops_left > 0) next.tell(Token{m.hops_left - 1});
  }
  std::uint64_t handle(Done) { return seen; }
};
void F1e_ring_hop(benchmark::State& state) {
  System system{{.threads = 1}};
  const auto size = static_cast<std::size_t>(state.range(0));
  std::vector<Ref<Node>> ring;
  for (std::size_t i = 0; i < size; ++i) ring.push_back(system.spawn(Node{}));
  for (std::size_t i = 0; i < size; ++i) ring[i].tell(Link{ring[(i + 1) % size]});
  constexpr std::uint64_t hops = 500'000;
  std::uint64_t seen = 0;
  for (auto _ : state) {
    ring[0].tell(Token{hops});
    if (!system.await_quiescence(std::chrono::minutes{1})) state.SkipWithError("the ring does not come to rest");
    seen = ring[0].ask(Done{}, no_timeout).value_or(0);
  }
  finish(state, hops, seen);
}
BENCHMARK(F1e_ring_hop)->ArgName("actors")->Arg(503)->Arg(100'000)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
