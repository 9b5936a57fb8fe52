#include "orrery/core/signal_safe.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

namespace orrery {

std::string_view signal_name(int signal) noexcept {
  constexpr std::array<std::pair<int, std::string_view>, 12> names{{{0, "SANITIZER"},
                                                                    {SIGSEGV, "SIGSEGV"},
                                                                    {SIGBUS, "SIGBUS"},
                                                                    {SIGFPE, "SIGFPE"},
                                                                    {SIGILL, "SIGILL"},
                                                                    {SIGABRT, "SIGABRT"},
                                                                    {SIGKILL, "SIGKILL"},
                                                                    {SIGTERM, "SIGTERM"},
                                                                    {SIGTRAP, "SIGTRAP"},
                                                                    {SIGALRM, "SIGALRM"},
                                                                    {SIGSYS, "SIGSYS"},
                                                                    {SIGPIPE, "SIGPIPE"}}};
  for (const auto& [number, name] : names) {
    if (number == signal) return name;
  }
  return "signal";
}

void write_all(int file, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace orrery
