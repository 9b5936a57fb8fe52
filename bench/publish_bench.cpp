// publish_bench.cpp: what a broker adds: a publish per subscriber, a send by id beside a direct one, a lookup among many.
#include "bench/support.hpp"

#include <orrery/broker.hpp>

#include <algorithm>
#include <thread>

namespace {

using namespace orrery;
using namespace orrery::bench;

// --- F5: publish ------------------------------------------------------------------------------------------------------

struct Announcer;
/// What is under way; all of it runs on the same worker.
struct Window {
  Ref<Announcer> announcer;
  std::uint64_t left = 0;
  std::uint64_t sum = 0;
};
struct Hearer {
  Window* window;
  void handle(Number m);
};
/// Publishes windows of messages, each of which is handled by all before the next.
struct Announcer {
  Broker broker;
  Window* window;
  std::uint64_t subscribers;
  std::uint64_t publishes;  ///< in a window
  std::uint64_t windows_left = 0;
  void handle(Start m, Context& context) {
    window->announcer = context.self(*this);
    windows_left = m.count;
    next();
  }
  void handle(Go) { next(); }

 private:
  void next() {
    if (windows_left == 0) return;
    --windows_left;
    window->left = publishes * subscribers;
    for (std::uint64_t i = 0; i < publishes; ++i) (void)broker.publish("orders.created", Number{i + 1});
  }
};
void Hearer::handle(Number m) {
  window->sum += m.value;
  if (--window->left == 0) (void)window->announcer.tell(Go{});
}

void F5_publish(benchmark::State& state) {
  const auto subscribers = static_cast<std::uint64_t>(state.range(0));
  System system{with_threads(1)};
  Broker broker{system};
  Window window;
  for (std::uint64_t i = 0; i < subscribers; ++i) {
    if (!broker.subscribe<Number>("orders.created", system.spawn(Hearer{&window}))) {
      return state.SkipWithError("not subscribed");
    }
  }
  const std::uint64_t publishes = std::max<std::uint64_t>(1, 1'000 / subscribers);
  const std::uint64_t windows = std::max<std::uint64_t>(1, 100'000 / (publishes * subscribers));
  const auto announcer = system.spawn(Announcer{broker, &window, subscribers, publishes});
  std::uint64_t sum = 0;
  Row row{state, 1};
  for (auto _ : state) {
    window.sum = 0;
    announcer.tell(Start{windows});
    if (!rest(system, state)) return;
    sum = window.sum;
  }
  row.finish(windows * publishes * subscribers, sum);
}
BENCHMARK(F5_publish)
    ->ArgName("subscribers")
    ->Arg(1)
    ->Arg(10)
    ->Arg(100)
    ->Arg(10'000)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// --- F6: by id --------------------------------------------------------------------------------------------------------

/// As F1a, through a broker or past it.
struct Sender {
  Broker broker;
  Ref<Adder> to;
  bool direct;
  std::uint64_t handle(Run m) {
    constexpr std::uint64_t window = 1'000;
    std::uint64_t sum = 0;
    const ActorId id{0, to.handle().slot, to.handle().generation, 0};
    for (std::uint64_t sent = 0; sent < m.count; sent += window) {
      for (std::uint64_t i = 0; i < window; ++i) {
        if (direct) {
          (void)to.tell(Number{i});
        } else {
          (void)broker.try_send(id, Number{i});
        }
      }
      sum += to.ask(Sum{}, no_timeout).value_or(0);
    }
    return sum;
  }
};
/// The time of a million sends by id, less that of as many direct ones right before.
void F6_extra(benchmark::State& state) {
  System system{with_threads(1)};
  Broker broker{system};
  const auto adder = system.spawn(Adder{});
  if (!broker.register_actor<Number>(adder)) return state.SkipWithError("not registered");
  const auto by_id = system.spawn(Sender{broker, adder, false});
  const auto direct = system.spawn(Sender{broker, adder, true});
  constexpr std::uint64_t messages = 1'000'000;
  const auto time_of = [&](const Ref<Sender>& sender, std::uint64_t& sum) {
    const auto began = std::chrono::steady_clock::now();
    sum += sender.ask(Run{messages}, no_timeout).value_or(0);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  };
  std::uint64_t sum = 0;
  double direct_seconds = 0;
  double by_id_seconds = 0;
  Row row{state, 1};
  for (auto _ : state) {
    sum = 0;
    const double one = time_of(direct, sum);
    const double other = time_of(by_id, sum);
    direct_seconds += one;
    by_id_seconds += other;
    state.SetIterationTime(std::max(other - one, 1e-9));
  }
  row.finish(messages, sum);
  const double all = static_cast<double>(state.iterations()) * static_cast<double>(messages);
  state.counters["direct_ns"] = direct_seconds / all * 1e9;
  state.counters["by_id_ns"] = by_id_seconds / all * 1e9;
}
BENCHMARK(F6_extra)->UseManualTime()->Iterations(10)->Unit(benchmark::kMillisecond);

/// Lookups of actors all over the registry, from one or two threads at once.
void F6_lookup(benchmark::State& state) {
  const auto actors = static_cast<std::uint32_t>(state.range(0));
  const auto threads = static_cast<unsigned>(state.range(1));
  Registry registry{actors, actors};
  static constexpr AcceptTable nothing{};
  for (std::uint32_t slot = 0; slot < actors; ++slot) {
    if (registry.add({{slot, 1}, &nothing}, "", nullptr) != Registry::Added::added) std::abort();
  }
  constexpr std::uint64_t each = 1'000'000;
  std::vector<std::uint64_t> found(threads);
  Row row{state, threads};
  for (auto _ : state) {
    std::vector<std::thread> lookers;
    for (unsigned t = 0; t < threads; ++t) {
      lookers.emplace_back([&, t] {
        std::uint64_t hits = 0;
        std::uint32_t slot = t * 7'919;
        for (std::uint64_t i = 0; i < each; ++i) {
          slot = (slot + 1'000'003U) % actors;
          hits += registry.find(Handle{slot, 1}) == &nothing ? 1 : 0;
        }
        found[t] = hits;
      });
    }
    for (auto& looker : lookers) looker.join();
  }
  row.finish(each, found[0]);
}
BENCHMARK(F6_lookup)
    ->ArgNames({"actors", "threads"})
    ->ArgsProduct({{10, 1'000, 100'000, 1'000'000}, {1, 2}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// --- B3: broadcast ----------------------------------------------------------------------------------------------------

void broadcast(benchmark::State& state) {
  const auto actors = static_cast<std::uint64_t>(state.range(0));
  System system{with_threads(1)};
  Broker broker{system};
  for (std::uint64_t i = 0; i < actors; ++i) {
    if (!broker.register_actor<Number>(system.spawn(Adder{}))) return state.SkipWithError("not registered");
  }
  const std::uint64_t rounds = std::max<std::uint64_t>(1, 10'000 / actors);
  std::uint64_t accepted = 0;
  Row row{state, 1};
  for (auto _ : state) {
    accepted = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) accepted += broker.broadcast(Number{i}).size();
    if (!rest(system, state)) return;
  }
  row.finish(rounds * actors, accepted);
}
BENCHMARK(broadcast)->ArgName("actors")->Arg(1)->Arg(10)->Arg(100)->Arg(10'000)->UseRealTime()->Unit(
    benchmark::kMillisecond);

}  // namespace
