// trace.hpp: what happened in a run: always as a hash, on request as text.
// Why:  two runs are the same if and only if their traces are; a failing run is told as a story from its trace.
// How:  every visible act adds names, ordinals, virtual time and payload fields to a rolling 128-bit hash; never an
//       address, a location, a type's spelling or a float's text. Text is kept only while recording.
// Source:       SPEC Z9, Z10.
#pragma once
#include "orrery/actor/cell.hpp"
#include "orrery/core/hash.hpp"
#include "orrery/core/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

namespace orrery::sim {

enum class EventKind : std::uint8_t {
  enqueue = 1,
  refuse,
  wait_for_place,
  place,
  take,
  end,
  reply,
  late_reply,
  resume,
  fire,
  spawn,
  restart,
  exit,
  dead_letter,
  signal,
  draw,
  time,
  stall,
  finish,
  fault,
  log  ///< what a handler has said; not part of the hash
};
[[nodiscard]] std::string_view to_string(EventKind kind) noexcept;

/// When a message left its sender.
struct Sent {
  std::uint64_t step = 0;  ///< so many had been made; that of its sender may be an earlier one
  Instant at{};
};
/// So many rivals of an event are told by name.
inline constexpr std::size_t rivals_told_max = 8;

/// One visible act, with everything a report wants to say about it.
struct Event {
  EventKind kind = EventKind::enqueue;
  std::uint64_t step = 0;  ///< counts handled messages, resumed handlers and offloaded work
  Instant at{};
  std::string from;
  std::string to;
  std::string message;  ///< the message, or what else there is to say
  std::string reply;
  ActorType::Fields before;  ///< of the receiver's state: what the handler changed
  ActorType::Fields after;
  std::string file;
  std::uint32_t line = 0;
  std::optional<Sent> sent{};         ///< of a message that is taken
  std::vector<std::string> rivals{};  ///< who could have acted instead, where there was a choice
  std::uint64_t rivals_count = 0;     ///< how many operations those had
};

/// Prints one event in one line.
[[nodiscard]] std::string to_string(const Event& event);

}  // namespace orrery::sim
