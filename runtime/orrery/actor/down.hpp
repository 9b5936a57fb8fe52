// down.hpp: the notice that a watched actor has ended.
#pragma once
#include "orrery/actor/errors.hpp"
#include "orrery/core/ids.hpp"

namespace orrery {

/// Sent once to each watcher when the watched actor has ended (not when it restarts), or at once when it had ended
/// already; then `reason` is custom("noproc"), OTP's word. Never refused by a full mailbox.
struct Down {
  static constexpr std::string_view orrery_name = "Down";
  ActorId who;
  ExitReason reason;
};

}  // namespace orrery
