// backtrace.hpp: who called, as text for a report.
#pragma once
#include <string>

namespace orrery::sim {

/// Returns: the calls that led here, innermost first, a line each, without those of the simulator itself: the demangled
/// name where the program exports it (link with -rdynamic), and in any case the file and the offset for addr2line.
[[nodiscard]] std::string describe_callers();

}  // namespace orrery::sim
