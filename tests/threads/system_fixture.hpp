// system_fixture.hpp: what every test of a running System checks at its end, and the actors that many of them
// use. Always checked:  the stop is complete in time; nobody lives; the account of all messages adds up with
// nothing queued; no
//                  block of the message pools is left over; and (by StackPool's own check) no fiber stack is.
#pragma once
#include "orrery/core/block_pool.hpp"
#include "orrery/system.hpp"

#include "tests/support/scale.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <latch>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

namespace orrery {

using namespace std::chrono_literals;

using test_support::under_asan;
using test_support::under_tsan;

/// Returns: `count`, or fewer where that is asked for or where each step is instrumented.
inline std::size_t scaled(std::size_t count, std::size_t least = 16) {
  const std::size_t divisor = (test_support::is_short() ? 10U : 1U) * (under_tsan ? 40U : under_asan ? 10U : 1U);
  return std::max(count / divisor, least);
}

/// Longer than anything here takes; a test that needs it has failed.
inline constexpr Duration patience = 120s;

class SystemTest : public ::testing::Test {
 protected:
  ~SystemTest() override { finish(); }

  /// Starts the system under test.
  System& start(unsigned threads, SystemOptions options = {}) {
    options.threads = threads;
    options.read_environment = false;
    if (!options.report_to) options.report_to = [](std::string_view, const std::string&) {};
    system_ = std::make_unique<System>(options);
    return *system_;
  }
  System& system() { return *system_; }

  /// Ends it, with all the checks. Runs at the end of each test by itself.
  void finish() {
    if (system_ == nullptr) return;
    const StopReport report = system_->shutdown(patience);
    EXPECT_TRUE(report.is_complete) << orrery_describe(report);
    EXPECT_EQ(system_->living(), 0U);
    const Ledger account = system_->ledger();
    EXPECT_TRUE(account.adds_up()) << orrery_describe(account);
    EXPECT_EQ(account.queued, 0U) << orrery_describe(account);
    system_.reset();
    EXPECT_EQ(BlockPool::live_blocks(), blocks_before_);
  }

 private:
  const std::uint64_t blocks_before_ = BlockPool::live_blocks();
  std::unique_ptr<System> system_;
};

/// Holds handlers until it is opened.
class Gate {
 public:
  void open() { latch_.count_down(); }
  void pass() {
    reached_.store(true);
    latch_.wait();
  }
  [[nodiscard]] bool is_reached() const { return reached_.load(); }

 private:
  std::atomic<bool> reached_{false};
  std::latch latch_{1};
};

/// Spins until `condition` holds. Returns: whether it came to hold at all.
template <class Condition>
bool eventually(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::yield();
  }
  return true;
}

// ---- actors that many tests use ----

struct Add {
  using Reply = int;
  int amount;
};
struct Get {
  using Reply = int;
};
/// Keeps a sum; nothing else.
struct Counter {
  int sum = 0;
  int handle(Add m) { return sum += m.amount; }
  int handle(Get) const { return sum; }
};

struct Block {
  std::shared_ptr<Gate> gate;
};
struct Note {
  int value;
};
struct Seen {
  using Reply = std::vector<int>;
};
/// Can be held in a handler, on its thread, and remembers what it got.
struct Recorder {
  std::vector<int> notes;
  void handle(Block m) { m.gate->pass(); }
  void handle(Note m) { notes.push_back(m.value); }
  std::vector<int> handle(Seen) const { return notes; }
};

struct Boom {
  using Reply = int;
};

}  // namespace orrery
