// reporter.hpp: warnings for the operator, not more than he can read.
// Why:  what goes wrong once per message must not write a line per message.
// How:  each kind of warning has a budget per minute; what it swallowed is said when the next one gets through. All of them
//       are counted.
// Source:       SPEC R6; Seastar's limit of five reports a minute.
#pragma once
#include "orrery/core/time.hpp"
#include "orrery/threads/alarm_notice.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery {

/// Takes a warning that got through. Threads: any, several at once.
using ReportSink = std::function<void(std::string_view kind, const std::string& text)>;

class Reporter {
 public:
  /// An empty `sink` writes `orrery: kind: text` to stderr; `handler` gets the same besides, if it is there.
  Reporter(std::uint32_t per_minute_max, ReportSink sink, AlarmHandler handler = {});

  /// Threads: any.    Blocks: the thread, on a short lock and in the sink.
  void report(Instant now, std::string_view kind, const std::string& text) {
    if (const auto swallowed = admit(now, kind)) deliver({.kind = kind, .text = text, .suppressed = *swallowed});
  }
  /// The same for a text that costs something: whoever is admitted makes it and delivers it; who is not is counted.
  /// Returns: how many were swallowed since the last one that was delivered.
  [[nodiscard]] std::optional<std::uint64_t> admit(Instant now, std::string_view kind);
  void deliver(AlarmNotice notice);

  /// Returns: how many warnings of each kind there were, swallowed ones among them, by kind.    Threads: any.
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> counts() const;

 private:
  struct Budget {
    Instant minute_began{};
    std::uint32_t used = 0;
    std::uint64_t swallowed = 0;
    std::uint64_t all = 0;
  };
  const std::uint32_t per_minute_max_;
  const ReportSink sink_;
  const AlarmHandler handler_;
  mutable std::mutex mutex_;
  std::map<std::string, Budget, std::less<>> budgets_;
};

}  // namespace orrery
