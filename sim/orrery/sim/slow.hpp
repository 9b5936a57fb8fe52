// slow.hpp: the fault `slow`: one actor stands still for a while, and all others go on.
// Why:  a stall lets time pass for everybody, up to the next timer. A handler that computes for long, or a page that is
//       fetched from disk, holds up one actor only, through any number of timers of others: three heartbeats missed in a
//       row are one slow actor, but would be three stalls.
// How:  a pending operation of the actor (its next message, the resumption of a wait, or its next visible act in the middle
//       of a handler) is taken out of what is enabled, and a timer puts it back. The actor does nothing meanwhile, so that
//       the time may as well have passed in its private code before that operation.
// Not chosen: a stall of several timers (all actors would be late alike, and the slow one would be like the others).
#pragma once
#include "orrery/core/time.hpp"
#include "orrery/world/world.hpp"

#include <cstdint>
#include <string_view>

namespace orrery::sim {

class Engine;
struct Op;

/// One planned pause, in one answer of the run, so that leaving it out leaves all of it out.
struct SlowPlan {
  static constexpr std::uint64_t lengths = 6;  // 10 ms, times 4 for each
  static constexpr std::uint64_t victims = 8;
  static constexpr std::uint64_t variants = lengths * victims;

  std::uint64_t at = 0;   ///< the count of operations
  std::uint64_t who = 0;  ///< the how-manieth of those that could act, counted round
  Duration length{};

  [[nodiscard]] static constexpr SlowPlan of(std::uint64_t answer) noexcept {
    return {.at = answer / variants,
            .who = answer % victims,
            .length = std::chrono::milliseconds{10 << (2 * (answer / victims % lengths))}};
  }
};

/// What wakes a slow actor.
struct Pause final : Timer {
  Pause(Engine& whose, Op& what, std::string_view fault) noexcept
      : Timer{Purpose::pause, &Pause::over}, engine{whose}, op{&what}, counted{fault} {}
  static void over(Timer& timer);

  Engine& engine;
  Op* op;                    ///< what is put back; null afterwards
  std::string_view counted;  ///< the fault that it is
  std::uint64_t began = 0;   ///< the count of operations
};

}  // namespace orrery::sim
