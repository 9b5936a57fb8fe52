// world.hpp: the seam between actors and everything they can observe.
// Why:  an actor never knows which world it is in. Who runs next, what time it is, what a draw gives and how a handler
//       waits are asked here; production answers with threads and clocks, the simulator with one decision stream.
// How:  a handful of virtual calls, none of them on the path of a tell that finds its receiver busy. An observer, which
//       only the simulator supplies, is told of every visible act before it happens, and may run others first.
// Always true:  (W1) schedule() is called exactly once for every change of a cell from idle or suspended to runnable
//               (W2) after cancel() returned, the timer's callback neither runs nor will run
// Not chosen:   templates over the world (measured: no gain, and everything becomes a header).
// Source:       DESIGN sections 1 and 3; SPEC Z1.
#pragma once
#include "orrery/core/ids.hpp"
#include "orrery/core/message_id.hpp"
#include "orrery/core/time.hpp"
#include "orrery/core/timer_wheel.hpp"

#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>

namespace orrery {

class Cell;
class Envelope;
struct Execution;
struct Link;
class Ask;
class ExitReason;
struct LogEntry;
class Job;
struct MessageInfo;
namespace fiber {
class Fiber;
}

/// Something that happens at an instant. Owned by whoever arms it; fire() runs on any thread, must be short, and must
/// not arm or cancel timers.
class Timer : public TimerNode {
 public:
  using Fire = void (*)(Timer& timer);
  enum class Purpose : std::uint8_t { deadline, sleep, after, every, receive_timeout, redelivery, pause };
  Timer(Purpose why, Fire on_fire) noexcept : purpose{why}, fire_{on_fire} {}
  void fire() { fire_(*this); }

  Instant due{};               ///< set by the world when armed
  std::uint64_t sequence = 0;  ///< of the arming, for a world that needs an order among equals
  Handle owner{};              ///< whose timer it is, for reports
  std::uint32_t shard = 0;     ///< where it was armed last, for a world with several wheels
  const Purpose purpose;

 private:
  Fire fire_;
};

/// Where a thread that is no actor (main, a foreign thread, the body of a test) waits. Outlives every wait on it.
struct Waiter {
  virtual void wake() noexcept = 0;

 protected:
  ~Waiter() = default;
};

/// What somebody waits for. Lives on the waiting stack.
class Wait {
 public:
  enum class Kind : std::uint8_t { ask, place, sleep, mail, offload, child_start, child_end };
  explicit Wait(Kind kind) noexcept : kind_{kind} {}
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  /// Returns: whether the wait is over. Threads: the waiter, or whoever runs its cell.
  [[nodiscard]] virtual bool ready() const noexcept = 0;
  /// Returns: the actor it depends on, or an unset handle.
  [[nodiscard]] virtual Handle target() const noexcept { return {}; }
  /// Returns: the actor without which it cannot end: target(), unless something else ends it too.
  [[nodiscard]] virtual Handle blocked_by() const noexcept { return target(); }
  /// Returns: whether a clock will end it if nothing else does.
  [[nodiscard]] virtual bool has_deadline() const noexcept { return false; }
  [[nodiscard]] virtual const MessageInfo* message() const noexcept { return nullptr; }
  /// Returns: whether only the settling of `ask`, or a clock, can end it.
  [[nodiscard]] virtual bool needs(const Ask&) const noexcept { return false; }

  fiber::Fiber* fiber = nullptr;  ///< of the handler that waits, while it is parked; written by the world
  Envelope* handling = nullptr;   ///< what it handles, its payload moved out; null in a lifecycle hook

 protected:
  ~Wait() = default;

 private:
  Kind kind_;
};

/// What one actor can send another besides mail.
enum class Signal : std::uint8_t {
  stop = 1,
  kill,
  watch,
  unwatch,
  exit,  ///< by anybody
  link,
  unlink,
  link_exit  ///< somebody linked has ended
};

/// Told of every visible act, in the order in which they take effect. The `before_` calls may let others act first.
class Observer {
 public:
  enum class Enqueued : std::uint8_t { accepted, full, dropped_newest, replaced_oldest, waiting, gone, unknown };
  enum class Ended : std::uint8_t { handled, failed, unwound, stashed };

