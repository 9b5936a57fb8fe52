// latency_bench.cpp: F11: how long until a sleeping worker handles what comes from outside, and what sleeping costs.
//                    F13: latency under load.
// How:  F13 is an open loop. Messages are due at instants fixed beforehand (exponential gaps, seed 1), and a latency
//       counts from the instant at which a message was due, not from when it was sent: a sender that is late sends all
//       that is due at once, and their waiting counts (no coordinated omission). The load is a share of the capacity,
//       which the same actors reach when everything is always due, measured right before. Time is the processor's
//       counter where there is one (10 ns a look against 26 for the clock); looks at it are inside the latency.
#include "bench/support.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <semaphore>
#include <thread>
#include <vector>

#include <orrery/core/entropy.hpp>

namespace {

using namespace orrery;
using namespace orrery::bench;
using Clock = std::chrono::steady_clock;

// --- F11 --------------------------------------------------------------------------------------------------------------

/// An ask from main, when the worker has been asleep for a while: the worker is woken, and then main. The limit is
/// limit_futex_round_trip, which does the same with two bare threads.
void F11_woken_from_outside(benchmark::State& state) {
  System system{with_threads(1)};
  const auto adder = system.spawn(Adder{});
  std::uint64_t sum = 0;
  Row row{state, 1};
  for (auto _ : state) {
    std::this_thread::sleep_for(std::chrono::microseconds{300});  // longer than a worker looks for work
    const auto began = Clock::now();
    sum += adder.ask(Sum{}, no_timeout).value_or(1);
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - began).count());
  }
  row.finish(1, sum);
}
BENCHMARK(F11_woken_from_outside)->UseManualTime()->Unit(benchmark::kMicrosecond);

