// mailbox_bench.cpp: F15: bounded mailboxes against unbounded ones, and the two ends of a mailbox apart.
#include "bench/support.hpp"

#include <vector>

namespace {

using namespace orrery;
using namespace orrery::bench;
using Clock = std::chrono::steady_clock;

/// The same as F1a and F1b with room for 2,048 messages, so that nothing is refused.
void F15_tell_bounded(benchmark::State& state) { tell_window(state, bounded(2'048)); }
BENCHMARK(F15_tell_bounded)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

struct Node {
  const std::vector<Ref<Node>>* ring;
  std::uint32_t next;
  std::uint64_t seen = 0;
  void handle(Number m) {
    ++seen;
    if (m.value > 0) (*ring)[next].tell(Number{m.value - 1});
  }
  std::uint64_t handle(Sum) { return std::exchange(seen, 0); }
};
/// Receivers that keep up: eight tokens in a ring of sixteen, so that most mailboxes are empty when something comes.
void F15_keeps_up(benchmark::State& state) {
  constexpr std::uint32_t actors = 16;
  constexpr std::uint32_t tokens = 8;
  constexpr std::uint64_t hops = 100'000;
  System system{with_threads(1)};
  const MailboxOptions mailbox = state.range(0) != 0 ? bounded(64) : unbounded();
  std::vector<Ref<Node>> ring;
  for (std::uint32_t i = 0; i < actors; ++i) {
    ring.push_back(system.spawn(Node{&ring, (i + 1) % actors}, {.mailbox = mailbox}));
  }
  if (!rest(system, state)) return;
  std::uint64_t seen = 0;
  Row row{state, 1};
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < tokens; ++i) ring[2 * i].tell(Number{hops - 1});
    if (!rest(system, state)) return;
    seen = 0;
    for (const auto& node : ring) seen += node.ask(Sum{}, no_timeout).value_or(0);
  }
  row.finish(tokens * hops, seen);
}
BENCHMARK(F15_keeps_up)->ArgName("bounded")->Arg(0)->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);

struct Spent {
  using Reply = Duration;
};
/// Takes the time when the first and when the last message of a round is handled.
struct Taker {
  static constexpr std::uint64_t round = 1'000;
  std::uint64_t seen = 0;
  std::uint64_t sum = 0;
  Clock::time_point first;
  Clock::time_point last;
  void handle(Number m) {
    sum += m.value;
    if (++seen == 1) first = Clock::now();
    if (seen == round) last = Clock::now();
  }
  Duration handle(Spent) { return last - first; }
  std::uint64_t handle(Sum) {
    seen = 0;
    return std::exchange(sum, 0);
  }
};
struct Putter {
  Ref<Taker> to;
  Duration spent{};
  void handle(Go) {
    const auto began = Clock::now();
    for (std::uint64_t i = 0; i < Taker::round; ++i) to.tell(Number{i});
    spent = Clock::now() - began;
  }
  Duration handle(Spent) { return spent; }
};
/// A thousand messages are put into a mailbox whose owner cannot run, and then taken and handled while nothing is put:
/// on one worker, so that the two ends never meet. The time is that of one end.
void one_end(benchmark::State& state, bool enqueue) {
  System system{with_threads(1)};
  const auto taker = system.spawn(Taker{}, {.mailbox = state.range(0) != 0 ? bounded(2'048) : unbounded()});
  const auto putter = system.spawn(Putter{taker});
  std::uint64_t sum = 0;
  Row row{state, 1};
  for (auto _ : state) {
    putter.tell(Go{});
    if (!rest(system, state)) return;
    const auto spent = enqueue ? putter.ask(Spent{}, no_timeout) : taker.ask(Spent{}, no_timeout);
    state.SetIterationTime(std::chrono::duration<double>(spent.value_or(Duration{})).count());
    sum = taker.ask(Sum{}, no_timeout).value_or(0);
  }
  row.finish(Taker::round, sum);
}
void F15_enqueue(benchmark::State& state) { one_end(state, true); }
void F15_dequeue(benchmark::State& state) { one_end(state, false); }
BENCHMARK(F15_enqueue)->ArgName("bounded")->Arg(0)->Arg(1)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(F15_dequeue)->ArgName("bounded")->Arg(0)->Arg(1)->UseManualTime()->Unit(benchmark::kMicrosecond);

}  // namespace
