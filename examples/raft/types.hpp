// types.hpp: the words of Raft.
//
// Raft keeps one log of commands on several servers, so that all of them carry out the same commands in the same order, and goes
// on while more than half of them live. Time is divided into terms; a term has one leader at most, which alone adds entries.
// Source: D. Ongaro, J. Ousterhout: In Search of an Understandable Consensus Algorithm (USENIX ATC 2014). "Figure 2" and section
//         numbers in this folder mean that paper, "thesis" the first author's (Stanford 2014).
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace raft {

using Term = std::uint64_t;   ///< 0: before the first election
using Index = std::uint64_t;  ///< of an entry; the first is 1
using ServerId = std::uint32_t;
using ClientId = std::uint32_t;
using Sequence = std::uint64_t;  ///< of a client's commands; the first is 1

/// What a client wants done. Reads go through the log like writes: an entry for each is what that costs, and there is no second
/// way, with rules of its own, on which a leader that was replaced could answer from the past (section 8 has one).
struct Command {
  enum class Kind : std::uint8_t {
    nothing,  ///< a new leader's first entry: no client's
    put,
    append,  ///< to what is there, so that a command that is carried out twice can be seen
    get
  };
  Kind kind = Kind::nothing;
  std::string key;
  std::string value;
};

struct Entry {
  Term term = 0;  ///< in which a leader took it
  ClientId client = 0;
  Sequence sequence = 0;
  Command command{};

  /// A client numbers its commands, so that the command itself need not be compared.
  friend bool operator==(const Entry& a, const Entry& b) noexcept {
    return a.term == b.term && a.client == b.client && a.sequence == b.sequence;
  }
};

struct Options {
  std::size_t servers = 3;
  std::chrono::milliseconds heartbeat{50};
  std::chrono::milliseconds patience{
      150};  ///< of a server that hears of no leader: at least this, less than twice as much
  std::size_t entries_per_message = 64;
  std::size_t log_entries_max = 1'000;  ///< a log as long as this is replaced by a snapshot
};

}  // namespace raft
