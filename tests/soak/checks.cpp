#include "tests/soak/checks.hpp"

#include "tests/support/memory.hpp"
#include "tests/support/sanitizers.hpp"
#include "tests/support/scale.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace soak {

namespace {

constexpr auto stuck_after = 60s;
constexpr std::size_t growth_max = std::size_t{64} * 1024 * 1024;

}  // namespace

Report& report() {
  static Report instance;
  return instance;
}

std::string state() {
  Report& run = report();
  const Tally& tally = run.cast->tally;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - run.began);
  return fmt::format(
      "{:5} s  {} phases, now {}; {} steps; {} asks, {} ended, {} answered; {} actors; {} fibers, {} at most; {} MiB",
      seconds.count(), run.phases.load(), run.phase.load(), tally.steps.load(), tally.asks_begun.load(),
      tally.asks_ended.load(), tally.answers.load(), run.system->living(), run.system->fibers().live,
      run.system->fibers().created, test_support::resident_bytes() >> 20);
}

void fail(const std::string& what) {
  const Report& run = report();
  fmt::print(stderr, "soak: FAILED: {}\nsoak: seed {}, {} threads\nsoak: {}\n", what, run.seed, run.threads, state());
  std::fflush(stderr);
  std::_Exit(1);  // handlers run: no destructor would come back
}

namespace {

void expect(bool holds, const char* what, const std::string& found = {}) {
  if (!holds) fail(found.empty() ? std::string{what} : fmt::format("{}: {}", what, found));
}

void expect_zero(std::uint64_t number, const char* what) {
  if (number != 0) fail(fmt::format("{}: {}", what, number));
}

}  // namespace

void check_at_rest() {
  Report& run = report();
  System& system = *run.system;
  const Tally& tally = run.cast->tally;
  if (!system.await_quiescence(stuck_after)) {
    std::string who;
    for (const Activity& one : system.activity()) who += fmt::format("\n  {} {}", one.actor, one.doing);
    fail("no rest; still active:" + who);
  }
  const Ledger account = system.ledger();
  expect(account.adds_up(), "the account of messages adds up", orrery_describe(account));
  expect_zero(account.queued, "messages queued at rest");
  expect(tally.asks_begun == tally.asks_ended, "every ask has ended",
         fmt::format("{} begun, {} ended", tally.asks_begun.load(), tally.asks_ended.load()));
  expect_zero(tally.wrong_answers, "answers to another question");
  expect_zero(tally.overtaken, "messages that overtook another of their sender");
  expect_zero(tally.too_deep, "looks into a bounded mailbox that held more than its capacity");
  const std::size_t fibers_max = run.threads * (LoopFibers::kept_by_worker + 1) + LoopFibers::kept_shared;
  expect(system.fibers().live <= fibers_max, "fibers come back", fmt::format("{} live", system.fibers().live));
}

void check_that_nothing_is_left(std::uint64_t blocks_before) {
  check_at_rest();
  Report& run = report();
  expect_zero(run.system->living(), "actors after all were stopped");
  expect_zero(static_cast<std::uint64_t>(run.cast->tally.alive.load()), "actor objects after all were stopped");
  const std::uint64_t blocks = BlockPool::live_blocks();
  expect(blocks == blocks_before, "message blocks come back", fmt::format("{} then, {} now", blocks_before, blocks));
}

void MemoryWatch::look() {
  last_ = test_support::resident_bytes();
  const auto elapsed = std::chrono::steady_clock::now() - report().began;
  if (elapsed < 15s || report().phases < 20) {
    most_at_first_ = std::max(most_at_first_, last_);
  } else if (test_support::memory_says_something) {
    expect(last_ <= most_at_first_ + growth_max, "memory at rest stays flat",
           fmt::format("{} MiB at first, {} MiB now", most_at_first_ >> 20, last_ >> 20));
  }
}

ProgressWatch::ProgressWatch() : thread_{[this] { watch(); }} {}

ProgressWatch::~ProgressWatch() {
  {
    const std::lock_guard guard{mutex_};
    ended_ = true;
  }
  ends_.notify_one();
  thread_.join();
}

void ProgressWatch::watch() {
  const Report& run = report();
  std::uint64_t seen = 0;
  auto since = std::chrono::steady_clock::now();
  std::unique_lock lock{mutex_};
  while (!ends_.wait_for(lock, 1s, [this] { return ended_; })) {
    const std::uint64_t now_at = run.cast->tally.steps + run.phases;
    const auto now = std::chrono::steady_clock::now();
    if (std::exchange(seen, now_at) != now_at) since = now;
    if (now - since < stuck_after + 10s) continue;
    fmt::print(stderr, "soak: {}\n", run.system->ledger().offered);
    std::string who;
    for (const Activity& one : run.system->activity()) who += fmt::format("\n  {} {}", one.actor, one.doing);
    fail("nothing moves; active:" + who);
  }
}

}  // namespace soak
