// checks.hpp: what must hold whenever everything rests, and who notices when nothing moves any more.
#pragma once
#include "tests/soak/troupe.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

namespace soak {

/// Says what it was about, and ends the process with exit code 1. A violated promise is not outlived.
[[noreturn]] void fail(const std::string& what);

/// The run as far as reports need it; there is one.
struct Report {
  std::uint64_t seed = 0;
  std::uint64_t threads = 0;
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  std::atomic<const char*> phase{"beginning"};
  std::atomic<std::uint64_t> phases{0};
  System* system = nullptr;
  Cast* cast = nullptr;
};
[[nodiscard]] Report& report();
[[nodiscard]] std::string state();

/// Pre: nobody sends. Waits for rest, and checks the accounts.
void check_at_rest();
/// The same after every actor was told to end.
void check_that_nothing_is_left(std::uint64_t blocks_before);

/// Fails when the memory at rest has grown over the run.
class MemoryWatch {
 public:
  void look();
  [[nodiscard]] std::size_t last() const noexcept { return last_; }

 private:
  std::size_t most_at_first_ = 0;
  std::size_t last_ = 0;
};

/// Fails when `steps` and `phases` stand still for long.
class ProgressWatch {
 public:
  ProgressWatch();
  ~ProgressWatch();
  ProgressWatch(const ProgressWatch&) = delete;
  ProgressWatch& operator=(const ProgressWatch&) = delete;

 private:
  void watch();
  std::mutex mutex_;
  std::condition_variable ends_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace soak
