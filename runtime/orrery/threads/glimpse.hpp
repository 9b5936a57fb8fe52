// glimpse.hpp: what a cell shows to somebody who does not run it.
// Why:  reports and metrics look at actors while they run. Whoever runs a cell writes its counts with plain stores, since
//       atomic ones would cost instructions in every message; a number of that size is read whole all the same.
// Always true:  (G1) each number is one that stood there a moment ago; together they need never have stood there
#pragma once
#include "orrery/actor/cell.hpp"
#include "orrery/threads/worker.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace orrery {

class Runtime;

struct Glimpse {
  std::uint64_t handled;
  std::uint32_t incarnation;
  Cell::Life life;
  const ActorType* type;  ///< null before the first actor

  [[nodiscard]] bool is_somebody() const noexcept { return type != nullptr && life != Cell::Life::vacant; }
  [[nodiscard]] std::string_view type_name() const noexcept { return type == nullptr ? "actor" : type->name; }
};

/// Threads: any.
[[nodiscard]] Glimpse glimpse_of(const Cell& cell);

/// Returns: how many messages wait at a cell, as far as they are counted, without the one whose handler waits.
/// Pre: its handler is parked, and the caller has claimed it.
[[nodiscard]] std::size_t backlog_of_parked(const Runtime& runtime, const Cell& cell);

/// Returns: what a parked handler waits for: "waits for alice", "sleeps".    Pre: the same.
[[nodiscard]] std::string describe_wait(const Runtime& runtime, const Wait& wait);

/// Returns: the worker that runs the cell just now, or null.    Threads: any.
[[nodiscard]] const Worker* worker_of(std::span<const std::unique_ptr<Worker>> workers, const Cell& cell) noexcept;

/// Returns: "has been busy for 3.1s in its handler of Withdraw", as far as known.    Threads: any.
[[nodiscard]] std::string describe_busy(const Worker& worker, Instant now);

}  // namespace orrery
