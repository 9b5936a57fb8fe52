// cast.hpp: the actors of one run that know each other by number, and the world they play in.
#pragma once
#include "tests/zoo/zoo.hpp"

#include <fmt/core.h>

#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::zoo {

/// Lives on the stack of the program's body; the actors keep its address. Monitors are added by deriving from it.
template <class Node>
struct Cast {
  using Where = std::source_location;
  sim::World& world;
  std::vector<Ref<Node>> nodes{};

  explicit Cast(sim::World& w) : world{w} {}

  [[nodiscard]] int size() const { return static_cast<int>(nodes.size()); }
  [[nodiscard]] const Ref<Node>& node(int number) const { return nodes[static_cast<std::size_t>(number)]; }
  /// Spawns the next one.
  void add(std::string_view name, Node actor) {
    nodes.push_back(world.spawn(fmt::format("{}{}", name, nodes.size()), std::move(actor)).value());
  }
  template <class M>
  void tell(int to, M message, Where where = Where::current()) const {
    (void)node(to).tell(std::move(message), where);
  }
  template <class M>
  void tell_all(const M& message, Where where = Where::current()) const {
    for (const Ref<Node>& to : nodes) (void)to.tell(message, where);
  }
  template <class M>
  void tell_others(int me, const M& message, Where where = Where::current()) const {
    for (int to = 0; to < size(); ++to) {
      if (to != me) tell(to, message, where);
    }
  }
};

/// Machines on a network, and time that passes only when nothing else can happen.
inline sim::RunOptions network() { return {.mode = sim::Mode::per_pair, .faults = sim::FaultProfile::none}; }
/// The same, and a timer may go off at any time within the first `reach` operations, at most `stalls_max` times in a run.
inline sim::RunOptions network_with_timeouts(std::uint64_t reach, int stalls_max = 2) {
  return {.mode = sim::Mode::per_pair, .stalls_max = stalls_max, .stall_reach = reach};
}

}  // namespace orrery::zoo