/// Returns: seconds of processor time that the process has used, in user and system.
double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}
/// A second in which nothing happens, after something has: two workers, a watchdog, a thousand actors and a timer.
void F11_idle(benchmark::State& state) {
  System system{with_threads(2)};
  const auto adders = system.spawn_n<Adder>(1'000, [](std::size_t) { return Adder{}; });
  for (const auto& adder : adders) adder.tell(Number{1});
  if (!rest(system, state)) return;
  std::this_thread::sleep_for(std::chrono::milliseconds{10});
  Row row{state, 2};
  double used = 0.0;
  for (auto _ : state) {
    const double before = processor_seconds();
    const auto began = Clock::now();
    std::this_thread::sleep_for(std::chrono::seconds{1});
    used = (processor_seconds() - before) / std::chrono::duration<double>(Clock::now() - began).count();
  }
  std::uint64_t sum = 0;
  for (const auto& adder : adders) sum += adder.ask(Sum{}, no_timeout).value_or(0);
  row.finish(1, sum);
  state.counters["processor_percent"] = used * 100.0;
}
BENCHMARK(F11_idle)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

// --- F13 --------------------------------------------------------------------------------------------------------------

#if defined(__x86_64__)
std::uint64_t ticks() noexcept { return __builtin_ia32_rdtsc(); }
#else
std::uint64_t ticks() noexcept { return static_cast<std::uint64_t>(Clock::now().time_since_epoch().count()); }
#endif

double measure_ticks_per_ns() {
  const auto began = Clock::now();
  const std::uint64_t first = ticks();
  while (Clock::now() - began < std::chrono::milliseconds{20}) {
  }
  const std::uint64_t last = ticks();
  const std::chrono::duration<double, std::nano> spent = Clock::now() - began;
  return static_cast<double>(last - first) / spent.count();
}
double ticks_per_ns() {
  static const double measured = measure_ticks_per_ns();
  return measured;
}

/// When each message is due, counted from the start, and how late each one was.
struct Schedule {
  std::vector<std::uint64_t> due;
  std::vector<std::uint32_t> late;

  /// `gap` of 0: all are due at once.
  Schedule(std::size_t messages, double gap_ticks) : due(messages), late(messages) {
    Entropy random{1, 0};
    double at = 0.0;
    for (auto& one : due) {
      // -log of a uniform number in (0, 1]
      const double uniform = (static_cast<double>(random.next() >> 11U) + 1.0) * 0x1p-53;
      at -= gap_ticks * std::log(uniform);
      one = static_cast<std::uint64_t>(at);
    }
  }
  void record(std::size_t index, std::uint64_t began) {
    late[index] = static_cast<std::uint32_t>(std::min<std::uint64_t>(ticks() - began - due[index], UINT32_MAX));
  }
};

struct Timed {
  std::uint64_t index;
  bool is_last_of_burst;
};
struct Sender;
/// What main and the actors of a rig share.
struct Load {
  Schedule* schedule = nullptr;
  std::uint64_t began = 0;
  Ref<Sender> sender{};
  std::binary_semaphore done{0};
};
struct Receiver {
  Load* load;
  void handle(Timed m);
};
/// Sends what is due, waits for the next instant when nothing is, and goes on when the receiver has caught up. Both run on
/// the same worker, so the wait keeps nobody from anything.
struct Sender {
  static constexpr std::uint64_t burst_max = 1'000;
  Load* load;
  Ref<Receiver> to;
  std::uint64_t next = 0;
  void handle(Start) {
    next = 0;
    load->began = ticks();
    send();
  }
  void handle(Go) { send(); }

 private:
  void send() {
    const auto& due = load->schedule->due;
    if (next == due.size()) return load->done.release();
    std::uint64_t now = ticks() - load->began;
    while (now < due[next]) now = ticks() - load->began;
    for (std::uint64_t i = 0; i < burst_max; ++i) {
      const bool is_last = i + 1 == burst_max || next + 1 == due.size() || due[next + 1] > now;
      to.tell(Timed{next++, is_last});
      if (is_last) return;
    }
  }
};
void Receiver::handle(Timed m) {
  load->schedule->record(m.index, load->began);
  if (m.is_last_of_burst) load->sender.tell(Go{});
}

/// Asks one after the other; one that is late makes the next one late, and that counts.
struct TimedAsker {
  Load* load;
  Ref<Adder> to;
  void handle(Start) {
    Schedule& schedule = *load->schedule;
    const std::uint64_t began = ticks();
    for (std::size_t i = 0; i < schedule.due.size(); ++i) {
      while (ticks() - began < schedule.due[i]) {
      }
      benchmark::DoNotOptimize(to.ask(Sum{}, no_timeout).value_or(0));
      schedule.record(i, began);
    }
    load->done.release();
  }
};

/// A system that lives through all rounds, so that its pools are filled.
template <class Driver>
struct Rig {
  Load load;
  System system{with_threads(1)};
  Ref<Driver> driver;

  /// Returns: seconds for all of `schedule`.
  double run(Schedule& schedule) {
    load.schedule = &schedule;
    const auto start = Clock::now();
    driver.tell(Start{0});
    load.done.acquire();
    return std::chrono::duration<double>(Clock::now() - start).count();
  }
};

/// Returns: the value below which `share` of the sorted `values` are.
template <class T>
T percentile(const std::vector<T>& values, double share) {
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

/// Rounds of `messages`. Each begins with its capacity; a percentile is the median of those of the rounds, because the
/// machine takes milliseconds for itself now and then, and a round is shorter than the time between two such pauses.
/// `worst` is the largest latency of all, such pauses included. `per_item` is the time between two messages.
template <class Driver>
void under_load(benchmark::State& state, std::size_t messages, Rig<Driver>& rig) {
  constexpr std::size_t rounds = 51;
  constexpr std::array<std::pair<const char*, double>, 4> shares{
      {{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}}};
  std::array<std::vector<double>, shares.size()> found;
  std::vector<double> capacities;
  double worst = 0.0;
  Schedule warm_up{messages, 0.0};
  rig.run(warm_up);
  Row row{state, 1};
  for (auto _ : state) {
    double seconds = 0.0;
    for (std::size_t round = 0; round < rounds; ++round) {
      Schedule flat_out{messages, 0.0};
      const double ns_each = rig.run(flat_out) * 1e9 / static_cast<double>(messages);
      capacities.push_back(ns_each);
      std::ranges::sort(capacities);
      const double gap = percentile(capacities, 0.5) * 100.0 / static_cast<double>(state.range(0));
      Schedule schedule{messages, gap * ticks_per_ns()};
      seconds += rig.run(schedule);
      std::ranges::sort(schedule.late);
      for (std::size_t i = 0; i < shares.size(); ++i) {
        found[i].push_back(percentile(schedule.late, shares[i].second) / ticks_per_ns());
      }
      worst = std::max(worst, schedule.late.back() / ticks_per_ns());
    }
    state.SetIterationTime(seconds);
  }
  row.finish(messages * rounds, messages);
  for (std::size_t i = 0; i < shares.size(); ++i) {
    std::ranges::sort(found[i]);
    state.counters[shares[i].first] = percentile(found[i], 0.5);
  }
  state.counters["capacity_ns"] = percentile(capacities, 0.5);
  state.counters["worst"] = worst;
  state.counters["seed"] = 1;
}
void F13_tell(benchmark::State& state) {
  Rig<Sender> rig;
  rig.driver = rig.load.sender = rig.system.spawn(Sender{&rig.load, rig.system.spawn(Receiver{&rig.load})});
  under_load(state, 5'000, rig);
}
void F13_ask(benchmark::State& state) {
  Rig<TimedAsker> rig;
  rig.driver = rig.system.spawn(TimedAsker{&rig.load, rig.system.spawn(Adder{})});
  under_load(state, 2'000, rig);
}
BENCHMARK(F13_tell)->ArgName("load")->Arg(10)->Arg(50)->Arg(90)->Iterations(1)->UseManualTime()->Unit(
    benchmark::kMillisecond);
BENCHMARK(F13_ask)->ArgName("load")->Arg(10)->Arg(50)->Arg(90)->Iterations(1)->UseManualTime()->Unit(
    benchmark::kMillisecond);

}  // namespace
