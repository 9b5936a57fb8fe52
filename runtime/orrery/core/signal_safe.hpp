// signal_safe.hpp: what a handler of signals needs and may call.
// Source:  signal-safety(7).
#pragma once
#include <array>
#include <csignal>
#include <string_view>

namespace orrery {

/// The signals by which a process tells that it is broken.
inline constexpr std::array fatal_signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/// Returns: "SIGSEGV"; "SANITIZER" for 0; "signal" when it has no name here.    Threads: any; async-signal-safe.
[[nodiscard]] std::string_view signal_name(int signal) noexcept;

/// Writes all of `text` to the file; nobody can be told if that fails.    Threads: any; async-signal-safe.
void write_all(int file, std::string_view text) noexcept;

}  // namespace orrery
