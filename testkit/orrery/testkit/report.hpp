// report.hpp: what a check says: lines on stdout, a failure to GoogleTest, files in ORRERY_OUT, events for programs.
// Source:  UX sections 2 and 3.
#pragma once
#include "orrery/testkit/loop.hpp"

#include <source_location>
#include <string>
#include <string_view>

namespace orrery::testkit {

/// Prints "[   SIM    ] text".
void say(const std::string& text);

/// Returns: what follows `ORRERY_REPLAY=... ` in a shell to make a run of this test again, in the directory in which the test
/// ran: the repository's root, for our own tests.
[[nodiscard]] std::string command_for(const std::string& test);

/// Writes the record, the whole story and the trace (as lines, and for Perfetto) into ORRERY_OUT, and fails the running test with the story.
/// `variant`: not empty when the token alone does not make this run again, but its record does; part of the folder's name.
void report_failure(const Failure& failure, std::source_location where, std::string_view variant = {});

/// Returns: the failure as Markdown for the summary of a step on GitHub: the finding, how to make it again, and its last events
/// as a Mermaid picture.
[[nodiscard]] std::string summary_markdown(const Failure& failure, const std::string& command);

/// Says what all the runs came to, and what never happened.
void report_held(const std::string& test, const LoopResult& result, std::source_location where);
/// Says how exploring has ended.
void report_explored(const std::string& test, const LoopResult& result, std::uint64_t seed, std::source_location where);

/// Returns: the event as a line of JSON, in the schema of trace.jsonl. `finding`: what went wrong in this step, or empty.
[[nodiscard]] std::string trace_line(const sim::Event& event, std::string_view finding = {});
/// Returns: all of them, a line each.
[[nodiscard]] std::string trace_lines(const sim::Outcome& outcome);

}  // namespace orrery::testkit
