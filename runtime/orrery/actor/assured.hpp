// assured.hpp: what an actor keeps for its assured messages, from the first one on and across its restarts.
// Why:  a tell that a handler of an exactly_once message makes must leave if the handler returns, and must never have been
//       made if it does not. The tells of plain handlers must not pay for that.
// How:  while such a handler runs, its thread's Execution says that it belongs to no runtime (runtime_index 0). So tell()
//       takes the way of a foreign thread, Runtime::tell, which finds the handler and puts the message here. When the
//       handler returns they are sent in order, with nothing between its end and the first of them; when it fails they are
//       destroyed. Wherever the handler waits, its thread has its index back (Runtime::wait). What a broker sends comes here
//       the same way. A message of either class that its handler passes on is kept here, too, and goes after the tells.
// Always true:  (Z1) what is held here was told by the handling that runs, and by no other
// Source:       SPEC D3.
#pragma once
#include "orrery/actor/dedupe_window.hpp"
#include "orrery/actor/redelivery.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <source_location>
#include <vector>

namespace orrery {

/// A tell that has not left yet.
struct HeldSend {
  Handle target;
  Envelope* envelope;
  std::shared_ptr<const std::atomic<bool>> still;  ///< it does not leave if that is false by then; null: it does
};

/// A message that is passed on when the handler has returned.
struct HeldForward {
  Handle target;
  const Operations* operations;  ///< there, for an assured one; null: nobody is there
  std::source_location where;
  std::shared_ptr<void> changed;  ///< what it is to be
};

struct AssuredMail {
  AssuredMail(Runtime& runtime, Cell& cell) noexcept : redelivery{runtime, cell} {}

  Redelivery redelivery;
  std::unique_ptr<DedupeWindow> seen;  ///< from the first exactly_once message on
  std::vector<HeldSend> sends;
  std::optional<HeldForward> forward;
};

}  // namespace orrery
