// convergence.hpp: what must become true at last, once nothing goes wrong any more, among those who are left.
// Why:  to heal everybody hides what only comes to its end when everybody comes back; so a part is left dead, at most all but a
//       quorum, and whoever lives must come to it without them.
// Source:  SPEC X5 (liveness is judged on fair suffixes, after healing an adversarial core), P2.
#pragma once
#include "orrery/actor.hpp"
#include "orrery/props/rest.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

namespace orrery::props {

/// Returns: the numbers of those of `count` who live on, at least `quorum` of them; the others are killed by `kill(number)`.
/// In a simulation faults end and the run draws who dies (World::heal_core); on threads the runtime's own entropy does.
std::vector<std::size_t> heal_a_core(Runtime& runtime, std::size_t count, std::size_t quorum,
                                     const std::function<void(std::size_t)>& kill);

/// Faults end; some of `nodes`, at most all but `quorum`, are killed for good; the others run until nothing is left to do, and
/// then `holds(survivors)`, which gives a bool or an AssertionResult, must be true.
///
/// Name actors that nobody restarts. In a simulation with FaultProfile::none, and in the calm run, everybody lives.
/// Does not check: how long it takes; that it stays true; more than one choice of survivors in a run.
template <class A, class Holds>
[[nodiscard]] testing::AssertionResult converges(Runtime& runtime, const std::vector<Ref<A>>& nodes, std::size_t quorum,
                                                 Holds holds) {
  const std::vector<std::size_t> core =
      heal_a_core(runtime, nodes.size(), quorum, [&](std::size_t i) { (void)runtime.kill(nodes[i]); });
  std::vector<Ref<A>> survivors;
  std::string names;
  for (const std::size_t i : core) {
    survivors.push_back(nodes[i]);
    names += (names.empty() ? "" : ", ") + runtime.path_of(nodes[i].handle());
  }
  if (auto rest = comes_to_rest(runtime); !rest) return rest;
  testing::AssertionResult verdict{holds(survivors)};
  if (verdict) return verdict;
  return testing::AssertionFailure() << "broken: the survivors (" << names << ") come to what must become true\n  "
                                     << verdict.message();
}

}  // namespace orrery::props
