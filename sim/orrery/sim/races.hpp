// races.hpp: data races between actors, found by ThreadSanitizer although one thread runs them all.
// Why:  two actors that write the same variable race in production. In a simulation every run of such a program looks
//       fine, and the seed under which ThreadSanitizer would have seen it on threads is lost.
// How:  race_scope.hpp tells the tool what is user code and what orders it. Here each actor gets what a thread has: a
//       context and a stack of its own, on which all of its handlers run. Switches between them order nothing. The loop
//       runs on whichever of these stacks is current, unseen.
// Always true:  (E1) no user code of two agents runs on one stack in one run, so they do not seem to share its memory
//               (E2) which operations are offered and chosen is the same with and without
// Cost:         a stack and a context per agent. For ThreadSanitizer builds only; elsewhere the class is empty.
// Source:       SPEC Z11.
#pragma once
#include "orrery/actor/race_scope.hpp"
#include "orrery/fiber/fiber.hpp"
#include "orrery/fiber/switch.hpp"
#include "orrery/sim/agents.hpp"

#include <memory>
#include <vector>

namespace orrery::sim {

class LoopFibers;

#if defined(ORRERY_RACE_SCOPES)

class Races {
 public:
  Races() noexcept;
  ~Races();
  Races(const Races&) = delete;
  Races& operator=(const Races&) = delete;

  [[nodiscard]] bool is_on() const noexcept { return fibers_ != nullptr; }
  /// From here on agents are separated.    Returns: the fibers of this run, in place of the thread's.
  [[nodiscard]] LoopFibers& separate(LoopFibers& of_thread);
  /// Says to the fibers, which are all free, that the next time they are entered is the last; and whether that was said.
  void begin_to_end() noexcept { is_ending_ = true; }
  [[nodiscard]] bool is_ending() const noexcept { return is_ending_; }
  /// Pre: no fiber but the thread's own is left.
  void join() noexcept;
  [[nodiscard]] fiber::SwitchOrder order() const noexcept {
    return is_on() ? fiber::SwitchOrder::unordered : fiber::SwitchOrder::ordered;
  }
  /// Returns: the agent's fiber, taken out of the free ones unless the caller runs on it.
  [[nodiscard]] fiber::Fiber* home_of(const Agent& agent, fiber::Entry loop);

 private:
  bool is_ending_ = false;
  std::unique_ptr<LoopFibers> fibers_;
  std::vector<fiber::Fiber*> homes_;  ///< by agent
};

#else

class Races {
 public:
  static constexpr bool is_on() noexcept { return false; }
  [[nodiscard]] static LoopFibers& separate(LoopFibers& of_thread) noexcept { return of_thread; }
  static constexpr void begin_to_end() noexcept {}
  static constexpr bool is_ending() noexcept { return false; }
  static constexpr void join() noexcept {}
  static constexpr fiber::SwitchOrder order() noexcept { return fiber::SwitchOrder::ordered; }
  static constexpr fiber::Fiber* home_of(const Agent&, fiber::Entry) noexcept { return nullptr; }
};

#endif

}  // namespace orrery::sim
