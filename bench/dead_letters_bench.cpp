// dead_letters_bench.cpp: what a flood of messages that nobody will handle costs, beside the same flood refused.
// How:  every worker has a sender of its own, which tells a full mailbox. Its owner sleeps, so that nothing else happens:
//       `refused` is all that a tell costs without the letter, `dropped` the same with it, `kept` with the message kept
//       for a redrive. `processor` is the processor time per letter, of all threads together.
#include "bench/support.hpp"

#include <time.h>

#include <atomic>
#include <vector>

namespace {

using namespace orrery;
using namespace orrery::bench;

/// Takes one message and then none any more.
struct Sleeper {
  std::atomic<int>* asleep;
  void handle(Number, Context& context) {
    asleep->fetch_add(1);
    context.sleep(std::chrono::hours{24});
  }
};

struct Flooder {
  Ref<Sleeper> to;
  std::uint64_t failed = 0;
  std::uint64_t handle(Run m) {
    failed = 0;
    for (std::uint64_t i = 0; i < m.count; ++i) failed += to.tell(Number{i}) ? 0 : 1;
    return failed;
  }
};

/// Returns: what all threads have used so far.
Duration processor_time() {
  timespec time{};
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

void flood(benchmark::State& state, Overflow overflow, SystemOptions options) {
  constexpr std::uint64_t messages = 100'000;
  const std::int64_t threads = state.range(0);
  System system{options};
  std::vector<Ref<Flooder>> flooders;
  std::atomic<int> asleep{0};
  for (std::int64_t i = 0; i < threads; ++i) {
    const auto sleeper = system.spawn(Sleeper{&asleep}, {.mailbox = bounded(1, overflow)});
    sleeper.tell(Number{0});
    spin_until([&] { return asleep.load() == i + 1; });
    sleeper.tell(Number{0});  // its mailbox is full
    flooders.push_back(system.spawn(Flooder{sleeper}));
  }
  std::uint64_t failed = 0;
  const Duration before = processor_time();
  Row row{state, threads};
  for (auto _ : state) {
    std::vector<Pending<Run>> running;
    for (const auto& flooder : flooders) running.push_back(flooder.ask_async(Run{messages}, no_timeout));
    failed = 0;
    for (auto& one : running) failed += one.get().value_or(0);
  }
  row.finish(messages * flooders.size(), failed);
  const auto letters = static_cast<double>(state.iterations()) * static_cast<double>(messages * flooders.size());
  state.counters["processor"] = static_cast<double>((processor_time() - before).count()) / 1e9 / letters;
}

SystemOptions quiet(std::int64_t threads) {
  SystemOptions options = with_threads(threads);
  options.report_to = [](std::string_view, const std::string&) {};
  return options;
}

void B7_refused(benchmark::State& state) { flood(state, Overflow::reject, quiet(state.range(0))); }
BENCHMARK(B7_refused)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

void B7_dropped(benchmark::State& state) { flood(state, Overflow::drop_newest, quiet(state.range(0))); }
BENCHMARK(B7_dropped)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

/// What of that is the text of the message.
void B7_dropped_without_text(benchmark::State& state) {
  SystemOptions options = quiet(state.range(0));
  options.runtime.dead_letters.text_bytes_max = 0;
  flood(state, Overflow::drop_newest, options);
}
BENCHMARK(B7_dropped_without_text)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

/// All workers share one queue then.
void B7_kept(benchmark::State& state) {
  SystemOptions options = quiet(state.range(0));
  options.runtime.dead_letters.kept_max = 1'000;
  flood(state, Overflow::drop_newest, options);
}
BENCHMARK(B7_kept)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
