// loose.hpp: a recorded failure in a program that has changed since.
// Why:  a failure that is only known as a list of answers dies with the next log line somebody adds. Whoever repairs it wants
//       to see it fail, then change the program, then see whether the same run still fails.
// How:  the operations that the record holds back are held back again, wherever they come now; what has gone is skipped and
//       named, what is new is done in its turn. A stall is known by a count of operations, which a change may have shifted:
//       when the finding is not there, the stalls are tried a little earlier and later, too.
// Always true:  (L1) in the program that wrote it, a record replayed so shows its finding in the recorded trace
//               (L2) a deviation that found no place is counted; the first one is named
// Source:       SPEC X3.
#pragma once
#include "orrery/testkit/campaign.hpp"
#include "orrery/testkit/record.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace orrery::testkit {

struct LooseReplay {
  sim::Outcome outcome;  ///< with events
  bool is_same = false;  ///< the finding that was recorded; its line may have moved
  bool by_name = true;   ///< false: the record has no names, and its answers were followed by their places
  std::uint64_t deviations = 0;
  std::uint64_t lost = 0;                 ///< so many of them found no place
  std::optional<std::string> first_lost;  ///< the first of these, by name
  std::int64_t stalls_moved = 0;          ///< by so many operations
  std::optional<std::string> problem;     ///< why there was no run at all
  std::optional<Failure> failure;         ///< what is to be reported, with a record of this program
};

[[nodiscard]] LooseReplay replay_loosely(const Property& property, const CheckOptions& options, const Record& record);

/// Returns: the outcome in a few words.
[[nodiscard]] std::string describe(const LooseReplay& replay);

}  // namespace orrery::testkit
