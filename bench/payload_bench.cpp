// payload_bench.cpp: F14: what the size of a message costs, and what becomes of a rate when a lot is sent at once or for
// long.
// How:  `inline` is a message that holds its bytes, which are copied into its envelope; `moved` holds a buffer that goes
//       from actor to actor; `shared` holds a shared_ptr to a buffer that all may read. Each receiver reads the first and
//       the last byte. The limit is limit_memcpy of that size.
//       ORRERY_BENCH_SECONDS: how long F14_sustained sends (default 1; the figure asked for is 60).
#include "bench/support.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

namespace {

using namespace orrery;
using namespace orrery::bench;
using Bytes = std::vector<unsigned char>;

template <std::size_t size>
struct Inline {
  std::array<unsigned char, size> bytes;
  [[nodiscard]] std::uint64_t ends() const { return std::uint64_t{bytes.front()} + bytes.back(); }
};
struct Moved {
  Bytes bytes;
  std::uint64_t hops_left;
};
struct Shared {
  std::shared_ptr<const Bytes> bytes;
  [[nodiscard]] std::uint64_t ends() const { return std::uint64_t{bytes->front()} + bytes->back(); }
};

void count_bytes(benchmark::State& state, std::uint64_t messages, std::uint64_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(static_cast<std::uint64_t>(state.iterations()) * messages * bytes));
}

/// Windows of 1,000 of the same message, as in F1a.
template <class Message>
struct Reader {
  std::uint64_t sum = 0;
  void handle(Message m) { sum += m.ends(); }
  std::uint64_t handle(Sum) { return std::exchange(sum, 0); }
};
template <class Message>
struct Writer {
  Ref<Reader<Message>> to;
  Message message;
  std::uint64_t handle(Run m) {
    constexpr std::uint64_t window = 1'000;
    std::uint64_t sum = 0;
    for (std::uint64_t sent = 0; sent < m.count; sent += window) {
      for (std::uint64_t i = 0; i < window; ++i) to.tell(Message{message});
      sum += to.ask(Sum{}, no_timeout).value_or(0);
    }
    return sum;
  }
};
template <class Message>
void write(benchmark::State& state, Message message, std::uint64_t bytes) {
  System system{with_threads(1)};
  const auto reader = system.spawn(Reader<Message>{});
  const auto writer = system.spawn(Writer<Message>{reader, std::move(message)});
  constexpr std::uint64_t messages = 200'000;
  std::uint64_t sum = 0;
  Row row{state, 1};
  for (auto _ : state) sum = writer.ask(Run{messages}, no_timeout).value_or(0);
  row.finish(messages, sum);
  count_bytes(state, messages, bytes);
}

