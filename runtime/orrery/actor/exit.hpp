// exit.hpp: an exit signal, as the message that it becomes for who traps exits.
// Why:  an actor that must know why it is to end (to clean up, to refuse, to end its own children first) says
//       `context.trap_exits(*this)` and handles Exit; only a kill still ends it unasked.
// Source:  OTP process_flag(trap_exit); SEMANTICS a11; SPEC S8.
#pragma once
#include "orrery/actor/errors.hpp"
#include "orrery/core/ids.hpp"

namespace orrery {

/// A signal to an actor that traps exits. It stands in the mailbox in the order of its sender's messages, is never refused
/// by a full mailbox, and leaves it to the actor whether it ends.
struct Exit {
  static constexpr std::string_view orrery_name = "Exit";
  enum class Kind : std::uint8_t {
    stop,    ///< somebody who may wants it to end: stop(), its supervisor, the end of the system
    linked,  ///< an actor that it is linked to has ended
    sent     ///< exit() by anybody
  };
  Kind kind = Kind::stop;
  Handle from;  ///< who ended or asked; unset for main, a foreign thread or a test
  ExitReason reason;
  std::uint32_t incarnation = 0;  ///< of the target that it is for; 0: any. A later one never gets it.

  friend std::string orrery_describe(const Exit& exit) { return "Exit{" + to_string(exit.reason) + "}"; }
};

}  // namespace orrery
