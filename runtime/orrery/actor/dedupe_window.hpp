// dedupe_window.hpp: the ids of the messages that an actor has handled, for as long as it remembers them.
// Why:  a sender that does not know whether its message was handled must be able to send it again without harm.
// How:  a table of ids and a queue by age. An id enters when the handler of its message has returned, and is forgotten when
//       `ids_max` newer ones have entered or it is older than `keep_for`, whichever comes first. The window belongs to the
//       actor, not to its incarnation. Beside the id of an ask stands its reply, to be given again.
// Past it:      a duplicate of a forgotten id is handled again, as if it were new. So the window must be longer than the
//               time for which anybody repeats, and hold as many ids as are handled in that time.
// Always true:  (W1) an id stands here at most once
//               (W2) it holds at most `ids_max` ids, none older than `keep_for` at the time of the last call
// Cost:         about 100 bytes per id, and the kept reply.
// Source:       SPEC D3; SEMANTICS c1.
#pragma once
#include "orrery/actor/delivery.hpp"
#include "orrery/core/message_id.hpp"
#include "orrery/core/time.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>

namespace orrery {

struct MessageInfo;

class DedupeWindow {
 public:
  DedupeWindow(std::uint32_t ids_max, Duration keep_for) noexcept : ids_max_{ids_max}, keep_for_{keep_for} {}

  struct Handled {
    const MessageInfo* message = nullptr;  ///< of what type it was
    detail::KeptReply reply;
    bool is_done = true;  ///< false: it was passed on, or its question kept open
  };

  /// Returns: what is known of the message with that id, or null: then it was not handled, or that is forgotten.
  /// Pre: `now` is no earlier than at the last call.    Cost: O(1) on average.
  [[nodiscard]] const Handled* find(const MessageId& id, Instant now);

  /// Pre: find() has just said null; `now` as there.
  void remember(const MessageId& id, Instant now, Handled handled);

  [[nodiscard]] std::size_t size() const noexcept { return by_age_.size(); }

 private:
  void forget_old(Instant now);

  std::uint32_t ids_max_;
  Duration keep_for_;
  std::deque<std::pair<MessageId, Instant>> by_age_;
  std::unordered_map<MessageId, Handled> ids_;  // looked up, never iterated
};

}  // namespace orrery
