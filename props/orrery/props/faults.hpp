// faults.hpp: generated fault plans: who fails, stands still, is refused or has no memory, and at which of his messages.
//
//   sim::check([](sim::World& w, const props::Faults& faults) {
//     auto bank = wire(w);
//     w.arm(faults.on({"alice", "bob"}));
//     ...
//   });
//
// How:  generated without names (a victim is a number, taken modulo the list that on() is given), so that one type serves
//       every program. Shrinks to fewer faults, to the first victim, to earlier messages and to shorter pauses.
// On threads a plan runs through Watch::follow (watched.hpp): crashes and pauses; the rest exists in simulations only.
// Source:  SPEC P1, Z5.
#pragma once
#include "orrery/props/bounds.hpp"
#include "orrery/props/rapidcheck.hpp"
#include "orrery/sim/fault_plan.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace orrery::props {

struct FaultLimits {
  std::uint32_t faults = 3;  ///< at most
  std::uint32_t nth = 10;    ///< below this
  std::uint32_t slow_ms = 2'000;
  std::uint32_t kinds = 4;  ///< the first so many of sim::LocalFault: 1 is crashes only, 2 what threads can do too
  friend bool operator==(const FaultLimits&, const FaultLimits&) = default;
};

struct Fault {
  sim::LocalFault what = sim::LocalFault::crash;
  std::uint32_t victim = 0;
  std::uint32_t nth = 0;
  Duration length{};  ///< of slow
};

template <FaultLimits limits = FaultLimits{}>
struct FaultsWithin {
  std::vector<Fault> faults;

  /// Returns: the plan for these actors, by path. Pre: there is one.
  [[nodiscard]] sim::FaultPlan on(const std::vector<std::string>& actors) const {
    sim::FaultPlan plan;
    for (const Fault& fault : faults) {
      plan.faults.push_back({fault.what, actors.at(fault.victim % actors.size()), fault.nth, fault.length});
    }
    return plan;
  }
};
using Faults = FaultsWithin<>;

namespace detail {

template <FaultLimits limits>
struct InputOf<FaultsWithin<limits>> {
  static rc::Gen<FaultsWithin<limits>> gen(const testkit::InputOrigin& origin) {
    auto fault = rc::gen::map(
        rc::gen::tuple(between<std::uint32_t>(0, limits.kinds - 1), between<std::uint32_t>(0, 7),
                       between<std::uint32_t>(0, limits.nth - 1), between<std::uint32_t>(1, limits.slow_ms)),
        [](std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t> drawn) {
          const auto [what, victim, nth, ms] = drawn;
          const auto kind = static_cast<sim::LocalFault>(what);
          return Fault{kind, victim, nth,
                       kind == sim::LocalFault::slow ? Duration{std::chrono::milliseconds{ms}} : Duration{}};
        });
    const int most = std::min(origin.commands, static_cast<int>(limits.faults));
    return rc::gen::map(rc::gen::resize(most, rc::gen::container<std::vector<Fault>>(std::move(fault))),
                        [](std::vector<Fault> faults) { return FaultsWithin<limits>{std::move(faults)}; });
  }
};

}  // namespace detail

}  // namespace orrery::props
