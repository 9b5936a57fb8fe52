// messages.hpp: what servers tell each other, and what clients ask them. Every message between servers carries a term: who
// hears of a higher one than his own knows that he is behind. `trouble` is what may happen to it on its way (network.hpp).
// Source: figures 2 and 13; TimeoutNow: thesis, 3.10.
#pragma once
#include "machine.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace raft {

struct RequestVote {
  static constexpr std::string_view trouble = "a RequestVote is held up";
  Term term = 0;
  ServerId candidate = 0;
  Index last = 0;  ///< of the candidate's log
  Term last_term = 0;
};
struct Vote {
  static constexpr std::string_view trouble = "a Vote is held up";
  Term term = 0;
  ServerId voter = 0;
  bool is_granted = false;
};

/// Without entries it is a heartbeat.
struct AppendEntries {
  static constexpr std::string_view trouble = "an AppendEntries is held up";
  Term term = 0;
  ServerId leader = 0;
  Index previous = 0;  ///< the entry before those; who has not got it refuses
  Term previous_term = 0;
  std::vector<Entry> entries;
  Index commit = 0;
};
/// To a follower that needs entries that the leader has no more.
struct InstallSnapshot {
  static constexpr std::string_view trouble = "an InstallSnapshot is held up";
  Term term = 0;
  ServerId leader = 0;
  Snapshot snapshot;
};
/// The answer to both.
struct Appended {
  static constexpr std::string_view trouble = "an Appended is held up";
  Term term = 0;
  ServerId follower = 0;
  bool is_accepted = false;
  Index index = 0;  ///< accepted: its log is the leader's up to here; refused: it may be up to here, not further
};

/// All servers are there: now the clock runs.
struct Begin {};

/// Stand for election at once, as if your patience had ended. Moves the leadership on purpose.
struct TimeoutNow {};

/// A client's command, for the leader.
struct Request {
  static constexpr std::string_view trouble = "a Request is held up";
  struct Reply {
    bool is_done = false;
    std::string value{};  ///< what came of it, if it is done
    std::optional<ServerId>
        leader{};  ///< otherwise: who leads, as far as is known. The command may be done yet: ask again
  };
  ClientId client = 0;
  Sequence sequence = 0;
  Command command;
};

/// Asks a server whom it takes for the leader, for operators.
struct WhoLeads {
  struct Reply {
    Term term = 0;
    std::optional<ServerId> leader{};
  };
};

// What a server tells itself.
struct PatienceEnds {};
struct HeartbeatIsDue {};

}  // namespace raft
