// dead_letters.hpp: what became of messages that nobody handled.
// Why:  a message that was accepted and then not handled must leave a trace that a test or an operator can find.
// How:  a bounded ring of the newest records and a count of all; the messages themselves have been destroyed.
// Source:       SPEC Q1, A6, B7.
#pragma once
#include "orrery/core/ids.hpp"
#include "orrery/core/time.hpp"

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace orrery {

enum class DeadLetterReason : std::uint8_t {
  actor_stopped,     ///< its target ended before it was handled
  mailbox_full,      ///< dropped by an overflow policy
  late_reply,        ///< a reply after its ask had ended; not counted in the ledger, replies are no messages
  timer_cancelled,   ///< a tick that was under way when its timer ended
  notice_cancelled,  ///< a Down or a linked Exit that the actor, or its present incarnation, does not want any more
  restart_dropped,   ///< queued or stashed when its target restarted with MailOnRestart::drop, or stashed
};
inline constexpr std::size_t dead_letter_reasons = static_cast<std::size_t>(DeadLetterReason::restart_dropped) + 1;
[[nodiscard]] std::string_view to_string(DeadLetterReason reason) noexcept;

struct DeadLetter {
  std::string message;  ///< the type's name
  Handle target;
  Handle sender;  ///< unset: no actor sent it
  DeadLetterReason reason;
  Instant when;
};

class DeadLetters {
 public:
  explicit DeadLetters(std::uint32_t records_max) noexcept : records_max_{records_max} {}
  void add(DeadLetter letter);
  /// Returns: the newest records, oldest first. Threads: any.
  [[nodiscard]] std::vector<DeadLetter> snapshot() const;
  /// Returns: how many there have been with `reason`, kept as a record or not. Threads: any.
  [[nodiscard]] std::uint64_t count(DeadLetterReason reason) const;

 private:
  mutable std::mutex mutex_;
  std::uint32_t records_max_;
  std::vector<DeadLetter> records_;  ///< a ring once it is full
  std::size_t oldest_ = 0;
  std::uint64_t counts_[dead_letter_reasons] = {};
};

}  // namespace orrery
