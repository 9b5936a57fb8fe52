// story.hpp: a failure, told to the person who must fix it.
// How:  fixed sections in a fixed order, each found by its first word; at most 110 columns and 20 steps, the rest is
//       counted. Everything shown comes from the run itself.
// Source:  UX section 2.
#pragma once
#include "orrery/testkit/campaign.hpp"

#include <string>

namespace orrery::testkit {

/// Where a failure's record was put, and how it is replayed.
struct Reproduction {
  std::string token;
  std::string command;
  std::string record_path;
};

/// Returns: the finding, the smallest case, the steps, a timeline and how to reproduce it; many lines.
[[nodiscard]] std::string tell_story(const Failure& failure, const Reproduction& reproduction);

/// Returns: the numbered steps only.
[[nodiscard]] std::string tell_steps(const sim::Outcome& outcome);

/// Returns: lanes for everybody involved, an arrow per message.
[[nodiscard]] std::string draw_timeline(const sim::Outcome& outcome);

}  // namespace orrery::testkit
