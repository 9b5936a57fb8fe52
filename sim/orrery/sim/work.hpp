// work.hpp: a piece of offloaded work, which is an agent of its own.
// Why:  between its start and its end others may act; and its function may tell, ask and wait, as a foreign thread may.
// How:  see offload.cpp.
#pragma once
#include "orrery/actor/offload.hpp"
#include "orrery/sim/agents.hpp"

#include <memory>

namespace orrery::sim {

class Engine;

/// Where its function waits, it waits here.
struct Work final : Agent, Waiter {
  Work(Engine& world, Agent& whose) noexcept : engine{world}, owner{whose} { is_work = true; }
  void wake() noexcept override;

  Engine& engine;
  Agent& owner;                ///< the actor that offloaded it
  std::shared_ptr<Job> job;    ///< until it begins
  const Wait* wait = nullptr;  ///< what its function waits for
};

}  // namespace orrery::sim
