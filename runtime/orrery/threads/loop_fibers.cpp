#include "orrery/threads/loop_fibers.hpp"

#include <mutex>

namespace orrery {

LoopFibers::~LoopFibers() { destroy_all(shared_); }

fiber::Fiber* LoopFibers::take(List& mine, fiber::Entry loop, void* argument) noexcept {
  if (mine.empty()) {
    const std::lock_guard guard{lock_};
    for (std::size_t i = 0; i < kept_by_worker / 2 && !shared_.empty(); ++i) {
      mine.push_back(shared_.back());
      shared_.pop_back();
    }
  }
  if (mine.empty()) return fiber::create(stacks_, loop, argument);
  fiber::Fiber* const taken = mine.back();
  mine.pop_back();
  return taken;
}

void LoopFibers::put(List& mine, fiber::Fiber* fiber) noexcept {
  if (mine.size() == kept_by_worker) {  // L2
    {
      const std::lock_guard guard{lock_};
      while (mine.size() > kept_by_worker / 2 && shared_.size() < kept_shared) {
        shared_.push_back(mine.back());
        mine.pop_back();
      }
    }
    while (mine.size() > kept_by_worker / 2) {
      fiber::destroy(mine.back());
      mine.pop_back();
    }
  }
  mine.push_back(fiber);
}

void LoopFibers::destroy_all(List& mine) noexcept {
  for (fiber::Fiber* const fiber : mine) fiber::destroy(fiber);
  mine.clear();
}

}  // namespace orrery
