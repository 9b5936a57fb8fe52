// dump_signal.hpp: SIGUSR1 as a request to say what everybody does.
// Why:  a program that hangs is asked from outside, without a debugger and without a port.
// How:  the signal handler posts a semaphore; a thread of this waits for it and does the work.
// Always true:  (D1) what the process did on this signal before is restored at the end
// Source:       SPEC O1; signal-safety(7).
#pragma once
#include <atomic>
#include <csignal>
#include <cstddef>
#include <functional>
#include <thread>

namespace orrery {

/// From construction to destruction SIGUSR1 calls `dump`, on a thread of its own; signals that come meanwhile are one.
/// Where several exist, all do.
class DumpSignal {
 public:
  explicit DumpSignal(std::function<void()> dump);
  ~DumpSignal();
  DumpSignal(const DumpSignal&) = delete;
  DumpSignal& operator=(const DumpSignal&) = delete;

 private:
  const std::function<void()> dump_;
  std::atomic<bool> is_over_{false};
  std::size_t place_;
  std::thread thread_;
};

}  // namespace orrery
