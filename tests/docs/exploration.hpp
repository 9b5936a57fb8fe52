// exploration.hpp: five nodes that tick, of which the one with the lowest rank that lives leads; docs/exploration.md heals them.
#pragma once
#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <algorithm>
#include <vector>

using namespace orrery;
using namespace std::chrono_literals;
struct Tick {};
struct Node {
  std::size_t rank = 0;
  void on_start(Context& context) { context.every(*this, 1s, Tick{}); }
  int ticks = 0;
  void handle(Tick) { ++ticks; }
};
inline std::vector<Ref<Node>> wire(Runtime& rt) {
  const Restart restart{.intensity = 100, .period = 1s};
  std::vector<Ref<Node>> nodes;
  for (std::size_t rank = 0; rank < 5; ++rank) nodes.push_back(rt.spawn(Node{.rank = rank}, {.restart = restart}));
  return nodes;
}
/// Who lives and has the lowest rank leads.
inline std::ptrdiff_t leaders_among(sim::World& world, const std::vector<Ref<Node>>& core) {
  if (core.size() < 3) return 0;
  const auto rank = [&](const Ref<Node>& node) { return world.peek(node).rank; };
  const auto least = rank(*std::ranges::min_element(core, {}, rank));
  return std::ranges::count(core, least, rank);
}
