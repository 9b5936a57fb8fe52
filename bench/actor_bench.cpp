// actor_bench.cpp: what the basic acts cost in production: tell, ask, spawn, a hop in a ring, a timer, an idle actor.
// Each row's baseline stands beside it in limits_bench.cpp, or in the row of the same id before it. items_per_second is
// messages (asks, actors, hops, timers) a second; its inverse, printed as per_item, is the figure to compare.
// How a row ends, and what its checksum is for: support.hpp.
#include "bench/support.hpp"

#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <semaphore>
#include <vector>

namespace {

using namespace orrery;
using namespace orrery::bench;

// --- F4 stands first: it looks at the memory of the whole process -----------------------------------------------------

/// Returns: bytes of this process that are in memory.
double resident_bytes() {
  long total = 0;
  long resident = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  const bool ok = file != nullptr && std::fscanf(file, "%ld %ld", &total, &resident) == 2;
  if (file != nullptr) std::fclose(file);
  return ok ? static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) : 0.0;
}

/// What an actor that waits for mail takes beyond its own state, by what the process has in memory, and by what malloc
/// handed out. The first is the figure: pools need not come from malloc.
void F4_idle_actor(benchmark::State& state) {
  constexpr std::size_t actors = 100'000;
  System system{with_threads(1)};
  system.spawn(Adder{}).tell(Number{1});  // what the first one of its kind takes is not per actor
  if (!rest(system, state)) return;
  malloc_trim(0);  // or actors would move into what earlier rows left
  double resident = 0;
  double allocated = 0;
  for (auto _ : state) {
    const double resident_before = resident_bytes();
    const auto before = mallinfo2();
    for (std::size_t i = 0; i < actors; ++i) system.spawn(Adder{});
    if (!rest(system, state)) return;
    const auto after = mallinfo2();
    resident = resident_bytes() - resident_before;
    allocated =
        static_cast<double>(after.uordblks + after.hblkhd) - static_cast<double>(before.uordblks + before.hblkhd);
  }
  state.counters["bytes_per_actor"] = resident / static_cast<double>(actors) - sizeof(Adder);
  state.counters["malloc_per_actor"] = allocated / static_cast<double>(actors) - sizeof(Adder);
  state.counters["checksum"] = static_cast<double>(system.living() - 1);
}
BENCHMARK(F4_idle_actor)->Iterations(1)->Unit(benchmark::kMillisecond);

// --- F1: tell ---------------------------------------------------------------------------------------------------------

