// support.hpp: what the benchmarks of actors share: messages, the plainest actors, and how a row ends.
// How:  every row reports per_item (seconds per message, ask, hop, actor), allocations (calls of operator new per item),
//       workers, and a checksum. The checksum does not depend on how often a row ran, so that bench/table.sh can compare
//       it with the one expected, and with those of the peers, which do the same work.
#pragma once
#include <benchmark/benchmark.h>

#include <orrery/system.hpp>
#include "bench/allocations.hpp"

#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

namespace orrery::bench {

/// What one row measures. Made right before the measured loop.
class Row {
 public:
  Row(benchmark::State& state, std::int64_t workers) : state_{state} {
    state_.counters["workers"] = static_cast<double>(workers);
  }
  /// `items` were done in each iteration.
  void finish(std::uint64_t items, std::uint64_t checksum) {
    const auto all = static_cast<double>(state_.iterations()) * static_cast<double>(items);
    state_.SetItemsProcessed(static_cast<std::int64_t>(all));
    state_.counters["per_item"] = benchmark::Counter(all, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    state_.counters["allocations"] = static_cast<double>(allocations() - before_) / all;
    state_.counters["checksum"] = static_cast<double>(checksum);
  }

 private:
  benchmark::State& state_;
  const std::uint64_t before_ = allocations();
};

/// Returns: without the warnings about deep mailboxes, which some rows make on purpose.
inline SystemOptions with_threads(std::int64_t threads) {
  SystemOptions options;
  options.threads = static_cast<std::uint32_t>(threads);
  options.runtime.mailbox_depth_warning = 0;
  return options;
}

/// Returns: whether everything came to rest; otherwise the row is marked as failed.
inline bool rest(System& system, benchmark::State& state) {
  const bool at_rest = system.await_quiescence(std::chrono::minutes{1});
  if (!at_rest) state.SkipWithError("the actors do not come to rest");
  return at_rest;
}

/// Spins until `condition` holds. Gives the core away after some ten microseconds, which no partner that runs lets pass: it
/// waits for a core then.
template <class Condition>
void spin_until(Condition condition) {
  for (int round = 1; !condition(); ++round) {
    if (round % 16'384 == 0) std::this_thread::yield();
  }
}

struct Number {
  std::uint64_t value;
};
/// Answered with the sum since the last one.
struct Sum {
  using Reply = std::uint64_t;
};
struct Run {
  using Reply = std::uint64_t;
  std::uint64_t count;
};
struct Start {
  std::uint64_t count;
};
struct Go {};

struct Adder {
  std::uint64_t sum = 0;
  void handle(Number m) { sum += m.value; }
  std::uint64_t handle(Sum) { return std::exchange(sum, 0); }
};

/// Keeps a window of 1,000 messages in flight: after each window one ask, which is answered behind them.
struct Teller {
  Ref<Adder> to;
  std::uint64_t total = 0;
  std::uint64_t handle(Run m) {
    constexpr std::uint64_t window = 1'000;
    std::uint64_t sum = 0;
    for (std::uint64_t sent = 0; sent < m.count; sent += window) {
      for (std::uint64_t i = 0; i < window; ++i) to.tell(Number{i});
      sum += to.ask(Sum{}, no_timeout).value_or(0);
    }
    total += sum;
    return sum;
  }
  std::uint64_t handle(Sum) { return std::exchange(total, 0); }
};

/// F1a, F1b and, with a bounded mailbox, F15.
inline void tell_window(benchmark::State& state, MailboxOptions mailbox) {
  System system{with_threads(state.range(0))};
  const auto teller = system.spawn(Teller{system.spawn(Adder{}, {.mailbox = mailbox})});
  constexpr std::uint64_t messages = 1'000'000;
  std::uint64_t sum = 0;
  Row row{state, state.range(0)};
  for (auto _ : state) sum = teller.ask(Run{messages}, no_timeout).value_or(0);
  row.finish(messages, sum);
}

/// F8, F15: pairs of a teller and its receiver that share nothing.
inline void independent_pairs(benchmark::State& state, std::int64_t threads, std::int64_t pairs) {
  System system{with_threads(threads)};
  std::vector<Ref<Teller>> tellers;
  for (std::int64_t i = 0; i < pairs; ++i) tellers.push_back(system.spawn(Teller{system.spawn(Adder{})}));
  const std::uint64_t messages = 640'000 / static_cast<std::uint64_t>(pairs) / 1'000 * 1'000;
  std::uint64_t sum = 0;
  Row row{state, threads};
  for (auto _ : state) {
    for (const auto& teller : tellers) teller.tell(Run{messages}, ignore_reply);
    if (!rest(system, state)) return;
    sum = 0;
    for (const auto& teller : tellers) sum += teller.ask(Sum{}, no_timeout).value_or(0);
  }
  row.finish(messages * tellers.size(), sum);
}

}  // namespace orrery::bench
