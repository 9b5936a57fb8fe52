// events.hpp: what happened to a property, for programs: one line of JSON per event.
//   {"schema":1,"event":"run_started","test":"Bank.MoneyIsConserved","seed":"0x5eed2026","runs":1000,...}
// Events: run_started (a campaign begins), failure, shrunk, property_done, and summary, the last one. Numbers that need 64
// bits for what they mean (seeds) are texts. docs/command-line.md has the fields.
// Always true:  (E1) a line is written at once and whole, so that a reader may follow
#pragma once
#include "orrery/testkit/json.hpp"
#include "orrery/testkit/loop.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace orrery::testkit {

/// Returns: the beginning of an event.
[[nodiscard]] JsonObject event_object(std::string_view event);
/// Appends the event to ORRERY_JSON, if that is set. The first event of a process begins the file anew.
void emit(const JsonObject& event);

/// The event property_done.
void emit_done(const std::string& test, const LoopResult& result, std::chrono::duration<double> elapsed);

/// Returns: "invariant_violated" and the like, for programs; sim::headline() is for people.
[[nodiscard]] std::string_view key_of(sim::FindingKind kind) noexcept;
[[nodiscard]] std::string_view key_of(Ended ended) noexcept;

/// For GitHub: one annotation at the finding's line.
[[nodiscard]] std::string github_annotation(std::string_view test, const sim::Finding& finding, std::string_view file,
                                            std::uint32_t line, std::string_view command);

}  // namespace orrery::testkit
