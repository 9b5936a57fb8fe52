// reporter.hpp: warnings for the operator, not more than he can read.
// Why:  what goes wrong once per message must not write a line per message.
// How:  each kind of warning has a budget per minute; what it swallowed is said when the next one gets through.
// Source:       SPEC R6.
#pragma once
#include "orrery/core/time.hpp"

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace orrery {

/// Takes a warning that got through. Threads: any, several at once.
using ReportSink = std::function<void(std::string_view kind, const std::string& text)>;

class Reporter {
 public:
  /// An empty `sink` writes `orrery: kind: text` to stderr.
  Reporter(std::uint32_t per_minute_max, ReportSink sink);

  /// Threads: any.    Blocks: the thread, on a short lock and in the sink.
  void report(Instant now, std::string_view kind, const std::string& text) {
    if (const auto swallowed = admit(now, kind)) deliver(kind, text, *swallowed);
  }
  /// The same for a text that costs something: whoever is admitted makes it and delivers it; who is not is counted.
  /// Returns: how many were swallowed since the last one that was delivered.
  [[nodiscard]] std::optional<std::uint64_t> admit(Instant now, std::string_view kind);
  void deliver(std::string_view kind, const std::string& text, std::uint64_t swallowed);

 private:
  struct Budget {
    Instant minute_began{};
    std::uint32_t used = 0;
    std::uint64_t swallowed = 0;
  };
  const std::uint32_t per_minute_max_;
  const ReportSink sink_;
  std::mutex mutex_;
  std::unordered_map<std::string, Budget> budgets_;
};

}  // namespace orrery
