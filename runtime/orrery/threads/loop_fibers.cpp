#include "orrery/threads/loop_fibers.hpp"

#include <mutex>

namespace orrery {

LoopFibers::~LoopFibers() {
  for (fiber::Fiber* const fiber : shared_) fiber::destroy(fiber);
}

fiber::Fiber* LoopFibers::take_from_others(List& mine, fiber::Entry loop, void* argument) noexcept {
  {
    const std::lock_guard guard{lock_};
    for (std::size_t i = 0; i < kept_by_worker / 2 && !shared_.empty(); ++i) {
      mine.push(shared_.back());
      shared_.pop_back();
    }
  }
  return mine.empty() ? fiber::create(stacks_, loop, argument) : mine.pop();
}

void LoopFibers::give_to_others(List& mine) noexcept {
  {
    const std::lock_guard guard{lock_};
    while (mine.size() > kept_by_worker / 2 && shared_.size() < kept_shared) shared_.push_back(mine.pop());
  }
  while (mine.size() > kept_by_worker / 2) fiber::destroy(mine.pop());
}

void LoopFibers::destroy_all(List& mine) noexcept {
  while (!mine.empty()) fiber::destroy(mine.pop());
}

}  // namespace orrery
