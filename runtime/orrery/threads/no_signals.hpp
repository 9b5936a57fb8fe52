// no_signals.hpp: a thread of ours that is begun without the signals of the process.
#pragma once
#include <signal.h>

#include <initializer_list>

namespace orrery {

/// While it lives, threads that are begun by the calling one take no signals, so that they never run handlers of the
/// process: those are for main and its friends. Faults stay: a thread that blocked them would die of one without a word.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) sigdelset(&all, fault);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace orrery
