// finding.hpp: what a run can be found guilty of.
#pragma once
#include <cstdint>
#include <source_location>
#include <string>

namespace orrery::sim {

/// Each kind has a report headline of its own, so that logs can be searched for it.
enum class FindingKind : std::uint8_t {
  invariant_violated,  ///< an `always` predicate was false
  assertion_failed,    ///< the test's own check failed
  exception_in_test,   ///< the test's body threw
  stuck,               ///< nothing runnable, some wait unanswered
  ask_cycle,           ///< actors wait for each other in a ring
  not_eventually,      ///< an `eventually` predicate was false when nothing was left to do
  no_progress,         ///< the step budget is used up
  ledger_broken,       ///< a message was lost or counted twice: a bug of the runtime
  non_determinism,     ///< two executions of the same run differ
  crash,               ///< the process died: a signal, a sanitizer, an exit
  leak,                ///< user code reached past the simulation: a thread, a blocking wait, a clock that is watched
};
[[nodiscard]] std::string_view headline(FindingKind kind) noexcept;

struct Finding {
  FindingKind kind = FindingKind::invariant_violated;
  std::string name;  ///< the property, or who is involved; with `kind` and `line` it says whether two failures are one
  std::string detail;  ///< more, for people; may differ between runs of one failure
  std::string file;    ///< where the test says so; empty when unknown
  std::uint32_t line = 0;
  std::uint64_t step = 0;

  /// Returns: whether both are the same failure, so that a shrunk run still shows what the first one showed.
  [[nodiscard]] bool same_failure(const Finding& other) const noexcept {
    return kind == other.kind && name == other.name && file == other.file && line == other.line;
  }
};

/// Returns: its headline and name: INVARIANT VIOLATED "balance never negative".
[[nodiscard]] std::string to_string(const Finding& finding);

}  // namespace orrery::sim
