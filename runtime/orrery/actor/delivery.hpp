// delivery.hpp: what at_least_once and exactly_once mean here, and what an envelope carries for them.
// Why:  a message that its handler failed on is lost unless somebody still has it. Which messages are worth that is said
//       per type (`static constexpr auto delivery = Delivery::at_least_once;`) or per send (SendOptions). Both classes are
//       called assured.
// How:  inside one process nothing is lost on the way, so nearly all happens where the message is handled (redelivery.hpp).
//       The handler works on a copy; the original stays with the actor until the handler has returned, which is the
//       acknowledgement. If it throws, or is unwound by the actor's end, the original outlives the restart and is handled
//       again after a backoff, under the same id and with Context::attempt() grown by one. After `attempts_max` attempts it
//       is a dead letter, with the story of its failures. A full mailbox that would refuse or drop an assured message lets
//       it wait outside instead (bounded_mailbox.hpp).
//       exactly_once adds an id, a window of ids that the actor has handled (dedupe_window.hpp), and that a handler's own
//       tells leave only when it has returned (assured.hpp).
// Always true:  (D1) an assured message that was accepted ends handled or as a dead letter, and counts once in the ledger
//               (D2) it is acknowledged only after its handler has returned
//               (D3) while one waits to be handled again, later ones of its sender, class and priority wait behind it; all
//                    other mail goes on
//               (D4) exactly_once: of several with one id, within the window, one is handled to its end
//               (D5) exactly_once: a tell of a handling that did not return leaves nowhere
// What it is not: ids and windows live as long as their actor, not as long as its machine. What a failed handling did
//       besides tells (spawned, asked, stopped somebody, wrote a file) has happened. An ask goes out at once, so before
//       the tells of the same handling. Ticks of timers and notices (Down, Exit) are at_most_once, whatever their type says.
//       To be handled again takes an incarnation to do it: without a restart the actor ends at the first failure, and what
//       it held is a dead letter. A restart's own limit counts too: with the default of one in 5 s the actor is gone before
//       a message has failed twice.
// Not chosen:   acknowledgements as messages with the sender keeping copies and timers (in one process they say nothing
//               that the handler's return does not say, and cost two messages each; a remote router will need them);
//               a queue of the runtime that retries on a full mailbox by a clock (the mailbox knows when there is room).
// Source:       SPEC A8, A9, D1 to D4; redelivery with a limit: RabbitMQ's quorum queues, NATS JetStream's max_deliver;
//               duplicates by id within a window: JetStream, Amazon SQS FIFO; the transaction of effect and sends: the
//               outbox pattern (C. Richardson: "Microservices Patterns", 2018).
#pragma once
#include "orrery/actor/message.hpp"
#include "orrery/core/block_pool.hpp"
#include "orrery/core/message_id.hpp"
#include "orrery/core/time.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace orrery {

/// The limits of all actors of a runtime.
struct DeliveryOptions {
  std::uint32_t attempts_max = 5;  ///< how often a handler may fail on a message; 0: no limit
  Duration backoff_first = std::chrono::milliseconds{10};
  Duration backoff_most = std::chrono::seconds{1};  ///< the wait doubles up to this
  std::uint32_t jitter_percent = 20;                ///< up to this much is added, drawn from the world's entropy
  std::uint32_t dedupe_ids_max = 1'000;             ///< per receiver; past either, a duplicate is handled again
  Duration dedupe_for = std::chrono::minutes{5};
  std::uint32_t waiting_max = 1'000;  ///< per receiver: assured messages outside a full mailbox; past it: mailbox_full
};

/// Returns: the wait after failure number `failures` (1 is the first) of a message, without its jitter.
[[nodiscard]] constexpr Duration backoff_of(const DeliveryOptions& options, std::uint32_t failures) noexcept {
  Duration wait = std::min(options.backoff_first, options.backoff_most);
  for (std::uint32_t i = 1; i < failures && wait < options.backoff_most && wait > Duration::zero(); ++i) {
    wait = wait > options.backoff_most / 2 ? options.backoff_most : wait * 2;
  }
  return wait;
}
static_assert(backoff_of({}, 1) == std::chrono::milliseconds{10});
static_assert(backoff_of({}, 3) == std::chrono::milliseconds{40});
static_assert(backoff_of({}, 1'000'000) == std::chrono::seconds{1});

/// Returns: whether a message that has failed so often is given up.
[[nodiscard]] constexpr bool is_exhausted(const DeliveryOptions& options, std::uint32_t failures) noexcept {
  return options.attempts_max != 0 && failures >= options.attempts_max;
}

/// One handling that did not return.
struct FailedAttempt {
  Instant when{};
  std::string why;  ///< "failed: no such account", "unwound: shutdown"
  friend bool operator==(const FailedAttempt&, const FailedAttempt&) = default;
};

namespace detail {

/// A reply that is given again when its ask comes again.
class KeptReply {
 public:
  KeptReply() = default;
  template <std::copy_constructible R>
  static KeptReply of(const R& reply) {
    KeptReply kept;
    kept.reply_ = std::make_shared<const R>(reply);
    kept.copy_ = [](const void* from, void* to) { ::new (to) R(*static_cast<const R*>(from)); };
    return kept;
  }
  [[nodiscard]] bool is_set() const noexcept { return reply_ != nullptr; }
  /// Constructs a copy at `to`, which has room and is of the type of which it was made.
  void copy_to(void* to) const { copy_(reply_.get(), to); }

 private:
  std::shared_ptr<const void> reply_;
  void (*copy_)(const void* from, void* to) = nullptr;
};

}  // namespace detail

/// What only some messages have. Hangs on the envelope and is its own; allocated when there is something to say.
struct Extension {
  /// How many failures are told one by one; of more, the first is, and the newest.
  static constexpr std::size_t history_max = 16;

  MessageId id{};
  std::uint32_t failures = 0;
  std::uint32_t forgiven = 0;          ///< of these, how many were before it was sent once more, or passed on
  std::vector<FailedAttempt> history;  ///< oldest first
  detail::KeptReply reply;             ///< exactly_once asks: as it was just given

  void add(FailedAttempt attempt) {
    ++failures;
    if (history.size() == history_max) history.erase(history.begin() + 1);
    history.push_back(std::move(attempt));
  }

  /// Returns: how often its present target has failed on it since it was sent there.
  [[nodiscard]] std::uint32_t counted() const noexcept { return failures - forgiven; }

  static void* operator new(std::size_t bytes) { return BlockPool::local().allocate(bytes); }
  static void operator delete(void* block, std::size_t bytes) noexcept { BlockPool::release(block, bytes); }
};

}  // namespace orrery
