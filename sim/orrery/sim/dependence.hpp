// dependence.hpp: what an operation is called, and which two operations may not be exchanged.
// Why:  strategies that think about orders (POS, SURW, DPOR) and records that outlive an edit of the program need one
//       answer to "is this the same operation?" and to "does it matter which of these two comes first?".
// How:  an operation touches one object, in one of its aspects: an actor's mail, its waits (asks, deadlines, sleeps), its
//       life, or a name. Two operations conflict when they touch the same aspect of the same
//       object; the end of a life touches all of them.
// Always true:  (C1) exchanging two neighbours that are independent leads to the same state; not the other way round: a
//                    pair called dependent may commute all the same
// Source:       docs/simulation.md; SPEC X1, X3; tests/sim/dependence_test.cpp exchanges neighbours and compares.
#pragma once
#include "orrery/sim/agents.hpp"
#include "orrery/sim/op.hpp"

#include <cstdint>

namespace orrery::sim {

/// Returns: what the operation is called in every run in which it happens: who, whom, which message, the how-manieth.
[[nodiscard]] std::uint64_t key_of(const Op& op);

/// Returns: the same without the count: operations of one kind, for statistics.
[[nodiscard]] std::uint64_t sort_of(const Op& op);

/// What of its object an operation touches.
enum class Aspect : std::uint8_t {
  nothing,  ///< its own actor only
  mail,
  wait,
  life,  ///< the whole object
  end,   ///< the whole object, its name, and whoever waits for it, wherever
  name,  ///< that name, whoever's
  all,   ///< anything: somebody looks around, or the body of the test goes on
};

/// An operation as far as its order among others is concerned. A value: it outlives the operation.
struct Access {
  std::uint64_t agent = 0;   ///< who does it; timers that are due are on their own
  std::uint32_t owner = 0;   ///< index of whose operation it is, timers included
  std::uint32_t object = 0;  ///< index of the agent that is touched
  Aspect aspect = Aspect::nothing;
  bool is_watched = false;  ///< a predicate of the test looks at the state of whose operation it is
  std::uint64_t name = 0;   ///< with Aspect::name
  friend bool operator==(const Access&, const Access&) = default;
};
[[nodiscard]] Access access_of(const Op& op);

/// Returns: whether the order of two operations of different agents may matter.
[[nodiscard]] bool conflict(const Access& a, const Access& b) noexcept;
/// The same, and true for two operations of one agent.
[[nodiscard]] inline bool dependent(const Access& a, const Access& b) noexcept {
  return a.agent == b.agent || conflict(a, b);
}

}  // namespace orrery::sim
