// story.hpp: a failure, told to the person who must fix it.
// How:  fixed sections in a fixed order, each found by its first word; on a terminal at most 110 columns and 20 steps, the
//       rest is counted and stands in the report's file. Everything shown comes from the run itself.
// Always true:  (S1) equal failures have equal stories: no address, no time of the machine
// Source:  UX section 2.
#pragma once
#include "orrery/testkit/campaign.hpp"

#include <cstdint>
#include <string>

namespace orrery::testkit {

/// Where a failure's record was put, and how it is replayed. What is empty is not mentioned.
struct Reproduction {
  std::string token{};
  std::string command{};
  std::string record_path{};
  std::string report_path{};
  std::string picture_path{};  ///< the report as a page for a browser, if it was written
  bool is_by_token = true;     ///< the token alone makes this run again; else its record does
};

enum class StoryLength : std::uint8_t { terminal, whole };

/// Returns: the finding, the smallest case, the steps, a timeline, what matters and how to go on; many lines.
[[nodiscard]] std::string tell_story(const Failure& failure, const Reproduction& reproduction,
                                     StoryLength length = StoryLength::terminal);

/// Returns: the numbered steps only. X marks the one that broke an invariant or in which an actor's assertion failed.
[[nodiscard]] std::string tell_steps(const sim::Outcome& outcome, StoryLength length = StoryLength::terminal,
                                     const std::string& where_the_rest_is = {});

/// Returns: whether the event is the step that did something wrong: there need not be one.
[[nodiscard]] bool is_guilty(const sim::Outcome& outcome, const sim::Event& event);

/// Returns: lanes for everybody involved, an arrow per message, a dotted one per reply; a lane is dotted while its actor waits
/// for a reply. Marks: T a timer, # an end, ^ a restart, ! a fault, = time passes while work waits. Empty when it does not fit
/// into `length`.
[[nodiscard]] std::string draw_timeline(const sim::Outcome& outcome, StoryLength length = StoryLength::terminal);

}  // namespace orrery::testkit
