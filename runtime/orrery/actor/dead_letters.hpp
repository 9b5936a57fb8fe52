// dead_letters.hpp: what became of messages that nobody handled.
// Why:  a message that was accepted and then not handled must leave a trace that a test or an operator can find; and where
//       that was asked for, the message itself, so that it can be sent once more when its cause is mended.
// How:  each worker has a queue of records of its own, so that a flood on all of them meets at no lock; who reads sees the
//       queues merged by time. A record holds what is known for nothing, and a short text of the message. Paths are
//       looked up when somebody reads. The operator is told of the first letter of each kind (reason and message type), and
//       then of each kind at most once a minute; of none once the runtime is closing, when who listens may have gone.
// Always true:  (D1) every letter is counted, recorded or not; there are never more records than records_max
//               (D2) a kept message has one owner: the queue, a redrive under way, or the mailbox that accepted it again
//               (D3) no code of users (a destructor, a description, a filter, a sink) runs under a lock of the queues
//               (D4) letters of one thread are read in the order in which they came; where messages are kept, all are
// Keeping is off by default: a message that waits here has not been destroyed, and what its destructor would do has not
// been done. Only what was told is kept: an ask has ended with its letter, and ticks, Downs and Exits mean nothing later.
// With it there is one queue and one lock for all workers.
// At a redrive a message that died earlier is offered again, and counted as that: the letter it was stays in the ledger as
// dead-lettered, the offer is a new one (refused, or accepted and then handled, failed or dead-lettered again). So Q7 holds
// throughout: each offer ends in exactly one class, and a kept message is in no mailbox.
// In a simulation letters of actors that end with the run are counted only: who would look at them has gone.
// Source:       SPEC B7, Q1, Q7, A6, R6; SEMANTICS P4, P16, P17.
#pragma once
#include "orrery/actor/delivery.hpp"
#include "orrery/actor/message.hpp"
#include "orrery/actor/once_per_stack.hpp"
#include "orrery/core/ids.hpp"
#include "orrery/core/time.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery {

class Envelope;
class Runtime;
struct ActorTag;
struct MessageInfo;
struct Operations;
template <class A>
class Ref;
template <class... M>
class Recipient;
namespace detail {
class LetterQueue;
struct LetterKind;
struct LetterRecord;
}  // namespace detail

enum class DeadLetterReason : std::uint8_t {
  actor_stopped,       ///< its target ended before it was handled
  mailbox_full,        ///< dropped by an overflow policy
  late_reply,          ///< a reply after its ask had ended; not counted in the ledger, replies are no messages
  timer_cancelled,     ///< a tick that was under way when its timer ended
  notice_cancelled,    ///< a Down or a linked Exit that the actor, or its present incarnation, does not want any more
  restart_dropped,     ///< queued or stashed when its target restarted with MailOnRestart::drop, or stashed
  delivery_exhausted,  ///< at_least_once or exactly_once, and its handler has failed on it as often as it may
  duplicate,           ///< exactly_once, and a message with its id was handled before
};
inline constexpr std::size_t dead_letter_reasons = static_cast<std::size_t>(DeadLetterReason::duplicate) + 1;
[[nodiscard]] std::string_view to_string(DeadLetterReason reason) noexcept;

/// One record. Of a late reply `message` is the question's type, `text` the reply, `target` the asker.
struct DeadLetter {
  std::string_view message{};  ///< the type's name
  std::string text{};          ///< "Deposit{amount=3}", at most text_bytes_max; empty where that is 0
  Handle target{};
  Handle sender{};            ///< unset: no actor sent it
  std::string target_path{};  ///< "alice", "Account#12", "outside"; set by query(), empty for a sink
  std::string sender_path{};
  DeadLetterReason reason = DeadLetterReason::actor_stopped;
  Priority priority = Priority::normal;
  std::uint32_t attempts = 1;  ///< how often it was sent, or handed to its handler
  Instant when{};
  std::source_location where{};  ///< where it was sent
  bool is_kept = false;          ///< the message itself is here, and can be sent again
  // Of an assured message (delivery.hpp):
  MessageId id{};                        ///< unset: it has none
  std::uint32_t failures = 0;            ///< how many handlings of it did not return
  std::vector<FailedAttempt> history{};  ///< of these, oldest first; not all, if they were very many (Extension)

