// stop_signals.hpp: SIGINT and SIGTERM as something a thread can wait for.
// Why:  Ctrl-C must end a program in order: actors stop, mail is accounted for, then main returns. If that hangs, a
//       second Ctrl-C must still end it.
// How:  a handler posts a semaphore, which signal handlers may do. The second signal is given its default action
//       and raised again.
// Always true:  (S1) what the process did on these signals before is restored at the end
// Not chosen:   sigwait (works only if every thread of the program blocks the signals); signalfd (the same).
// Source:       SPEC R7; signal-safety(7).
#pragma once
#include <csignal>

namespace orrery {

/// From construction to destruction the process's stop signals come here.    Pre: one at a time (checked).
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Waits for the first signal. Returns: which.    Blocks: the thread.
  int wait();

 private:
  struct sigaction before_interrupt_{};
  struct sigaction before_terminate_{};
};

}  // namespace orrery
