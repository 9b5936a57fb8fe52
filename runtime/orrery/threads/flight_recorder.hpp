// flight_recorder.hpp: what the workers did last, as a file: when somebody asks, and when the process dies.
// Why:  a process that crashes at four in the morning cannot be asked what it was doing. This can.
// How:  a ring per worker (flight_ring.hpp), merged by time into lines in the schema of trace.jsonl, so that `orrery trace`
//       and everything that reads traces opens the file. One function writes it, with what a signal handler may do: a buffer
//       on the stack, write(), and names read through the kernel, which says so if they are gone instead of crashing again.
// Always true:  (L1) writing allocates nothing, takes no lock and waits for nobody, also while workers go on
//               (L2) within one worker the lines are in the order in which things happened; between workers they are in the
//                    order of the machine's clock, as good as that is the same for all cores
//               (L3) whoever handled fatal signals before handles them after us
// Known limits: what threads that are no workers send is not seen before it is handled. An actor that has ended since is
//               called gone#SLOT.GENERATION.
// Source:       SPEC O5; signal-safety(7); process_vm_readv(2).
#pragma once
#include "orrery/actor/flight_ring.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace orrery {

class Runtime;

struct FlightRecorderOptions {
  std::uint32_t entries = 0;       ///< that are kept for each worker, at least; 0: the recorder is off
  std::uint32_t text_bytes = 0;    ///< of each payload, at most FlightRing::text_bytes_max; 0: no payloads
  std::string crash_folder = ".";  ///< where orrery-crash-PID.jsonl is written; empty: fatal signals are left alone
};

class FlightRecorder {
 public:
  /// Makes a ring for each worker; with a crash folder, SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT (so std::terminate and a
  /// failed ORRERY_CHECK, too) are written down from here on until its end.
  FlightRecorder(const FlightRecorderOptions& options, const Runtime& runtime, std::size_t workers);
  FlightRecorder(const FlightRecorder&) = delete;
  FlightRecorder& operator=(const FlightRecorder&) = delete;
  ~FlightRecorder();

  [[nodiscard]] FlightRing& ring(std::size_t worker) noexcept { return *rings_[worker]; }

  /// Writes what is there now, replacing the file.
  ///
  /// Returns: a sentence when that is not possible.    Threads: any, while everything runs.    Blocks: on the file.
  [[nodiscard]] std::expected<void, std::string> dump(const std::string& path) const;

  /// The same into an open file, from line `step` on. Returns: the number of the last line's step.
  /// Threads: any; a signal handler, too (L1).
  std::uint64_t write(int file, std::uint64_t step) const noexcept;

  /// Writes the line behind them: what the calling thread was doing when it came to `what`, a fatal signal's name.
  void write_crash(int file, std::uint64_t step, std::string_view what) const noexcept;

  [[nodiscard]] const Runtime& runtime() const noexcept { return runtime_; }
  [[nodiscard]] bool watches_crashes() const noexcept { return watches_crashes_; }

  /// For its lifetime the calling thread has a stack for signal handlers, unless it had one: so that the end of a fiber's
  /// stack can be told, too.
  class SignalStack {
   public:
    SignalStack() noexcept;
    SignalStack(const SignalStack&) = delete;
    SignalStack& operator=(const SignalStack&) = delete;
    ~SignalStack();

   private:
    void* stack_ = nullptr;
  };

 private:
  const Runtime& runtime_;
  std::vector<std::unique_ptr<FlightRing>> rings_;
  std::uint64_t ticks_began_;
  std::int64_t nanoseconds_began_;  ///< of the steady clock, with ticks_began_
  bool watches_crashes_ = false;
};

}  // namespace orrery
