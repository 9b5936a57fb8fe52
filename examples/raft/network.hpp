// network.hpp: what a network does to messages. Actors of one process lose none, so a simulation that has faults is told here
// how to; in production a fault point is a load and a branch. Each kind of message has a point of its own, since a network that
// is bad for all of them lets little happen at all.
#pragma once
#include <orrery/actor.hpp>
#include <chrono>

namespace raft {

/// Loses a message that has arrived, delays it, so that later ones overtake it, or makes it come twice.
///
/// Returns: whether it is not to be handled now.
template <class Actor, class M>
[[nodiscard]] bool is_held_up(const Actor& self, orrery::Context& context, const M& message) {
  if (!context.fault_point(M::trouble)) return false;
  constexpr std::uint64_t late_max = 400;
  enum : std::uint64_t { lost, late, twice, ways };
  const std::uint64_t way = context.draw("network", ways);
  if (way != lost) {
    context.after(self, std::chrono::milliseconds{1 + context.draw("network", late_max)}, message);
  }
  return way != twice;
}

}  // namespace raft