  virtual ~Observer() = default;
  virtual void before_enqueue(Handle target, const Envelope& envelope) = 0;
  /// Returns: true when the world takes the message over, to hand it to Runtime::deliver later (a channel).
  virtual bool carry(Handle target, Envelope& envelope) = 0;
  /// The same for a signal, to be handed to Runtime::deliver_signal: it keeps its place among the pair's mail.
  virtual bool carry_signal(Handle target, Link& signal) = 0;
  virtual void enqueued(Handle target, Envelope& envelope, Enqueued outcome) = 0;
  /// A waiting sender's message moved into the place that a take freed.
  virtual void placed(Cell& target, Envelope& envelope) = 0;
  /// A signal is about to be sent.
  virtual void before_signal(Handle target, Signal kind) = 0;
  /// The running actor is about to look at what others change: which of its asks are over, how much mail waits.
  virtual void before_look() = 0;
  /// A name is about to be taken or looked up.
  virtual void before_name(std::string_view path) = 0;
  /// The ask is about to be settled by a reply, or by its handler's failure; whoever runs replies, and need not be the
  /// actor that was asked.
  virtual void before_reply(const Ask& ask) = 0;
  /// The actor is about to come back, by its own act or its supervisor's: its timers, its stash and perhaps its mail go.
  virtual void before_restart(Cell& cell) = 0;
  virtual void replied(const Ask& ask, bool in_time) = 0;
  /// The actor's present incarnation is about to end; or its supervisor is about to end the actor for good.
  virtual void before_exit(Cell& cell) = 0;
  virtual void exited(Cell& cell, const ExitReason& reason) = 0;
  virtual void restarted(Cell& cell) = 0;
  virtual void spawned(Cell& cell, Handle parent) = 0;
  /// Returns: whether the handler is to fail at once, as if it had thrown: a fault.
  virtual bool taken(Cell& cell, Envelope& envelope) = 0;
  /// Returns: whether the mailbox of `target`, which may refuse mail, is to take itself for full: a fault.
  virtual bool refuses(Handle target, const Envelope& envelope) = 0;
  /// Returns: whether there is no memory for the message that is about to be sent: a fault.
  virtual bool runs_out_of_memory(const Envelope& envelope) = 0;
  /// Returns: whether what user code calls `name` goes wrong this time.
  virtual bool fault_point(std::string_view name) = 0;
  virtual void ended(Cell& cell, Envelope& envelope, Ended how) = 0;
  virtual void waiting(Handle who, const Wait& wait) = 0;
  virtual void resumed(Cell& cell) = 0;
  virtual void dead_letter(const Envelope& envelope, std::string_view reason) = 0;
  /// Returns: whether entries of the log are wanted, so that they are made.
  [[nodiscard]] virtual bool keeps_logs() const { return false; }
  /// Somebody has said something. No act: nothing may depend on it.
  virtual void logged(const LogEntry& entry) { static_cast<void>(entry); }
};

class World {
 public:
  virtual ~World() = default;

  /// Makes `cell` runnable (W1). Threads: any.
  virtual void schedule(Cell& cell) = 0;
  /// The same from the thread whose record `here` is.
  virtual void schedule_from(Execution& here, Cell& cell) {
    static_cast<void>(here);
    schedule(cell);
  }

  /// Returns: the world's time. Never goes back.    Threads: any.
  [[nodiscard]] virtual Instant now() noexcept = 0;

  /// Returns: nanoseconds since 1970, for people who read a log; where time is virtual, of that. Nothing is decided by it.
  [[nodiscard]] virtual std::int64_t unix_nanoseconds() noexcept { return now().time_since_epoch().count(); }

  /// Returns: a number below `limit` (0 means the full 64 bits) for a named stream.
  /// Cost: integer arithmetic only.    Threads: any.
  [[nodiscard]] virtual std::uint64_t draw(std::uint64_t stream, std::uint64_t counter, std::uint64_t limit) = 0;

  /// Returns: an id that no other (stream, counter) of this world has, for a message. Not a choice that anybody could
  /// want to try: in a simulation it is a function of the two alone, and no draw.    Threads: any.
  [[nodiscard]] virtual MessageId new_id(std::uint64_t stream, std::uint64_t counter) = 0;

  /// Arms `timer` for `due`. Pre: it is not armed.    Threads: any.
  virtual void arm(Timer& timer, Instant due) = 0;
  /// Arms `timer` for `delay` from now: never early. Pre: it is not armed.    Threads: any.
  virtual void arm_in(Timer& timer, Duration delay) {
    const Instant present = now();
    arm(timer, delay > Instant::max() - present ? Instant::max() : present + delay);
  }
  /// Returns: false when it has fired already (W2).    Threads: any, never from within fire().
  virtual bool cancel(Timer& timer) = 0;

  /// Parks the fiber that runs `cell`'s handler until the cell is scheduled and run again.
  ///
  /// Calls Runtime::parked(cell) once the fiber is completely parked.    Blocks: the fiber, never the thread.
  virtual void suspend(Cell& cell) = 0;

  /// Continues `cell`'s parked handler in place of the calling loop; returns when this loop is needed again.
  virtual void continue_handler(Cell& cell) = 0;

  /// Returns: where the calling thread, which is no actor, waits.
  [[nodiscard]] virtual Waiter& waiter() = 0;
  /// Blocks the calling thread, which is no actor, until `wait` is ready.
  virtual void block(Wait& wait) = 0;

  /// Runs `job` once, outside of any actor and beside all of them, and lets go of it then. Threads: a handler's.
  virtual void offload(std::shared_ptr<Job> job) = 0;

  /// A warning for the operator (or a finding for the test). Threads: any.
  virtual void report(std::string_view kind, const std::string& text) = 0;

  // What an operator may want to hear of; a world decides. A simulation sees all of it in other ways.

  /// So many messages wait at `cell` (or more: nobody counts beyond `backlog_counted_max`).
  /// Threads: whoever runs the cell.
  virtual void saw_backlog(const Cell& cell, std::size_t depth) { static_cast<void>(cell), static_cast<void>(depth); }
  /// A message had waited for so long when it was taken, and is about to be handled.    Threads: whoever runs the cell.
  virtual void saw_wait(const Cell& cell, const MessageInfo& message, Duration waited) {
    static_cast<void>(cell), static_cast<void>(message), static_cast<void>(waited);
  }
  /// An ask has timed out. `asker` is unset outside of actors.    Threads: the asker's.
  virtual void saw_timeout(Handle asker, Handle asked, const MessageInfo& message, Duration after) {
    static_cast<void>(asker), static_cast<void>(asked), static_cast<void>(message), static_cast<void>(after);
  }
};

}  // namespace orrery
