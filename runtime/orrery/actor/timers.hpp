// timers.hpp: messages that an actor sends to itself at an instant.
// Why:  time must reach an actor through its mailbox like everything else, so that it needs no lock and means the same
//       in virtual time.
// How:  each timer holds its message and a reference count: one for the actor's set, one while armed, one for a tick
//       under way. A tick that was overtaken by a cancel, a stop or a restart is recognised by the timer's own flag.
// Always true:  (R1) a cancelled timer's tick is never handled, also when it was queued already
//               (R2) a periodic timer has at most one undelivered tick
//               (R3) stop and restart cancel every timer of the actor
// Source:       SPEC A10, Q1; Akka's timers (keyed, owner-checked) and SEMANTICS b2.
#pragma once
#include "orrery/actor/envelope.hpp"
#include "orrery/core/block_pool.hpp"
#include "orrery/core/unique_function.hpp"
#include "orrery/world/world.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace orrery {

class Runtime;
class ActorTimer;

/// Names a timer of one actor incarnation. Cheap to copy; harmless after the timer has gone.
struct TimerKey {
  std::uint64_t number = 0;
  friend bool operator==(const TimerKey&, const TimerKey&) = default;
};

/// The message that an actor gets when nothing else has arrived for a while.
struct ReceiveTimeout {
  Duration after{};
  UniqueFunction<ActorTimer*()> make;
  TimerKey key{};
};

/// A timer whose firing puts a message into its owner's mailbox.
class ActorTimer : public Timer {
 public:
  ActorTimer(Runtime& runtime, Handle target, Purpose purpose, Duration period) noexcept;
  virtual ~ActorTimer() = default;
  /// Returns: a new envelope for the owner, or null when there is nothing left to send.
  [[nodiscard]] virtual Envelope* make_tick() = 0;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  // Timers come and go with messages, so they live where messages do.
  static void* operator new(std::size_t bytes) { return BlockPool::local().allocate(bytes); }
  static void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return BlockPool::local().allocate(bytes, static_cast<std::size_t>(alignment));
  }
  static void operator delete(void* block, std::size_t bytes) noexcept { BlockPool::release(block, bytes); }
  static void operator delete(void* block, std::size_t bytes, std::align_val_t alignment) noexcept {
    BlockPool::release(block, bytes, static_cast<std::size_t>(alignment));
  }

  Runtime& runtime;
  const Handle target;
  const Duration period;  ///< zero: fires once
  TimerKey key{};
  bool cancelled = false;  ///< the owner's; read when its tick is taken
  std::atomic<bool> tick_queued{false};

 private:
  static void fired(Timer& timer);
  std::atomic<std::uint32_t> references_{1};
};

/// The timers of one actor incarnation. Threads: whoever runs the cell.
class TimerSet {
 public:
  TimerSet() = default;
  TimerSet(const TimerSet&) = delete;
  TimerSet& operator=(const TimerSet&) = delete;

  /// Arms `timer`, taking over the caller's reference.
  TimerKey add(World& world, ActorTimer* timer, Duration delay);
  /// Returns: whether a further tick was prevented.
  bool cancel(World& world, TimerKey key) noexcept;
  void cancel_all(World& world) noexcept;
  /// A tick was taken: re-arms a periodic timer, forgets a single one.
  /// Returns: whether the tick is to be handled (R1).
  [[nodiscard]] bool taken(World& world, ActorTimer& timer) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::uint64_t slots_max = std::uint64_t{1} << 24;
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  struct Slot {
    ActorTimer* timer = nullptr;
    std::uint32_t next_free = none;  ///< while the slot has no timer
  };
  [[nodiscard]] Slot* find(TimerKey key) noexcept;
  void forget(Slot& slot) noexcept;

  std::vector<Slot> slots_;  ///< a key's low digits say where: an actor may have very many
  std::uint32_t first_free_ = none;
  std::size_t size_ = 0;
  std::uint64_t added_ = 0;
};

}  // namespace orrery
