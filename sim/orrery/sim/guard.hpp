// guard.hpp: what a simulated run says to user code that goes behind the framework's back.
// Why:  a clock, a source of entropy, a thread or a wait that no seed decides makes a run unrepeatable, and in C++ any
//       line may reach for one, often inside of a library. Such a run lies: it passes by luck, or fails only once.
// How:  guard_calls.cpp defines the C library's functions for these things in the program itself, where the dynamic
//       linker finds them before the library's own. While a run is on this thread, each asks the run's guard, which
//       gives it its virtual meaning or makes it a finding; otherwise it goes on to the library. docs/leak-guard.md has
//       the table.
// Always true:  (L1) on a thread without a run nothing changes, apart from a thread-local load and an indirect call
//               (L2) what the guard answers is a function of the run's decisions: it repeats, replays and shrinks
//               (L3) a finding ends the run at the next operation; what user code is told until then ends soon, too
// Not chosen:   leaving the offender's stack for good (its destructors would not run, nor could the run be torn down:
//               every such finding would cost the process); LD_PRELOAD (a test must not depend on how it is started);
//               raw system calls for what passes (a clock costs 24 ns through the vDSO, 337 ns without).
// Source:       SPEC Z8; the idea of interposing libc in a simulator is madsim's, for Rust.
#pragma once
#include "orrery/core/time.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::sim {

class Engine;

class Guard {
 public:
  explicit Guard(Engine& engine) noexcept : engine_{engine} {}
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  /// Returns: the guard of the run that the calling thread makes, or null.    Cost: a thread-local load.
  [[nodiscard]] static Guard* active() noexcept { return active_; }

  /// The run begins on this thread, and ends. Nothing is guarded when the options say so.
  void enter();
  void leave() noexcept;

  // What the interposed functions ask; `call` is the name of the function.

  /// Returns: the virtual time. One that is asked for a million times within one operation is waited for: a finding, and
  /// from then on it runs ahead by 1 ms a call, so that the loop ends.
  [[nodiscard]] Instant now(std::string_view call);
  /// Fills `bytes` from one decision of the run.
  void fill(std::span<std::byte> bytes, std::string_view call);
  /// Returns: 31 bits, one decision of the run.
  [[nodiscard]] std::uint32_t draw(std::string_view call);
  /// Returns: a file of 64 KiB from one decision, to be read in place of an entropy device; negative: there is none.
  [[nodiscard]] int open_entropy(std::string_view call);
  /// Waits in virtual time, as Context::sleep does; a finding where nobody may wait.
  void sleep(Duration duration, std::string_view call);
  /// A thread was asked for: a finding. The caller says that there are none left.
  void refuse_thread(std::string_view call);
  /// A wait that holds the thread: a finding. Leaves the handler, or the body of the test, by an exception where one may
  /// be thrown; else returns, and the wait is over for no reason.
  void refuse_wait(std::string_view call);

 private:
  struct Drawn {
    std::uint64_t value;
    std::uint64_t fresh;  ///< differs from draw to draw: the calmest run's draws are not all the same
  };
  [[nodiscard]] Drawn decide(std::string_view call);
  [[nodiscard]] bool may_wait() const;
  [[nodiscard]] std::string culprit() const;
  void report(std::string_view call, std::string_view what);
  void report_if_forbidden(std::string_view call);
  void abandon();

  static constexpr std::uint64_t readings_max = 1'000'000;

  [[gnu::tls_model("initial-exec")]] static constinit thread_local Guard* active_;

  Engine& engine_;
  bool forbids_ = false;
  std::uint64_t readings_ = 0;        ///< of a clock, within one operation
  std::uint64_t read_at_ = 0;         ///< the count of operations then
  std::vector<std::uint64_t> draws_;  ///< by agent
};

/// Returns: the names of guarded functions that the guard does not see in this program, in a fixed order: it was linked
/// statically, or something else defines them first. Also tries what libstdc++ calls.
[[nodiscard]] std::vector<std::string> unguarded_functions();

}  // namespace orrery::sim
