#include "orrery/props/convergence.hpp"

#include "orrery/sim/world.hpp"

#include <algorithm>

namespace orrery::props {

std::vector<std::size_t> heal_a_core(Runtime& runtime, std::size_t count, std::size_t quorum,
                                     const std::function<void(std::size_t)>& kill) {
  std::vector<std::size_t> dead;
  if (auto* const world = dynamic_cast<sim::World*>(&runtime)) {
    dead = world->internals().heal_core(count, quorum);
  } else {
    std::vector<std::size_t> living;
    for (std::size_t i = 0; i < count; ++i) living.push_back(i);
    std::uint64_t drawn = 0;
    const auto draw = [&](std::uint64_t limit) { return runtime.world().draw(0x636f7265, drawn++, limit); };
    for (std::uint64_t deaths = draw(count - std::min(quorum, count) + 1); deaths > 0; --deaths) {
      const std::uint64_t who = draw(living.size());
      dead.push_back(living[who]);
      living.erase(living.begin() + static_cast<std::ptrdiff_t>(who));
    }
    std::ranges::sort(dead);
  }
  std::vector<std::size_t> core;
  for (std::size_t i = 0; i < count; ++i) {
    if (std::ranges::binary_search(dead, i)) {
      kill(i);
    } else {
      core.push_back(i);
    }
  }
  return core;
}

}  // namespace orrery::props
