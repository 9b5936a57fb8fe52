// switch.hpp: from one fiber to the next.
// Why:  the order of the steps is the whole correctness of this layer, so they stand together in one
//       screen: state is checked, exception records change hands, the jump, the parked side is recorded,
//       only then `after` publishes it. (F1) to (F4) are those of fiber.hpp.
// How:  inlined into whoever switches; detail/sanitizer.hpp says why. Only files that switch include this.
#pragma once
#include "orrery/core/check.hpp"
#include "orrery/fiber/detail/jump.hpp"
#include "orrery/fiber/fiber.hpp"
#include <cstdint>

namespace orrery::fiber {

/// What happens once the fiber that switched away is parked (F2). Throws nothing.
using After = void (*)(void* argument);

/// Whether ThreadSanitizer takes a switch for synchronisation. Nothing else depends on it.
enum class SwitchOrder : std::uint8_t {
  ordered,    // what happened before the switch happened before what follows it: true of one thread's work
  unordered,  // two fibers that share memory without a message are a race, even when one thread runs both
};

/// Parks `from`, runs `to`; on `to`'s stack `after(argument)` comes first (F2). Returns when `from` is
/// resumed, perhaps on another thread.
///
/// Pre:     the caller runs on `from`; `to` is parked and only the caller will resume it. If another thread
///          parked it, its `after` must have published it with release order, and the caller found it with
///          acquire order.
/// `after`: null for nothing. What `argument` points at may live on `from`'s stack, but only until `after`
///          publishes `from`. It must not throw; it may destroy `from`.
/// Blocks:  nothing.    Cost: about a dozen loads and stores around fcontext's switch, inlined; no system
///          call, no thread-local.
void switch_to(Fiber& from, Fiber& to, After after = nullptr, void* argument = nullptr,
               SwitchOrder order = SwitchOrder::ordered) noexcept;

namespace detail {

/// depart() on the stack that is left, arrive() on the one that is entered.
struct Switch {
  using Transfer = detail::Transfer;

  /// Lives on the stack that is left, until arrive() has copied it.
  struct Handoff {
    Fiber* from;
    Fiber* to;
    After after;
    void* argument;
  };

  ORRERY_FIBER_SWITCH ORRERY_FIBER_UNSANITIZED static void depart(Fiber& from, Fiber& to, After after, void* argument,
                                                                  SwitchOrder order) noexcept {
    ORRERY_CHECK(from.context_ == nullptr, "a switch away from a fiber that does not run");
    void* const target = to.context_;
    ORRERY_CHECK(target != nullptr, "a switch to a fiber that is not parked");
    EhGlobals* const globals = from.thread_globals_;
    ORRERY_CHECK(to.home_ == nullptr || to.home_ == globals, "an adopted stack is entered from another thread");

    // F3. The thread is the same on both sides of the jump, so both records change hands on this side, and
    // `to` inherits the address. Nothing between here and the jump can throw.
    from.saved_globals_ = *globals;
    *globals = to.saved_globals_;
    to.thread_globals_ = globals;
    to.context_ = nullptr;

    Handoff handoff{.from = &from, .to = &to, .after = after, .argument = argument};
    started_switch(from.record_, to.record_, order == SwitchOrder::ordered);
    arrive(jump(target, &handoff));
  }

  /// Completes the switch that entered this stack.
  /// Returns: the fiber that runs now.
  ORRERY_FIBER_SWITCH ORRERY_FIBER_UNSANITIZED static Fiber& arrive(Transfer transfer) noexcept {
    const Handoff handoff = *static_cast<const Handoff*>(transfer.data);
    finished_switch(handoff.from->record_, handoff.to->record_);
    handoff.from->context_ = transfer.fctx;
    // F2: the last touch of `from` is above; from the next line on it may run elsewhere or be gone.
    if (handoff.after != nullptr) handoff.after(handoff.argument);
    return *handoff.to;
  }

  // What is not on the hot path: fiber.cpp.
  [[nodiscard]] static Fiber* create(StackPool& pool, Entry entry, void* argument) noexcept;
  static void destroy(Fiber* fiber) noexcept;
  [[noreturn]] static void first_frame(Transfer transfer) noexcept;
};

}  // namespace detail

ORRERY_FIBER_SWITCH ORRERY_FIBER_UNSANITIZED void switch_to(Fiber& from, Fiber& to, After after, void* argument,
                                                            SwitchOrder order) noexcept {
  detail::Switch::depart(from, to, after, argument, order);
}

}  // namespace orrery::fiber
