#include "orrery/sim/loop_fibers.hpp"

#include "orrery/core/check.hpp"

namespace orrery::sim {

LoopFibers& LoopFibers::of_this_thread() {
  static thread_local LoopFibers instance;
  return instance;
}

fiber::Fiber* LoopFibers::take(fiber::Entry loop) {
  fiber::Fiber* const fiber = take_any();
  return fiber != nullptr ? fiber : make(loop);
}

fiber::Fiber* LoopFibers::take_any() noexcept {
  if (free_.empty()) return nullptr;
  fiber::Fiber* const fiber = free_.back();
  free_.pop_back();
  return fiber;
}

fiber::Fiber* LoopFibers::make(fiber::Entry loop) {
  fiber::Fiber* const fiber = fiber::create(stacks_, loop, nullptr);
  ORRERY_CHECK(fiber != nullptr, "no memory for one more fiber stack; {} are in use", stacks_.counts().live);
  return fiber;
}

LoopFibers::~LoopFibers() {
  for (fiber::Fiber* const fiber : free_) fiber::destroy(fiber);
}

}  // namespace orrery::sim
