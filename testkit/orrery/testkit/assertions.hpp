// assertions.hpp: GoogleTest's assertions inside a run, as findings of that run.
// Why:  a failed EXPECT_ in a run is what the campaign looks for. It must stop the run where it failed, be shrunk, and be
//       printed once, with its story; not once for each of two thousand tries.
// How:  while a run is executed, this thread's assertions are reported to its world at once. What fails after the body has
//       ended, in the destructor of an actor, becomes the run's finding when it has no other.
// Not so:  assertions of other threads go past this, to GoogleTest itself.
#pragma once
#include "orrery/sim/run.hpp"

#include <string>

namespace orrery::testkit {

/// sim::execute(), with failed assertions as findings. A skip (GTEST_SKIP) ends the body and is no finding.
[[nodiscard]] sim::Outcome run_once(const sim::Body& body, const sim::MakeStrategy& make_strategy,
                                    const sim::RunOptions& options);

/// Returns: the world of the run that this process is in the middle of, or null. For reports of a crash.
[[nodiscard]] sim::World* world_of_this_run() noexcept;
/// Returns: whether this process is in the middle of a run of which a report will be made.
[[nodiscard]] bool is_run_told() noexcept;
/// Adds a text to the report of the run that this process is in the middle of, if it is one of a check; of one name, the last
/// counts.
void attach_to_run(std::string name, std::string text);
/// Returns: who is in the middle of what: "in alice, handling Withdraw{amount=100}", or the message's name alone.
[[nodiscard]] std::string place_of(sim::World& world, bool with_payload = true);

}  // namespace orrery::testkit