  /// Prints `Deposit{amount=3} from teller to alice: mailbox_full`.
  friend std::string orrery_describe(const DeadLetter& letter);
};

/// What becomes of a letter when the queue is full.
enum class DeadLetterOverflow : std::uint8_t {
  drop_oldest,  ///< the oldest record goes, and with it its message if that was kept
  drop_newest   ///< the letter is counted and leaves no record
};

/// Hears every letter, at once, on whatever thread or fiber it came about.
class DeadLetterSink {
 public:
  virtual ~DeadLetterSink() = default;
  /// Threads: any, several at once.    Blocks: nothing, ever: it stands in the middle of somebody's act.
  /// May tell; of letters that come about by that, it does not hear.
  virtual void hear(const DeadLetter& letter) noexcept = 0;
};

struct DeadLetterOptions {
  std::uint32_t records_max = 1'000;  ///< 0: only count
  DeadLetterOverflow overflow = DeadLetterOverflow::drop_oldest;
  std::uint32_t text_bytes_max = 160;                 ///< of a message's text; 0: none is made
  std::uint32_t kept_max = 0;                         ///< messages kept for a redrive; 0: none
  std::size_t kept_bytes_max = std::size_t{1} << 24;  ///< of them together, as sent: not what they own elsewhere
  std::shared_ptr<DeadLetterSink> sink{};
};

/// Which letters are meant: those for which all that is set here holds.
struct DeadLetterFilter {
  std::optional<DeadLetterReason> reason{};
  std::string message{};  ///< the type's name; empty: any
  std::optional<Handle> target{};
  std::string target_path{};  ///< empty: any
  std::optional<Handle> sender{};
  Instant since = Instant::min();
  Instant before = Instant::max();
  bool kept_only = false;
  std::function<bool(const DeadLetter&)> accepts{};      ///< anything else; empty: all
  std::size_t count_max = static_cast<std::size_t>(-1);  ///< no more than so many, the oldest first
};

/// What came of a redrive.
struct Redriven {
  std::size_t accepted = 0;
  std::size_t refused = 0;    ///< they are back in the queue, where they were
  std::size_t held_back = 0;  ///< not tried: their target refused an earlier one, which must not be overtaken
  friend bool operator==(const Redriven&, const Redriven&) = default;
};

class DeadLetters {
 public:
  DeadLetters(Runtime& runtime, const DeadLetterOptions& options);
  ~DeadLetters();
  DeadLetters(const DeadLetters&) = delete;
  DeadLetters& operator=(const DeadLetters&) = delete;

  /// Returns: the letters that `filter` means and that have not been dropped, oldest first.
  /// Threads: any.    Cost: O(records), and O(names) for the paths; letters wait meanwhile.
  [[nodiscard]] std::vector<DeadLetter> query(const DeadLetterFilter& filter = {}) const;

