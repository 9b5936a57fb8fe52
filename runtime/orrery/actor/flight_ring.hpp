// flight_ring.hpp: the last things that happened on one worker, as headers, overwritten in a circle.
// Why:  when a process dies, what its actors did just before is what one wants to know, and nobody had asked for it. A ring
//       per worker, not per actor: the cost is the same for ten actors and for a million, and what one actor did last is
//       found by its name among what its worker did.
// How:  one cache line per entry. The worker writes it and then moves the head; whoever reads copies an entry and looks
//       afterwards whether it was overwritten meanwhile. Nothing waits for anything, so a signal handler may read.
// Always true:  (G1) an entry that was read was written as a whole: a torn one is told from it and left out
//               (G2) pointers in an entry are to constants of the program, never to what may be gone
// Not chosen:   a ring per actor (64 entries for each of a million actors are gigabytes); one ring for all (its head would
//               be a line that every worker writes for every message).
// Source:       H.-J. Boehm, "Can seqlocks get along with programming language memory models?" (2012), for the fences;
//               SPEC O5.
#pragma once
#include "orrery/actor/envelope.hpp"
#include "orrery/core/ids.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>

namespace orrery {

class Cell;

/// What an entry says. The names are those of the events of a simulated run (sim/trace.hpp).
enum class FlightKind : std::uint8_t { enqueue = 1, take, resume, refuse, spawn, restart, exit, dead_letter };
[[nodiscard]] std::string_view to_string(FlightKind kind) noexcept;

/// Counts on at a constant rate; the cheapest clock there is.    Threads: any; a signal handler, too.
[[nodiscard]] std::uint64_t flight_ticks() noexcept;

struct FlightEntry {
  std::uint64_t ticks = 0;
  const MessageInfo* message = nullptr;  ///< null where there is none
  Handle from{};
  Handle to{};
  std::source_location where;  ///< where the message was sent
  FlightKind kind = FlightKind::take;
  std::uint16_t attempt = 0;
  std::uint32_t incarnation = 0;  ///< of the actor that did it
  std::uint64_t span = 0;         ///< of the message, and that of its cause; 0: there is no trace context
  std::uint64_t cause = 0;
};

class FlightRing {
 public:
  /// The most that is kept of a payload.
  static constexpr std::size_t text_bytes_max = 240;

  /// Shape: `entries` and one more are rounded up to a power of two; `text_bytes`, of each payload, to a multiple of 8. All memory is taken
  ///        here and never again, but for what describing a payload takes.
  explicit FlightRing(std::size_t entries, std::size_t text_bytes = 0);

  // Threads: the worker's.    Blocks: nothing.    Cost: a read of the clock and eight stores; describing payloads is extra.

  /// `cell` is about to handle `envelope`.
  void take(const Cell& cell, const Envelope& envelope) noexcept;
  /// The actor `sender`, which may be null, has sent `envelope`: to be called before anybody else can have it.
  void sent(const Cell* sender, Handle to, const Envelope& envelope) noexcept;
  /// It was refused: nobody has it, and the sender is told.
  void refused(const Envelope& envelope) noexcept;
  /// Something without a message happened to `who`: a handler goes on, an actor begins or ends.
  void happened(FlightKind kind, const Cell& who, Handle from = {}) noexcept;
  /// An accepted message will not be handled.
  void dead_letter(const Envelope& envelope, Handle to) noexcept;

  // Threads: any; a signal handler, too.    Blocks: nothing.

  /// Returns: how many entries were ever written: the newest is that number less one.
  [[nodiscard]] std::uint64_t written() const noexcept { return head_.load(std::memory_order_acquire); }
  /// Returns: the oldest one that may still be there.
  [[nodiscard]] std::uint64_t oldest() const noexcept {
    const std::uint64_t end = written();
    return end < entries_ ? 0 : end - entries_ + 1;  // the one before may be being overwritten
  }
  /// Returns: false when entry `number` is not there (G1). `text`: what was kept of its payload.
  [[nodiscard]] bool read(std::uint64_t number, FlightEntry& entry) const noexcept {
    std::array<char, text_bytes_max> unused;
    std::size_t bytes = 0;
    return read(number, entry, unused, bytes);
  }
  [[nodiscard]] bool read(std::uint64_t number, FlightEntry& entry, std::array<char, text_bytes_max>& text,
                          std::size_t& bytes) const noexcept;

 private:
  static constexpr std::size_t words = 8;
  struct alignas(64) Slot {
    std::array<std::atomic<std::uint64_t>, words> word{};
  };

  void write(const FlightEntry& entry, std::string_view text = {}) noexcept;
  [[nodiscard]] std::string_view describe(const Envelope& envelope) noexcept;

  std::size_t entries_;
  std::size_t text_words_;
  std::unique_ptr<Slot[]> slots_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> texts_;  // null without payloads
  std::string described_;
  alignas(64) std::atomic<std::uint64_t> head_{0};
};

}  // namespace orrery
