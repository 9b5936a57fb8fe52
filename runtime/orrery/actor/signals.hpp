// signals.hpp: what reaches a cell besides mail: stop, kill, exit, watch, link.
// Why:  a signal overtakes queued mail, counts against no capacity and is never dropped.
// How:  a small stack beside the mailbox, taken whole; the cell's bell in the mailbox makes sure that it is looked at. What
//       an actor that traps exits gets instead is an Exit in its mailbox, which keeps the place among the pair's mail.
// Source: SPEC Q1, Q3, S8.
#pragma once
#include "orrery/actor/runtime.hpp"

namespace orrery {

struct Runtime::SignalNode : Link {
  Signal kind = Signal::stop;
  std::uint32_t target_generation = 0;
  std::uint32_t incarnation = 0;  ///< of the target that it is for; 0: any
  Handle from;                    ///< of an exit, a link
  std::uint32_t linker = 0;       ///< of a link: which incarnation of `from` made it
  ExitReason reason;
  Watcher watcher{};
};

}  // namespace orrery
