// signals.hpp: what reaches a cell besides mail: stop, kill, watch.
// Why:  a signal overtakes queued mail, counts against no capacity and is never dropped.
// How:  a small stack beside the mailbox, taken whole; the cell's bell in the mailbox makes sure that it is looked at.
// Source: SPEC Q1, Q3.
#pragma once
#include "orrery/actor/runtime.hpp"

namespace orrery {

struct Runtime::SignalNode : Link {
  enum class Kind : std::uint8_t { stop, kill, watch };
  Kind kind = Kind::stop;
  std::uint32_t target_generation = 0;
  ExitReason reason;
  Watcher watcher{};
};

}  // namespace orrery
