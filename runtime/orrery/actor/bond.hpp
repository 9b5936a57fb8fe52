// bond.hpp: what a supervisor and one of its children share.
// Why:  when a supervised actor ends, its slot, its name and its mail wait for the supervisor's verdict: a new
//       incarnation, or the end. Two sides, on two threads, must agree at every moment who may touch the slot.
// How:  one word. The child moves it when it has started and when it has ended; the supervisor when it is about to stop
//       the child (then nobody sends it a notice of what it waits for) and when it goes away itself.
//
//          starting --start_done--> living --expect_end--> awaited
//              |                      |                       |
//              +------- child ends ---+-----------------------+----> down   (the supervisor may touch the cell: C1)
//              |                      |                       |        |--revived--> starting or living
//              +------ supervisor leaves: orphaned -----------+        +--buried
//
// Always true:  (O1) of the two who see `down` and `orphaned` meet, exactly one buries the actor
//               (O2) a child that ends while its supervisor is awaiting that sends no notice; otherwise exactly one
//               (O3) `reason` is written before `down` and read after it
// Threads:      the word: both sides. `child`: constant once the child can run. `reason`, `start_failed`: O3. The rest is
//               the supervisor's.
// Source:       SEMANTICS a1, a8; SPEC Q5, S4, S8.
#pragma once
#include "orrery/actor/errors.hpp"
#include "orrery/core/atomic.hpp"
#include "orrery/core/block_pool.hpp"
#include "orrery/core/ids.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <cstdint>

namespace orrery {

struct Operations;
struct Waiter;

class Bond {
 public:
  enum State : std::uint32_t { starting, living, awaited, down, orphaned };

  /// `on_end` delivers a ChildEnded to the supervisor; a thread that waits for the start only needs none.
  Bond(Handle above, const Operations* on_end) noexcept : supervisor{above}, notice{on_end} {}
  explicit Bond(Waiter& waiting) noexcept : thread{&waiting} {}
  Bond(const Bond&) = delete;
  Bond& operator=(const Bond&) = delete;

  // ---- the child's side -----------------------------------------------------------------------------------------

  /// Its on_start has returned. Returns: false when nobody waits for that any more.
  [[nodiscard]] bool start_done() noexcept {
    std::uint32_t expected = starting;
    return state_.compare_exchange_strong(expected, living, std::memory_order_acq_rel);
  }
  /// It has ended, for `why`. Returns: what it was before; `orphaned`: the caller buries it, else the supervisor may touch
  /// the cell from here on.
  [[nodiscard]] State go_down(ExitReason why) noexcept {
    reason = std::move(why);
    std::uint32_t seen = state_.load(std::memory_order_acquire);
    while (seen != orphaned && !state_.compare_exchange_weak(seen, down, std::memory_order_acq_rel)) {
    }
    return static_cast<State>(seen);
  }

  // ---- the supervisor's side ------------------------------------------------------------------------------------

  [[nodiscard]] State state() const noexcept { return static_cast<State>(state_.load(std::memory_order_acquire)); }
  /// Before it stops the child. Returns: false when that has ended already.
  [[nodiscard]] bool expect_end() noexcept {
    std::uint32_t expected = living;
    return state_.compare_exchange_strong(expected, awaited, std::memory_order_acq_rel);
  }
  /// The supervisor leaves, or does not want to know more. Returns: whether the child is down, and the caller buries it.
  [[nodiscard]] bool let_go() noexcept { return state_.exchange(orphaned, std::memory_order_acq_rel) == down; }
  /// Pre: down, or nothing runs yet.
  void begin(bool has_start) noexcept {
    ++life;
    start_failed = false;
    state_.store(has_start ? starting : living, std::memory_order_relaxed);  // published with the cell
  }

  Handle child{};
  const Handle supervisor{};
  const Operations* const notice = nullptr;
  Waiter* const thread = nullptr;  ///< who waits for the start, when no actor does
  std::uint32_t life = 0;          ///< how often it was begun: tells a late notice from the present one
  bool start_failed = false;       ///< its present life ended before it had started; as `reason`
  ExitReason reason;               ///< why it is down
  void* record = nullptr;          ///< the supervisor's own; null once it has forgotten the child

  friend void intrusive_ptr_add_ref(Bond* bond) noexcept { bond->references_.fetch_add(1, std::memory_order_relaxed); }
  friend void intrusive_ptr_release(Bond* bond) noexcept {
    if (bond->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete bond;
  }
  static void* operator new(std::size_t bytes) { return BlockPool::local().allocate(bytes); }
  static void operator delete(void* block, std::size_t bytes) noexcept { BlockPool::release(block, bytes); }

 private:
  Atomic<std::uint32_t> state_{starting};
  Atomic<std::uint32_t> references_{0};
};

using BondPtr = boost::intrusive_ptr<Bond>;

/// The notice that a supervisor gets in its mailbox when a child has ended unasked.
struct ChildEnded {
  static constexpr std::string_view orrery_name = "ChildEnded";
  BondPtr bond;
  std::uint32_t life = 0;  ///< which of its lives
};
[[nodiscard]] std::string orrery_describe(const ChildEnded& notice);

}  // namespace orrery
