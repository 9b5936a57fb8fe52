// log.hpp: what handlers have to say to whoever operates them, as lines that a program can read.
// Why:  a text file of sentences tells nobody which actor, which message, which request. These lines do, without being told.
// How:  `context.log(LogLevel::warning, "refused a withdrawal", field("amount", m.amount))` builds an entry from what the
//       runtime knows anyway, and gives it to the runtime's sink. The form of a line is that of trace.jsonl, kind "log", with
//       more fields; so `orrery trace` and whatever reads traces open a log.
//       In a simulation an entry is an event of the run's story, at its virtual time. It is no act: it offers no choice and is
//       not part of the trace's hash, so that a token stays good when a line is added.
// Always true:  (O1) below the level nothing is evaluated but the arguments: no allocation, no lock, no text
//               (O2) what a limit held back is counted, and told with the next entry from the same place, or at the end
// Source:       SPEC O2; UX section 5.
#pragma once
#include "orrery/core/describe.hpp"
#include "orrery/core/ids.hpp"
#include "orrery/core/json_text.hpp"
#include "orrery/core/time.hpp"
#include "orrery/core/trace_context.hpp"

#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace orrery {

enum class LogLevel : std::uint8_t { debug, info, warning, error, off };
[[nodiscard]] std::string_view to_string(LogLevel level) noexcept;

/// Something named that an entry holds. Refers to the value, which lives until the call returns.
template <class T>
struct LogField {
  std::string_view name;
  const T& value;
};
/// A name in the source, and any value that can be described: numbers and booleans stay what they are in JSON, all else is text.
template <class T>
[[nodiscard]] constexpr LogField<T> field(std::string_view name, const T& value) noexcept {
  return {name, value};
}

/// How important, and where in the source that is said.
struct LogPlace {
  LogLevel level;
  std::source_location where;
  LogPlace(LogLevel how, std::source_location at = std::source_location::current())  // NOLINT: implicit on purpose
      : level{how}, where{at} {}
};

struct LogEntry {
  LogLevel level = LogLevel::info;
  std::string_view kind = "log";  ///< or an event of the runtime: "spawn", "restart", "exit", "dead letter", "alarm"
  Instant at{};                   ///< of the world
  std::int64_t unix_nanoseconds = 0;  ///< since 1970, for people; in a simulation the virtual time
  std::string actor;                  ///< its path; "outside" for whoever is none
  std::string to;                     ///< of an event of the runtime: whom it happened to, if that is somebody else
  std::string_view type;              ///< of the actor; empty for whoever is none
  std::uint32_t incarnation = 0;
  std::string_view message;  ///< the type of the one that is being handled; empty outside of a handler
  TraceContext context{};    ///< of that message, when trace contexts are on; its span is the message's id
  std::uint64_t cause = 0;   ///< the span of the message whose handler sent it
  std::string_view text;
  struct Field {
    std::string_view name;
    std::string value;
    bool is_text = true;  ///< else it is a number or a boolean, and JSON as it is
  };
  std::vector<Field> fields;
  std::source_location where;
  std::uint64_t held_back = 0;  ///< entries from this place since the last one that was let through

  /// Returns: "warning: refused a withdrawal {amount=5}": what `message` is in a line of JSON, and in a simulated run's story.
  [[nodiscard]] std::string sentence() const;
};

/// Returns: one line of JSON, without its end.
[[nodiscard]] std::string to_json(const LogEntry& entry);
/// Returns: one line for a person: "12:00:01.123 warning alice (Withdraw) refused a withdrawal {amount=5}".
[[nodiscard]] std::string to_text(const LogEntry& entry);

/// Takes an entry. Threads: any, several at once; also within handlers, so it should be short.
using LogSink = std::function<void(const LogEntry& entry)>;

struct LogOptions {
  LogLevel level = LogLevel::info;  ///< entries below it are not made
  /// Empty: stderr, as text on a terminal and as JSON elsewhere. It may send messages; what these give reason to say (a mailbox
  /// that is full) is not said to it.
  LogSink sink{};
  std::uint32_t per_place_max = 1'000;  ///< entries a second from one place in the source; 0: no limit
  bool runtime_events = false;          ///< what actors' lives and dead letters are, too, and alarms
};

/// Writes an entry to stderr: one call, one line.
void write_log(const LogEntry& entry);

/// Holds entries back when there are too many from one place. Not used in a simulation.
class LogLimiter {
 public:
  /// Returns: how many were held back since the last one of that place; empty: this one is held back, too.
  /// Threads: any.    Blocks: nothing.    Cost: two atomic operations.
  [[nodiscard]] std::optional<std::uint64_t> admit(const std::source_location& place, Instant now,
                                                   std::uint32_t per_second_max) noexcept;
  /// Returns: how many were ever held back.
  [[nodiscard]] std::uint64_t held_back() const noexcept { return total_.load(std::memory_order_relaxed); }
  /// Returns: how many have not been told yet.
  [[nodiscard]] std::uint64_t untold() const noexcept;

 private:
  struct Budget {
    std::atomic<std::uint64_t> used{0};  ///< the second, and how many in it
    std::atomic<std::uint64_t> held_back{0};
  };
  static constexpr std::size_t places = 256;  // that share one are limited together
  std::array<Budget, places> budgets_;
  std::atomic<std::uint64_t> total_{0};
};

namespace detail {
template <class T>
[[nodiscard]] LogEntry::Field make_field(const LogField<T>& given) {
  LogEntry::Field made{given.name, {}, true};
  if constexpr (std::same_as<T, bool>) {
    made.value = given.value ? "true" : "false";
    made.is_text = false;
  } else if constexpr (std::is_integral_v<T> && !std::same_as<T, char>) {
    made.value = std::to_string(given.value);
    made.is_text = false;
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    made.value = std::string_view{given.value};
  } else {
    describe_to(made.value, given.value);
  }
  return made;
}
}  // namespace detail

}  // namespace orrery
