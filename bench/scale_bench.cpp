// scale_bench.cpp: what changes with a second worker and with numbers: streams and asks that must cross cores, a million
// actors, pairs that share nothing.
// How:  a worker never gives its own work away while it has a hand free, so a sender and a receiver that may move end
//       up together, and F1b and F2a measure no crossing. F1c and F2b force one, without pinning: the sending handler
//       does not return until the row is done, which keeps its worker, and the receiving actor tells itself to stay
//       awake, so that it is never put to sleep and scheduled anew by its sender; it therefore runs on the other worker,
//       all the time. What it tells itself is a part of the cost and not counted.
#include "bench/support.hpp"

#include <atomic>
#include <semaphore>
#include <thread>
#include <vector>

namespace {

using namespace orrery;
using namespace orrery::bench;

struct Stay {};
struct Leave {};

/// What a sender and a receiver on two workers share beside the mailbox.
struct Crossing {
  alignas(64) std::atomic<std::uint64_t> handled{0};  ///< the receiver's
};

/// Stays awake until it is told to leave.
struct Wakeful {
  Crossing* crossing;
  bool stays = false;
  std::uint32_t idle = 0;  ///< how often in a row nothing had come
  std::uint64_t seen = 0;
  std::uint64_t sum = 0;
  void handle(Go, Context& context) {
    stays = true;
    context.self(*this).tell(Stay{});
  }
  void handle(Stay, Context& context) {
    const bool has_news = crossing->handled.load(std::memory_order_relaxed) != seen;
    crossing->handled.store(seen, std::memory_order_release);  // pairs with the acquires in Streamer
    idle = has_news ? 0 : idle + 1;
    if (idle % 1'024 == 1'023) std::this_thread::yield();  // as in spin_until
    if (stays) context.self(*this).tell(Stay{});
  }
  void handle(Leave) { stays = false; }
  void handle(Number m) {
    ++seen;
    sum += m.value;
  }
  std::uint64_t handle(Sum) { return std::exchange(sum, 0); }
};

/// Holds its worker until all it sent is handled.
struct Streamer {
  Crossing* crossing;
  Ref<Wakeful> to;
  std::uint64_t sent = 0;
  std::uint64_t handle(Run m) {
    constexpr std::uint64_t window = 1'000;
    for (std::uint64_t i = 0; i < m.count; ++i) {
      spin_until([&] { return sent - crossing->handled.load(std::memory_order_acquire) < window; });
      to.tell(Number{i % window});
      ++sent;
    }
    spin_until([&] { return crossing->handled.load(std::memory_order_acquire) == sent; });
    return m.count;
  }
};
void F1c_stream_across(benchmark::State& state) {
  Crossing crossing;
  System system{with_threads(2)};
  const auto receiver = system.spawn(Wakeful{&crossing});
  const auto sender = system.spawn(Streamer{&crossing, receiver});
  constexpr std::uint64_t messages = 1'000'000;
  std::uint64_t sum = 0;
  receiver.tell(Go{});
  Row row{state, 2};
  for (auto _ : state) {
    (void)sender.ask(Run{messages}, no_timeout);
    sum = receiver.ask(Sum{}, no_timeout).value_or(0);
  }
  row.finish(messages, sum);
  receiver.tell(Leave{});
  rest(system, state);
}
BENCHMARK(F1c_stream_across)->UseRealTime()->Unit(benchmark::kMillisecond);

/// Asks, and holds its worker until the answer is there: a suspended asker would be continued where the answer was given.
struct HoldingAsker {
  Ref<Wakeful> to;
  std::uint64_t handle(Run m) {
    std::uint64_t answered = 0;
    for (std::uint64_t i = 0; i < m.count; ++i) {
      auto pending = to.ask_async(Sum{}, no_timeout);
      spin_until([&] { return pending.ready(); });
      answered += pending.get().has_value() ? 1 : 0;
    }
    return answered;
  }
};
void F2b_ask_across(benchmark::State& state) {
  Crossing crossing;
  System system{with_threads(2)};
  const auto receiver = system.spawn(Wakeful{&crossing});
  const auto asker = system.spawn(HoldingAsker{receiver});
  constexpr std::uint64_t asks = 20'000;
  std::uint64_t answered = 0;
  receiver.tell(Go{});
  Row row{state, 2};
  for (auto _ : state) answered = asker.ask(Run{asks}, no_timeout).value_or(0);
  row.finish(asks, answered);
  receiver.tell(Leave{});
  rest(system, state);
}
BENCHMARK(F2b_ask_across)->UseRealTime()->Unit(benchmark::kMillisecond);

// --- F3b: skynet ------------------------------------------------------------------------------------------------------

struct Branch {
  std::uint64_t first;
  std::uint64_t leaves;
};
/// Splits its leaves among ten children, adds up what they say, tells its own parent, and ends.
struct SkynetNode {
  Recipient<Number> parent;
  std::uint64_t answers = 0;
  std::uint64_t sum = 0;
  void handle(Branch m, Context& context) {
    if (m.leaves == 1) {
      parent.tell(Number{m.first});
      return context.stop();
    }
    const std::uint64_t share = m.leaves / 10;
    const Recipient<Number> me = context.self(*this);
    for (std::uint64_t i = 0; i < 10; ++i) context.spawn(SkynetNode{me}).tell(Branch{m.first + i * share, share});
  }
  void handle(Number m, Context& context) {
    sum += m.value;
    if (++answers < 10) return;
    parent.tell(Number{sum});
    context.stop();
  }
};
struct SkynetRoot {
  std::binary_semaphore* done;
  std::uint64_t* sum;
  void handle(Number m) {
    *sum = m.value;
    done->release();
  }
};
/// A tree of 1,111,111 actors, of which the 1,000,000 leaves tell their numbers upwards. Source: A. Temerev's skynet.
void F3b_skynet(benchmark::State& state) {
  constexpr std::uint64_t leaves = 1'000'000;
  constexpr std::uint64_t actors = 1'111'111;
  std::binary_semaphore done{0};
  std::uint64_t sum = 0;
  System system{with_threads(state.range(0))};
  const auto root = system.spawn(SkynetRoot{&done, &sum});
  Row row{state, state.range(0)};
  for (auto _ : state) {
    system.spawn(SkynetNode{root}).tell(Branch{0, leaves});
    done.acquire();
  }
  row.finish(actors, sum % 1'000'000);  // the CSV has six digits
}
BENCHMARK(F3b_skynet)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

// --- F8, F15: independent pairs, spawn_n ------------------------------------------------------------------------------

void F8_pairs_64(benchmark::State& state) { independent_pairs(state, state.range(0), 64); }
BENCHMARK(F8_pairs_64)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

void F15_pairs(benchmark::State& state) { independent_pairs(state, state.range(0), state.range(0) * state.range(1)); }
BENCHMARK(F15_pairs)
    ->ArgNames({"threads", "per_core"})
    ->ArgsProduct({{1, 2}, {1, 2, 4, 16}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

/// The time of spawn_n alone, in rounds of a thousand actors at least; stopping them is not in it.
void F15_spawn_n(benchmark::State& state) {
  const auto actors = static_cast<std::size_t>(state.range(0));
  const std::size_t calls = actors < 1'000 ? 1'000 / actors : 1;
  System system{with_threads(1)};
  std::uint64_t spawned = 0;
  std::vector<std::vector<Ref<Adder>>> refs(calls);
  Row row{state, 1};
  for (auto _ : state) {
    const auto began = std::chrono::steady_clock::now();
    for (auto& some : refs) some = system.spawn_n<Adder>(actors, [](std::size_t) { return Adder{}; });
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    spawned = system.living();
    for (const auto& some : refs) {
      for (const auto& ref : some) system.stop(ref);
    }
    if (!rest(system, state)) return;
  }
  row.finish(actors * calls, spawned);
}
BENCHMARK(F15_spawn_n)
    ->ArgName("actors")
    ->RangeMultiplier(10)
    ->Range(1, 1'000'000)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