template <std::size_t size>
void F14_inline(benchmark::State& state) {
  Inline<size> message;
  message.bytes.fill(1);
  write(state, message, size);
}
BENCHMARK(F14_inline<16>)->Name("F14_inline/bytes:16")->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(F14_inline<100>)->Name("F14_inline/bytes:100")->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(F14_inline<1'024>)->Name("F14_inline/bytes:1024")->UseRealTime()->Unit(benchmark::kMillisecond);

void F14_shared(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  write(state, Shared{std::make_shared<const Bytes>(size, 1)}, size);
}

/// Two actors that pass sixteen buffers to each other.
struct Passer {
  const std::array<Ref<Passer>, 2>* both;
  std::uint32_t other;
  std::uint64_t sum = 0;
  void handle(Moved m) {
    sum += std::uint64_t{m.bytes.front()} + m.bytes.back();
    if (m.hops_left > 0) (*both)[other].tell(Moved{std::move(m.bytes), m.hops_left - 1});
  }
  std::uint64_t handle(Sum) { return std::exchange(sum, 0); }
};
void F14_moved(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  constexpr std::uint64_t buffers = 16;
  constexpr std::uint64_t hops = 10'000;
  System system{with_threads(1)};
  std::array<Ref<Passer>, 2> both;
  both = {system.spawn(Passer{&both, 1}), system.spawn(Passer{&both, 0})};
  std::uint64_t sum = 0;
  Row row{state, 1};
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<Bytes> made(buffers, Bytes(size, 1));
    state.ResumeTiming();
    for (auto& bytes : made) both[0].tell(Moved{std::move(bytes), hops - 1});
    if (!rest(system, state)) return;
    sum = both[0].ask(Sum{}, no_timeout).value_or(0) + both[1].ask(Sum{}, no_timeout).value_or(0);
  }
  row.finish(buffers * hops, sum);
  count_bytes(state, buffers * hops, size);
}
constexpr std::int64_t kilobyte = 1'024;
BENCHMARK(F14_moved)
    ->ArgName("bytes")
    ->ArgsProduct({{16, 100, kilobyte, 64 * kilobyte, kilobyte* kilobyte}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(F14_shared)
    ->ArgName("bytes")
    ->ArgsProduct({{16, 100, kilobyte, 64 * kilobyte, kilobyte* kilobyte}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// --- a lot at once, and for long --------------------------------------------------------------------------------------

struct Flooder {
  Ref<Adder> to;
  void handle(Start m) {
    for (std::uint64_t i = 0; i < m.count; ++i) to.tell(Number{i});
  }
};
/// A million messages are sent before the first of them is handled.
void F14_burst(benchmark::State& state) {
  System system{with_threads(1)};
  const auto adder = system.spawn(Adder{});
  const auto flooder = system.spawn(Flooder{adder});
  constexpr std::uint64_t messages = 1'000'000;
  std::uint64_t sum = 0;
  Row row{state, 1};
  for (auto _ : state) {
    flooder.tell(Start{messages});
    if (!rest(system, state)) return;
    sum = adder.ask(Sum{}, no_timeout).value_or(0);
  }
  row.finish(messages, sum % 1'000'000);  // the CSV has six digits
}
BENCHMARK(F14_burst)->UseRealTime()->Unit(benchmark::kMillisecond);

/// Returns: ORRERY_BENCH_SECONDS, or 1.
double sustained_seconds() {
  const char* const text = std::getenv("ORRERY_BENCH_SECONDS");
  const double seconds = text == nullptr ? 1.0 : std::atof(text);
  return seconds > 0.0 ? seconds : 1.0;
}
/// As F1a for a fixed time, in rounds of 100,000 messages. `slowest` is the slowest tenth of the time against the mean:
/// a rate that collapses, or falls off, shows there.
void F14_sustained(benchmark::State& state) {
  using Clock = std::chrono::steady_clock;
  System system{with_threads(1)};
  const auto teller = system.spawn(Teller{system.spawn(Adder{})});
  constexpr std::uint64_t messages = 100'000;
  const auto length = std::chrono::duration<double>(sustained_seconds());
  std::array<std::uint64_t, 10> rounds{};
  std::array<double, 10> seconds{};
  std::uint64_t sum = 0;
  std::uint64_t all = 0;
  Row row{state, 1};
  for (auto _ : state) {
    const auto began = Clock::now();
    for (auto present = began; present - began < length;) {
      sum = teller.ask(Run{messages}, no_timeout).value_or(0);
      const auto tenth = static_cast<std::size_t>((present - began) / length * 10.0);
      const auto after = Clock::now();
      ++rounds[tenth];
      seconds[tenth] += std::chrono::duration<double>(after - present).count();
      present = after;
      ++all;
    }
  }
  double slowest = 0.0;
  double total = 0.0;
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    if (rounds[i] != 0) slowest = std::max(slowest, seconds[i] / static_cast<double>(rounds[i]));
    total += seconds[i];
  }
  row.finish(messages * all, sum);
  state.counters["slowest"] = slowest / (total / static_cast<double>(all));
}
BENCHMARK(F14_sustained)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
