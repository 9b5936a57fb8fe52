// context.hpp: what a handler may ask of its surroundings.
// Why:  `handle(Message, Context&)` gets everything that is not the message: who am I, who sent it, what time is it,
//       spawn, stop, timers, stash. Valid during the handler only.
// Note: Context does not know the actor's type, and C++ cannot look up its handlers by name at run time; so what sends
//       the actor a message later (timers, watch) takes the actor itself: `context.every(*this, 1h, Tick{})`. That also
//       lets the compiler refuse a tick nobody handles.
// Threads: the handler's own fiber.
// Source:  SPEC A14.
#pragma once
#include "orrery/actor/exit.hpp"
#include "orrery/actor/offload.hpp"
#include "orrery/actor/runtime.hpp"

#include <cstddef>
#include <memory>
#include <source_location>
#include <string_view>

namespace orrery {

template <Askable M>
class OpenAsk;
namespace detail {
struct Destination;
}

class Context : public detail::RefusedTimers, public detail::RefusedSpawns, public detail::RefusedForwards {
 public:
  Context(Runtime& runtime, Cell& cell, Envelope* envelope) noexcept
      : runtime_{runtime}, cell_{cell}, envelope_{envelope} {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// Returns: a reference to the running actor; `actor` must be `*this` of it (checked).
  template <class A>
  [[nodiscard]] Ref<A> self(const A& actor) const;
  [[nodiscard]] ActorId id() const noexcept;
  [[nodiscard]] std::string path() const { return runtime_.path_of(cell_.handle()); }
  /// Returns: who sent the message; unset for main, a foreign thread or a test, and outside a message.
  [[nodiscard]] Handle sender() const noexcept { return envelope_ == nullptr ? Handle{} : envelope_->sender; }
  [[nodiscard]] Priority priority() const noexcept {
    return envelope_ == nullptr ? Priority::normal : envelope_->priority;
  }
  /// Returns: how often the message was delivered before: 0 unless its delivery class redelivers.
  [[nodiscard]] std::uint32_t attempt() const noexcept { return envelope_ == nullptr ? 0 : envelope_->attempt; }
  /// Returns: its id; unset unless it is exactly_once, or was sent with one.
  [[nodiscard]] MessageId message_id() const noexcept;
  /// Returns: how many messages wait behind this one.    Cost: O(result) for an unbounded mailbox.
  [[nodiscard]] std::size_t mailbox_depth() const;
  /// A place where something may go wrong in a simulation that has faults: a write that fails, a cache that is cold.
  /// In a run in which the point is active at all (one in four) it says yes one time in four.
  ///
  /// Returns: whether it goes wrong this time; in production false, unless RuntimeOptions::fault_points say otherwise.
  /// Cost:    there, one load and one branch.
  [[nodiscard]] bool fault_point(std::string_view name) const {
    return runtime_.has_fault_points() && runtime_.fault_point(name);
  }
  [[nodiscard]] Instant now() const noexcept { return runtime_.now(); }

  /// Adds an entry to the log, with who says it and while handling what: `context.log(LogLevel::warning, "refused",
  /// field("amount", m.amount))`. As Runtime::log.
  template <class... T>
  void log(LogPlace place, std::string_view text, const LogField<T>&... fields) const {
    runtime_.log(place, text, fields...);
  }

  /// Returns: the trace context of the message being handled; its span is the message's id. Unset when contexts are off
  /// (RuntimeOptions::trace), and in a hook.
  [[nodiscard]] TraceContext trace() const noexcept;
  /// Returns: the span of the message whose handler sent this one; 0 without one.
  [[nodiscard]] std::uint64_t cause() const noexcept;
  /// This message came from elsewhere, with `context`: what the handler sends from here on belongs to that trace. Nothing when
  /// contexts are off, or `context` is unset.
  void continue_trace(const TraceContext& context) noexcept;
  [[nodiscard]] Runtime& runtime() const noexcept { return runtime_; }

  /// Returns: a number below `limit` (0: all 64 bits) from this actor's stream of that name. An extra draw from one
  /// stream changes no other. In a simulation this is the run's own entropy, decided by its seed.
  [[nodiscard]] std::uint64_t draw(std::string_view stream, std::uint64_t limit);

  /// As Runtime::spawn; a name is placed under this actor's path ("bank/alice").
  using RefusedSpawns::spawn;
  template <Spawnable A>
  Ref<A> spawn(A actor, SpawnOptions options = {});
  template <Spawnable A>
  Spawned<A> spawn(std::string_view name, A actor, SpawnOptions options = {});
  template <NamesAnActor To>
  bool stop(const To& actor, ExitReason reason = ExitReason::shutdown()) {
    return runtime_.stop(actor, std::move(reason));
  }
  /// Ends this actor when the running handler has returned.
  void stop(ExitReason reason = ExitReason::normal());

  /// Sends `message` to this actor once, `delay` from now. Cancelled by stop and restart.
  using RefusedTimers::after;
  template <class A, class M>
    requires(refusal<A, M>() == Refusal::none)
  TimerKey after(const A& actor, Duration delay, M message,
                 std::source_location where = std::source_location::current());
  /// Sends a copy of `message` every `period`, first one period from now. At most one undelivered tick exists; ticks that
  /// fall due meanwhile are skipped. Pre: period > 0.
  using RefusedTimers::every;
  template <class A, class M>
    requires(repeated_refusal<A, M>() == Refusal::none)
  TimerKey every(const A& actor, Duration period, M message,
                 std::source_location where = std::source_location::current());
  /// Returns: whether the timer existed. Its tick is not handled any more, even if it was under way.
  bool cancel(TimerKey key);
  /// Sends a copy of `message` whenever nothing has been handled for `idle`; zero switches it off.
  using RefusedTimers::set_receive_timeout;
  template <class A, class M>
    requires(repeated_refusal<A, M>() == Refusal::none)
  void set_receive_timeout(const A& actor, Duration idle, M message,
                           std::source_location where = std::source_location::current());

  /// Suspends this handler; the actor handles nothing else meanwhile.    Blocks: the fiber.
  void sleep(Duration duration);

  /// Suspends this handler while `function`, which may block, runs on a thread for such work (offload.hpp has the whole
  /// contract). Capture by value: the work goes on when this actor is stopped.
  ///
  /// Returns: what it returns. Throws: what it throws.    Blocks: the fiber.
  template <Offloadable F>
  std::invoke_result_t<F> offload(F function, std::source_location where = std::source_location::current()) {
    return orrery::offload(runtime_, std::move(function), where);
  }

  /// Puts the message being handled aside until unstash_all(). Pass it back as it came. The handler's own return value
  /// is then ignored, an asker keeps waiting.
  template <class M>
  void stash(M message);
  /// Handles everything stashed before anything newer, in the order of arrival. What is stashed again stays.
  void unstash_all();

  /// From now on (until this incarnation ends) exit signals other than a kill come as messages: this actor must
  /// handle(Exit). Best said in on_start.    Source: OTP process_flag(trap_exit, true).
  template <class A>
    requires Handles<A, Exit>
  void trap_exits(const A& actor);
  /// Ties this incarnation's fate to the other actor's present one: when one of the two ends for a reason other than normal,
  /// so does the other, unless it traps exits. At most one link per pair. An actor that has ended gives `noproc` at once.
  template <NamesAnActor B>
  void link(const B& other) {
    runtime_.link(cell_, other.handle());
  }
  /// Undoes it: no Exit from `other` is handled after this.
  template <NamesAnActor B>
  void unlink(const B& other) {
    runtime_.unlink(cell_, other.handle());
  }
  /// As Runtime::exit.
  template <NamesAnActor To>
  bool exit(const To& actor, ExitReason reason) {
    return runtime_.exit(actor, std::move(reason));
  }

  /// Sends this actor a Down when `watched` ends for good (a restart is no end). It must handle(Down). Each watch gives one;
  /// those of an incarnation end with it.
  using RefusedTimers::watch;
  template <class A, NamesAnActor B>
    requires(watch_refusal<A>() == Refusal::none)
  void watch(const A& actor, const B& watched);
  /// Undoes every watch on `watched`: no Down for it is handled after this.
  template <NamesAnActor B>
  void unwatch(const B& watched) {
    unwatch(watched.handle());
  }

  /// Hands the message being handled on to another actor, as if its sender had sent it there: sender and priority stay, and
  /// whoever asked gets that actor's answer, within the deadline he set. Pass the message back, as it came or changed. The
  /// handler's own return value is then ignored. Both actors are of one runtime.
  ///
  /// An assured message keeps its class and its id, and goes when the handler has returned: one that fails has passed
  /// nothing on, and gets it again. A refusal comes too late for the handler then, and goes to the dead letters.
  ///
  /// Errors:  TellError; the asker gets the same as his AskError.
  /// Blocks:  as a tell.    Cost: one more handling of the message, in the same block.
  using RefusedForwards::forward;
  template <class M, class To>
    requires(detail::forward_refusal<To, M>() == Refusal::none)
  TellResult forward(M message, const To& to, std::source_location where = std::source_location::current());

  /// Takes the question out of the message being handled, so that it can be answered later, elsewhere, by whoever has the
  /// result; the handler's own return value is ignored. Unset when the message was only told, or has no sender who waits. An
  /// assured message on which the handler fails after that comes again, without its question.
  template <Askable M>
  [[nodiscard]] OpenAsk<M> open_ask();

  /// Returns: where in the sender's code the message was sent.
  [[nodiscard]] std::source_location sent_at() const noexcept {
    return envelope_ == nullptr ? std::source_location{} : envelope_->where;
  }
  /// Returns: whether the message being handled is this actor's no longer: stashed, passed on, kept open.
  [[nodiscard]] bool was_given_away() const noexcept { return fate_ != Fate::handled; }
  [[nodiscard]] bool was_stashed() const noexcept { return fate_ == Fate::stashed; }

  /// For the layers below: what the running actor is.
  [[nodiscard]] const ActorType& type() const noexcept { return *cell_.type; }
  [[nodiscard]] Handle handle() const noexcept { return cell_.handle(); }
  /// The message being handled; another one than it began with, once its question was kept open. Null in a hook.
  [[nodiscard]] Envelope* envelope() const noexcept { return envelope_; }
  /// Returns: what an assured message is to be when it is passed on; null: it is not.
  [[nodiscard]] void* forwarded() const noexcept;
  /// Returns: whether the question of an assured message is kept open.
  [[nodiscard]] bool has_opened() const noexcept { return fate_ == Fate::opened; }

 private:
  void unwatch(Handle watched);
  void note_watch(Handle watched);
  TimerKey add_timer(ActorTimer* timer, Duration delay);
  void stash_current(const MessageInfo* message);
  void check_self(const void* actor) const;
  void may_give_away(const MessageInfo* message) const;
  [[nodiscard]] bool has_parted() const noexcept { return fate_ == Fate::parted; }
  Envelope* part(const MessageInfo* message, std::size_t payload_bytes);
  Envelope* part_copy(std::size_t payload_bytes);
  Envelope* stand_in();
  Envelope* keep_told(Envelope* told);
  TellResult forward_later(const MessageInfo* message, const detail::Destination& there, std::shared_ptr<void> changed,
                           std::source_location where);

  friend class Runtime;  // one Context serves a whole batch

  Runtime& runtime_;
  Cell& cell_;
  Envelope* envelope_;
  enum class Fate : std::uint8_t {
    handled,
    stashed,
    parted,     ///< the envelope is somebody else's
    copied,     ///< what it shares with others was copied and passed on
    forwarded,  ///< assured: it is passed on if the handler returns
    opened      ///< assured: its ask is somebody else's, the message is still here
  };
  Fate fate_ = Fate::handled;                              ///< of the message
  alignas(Envelope) std::byte remains_[sizeof(Envelope)];  ///< what is left of one that parted; usually not written
};

/// Suspends the calling handler. Pre: called from a handler; elsewhere blocks the caller.
void sleep_for(Runtime& runtime, Duration duration);

}  // namespace orrery
