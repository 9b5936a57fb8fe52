// crash.hpp: what a process can still do when it dies.
// Why:  a segmentation fault in a handler is a finding like any other: it must leave its token behind, so that it can be
//       made again under a debugger.
// How:  handlers for the signals of a crash, on a stack of their own (a fiber's may be what overflowed), and the callback of
//       the sanitizers. What was installed before is called afterwards, so that a sanitizer still prints its report, and
//       the process dies of the signal that it got.
// Not so:  exit() in the middle of a run, and SIGKILL, pass by unseen; only a parent process sees those.
#pragma once
#include "orrery/testkit/token.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace orrery::testkit {

/// Watches this process for as long as it lives. One at a time: a second one does nothing.
class CrashWatch {
 public:
  /// `on_crash(signal, argument)` is called once, in a signal handler; 0 is a sanitizer's report.
  CrashWatch(void (*on_crash)(int signal, void* argument), void* argument);
  ~CrashWatch();
  CrashWatch(const CrashWatch&) = delete;
  CrashWatch& operator=(const CrashWatch&) = delete;

 private:
  bool is_first_;
};

/// Prints what is needed to make a run again, when this process dies in it:
///   CRASH  SIGSEGV in run 17 of Bank.MoneyIsConserved
///   REPRODUCE  ORRERY_REPLAY=b7k2-9f3c build/release/bin/bank_test --gtest_filter=Bank.MoneyIsConserved
class TokenWatch {
 public:
  /// `command`: what follows the token in the shell; empty where that is unknown.
  TokenWatch(std::string test, std::string command);
  /// Says which run it is now. Cost: under a microsecond.
  void enter(const Token& token);

 private:
  static void on_crash(int signal, void* self);
  std::string test_;
  std::string command_;
  std::array<char, 128> run_{};  ///< its number and its token, each ending in a zero
  std::array<char, 128> token_{};
  CrashWatch watch_{on_crash, this};
};

}  // namespace orrery::testkit
