#include "orrery/testkit/crash.hpp"

#include "orrery/core/check.hpp"
#include "orrery/core/signal_safe.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <utility>

// Defined by the sanitizers' runtime libraries, where there is one.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));  // NOLINT

namespace orrery::testkit {

namespace {

constexpr std::size_t stack_bytes = std::size_t{256} * 1024;

struct Watch {
  void (*on_crash)(int, void*) = nullptr;
  void* argument = nullptr;
  std::array<struct sigaction, fatal_signals.size()> before{};
  stack_t stack_before{};
  void* stack = nullptr;
  std::atomic<bool> crashed{false};
};
Watch watch;
bool watching = false;

void tell_once(int signal) {
  if (watching && !watch.crashed.exchange(true, std::memory_order_relaxed)) watch.on_crash(signal, watch.argument);
}

void handle(int signal, siginfo_t* info, void*) {
  const int error = errno;
  tell_once(signal);
  for (std::size_t i = 0; i < fatal_signals.size(); ++i) {
    if (fatal_signals[i] == signal) sigaction(signal, &watch.before[i], nullptr);
  }
  // A faulty instruction is executed again, and meets who was there before; what somebody has sent must be sent again.
  if (info->si_code <= 0) raise(signal);
  errno = error;
}

}  // namespace

CrashWatch::CrashWatch(void (*on_crash)(int, void*), void* argument) : is_first_{!watching} {
  if (!is_first_) return;
  watch.on_crash = on_crash;
  watch.argument = argument;
  watch.crashed.store(false, std::memory_order_relaxed);
  // Mapped, not allocated: a fault on the heap must not have hit it.
  watch.stack = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ORRERY_CHECK(watch.stack != MAP_FAILED);
  const stack_t stack{.ss_sp = watch.stack, .ss_flags = 0, .ss_size = stack_bytes};
  sigaltstack(&stack, &watch.stack_before);
  struct sigaction action{};
  action.sa_sigaction = handle;
  action.sa_flags = SA_ONSTACK | SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < fatal_signals.size(); ++i) sigaction(fatal_signals[i], &action, &watch.before[i]);
  watching = true;
  if (&__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback([] { tell_once(0); });
}

CrashWatch::~CrashWatch() {
  if (!is_first_) return;
  if (&__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(nullptr);
  watching = false;
  for (std::size_t i = 0; i < fatal_signals.size(); ++i) sigaction(fatal_signals[i], &watch.before[i], nullptr);
  sigaltstack(&watch.stack_before, nullptr);
  munmap(watch.stack, stack_bytes);
}

TokenWatch::TokenWatch(std::string test, std::string command) : test_{std::move(test)}, command_{std::move(command)} {}

void TokenWatch::enter(const Token& token) {
  // In memory that is there already: on_crash() must not allocate.
  const std::string text = to_string(token);
  token_[text.copy(token_.data(), token_.size() - 1)] = '\0';
  *std::to_chars(run_.data(), run_.data() + run_.size() - 1, token.run).ptr = '\0';
}

void TokenWatch::on_crash(int signal, void* self) {
  const TokenWatch& mine = *static_cast<TokenWatch*>(self);
  if (mine.token_.front() == '\0') return;
  for (const std::string_view part :
       {std::string_view{"\nCRASH  "}, signal_name(signal), std::string_view{" in run "},
        std::string_view{mine.run_.data()}, std::string_view{" of "}, std::string_view{mine.test_},
        std::string_view{"\nREPRODUCE  ORRERY_REPLAY="}, std::string_view{mine.token_.data()},
        std::string_view{mine.command_.empty() ? "" : " "}, std::string_view{mine.command_}, std::string_view{"\n"}}) {
    write_all(STDERR_FILENO, part);
  }
}

}  // namespace orrery::testkit
