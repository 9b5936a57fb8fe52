// lanes.hpp: four queues in priority order, and the rule that picks the next one.
// Why:  a higher priority must overtake, and a lower one must not starve; the rule is a pure function over plain
//       values, so that every case can be tried.
// How:  each lane counts how often it was passed over while it had mail; the first lane passed over `patience` times is
//       served next. Ageing is counted in takes, never in time, so that it means the same in both worlds.
// Always true:  (L1) within one lane mail leaves in arrival order
//               (L2) a non-empty lane is served at least once in every `patience + priority_count` takes
// Source:       SPEC Q2, Q3.
#pragma once
#include "orrery/actor/envelope.hpp"
#include "orrery/actor/message.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace orrery {

class Lanes {
 public:
  /// How many takes a waiting lane can be passed over before it is served out of turn.
  static constexpr std::uint32_t patience = 32;

  using Depths = std::array<std::uint32_t, priority_count>;

  /// Decides which lane is served next.
  ///
  /// Pre:     at least one depth is not 0.
  /// Returns: the lane that was passed over `patience` times (the lowest such), else the highest non-empty one.
  /// Cost:    O(1).
  [[nodiscard]] static constexpr std::size_t pick(const Depths& depths, const Depths& passed_over) noexcept {
    for (std::size_t lane = priority_count; lane-- > 0;) {
      if (depths[lane] != 0 && passed_over[lane] >= patience) return lane;
    }
    std::size_t lane = 0;
    while (depths[lane] == 0) ++lane;
    return lane;
  }

  void push(Envelope& envelope) noexcept {
    const auto lane = static_cast<std::size_t>(envelope.priority);
    envelope.next.store(nullptr, std::memory_order_relaxed);
    if (last_[lane] == nullptr) {
      first_[lane] = &envelope;
    } else {
      last_[lane]->next.store(&envelope, std::memory_order_relaxed);
    }
    last_[lane] = &envelope;
    ++depths_[lane];
  }

  /// Removes the envelope that pick() names, and ages the others. Returns: null when all lanes are empty.
  [[nodiscard]] Envelope* take() noexcept;

  /// Removes the oldest droppable envelope of the lowest lane that has one: what counts and is not assured.
  /// Returns: null when there is none.
  [[nodiscard]] Envelope* take_oldest_droppable() noexcept;

  [[nodiscard]] bool empty() const noexcept { return depths_ == Depths{}; }
  [[nodiscard]] bool one_lane() const noexcept;
  [[nodiscard]] std::uint32_t depth() const noexcept { return depths_[0] + depths_[1] + depths_[2] + depths_[3]; }

 private:
  [[nodiscard]] Envelope* pop(std::size_t lane) noexcept;

  std::array<Envelope*, priority_count> first_{};
  std::array<Envelope*, priority_count> last_{};
  Depths depths_{};
  Depths passed_over_{};
};

static_assert(Lanes::pick({0, 1, 1, 0}, {}) == 1);
static_assert(Lanes::pick({1, 0, 0, 1}, {0, 0, 0, Lanes::patience}) == 3);
static_assert(Lanes::pick({1, 0, 0, 1}, {0, 0, 0, Lanes::patience - 1}) == 0);

}  // namespace orrery
