#include "orrery/threads/crash_file.hpp"

#include "orrery/actor/runtime.hpp"
#include "orrery/core/signal_safe.hpp"
#include "orrery/threads/flight_recorder.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>
#include <cstring>
#include <ctime>
#include <mutex>
#include <string_view>

namespace orrery {

namespace {

constexpr std::size_t recorders_max = 8;
constexpr std::string_view name_begin = "/orrery-crash-";
constexpr std::string_view name_end = ".jsonl";

std::mutex mutex;  // around add and remove; a handler never takes it
std::array<std::atomic<const FlightRecorder*>, recorders_max> recorders{};
std::array<struct sigaction, fatal_signals.size()> before{};
std::array<char, PATH_MAX> path_prefix{};  // FOLDER/orrery-crash-
std::atomic<long> crashing_thread{0};
std::size_t recorder_count = 0;

void write_down(int signal) noexcept {
  std::array<char, PATH_MAX + 40> path{};
  std::array<char, 20> room;
  const char* const end = std::to_chars(room.data(), room.data() + room.size(), getpid()).ptr;
  std::size_t used = 0;
  for (const std::string_view piece :
       {std::string_view{path_prefix.data()}, std::string_view{room.data(), end}, name_end}) {
    std::memcpy(path.data() + used, piece.data(), piece.size());
    used += piece.size();
  }
  const int file = ::open(path.data(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return;
  std::uint64_t step = 0;
  const Execution* const execution = current_execution();
  const FlightRecorder* mine = nullptr;  // of the system whose thread dies
  for (const auto& recorder : recorders) {
    const FlightRecorder* const one = recorder.load(std::memory_order_acquire);
    if (one == nullptr) continue;
    step = one->write(file, step);
    if (mine == nullptr || (execution != nullptr && execution->runtime == &one->runtime())) mine = one;
  }
  if (mine != nullptr) mine->write_crash(file, step, signal_name(signal));
  ::close(file);
  for (const std::string_view piece :
       {std::string_view{"orrery: "}, signal_name(signal), std::string_view{": what happened last is in "},
        std::string_view{path.data()}, std::string_view{"\n"}}) {
    write_all(STDERR_FILENO, piece);
  }
}

void give_back(int signal) noexcept {
  for (std::size_t i = 0; i < fatal_signals.size(); ++i) {
    if (fatal_signals[i] == signal) sigaction(signal, &before[i], nullptr);
  }
}

void handle(int signal, siginfo_t* info, void*) {
  const int error = errno;
  const long me = ::syscall(SYS_gettid);
  long nobody = 0;
  if (crashing_thread.compare_exchange_strong(nobody, me)) {
    write_down(signal);
    for (const int one : fatal_signals) give_back(one);
  } else if (nobody != me) {  // somebody writes already, and will end the process; this thread's fault comes after that
    const timespec moment{.tv_sec = 0, .tv_nsec = 100'000'000};
    for (int i = 0; i < 50; ++i) nanosleep(&moment, nullptr);
    give_back(signal);
  } else {  // writing it down has crashed
    give_back(signal);
  }
  // A faulty instruction is executed again, and meets who was there before; what somebody has sent must be sent again.
  if (info->si_code <= 0) raise(signal);
  errno = error;
}

}  // namespace

bool CrashFile::add(const FlightRecorder& recorder, const std::string& folder) {
  const std::lock_guard guard{mutex};
  if (recorder_count == recorders_max || folder.size() + name_begin.size() >= path_prefix.size()) return false;
  if (recorder_count++ == 0) {
    const std::string prefix = folder + std::string{name_begin};
    std::memcpy(path_prefix.data(), prefix.c_str(), prefix.size() + 1);
    crashing_thread.store(0);
    struct sigaction action{};
    action.sa_sigaction = handle;
    action.sa_flags = SA_ONSTACK | SA_SIGINFO | SA_NODEFER;  // a fault in the handler comes to it, too
    sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < fatal_signals.size(); ++i) sigaction(fatal_signals[i], &action, &before[i]);
  }
  for (auto& place : recorders) {
    const FlightRecorder* none = nullptr;
    if (place.compare_exchange_strong(none, &recorder, std::memory_order_release)) break;
  }
  return true;
}

void CrashFile::remove(const FlightRecorder& recorder) {
  // Somebody else's crash is being written down, and ends the process; unless a handler behind ours brings it back.
  const timespec moment{.tv_sec = 0, .tv_nsec = 10'000'000};
  for (int i = 0; i < 500 && crashing_thread.load() != 0; ++i) nanosleep(&moment, nullptr);
  const std::lock_guard guard{mutex};
  for (auto& place : recorders) {
    const FlightRecorder* mine = &recorder;
    if (place.compare_exchange_strong(mine, nullptr)) break;
  }
  if (--recorder_count != 0) return;
  for (std::size_t i = 0; i < fatal_signals.size(); ++i) {
    struct sigaction present{};
    sigaction(fatal_signals[i], nullptr, &present);
    if ((present.sa_flags & SA_SIGINFO) != 0 && present.sa_sigaction == handle) {
      sigaction(fatal_signals[i], &before[i], nullptr);
    }
  }
}

}  // namespace orrery
