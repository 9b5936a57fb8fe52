// session.hpp: why a command that arrives twice is carried out once.
// Why:  a client that gets no answer cannot know whether its command was carried out, and sends it again: the same command may be
//       in the log twice.
// How:  a client numbers its commands and waits for each answer before the next. So the machine keeps one answer per client,
//       that of its latest command, and gives it again. The table is part of the machine's state: it comes from the log, it is
//       the same on all servers, and it is in the snapshot.
// Source:  section 8; thesis, 6.3.
#pragma once
#include "types.hpp"

#include <map>

namespace raft {

struct Sessions {
  struct Latest {
    Sequence sequence = 0;
    std::string answer;
  };
  std::map<ClientId, Latest> latest;

  /// Returns: the answer that was given to that command; null: it has not been carried out, or the client has gone on since.
  [[nodiscard]] const std::string* answer_to(ClientId client, Sequence sequence) const {
    const auto at = latest.find(client);
    return at != latest.end() && at->second.sequence == sequence ? &at->second.answer : nullptr;
  }
  [[nodiscard]] bool has_seen(ClientId client, Sequence sequence) const {
    const auto at = latest.find(client);
    return at != latest.end() && at->second.sequence >= sequence;
  }
  void keep(ClientId client, Sequence sequence, std::string answer) { latest[client] = {sequence, std::move(answer)}; }
};

}  // namespace raft
