// storage.hpp: what a server must find again after it has fallen over. What it has said to others it has written down before:
// whom it votes for, and which entries it has.
// Threads: the server's own. A call returns when the data is safe; one that cannot make it safe throws, and the server, which
//          may not go on then, is restarted by its supervisor.
#pragma once
#include "log.hpp"
#include "machine.hpp"

#include <optional>
#include <span>
#include <utility>

namespace raft {

struct Saved {
  Term term = 0;
  std::optional<ServerId> vote;  ///< in that term
  Snapshot snapshot;
  Log log;
};

class Storage {
 public:
  Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  virtual ~Storage() = default;
  [[nodiscard]] virtual Saved load() = 0;
  virtual void save_vote(Term term, std::optional<ServerId> vote) = 0;
  /// Puts them in the place of everything from `from` on.
  virtual void save_entries(Index from, std::span<const Entry> entries) = 0;
  /// The log begins after it now, as Log::begin_after() says.
  virtual void save_snapshot(const Snapshot& snapshot) = 0;
};

/// Outlives its server's restarts, not the process.
class MemoryStorage : public Storage {
 public:
  [[nodiscard]] Saved load() override { return saved_; }
  void save_vote(Term term, std::optional<ServerId> vote) override {
    saved_.term = term;
    saved_.vote = vote;
  }
  void save_entries(Index from, std::span<const Entry> entries) override { saved_.log.replace(from, entries); }
  void save_snapshot(const Snapshot& snapshot) override {
    saved_.snapshot = snapshot;
    saved_.log.begin_after(snapshot.last, snapshot.last_term);
  }

 private:
  Saved saved_;
};

}  // namespace raft
