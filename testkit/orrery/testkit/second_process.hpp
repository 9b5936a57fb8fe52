// second_process.hpp: one run of a property, made once more in a process of its own.
// Why:  what depends on where objects lie in memory, or on memory that was never written, may well repeat itself in one
//       process. Started again, a process has other addresses, and its heap can be filled otherwise.
// How:  the child is this test program, started with a filter for the test and a variable that says which run of which
//       check is wanted. The test runs up to that check, which makes the run, writes what came of it into a pipe and ends
//       the process. Before it does, it shuffles and fills the heap's free blocks, so that neither the order of two
//       addresses nor what stands in new memory is that of the parent.
// Always true:  (O1) a child makes the run that was asked for, or none, and starts no children
//               (O2) no answer is not a difference: a child that cannot be started, or gives up, proves nothing; one that
//                    is killed by a signal does
// Not chosen:   fork without exec (the child inherits every address that matters).
// Cost:         starting a process and what the test does before its check; about 10 ms for a small program.
// Source:       SPEC Z9.
#pragma once
#include "orrery/testkit/campaign.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace orrery::testkit {

struct RunAnswer {
  Hash128 trace_hash{};
  std::uint64_t steps = 0;
  std::string finding;              ///< headline and name; empty: nothing was found
  std::vector<std::string> events;  ///< a line each
};

/// Returns: what came of a run that was made with RunOptions::record_events.
[[nodiscard]] RunAnswer answer_of(const sim::Outcome& outcome);

/// Why there is no answer.
struct NoAnswer {
  std::string why;
  bool killed = false;  ///< by a signal, after it had been asked
};

/// Makes run `run` of the campaign `seed` in a child of this process.
///
/// Pre:     `property` is that of a check in a GoogleTest test of this program, which is reached with the same arguments.
/// Blocks:  the thread, at most `time_max`.
[[nodiscard]] std::expected<RunAnswer, NoAnswer> run_in_second_process(
    const Property& property, const CheckOptions& options, std::uint64_t seed, std::uint64_t run,
    std::chrono::seconds time_max = std::chrono::seconds{60});

/// Makes the run once more in a child and compares.
///
/// `here`: of the same run, made in this process with RunOptions::record_events.
/// Returns: a finding that names the first event that differs, both sides; nothing when both did the same, or when there is
///          no answer, which is said on stdout.
[[nodiscard]] std::optional<sim::Finding> compare_with_second_process(const Property& property,
                                                                      const CheckOptions& options, std::uint64_t seed,
                                                                      std::uint64_t run, const sim::Outcome& here);

/// Returns: whether this process is a child that was started to make one run. Its checks say nothing.
[[nodiscard]] bool is_second_process();
/// In a child: makes the run if it is one of this property, and ends the process. Else returns.
void answer_from_second_process(const Property& property, const CheckOptions& options);

}  // namespace orrery::testkit
