#include "orrery/broker/routing.hpp"

#include "orrery/core/mix.hpp"

#include <algorithm>
#include <tuple>

namespace orrery {

HashRing::HashRing(std::span<const std::uint64_t> ids, std::size_t virtual_nodes) {
  ORRERY_CHECK(virtual_nodes > 0);
  ORRERY_CHECK(ids.size() <= UINT32_MAX);
  places_.reserve(ids.size() * virtual_nodes);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    // Two mixes, so that the places of neighbouring ids have nothing to do with each other.
    const std::uint64_t start = mix64(ids[i] + golden_step);
    for (std::uint64_t node = 0; node < virtual_nodes; ++node) {
      places_.push_back({mix64(start + node * golden_step), ids[i], static_cast<std::uint32_t>(i)});
    }
  }
  std::ranges::sort(places_, {}, [](const Place& place) { return std::tuple{place.at, place.id}; });
}

std::size_t HashRing::pick(std::uint64_t key) const {
  ORRERY_CHECK(!places_.empty());
  const auto found = std::ranges::lower_bound(places_, mix64(key + golden_step), {}, &Place::at);
  return found != places_.end() ? found->index : places_.front().index;  // it is a circle
}

void Picker::set_ring(std::uint64_t membership) {
  membership_ = membership;
  if (candidates_ == ids_) return;
  ids_ = candidates_;
  ring_ = HashRing{ids_, virtual_nodes_};
}

}  // namespace orrery
