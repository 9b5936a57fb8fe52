// fiber_fixture.hpp: what the fiber tests share: counts that fit the build, and a fiber with a body and a
// way back.
#pragma once
#include "orrery/fiber/fiber.hpp"
#include "orrery/fiber/switch.hpp"

#include "tests/support/scale.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace orrery::fiber {

/// Returns: `count`, or fewer where that is asked for, or where ThreadSanitizer pays a millisecond per
///          fiber and g++'s has room for 8,128 of them.
inline std::size_t scaled(std::size_t count) {
  const std::size_t divisor = (test_support::is_short() ? 10U : 1U) * (detail::tsan_build ? 20U : 1U);
  return std::max<std::size_t>(count / divisor, 16);
}

/// A fiber that runs `body` and hands control back to whoever resumed it last.
class BodyFiber {
 public:
  using Body = std::function<void(BodyFiber&)>;

  BodyFiber(StackPool& pool, Body body) : body_(std::move(body)), fiber_(create(pool, &run, this)) {
    if (fiber_ == nullptr) throw std::runtime_error("no stack");
  }
  ~BodyFiber() { destroy(fiber_); }
  BodyFiber(const BodyFiber&) = delete;
  BodyFiber& operator=(const BodyFiber&) = delete;

  /// Runs the body until it yields or ends. The caller runs on `caller`.
  void resume(Fiber& caller) {
    resumer_ = &caller;
    switch_to(caller, *fiber_);
  }

  /// Called by the body: parks it, goes back to the resumer, and runs `after(argument)` there.
  void yield(After after = nullptr, void* argument = nullptr) { switch_to(*fiber_, *resumer_, after, argument); }

  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] Fiber& fiber() { return *fiber_; }

 private:
  static void run(void* argument) {
    auto& self = *static_cast<BodyFiber*>(argument);
    self.body_(self);
    self.finished_ = true;
    self.yield();
  }

  Body body_;
  Fiber* fiber_;
  Fiber* resumer_ = nullptr;
  bool finished_ = false;
};

}  // namespace orrery::fiber
