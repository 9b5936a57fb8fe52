// machine.hpp: what the commands act on, a table of keys and values; and a picture of it, the snapshot.
// Always true:  a function of the commands carried out, in their order: two machines that have carried out the same are equal
#pragma once
#include "session.hpp"

#include <map>
#include <string>

namespace raft {

struct Machine {
  std::map<std::string, std::string> values;
  Sessions sessions;

  /// Carries out the command of `entry`, unless it has been.    Returns: what its client is told.
  std::string apply(const Entry& entry) {
    const Command& command = entry.command;
    if (command.kind == Command::Kind::nothing) return {};
    if (sessions.has_seen(entry.client, entry.sequence)) {
      const std::string* const answer = sessions.answer_to(entry.client, entry.sequence);
      return answer == nullptr ? std::string{} : *answer;
    }
    std::string& value = values[command.key];
    if (command.kind == Command::Kind::put) value = command.value;
    if (command.kind == Command::Kind::append) value += command.value;
    sessions.keep(entry.client, entry.sequence, value);
    return value;
  }
};

/// The machine as it is when everything up to `last` has been carried out, in the place of those entries.    Source: section 7.
struct Snapshot {
  Index last = 0;
  Term last_term = 0;
  Machine machine;
};

}  // namespace raft
