#include "orrery/sim/backtrace.hpp"

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace orrery::sim {

namespace {

constexpr int frames_max = 32;
constexpr int lines_max = 12;

std::string demangled(const char* name) {
  int status = 0;
  char* const text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string out = status == 0 ? text : name;
  std::free(text);
  return out;
}

std::string_view base_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

std::string describe_callers() {
  std::array<void*, frames_max> frames{};
  const int count = ::backtrace(frames.data(), frames_max);
  // This function, the guard's report() and what called that are the same in every report.
  constexpr int own_frames = 3;
  std::string out;
  for (int i = own_frames; i < count && i < own_frames + lines_max; ++i) {
    Dl_info info{};
    if (::dladdr(frames[static_cast<std::size_t>(i)], &info) == 0 || info.dli_fname == nullptr) continue;
    const auto offset = reinterpret_cast<std::uintptr_t>(frames[static_cast<std::size_t>(i)]) -
                        reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    out += fmt::format("{}  {}+{:#x}", out.empty() ? "" : "\n", base_of(info.dli_fname), offset);
    if (info.dli_sname != nullptr) out += "  " + demangled(info.dli_sname);
  }
  return out;
}

}  // namespace orrery::sim
