// history_file.hpp: histories that other systems wrote, as events in the order of real time.
// How:  EDN as Jepsen and Knossos write it: maps, in a vector or one after the other; or the lines that jepsen.util logs,
//       `INFO  jepsen.util - 4<TAB>:invoke<TAB>:read<TAB>nil`. A text is a log when a line of it has that mark and an event.
// Always true:  (F1) each event of a client is returned, in order, or the file is refused with the line and the reason
//               (F2) a completion follows an invocation of the same function by the same process, which has one open
#pragma once
#include "orrery/testkit/edn.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>
#include <vector>

namespace orrery::testkit {

struct HistoryEvent {
  enum class Type : std::uint8_t { invoke, ok, fail, info } type = Type::invoke;
  std::uint64_t process = 0;
  std::string function;
  EdnValue value;  ///< nil where there is none
  EdnValue key;    ///< nil where there is none
  std::size_t line = 0;
};

struct HistoryFile {
  std::vector<HistoryEvent> events;
  bool is_log = false;
  std::size_t other_events = 0;  ///< of processes that are no clients, as :nemesis
};

/// Returns: the events, or the line that cannot be read and why.
[[nodiscard]] std::expected<HistoryFile, EdnError> parse_history(std::string_view text);

}  // namespace orrery::testkit
