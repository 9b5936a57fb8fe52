// letter_queue.hpp: one bounded queue of dead letters, with the messages that it keeps.
// Why:  what a flood of letters may cost is decided here: how many records there are, and how many messages and bytes wait
//       for a redrive.
// How:  a ring of records, oldest first, in the order of their numbers. Messages that must go are handed out, linked, for
//       the caller to destroy when it has let go of the lock.
// Always true:  (Q1) numbers grow from the oldest record to the newest
//               (Q2) size() <= records_max; kept() <= kept_max, and their bytes together <= kept_bytes_max
//               (Q3) no record before `first_kept_` keeps a message
// Threads:      whoever holds `mutex`.
#pragma once
#include "orrery/actor/dead_letters.hpp"
#include "orrery/actor/envelope.hpp"

#include <chrono>
#include <vector>

namespace orrery::detail {

struct LetterRecord {
  const MessageInfo* message = nullptr;
  const ActorTag* target_type = nullptr;  ///< null: not known
  Handle target{};
  Handle sender{};
  Instant when{};
  std::source_location where{};
  std::string text{};
  Envelope* kept = nullptr;
  std::uint64_t number = 0;  ///< in its queue
  std::uint32_t attempts = 0;
  DeadLetterReason reason = DeadLetterReason::actor_stopped;
  Priority priority = Priority::normal;
  bool is_assured = false;
  std::uint32_t failures = 0;  ///< the rest: of an assured message
  MessageId id{};
  std::vector<FailedAttempt> history{};
};

/// The letters of one message type that have one reason, over all queues.
struct LetterKind {
  LetterKind(const MessageInfo& type, DeadLetterReason why) noexcept : message{type}, reason{why} {}

  /// Returns: whether the operator may hear of this kind again.
  [[nodiscard]] bool is_due(Instant present) const noexcept {
    return present.time_since_epoch().count() >= quiet_until.load(std::memory_order_relaxed);
  }
  /// Returns: true to one of those who ask in a minute.
  [[nodiscard]] bool claim_report(Instant present) noexcept {
    Duration::rep until = quiet_until.load(std::memory_order_relaxed);
    const Duration since = present.time_since_epoch();
    return since.count() >= until && quiet_until.compare_exchange_strong(
                                         until, (since + std::chrono::minutes{1}).count(), std::memory_order_relaxed);
  }

  const MessageInfo& message;
  const DeadLetterReason reason;
  std::atomic<Duration::rep> quiet_until{Duration::min().count()};
  std::atomic<std::uint64_t> told{0};  ///< how many the reports so far speak of
};

class alignas(64) LetterQueue {
 public:
  explicit LetterQueue(const DeadLetterOptions& options) noexcept : options_{options} {}
  LetterQueue(const LetterQueue&) = delete;
  LetterQueue& operator=(const LetterQueue&) = delete;

  mutable std::mutex mutex;

  /// How many there were of each kind, in no order.
  struct Count {
    LetterKind* kind;
    std::uint64_t count;
  };
  std::vector<Count> counts;

  /// Returns: the entry of that kind, or null when this queue has not seen it yet.
  [[nodiscard]] Count* find(const MessageInfo& message, DeadLetterReason reason) noexcept;

  /// Puts a letter in, by the overflow policy. `keepable`: its message, if that may be kept, else null.
  /// Returns: whether the message was kept. `evicted` gets what had to go.
  bool push(LetterRecord record, Envelope* keepable, Envelope*& evicted);
  /// Returns: whether push would put no record in at all. May be asked without the lock: then it is a guess.
  [[nodiscard]] bool refuses_all() const noexcept {
    return options_.records_max == 0 ||
           (options_.overflow == DeadLetterOverflow::drop_newest && is_full_.load(std::memory_order_relaxed));
  }

  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
  /// Pre: index < size(). 0 is the oldest.
  [[nodiscard]] const LetterRecord& at(std::size_t index) const noexcept { return records_[slot(index)]; }
  [[nodiscard]] std::size_t kept() const noexcept { return kept_count_; }

  /// Takes out the records with these numbers, which grow; what they keep is the caller's. With `kept_only` those whose
  /// message has been evicted meanwhile stay.
  [[nodiscard]] std::vector<LetterRecord> take_out(const std::vector<std::uint64_t>& numbers, bool kept_only = false);
  /// Puts such records back where they were, by the overflow policy.
  void put_back(std::vector<LetterRecord> records, Envelope*& evicted);
  /// Drops the oldest, or the newest, `count` records.
  void drop(std::size_t count, bool oldest, Envelope*& evicted);
  /// Lets go of all messages.
  void keep_none(Envelope*& evicted) noexcept;

 private:
  [[nodiscard]] std::size_t slot(std::size_t index) const noexcept {
    const std::size_t at = oldest_ + index;
    return at < records_.size() ? at : at - records_.size();
  }
  [[nodiscard]] std::size_t first_from(std::uint64_t number) const noexcept;
  bool make_room(std::size_t bytes, Envelope*& evicted);
  void keep(LetterRecord& record, Envelope& envelope) noexcept;
  void evict(LetterRecord& record, Envelope*& evicted) noexcept;
  void evict_oldest_kept(Envelope*& evicted) noexcept;
  void straighten();
  void note_size() noexcept { is_full_.store(records_.size() >= options_.records_max, std::memory_order_relaxed); }

  const DeadLetterOptions& options_;
  std::vector<LetterRecord> records_;  // a ring once it is full, else from the oldest to the newest
  std::size_t oldest_ = 0;
  std::uint64_t next_number_ = 0;
  std::uint64_t first_kept_ = 0;
  std::size_t kept_count_ = 0;
  std::size_t kept_bytes_ = 0;
  std::atomic<bool> is_full_{false};
};

}  // namespace orrery::detail
