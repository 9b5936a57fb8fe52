// rest.hpp: coming to rest, in whichever world a test runs.
// Why:  most promises are kept at last, not at once; a judgement needs the moment when nothing is left to do.
// Source:  SPEC Z2, P2, Q7.
#pragma once
#include "orrery/actor.hpp"

#include <gtest/gtest.h>

namespace orrery::props {

/// Longer than anything takes that ends; a test that needs it has failed.
inline constexpr Duration patience = std::chrono::minutes{2};

/// Runs until nothing is left to do but periodic timers, receive timeouts and health timers.
///
/// Returns: on threads, who is in the middle of what when `limit` (real time) has passed. In a simulation a system that does
///          not come to rest ends the run, with the finding NO PROGRESS or STUCK.
/// Does not check: that anybody got what he waited for: on threads a handler that waits for what cannot come is at rest.
/// Blocks:  the thread, or the body of the test. Threads: of the test.
[[nodiscard]] testing::AssertionResult comes_to_rest(Runtime& runtime, Duration limit = patience);

/// The runtime's own account of all messages (SPEC Q7): offered = refused + accepted, and accepted = handled + failed +
/// dead-lettered, with nothing queued. Call it at rest.
///
/// Does not check: which message is which. A message that an actor keeps in a field, and forgets, was handled.
[[nodiscard]] testing::AssertionResult account_adds_up(const Runtime& runtime);

/// Runs what can run now, and is not stopped by who waits: between two steps of a scenario. In a simulation a second passes.
/// Returns: false when that did not end within the limit.
bool settle_for_now(Runtime& runtime);

}  // namespace orrery::props