void F1_tell_window_1000(benchmark::State& state) { tell_window(state, unbounded()); }
BENCHMARK(F1_tell_window_1000)
    ->Name("F1a_tell")
    ->ArgName("threads")
    ->Arg(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(F1_tell_window_1000)
    ->Name("F1b_tell")
    ->ArgName("threads")
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

struct Sink;
/// Sends its share of a window when it is told to.
struct Source {
  static constexpr std::uint64_t share = 10;
  Ref<Sink> to;
  void handle(Go);
};
/// Every hundred senders' shares together are a window; when it has it all, it lets them go on.
struct Sink {
  static constexpr std::uint64_t senders = 100;
  static constexpr std::uint64_t window = senders * Source::share;
  std::vector<Ref<Source>>* from;
  std::uint64_t windows_left = 0;
  std::uint64_t seen = 0;
  std::uint64_t sum = 0;
  void handle(Start m) {
    windows_left = m.count / window;
    next_window();
  }
  void handle(Number m) {
    sum += m.value;
    if (++seen == window) next_window();
  }
  std::uint64_t handle(Sum) { return std::exchange(sum, 0); }

 private:
  void next_window() {
    seen = 0;
    if (windows_left == 0) return;
    --windows_left;
    for (const auto& source : *from) source.tell(Go{});
  }
};
void Source::handle(Go) {
  for (std::uint64_t i = 0; i < share; ++i) to.tell(Number{i});
}

/// 100 senders and one receiver, 1,000 messages in flight. Each sender is told once per ten messages to go on; that tell
/// is part of the cost and not counted.
void F1d_fan_in_100(benchmark::State& state) {
  System system{with_threads(state.range(0))};
  std::vector<Ref<Source>> sources;
  const auto sink = system.spawn(Sink{&sources});
  sources = system.spawn_n<Source>(Sink::senders, [&](std::size_t) { return Source{sink}; });
  constexpr std::uint64_t messages = 500'000;
  std::uint64_t sum = 0;
  Row row{state, state.range(0)};
  for (auto _ : state) {
    sink.tell(Start{messages});
    if (!rest(system, state)) return;
    sum = sink.ask(Sum{}, no_timeout).value_or(0);
  }
  row.finish(messages, sum);
}
BENCHMARK(F1d_fan_in_100)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

struct Token {
  std::uint64_t hops_left;
};
struct Node;
struct Link {
  Ref<Node> next;
};
struct Node {
  Ref<Node> next;
  std::uint64_t seen = 0;
  void handle(Link m) { next = m.next; }
  void handle(Token m) {
    ++seen;
    if (m.hops_left > 0) next.tell(Token{m.hops_left - 1});
  }
  std::uint64_t handle(Sum) { return std::exchange(seen, 0); }
};
void F1e_ring_hop(benchmark::State& state) {
  System system{with_threads(1)};
  const auto size = static_cast<std::size_t>(state.range(0));
  std::vector<Ref<Node>> ring;
  for (std::size_t i = 0; i < size; ++i) ring.push_back(system.spawn(Node{}));
  for (std::size_t i = 0; i < size; ++i) ring[i].tell(Link{ring[(i + 1) % size]});
  constexpr std::uint64_t hops = 500'000;
  std::uint64_t seen = 0;
  Row row{state, 1};
  for (auto _ : state) {
    ring[0].tell(Token{hops});
    if (!rest(system, state)) return;
    seen = ring[0].ask(Sum{}, no_timeout).value_or(0);
  }
  row.finish(hops, seen);
}
BENCHMARK(F1e_ring_hop)->ArgName("actors")->Arg(503)->Arg(100'000)->UseRealTime()->Unit(benchmark::kMillisecond);

struct Pong {};
struct Ping {
  std::uint32_t from;
};
/// Pings a random actor, and the next one when the answer is there.
struct Chatter {
  const std::vector<Ref<Chatter>>* all;
  std::uint32_t index;
  std::uint64_t random;
  std::uint64_t left = 0;
  std::uint64_t answered = 0;
  void handle(Start m) {
    left = m.count;
    next();
  }
  void handle(Ping m) { (*all)[m.from].tell(Pong{}); }
  void handle(Pong) {
    ++answered;
    next();
  }
  std::uint64_t handle(Sum) { return std::exchange(answered, 0); }

 private:
  void next() {
    if (left == 0) return;
    --left;
    random = random * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;  // Knuth's MMIX generator
    (*all)[(random >> 33U) % all->size()].tell(Ping{index});
  }
};
/// 120 actors that all talk to all; a ping and its answer are two messages.
void F1f_big_120(benchmark::State& state) {
  System system{with_threads(state.range(0))};
  std::vector<Ref<Chatter>> all;
  for (std::uint32_t i = 0; i < 120; ++i) all.push_back(system.spawn(Chatter{&all, i, i}));
  constexpr std::uint64_t pings = 2'000;
  std::uint64_t answered = 0;
  Row row{state, state.range(0)};
  for (auto _ : state) {
    for (const auto& chatter : all) chatter.tell(Start{pings});
    if (!rest(system, state)) return;
    answered = 0;
    for (const auto& chatter : all) answered += chatter.ask(Sum{}, no_timeout).value_or(0);
  }
  row.finish(2 * pings * all.size(), answered);
}
BENCHMARK(F1f_big_120)->ArgName("threads")->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

// --- F2: ask ----------------------------------------------------------------------------------------------------------

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
  System system{with_threads(state.range(0))};
  const auto asker = system.spawn(Asker{system.spawn(Adder{}), timeout});
  constexpr std::uint64_t asks = 200'000;
  std::uint64_t answered = 0;
  Row row{state, state.range(0)};
  for (auto _ : state) answered = asker.ask(Run{asks}, no_timeout).value_or(0);
  row.finish(asks, answered);
}
void F2a_ask(benchmark::State& state) { ask(state, no_timeout); }
void F2a_ask_with_deadline(benchmark::State& state) { ask(state, std::chrono::seconds{5}); }
BENCHMARK(F2a_ask)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(F2a_ask_with_deadline)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

// --- F3: spawn --------------------------------------------------------------------------------------------------------

struct Breeder;
/// Shared by a breeder and its mayflies, which all run on the same worker.
struct Nursery {
  static constexpr std::uint64_t round = 1'000;
  Ref<Breeder> breeder;
  std::uint64_t ended = 0;
};
struct Mayfly {
  Nursery* nursery;
  std::uint64_t seen = 0;
  void handle(Number m, Context& context);
};
/// Spawns a thousand, and the next thousand when all of them have had their message.
struct Breeder {
  Nursery* nursery;
  std::uint64_t rounds_left = 0;
  void handle(Start m, Context& context) {
    rounds_left = m.count / Nursery::round;
    nursery->breeder = context.self(*this);
    breed(context);
  }
  void handle(Go, Context& context) { breed(context); }
  std::uint64_t handle(Sum) { return std::exchange(nursery->ended, 0); }

 private:
  void breed(Context& context) {
    if (rounds_left == 0) return;
    --rounds_left;
    for (std::uint64_t i = 0; i < Nursery::round; ++i) context.spawn(Mayfly{nursery}).tell(Number{i});
  }
};
void Mayfly::handle(Number m, Context& context) {
  seen += m.value;
  if (++nursery->ended % Nursery::round == 0) nursery->breeder.tell(Go{});
  context.stop();
}
void F3a_spawn_tell_stop(benchmark::State& state) {
  Nursery nursery;
  System system{with_threads(1)};
  const auto breeder = system.spawn(Breeder{&nursery});
  constexpr std::uint64_t actors = 100'000;
  std::uint64_t ended = 0;
  Row row{state, 1};
  for (auto _ : state) {
    breeder.tell(Start{actors});
    if (!rest(system, state)) return;
    ended = breeder.ask(Sum{}, no_timeout).value_or(0);
  }
  if (system.living() != 1) state.SkipWithError("some did not end");
  row.finish(actors, ended);
}
BENCHMARK(F3a_spawn_tell_stop)->UseRealTime()->Unit(benchmark::kMillisecond);

// --- F12: timers ------------------------------------------------------------------------------------------------------

struct Tick {};
struct Never {};
/// What a round of timers has still to do. All alarms run on the same worker.
struct Round {
  std::uint64_t left = 0;
  std::binary_semaphore done{0};
};
/// Arms timers that are due at once, beside others that are due in an hour.
struct Alarm {
  Round* round;
  std::uint64_t fired = 0;
  std::uint64_t handle(Run m, Context& context) {
    for (std::uint64_t i = 0; i < m.count; ++i) context.after(*this, std::chrono::hours{1}, Never{});
    return m.count;
  }
  void handle(Start m, Context& context) {
    for (std::uint64_t i = 0; i < m.count; ++i) context.after(*this, Duration{1}, Tick{});
  }
  void handle(Tick) {
    ++fired;
    if (--round->left == 0) round->done.release();
  }
  void handle(Never) {}
  std::uint64_t handle(Sum) { return std::exchange(fired, 0); }
};
struct Clock {
  std::vector<Ref<Alarm>> alarms;
  void handle(Start m) {
    for (const auto& alarm : alarms) alarm.tell(m);
  }
};
/// The whole way of a timer: made, armed, fired, its message handled. Ten pending ones and ten new ones for each actor:
/// an actor's own timers are a list, in which one is found by looking through it.
void F12_timer(benchmark::State& state) {
  constexpr std::uint64_t each = 10;
  const auto timers = static_cast<std::uint64_t>(state.range(0));
  Round round;
  System system{with_threads(1)};
  const auto alarms = system.spawn_n<Alarm>(timers / each, [&](std::size_t) { return Alarm{&round}; });
  for (const auto& alarm : alarms) alarm.tell(Run{each}, ignore_reply);
  const auto clock = system.spawn(Clock{alarms});
  std::uint64_t fired = 0;
  Row row{state, 1};
  for (auto _ : state) {
    round.left = timers;
    clock.tell(Start{each});
    round.done.acquire();
    fired = 0;
    state.PauseTiming();
    for (const auto& alarm : alarms) fired += alarm.ask(Sum{}, no_timeout).value_or(0);
    state.ResumeTiming();
  }
  row.finish(timers, fired);
}
BENCHMARK(F12_timer)->ArgName("pending")->Arg(100'000)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
