// faults.hpp: what can go wrong in a run, by name, and how it is counted.
// Why:  a fault that is never met, or that changes nothing where it is met, tests nothing, though it looks as if it did. So
//       each is counted three times.
// How:  armed when it is planned and the run has a place for it; fired when it happens; with an effect when something came
//       of it that would not have come without it:
//         stall       a timer fired before an operation that was enabled already when the time began to pass
//         crash       there was something to lose: who asked, waiting mail, a state that was not new, a supervisor, a link or
//                     a watcher that is told
//         refusal     somebody got mailbox_full, or lost the message, where there was room (always)
//         allocation  a send threw std::bad_alloc (always)
//         slow        another agent acted while the slow one stood still
//         core        somebody was left dead
//         fault point user code was told (always: what it makes of it is its own)
// Source:       SPEC Z5; FoundationDB's ClogSend did nothing for ten years without anybody noticing.
#pragma once
#include "orrery/core/hash.hpp"
#include "orrery/core/time.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace orrery::sim {

/// The faults whose first answer is how many there are, and the others when, or to whom, each comes.
inline constexpr std::array<std::string_view, 6> planned_faults{"stall",      "crash", "refusal",
                                                                "allocation", "slow",  "core"};

/// Returns: whether the fault whose name has that hash is one of them.
[[nodiscard]] constexpr bool is_planned_fault(std::uint64_t hash) noexcept {
  for (const std::string_view name : planned_faults) {
    if (hash_text(name) == hash) return true;
  }
  return false;
}

/// A kind of fault, or a fault point in user code, in one run or in all of a campaign.
struct FaultCount {
  std::string name;
  std::uint64_t armed = 0;    ///< how often it was planned
  std::uint64_t fired = 0;    ///< how often it happened
  std::uint64_t effects = 0;  ///< how often something came of that
  friend bool operator==(const FaultCount&, const FaultCount&) = default;
};

/// A message that a fault has kept from its work, and that nobody has sent again: by a refusal or
/// a crash, drawn or planned; of a crash also the mail that goes to the dead letters with the actor. Not a request, whose asker
/// is told; not a message that the runtime delivers again by itself; not a tick or a notice.
struct LostMessage {
  std::string type;
  std::string text;  ///< with its fields
  std::string from;
  std::string to;
  std::string fault;
  Instant at{};
  friend bool operator==(const LostMessage&, const LostMessage&) = default;
};
/// So many are told of a run, and so many bytes of the text of each.
inline constexpr std::size_t lost_told_max = 50;
inline constexpr std::size_t lost_text_max = 200;

}  // namespace orrery::sim
