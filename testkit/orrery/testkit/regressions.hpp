// regressions.hpp: failures that were kept, made again before anything else.
// Why:  a bug that came once comes again, and the run that showed it is the cheapest test for it.
// How:  orrery-regressions/<Suite.Test>/*.orrery, in the order of their names. A record that does not fit the program any
//       more is followed as far as it does, and is said to have had its day: it is kept all the same.
// Source:  SPEC X6.
#pragma once
#include "orrery/testkit/campaign.hpp"

#include <optional>
#include <string>
#include <vector>

namespace orrery::testkit {

/// Returns: the failure of a record that was followed. Pre: the outcome has a finding.
[[nodiscard]] Failure failure_of_replay(const Record& record, const sim::Outcome& outcome, const std::string& input);

/// What the kept failures of a property came to.
struct Replayed {
  std::vector<std::string> lines;       ///< what to say
  std::optional<Failure> failure;       ///< the first that still fails
  bool fits = true;                     ///< whether that one was followed to the letter
  std::optional<std::string> bad_file;  ///< one that cannot be read, and why
};

/// Makes every record in `folder` again that belongs to `property`.
[[nodiscard]] Replayed replay_kept(const Property& property, const CheckOptions& options, const std::string& folder);

}  // namespace orrery::testkit
