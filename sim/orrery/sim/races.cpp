#include "orrery/sim/races.hpp"

#if defined(ORRERY_RACE_SCOPES)

#include "orrery/sim/loop_fibers.hpp"

namespace orrery::sim {

Races::Races() noexcept = default;
Races::~Races() = default;

LoopFibers& Races::separate(LoopFibers&) {
  separate_actors(true);
  fibers_ = std::make_unique<LoopFibers>();
  return *fibers_;
}

void Races::join() noexcept {
  separate_actors(false);
  homes_.clear();
  fibers_.reset();
}

fiber::Fiber* Races::home_of(const Agent& agent, fiber::Entry loop) {
  if (homes_.size() <= agent.index) homes_.resize(agent.index + 1);
  fiber::Fiber*& home = homes_[agent.index];
  if (home == nullptr) {
    home = fibers_->make(loop);
  } else {
    fibers_->take_out(home);
  }
  return home;
}

}  // namespace orrery::sim

#endif