  /// Returns: how many there have been (with `reason`), recorded or not.    Threads: any.
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] std::uint64_t count(DeadLetterReason reason) const;
  /// Returns: how many letters of all have no record any more, or never had one, by the overflow policy.
  [[nodiscard]] std::uint64_t dropped() const;
  /// Returns: how many messages are kept at present.
  [[nodiscard]] std::size_t kept() const;

  struct Count {
    std::string_view message;
    DeadLetterReason reason;
    std::uint64_t count;
  };
  /// Returns: the same by type and reason, in that order.
  [[nodiscard]] std::vector<Count> counts() const;

  /// Forgets the letters that `filter` means; messages that were kept are destroyed. Counts stay.
  /// Returns: how many records went.    Threads: any.
  std::size_t clear(const DeadLetterFilter& filter = {});

  /// Sends the kept messages that `filter` means once more, in the order in which they came here: the same messages, from
  /// the same senders, with one attempt more. Each goes to its target or, when that has ended, to the actor of that type
  /// which has its name now. A mailbox that is full refuses, whatever its policy; what is refused stays here.
  /// Threads: any.    Blocks: nothing.
  Redriven redrive(const DeadLetterFilter& filter = {});
  /// The same, to one actor of the same type as the targets. Messages to actors of other types are left alone.
  template <class A>
  Redriven redrive(const DeadLetterFilter& filter, const Ref<A>& to);
  /// The same, to whoever handles messages of these types, whatever the targets were. Others are left alone.
  template <class... M>
  Redriven redrive(const DeadLetterFilter& filter, const Recipient<M...>& to);

  // ---- for the runtime --------------------------------------------------------------------------------------------

  /// Before a worker starts. Returns: its number.
  std::uint32_t add_worker();
  /// Puts `envelope`, which nobody will handle, on record.
  /// Returns: true when it was kept, and so taken over; else the caller destroys the message.
  bool put(std::uint32_t worker, Envelope& envelope, Handle target, DeadLetterReason reason) noexcept;
  /// The same for the reply that stands in the block of its question.
  void put_reply(std::uint32_t worker, const Envelope& question, bool has_reply, Handle asker, Handle replier) noexcept;
  /// Counts one that leaves no record of its own.
  void put_nameless(std::uint32_t worker, const MessageInfo& message, DeadLetterReason reason);
  /// Counts one that a redrive has in hand: it was taken and dropped, and is another letter now, which goes back for it.
  void put_in_hand(std::uint32_t worker, const MessageInfo& message, DeadLetterReason reason);
  /// A named actor ends: letters know it by its handle only.    Cost: a lock and a short copy.
  void note_name(Handle handle, const std::string& path);
  /// Destroys all kept messages; from now on none is kept.
  void close() noexcept;

 private:
  struct Found;
  class AllLocked;
  class InHand;

  /// To whom a redrive goes, if not to the targets themselves.
  struct Destination {
    std::uint32_t runtime;
    Handle handle;
    const ActorTag* type;                           ///< what a message must have been for; null: one of these is needed
    std::span<const Operations* const> operations;  ///< how messages are handled there
  };

  [[nodiscard]] detail::LetterQueue& queue_of(std::uint32_t worker);
  [[nodiscard]] std::vector<detail::LetterQueue*> queues() const;
  [[nodiscard]] std::string text_of(const void* object, void (*describe)(const void*, std::string&)) const noexcept;
  bool record_in(detail::LetterQueue& queue, detail::LetterRecord record, Envelope* keepable, bool is_news);
  detail::LetterKind& count_in(detail::LetterQueue& queue, const MessageInfo& message, DeadLetterReason reason);
  void destroy(Envelope* evicted) noexcept;
  void tell_sink(const DeadLetter& letter) noexcept;
  void tell_operator(detail::LetterKind& kind, Found said);

  [[nodiscard]] std::vector<Found> find(const DeadLetterFilter& filter) const;
  void set_paths(std::vector<Found>& found) const;
  [[nodiscard]] std::vector<detail::LetterRecord> take_out(const std::vector<Found>& found, bool kept_only = false);
  void put_back(std::vector<detail::LetterRecord> records);

  Redriven redrive_to(const DeadLetterFilter& filter, const Destination* destination);
  [[nodiscard]] std::string remembered_name(Handle handle) const;

  Runtime& runtime_;
  const DeadLetterOptions& options_;
  const bool is_single_;  // one queue for all
  std::atomic<bool> is_closed_{false};
  std::atomic<detail::LetterQueue*> outside_{nullptr};         // of whoever is no worker; made when first needed
  std::vector<std::unique_ptr<detail::LetterQueue>> workers_;  // complete before anybody runs
  mutable std::mutex kinds_mutex_;                             // taken with a queue's held, never the other way round
  std::vector<std::unique_ptr<detail::LetterKind>> kinds_;
  std::uint64_t taken_out_ = 0;  // letters that were cleared, sent again or are in hand; with all queues locked
  mutable std::mutex names_mutex_;
  std::vector<std::pair<Handle, std::string>> names_;  // of actors that have ended; a ring once it is full
  std::size_t oldest_name_ = 0;
  OncePerStack hearing_;
};

}  // namespace orrery
