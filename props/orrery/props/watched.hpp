// watched.hpp: any actor, watched: what it is sent is written down, it can be held up, and it fails where a test says so.
// Why:  properties about mailboxes and restarts need an actor that is busy just then, or fails just there, in both worlds;
//       the actor of whoever tests knows nothing of that.
// How:  Watched<A> holds an A, at its own address, and hands everything on to it. It handles what A handles, so a Ref to it
//       is a Recipient of A's messages; context.self(*this), timers and watches of the A work as ever. Its Watch is shared by
//       all of its incarnations, and outlives them.
// Always true:  (W1) A's handler sees the message and the context as it would without
//               (W2) an injected failure comes before A's handler begins, or after it has returned
// Not so:  what A sends itself through context.self() or its timers goes to A directly, unseen. Messages without a number
//          (numbered.hpp) are handed on and not written down.
#pragma once
#include "orrery/actor.hpp"
#include "orrery/props/message_log.hpp"
#include "orrery/props/numbered.hpp"
#include "orrery/sim/fault_plan.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace orrery::props {

/// What a watched actor throws where a test says so.
struct InjectedFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// ---- holding up ---------------------------------------------------------------------------------------------------------

struct Enter {
  using Reply = void;
};
struct AwaitEntered {
  using Reply = void;
};
struct OpenUp {
  using Reply = void;
};
/// Whoever asks to Enter waits until it is opened; AwaitEntered is answered when somebody waits there.
struct Gate {
  std::vector<OpenAsk<Enter>> held{};
  std::vector<OpenAsk<AwaitEntered>> askers{};
  bool is_open = false;
  void handle(Enter, Context& context);
  void handle(AwaitEntered, Context& context);
  void handle(OpenUp);
};
/// Holds the actor up until the gate is opened.
struct Hold {
  Recipient<Enter> gate;
};
/// Makes it fail.
struct Crash {};
/// Answered by who is there.
struct AreYouThere {
  using Reply = void;
};

// ---- watching -----------------------------------------------------------------------------------------------------------

enum class Place : std::uint8_t { before, after };  ///< of A's handler

/// What is known of a watched actor, and when it is to fail. A copy is the same watch.    Threads: any.
class Watch {
 public:
  /// One incarnation.
  struct Life {
    Instant began{};
    std::string state;     ///< of A when its first message comes, as text; empty if none came
    bool has_met = false;  ///< a message came
  };

  Watch() = default;
  /// Writes down what happens in `log`.
  explicit Watch(const MessageLog<std::uint64_t>& log) { shared_->log = log; }

  /// The handler of message `number` fails, the first `times` times.
  void crash_on(std::uint64_t number, Place place = Place::before, std::size_t times = 1) const;

  /// The crashes and pauses of a plan that are meant for `actor` happen here, on threads too; its messages count from now on.
  /// (In a simulation World::arm(plan) does the whole plan, for any actor.)
  void follow(const sim::FaultPlan& plan, std::string_view actor) const;

  [[nodiscard]] const MessageLog<std::uint64_t>& log() const noexcept { return shared_->log; }
  [[nodiscard]] std::vector<Life> lives() const;
  /// Returns: when it failed because it was told to, in their order.
  [[nodiscard]] std::vector<Instant> crashes() const;

  // For Watched.
  void begin_life(Instant now) const;
  void meet(const std::function<std::string()>& state) const;
  void maybe_crash(std::uint64_t number, Place place, Instant now) const;
  /// A message is taken. Returns: how long its handler is to wait. May throw InjectedFailure.
  [[nodiscard]] Duration take(Instant now) const;
  [[noreturn]] void crash(Instant now) const;

 private:
  struct Shared {
    MessageLog<std::uint64_t> log;
    mutable std::mutex mutex;
    std::map<std::pair<std::uint64_t, Place>, std::size_t> planned;
    std::vector<Life> lives;
    std::vector<Instant> crashes;
    std::vector<sim::PlannedFault> plan;
    std::uint32_t takes = 0;
  };
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

/// Returns: the text of a state, for comparing two.
template <class A>
using StateText = std::function<std::string(const A&)>;

/// What a watched actor handles besides what A does.
template <class M>
inline constexpr bool is_own = std::same_as<M, Hold> || std::same_as<M, Crash> || std::same_as<M, AreYouThere>;

template <class A>
class Watched {
 public:
  Watched(A inner, Watch watch, StateText<A> state = {})
      : actor{std::move(inner)}, watch_{std::move(watch)}, state_{std::move(state)} {}

  A actor;  // first: its address is the actor's (context.cpp checks it)

  void on_start(Context& context) {
    watch_.begin_life(context.now());
    if constexpr (requires { actor.on_start(context); }) actor.on_start(context);
  }
  void on_stop(Context& context, const ExitReason& reason)
    requires requires(A& a) { a.on_stop(context, reason); }
  {
    actor.on_stop(context, reason);
  }
  void on_stop(Context& context)
    requires requires(A& a) { a.on_stop(context); }
  {
    actor.on_stop(context);
  }
  void on_restart(Context& context, const ExitReason& reason)
    requires requires(A& a) { a.on_restart(context, reason); }
  {
    actor.on_restart(context, reason);
  }

  void handle(const Hold& hold, Context&) { (void)hold.gate.ask(Enter{}, no_timeout); }
  void handle(Crash, Context& context) { watch_.crash(context.now()); }
  void handle(AreYouThere, Context&) {}

  template <class M>
    requires(Handles<A, M> && !is_own<M>)
  decltype(auto) handle(M message, Context& context) {
    watch_.meet([this] { return state_ ? state_(actor) : describe(actor); });
    const auto take = [&] {
      if (const Duration wait = watch_.take(context.now()); wait > Duration::zero()) context.sleep(wait);
    };
    if constexpr (HasNumber<M>) {
      const std::uint64_t number = Numbered<M>::get(message);
      const std::string path = context.path();
      watch_.log().begun(number, path);
      try {
        take();
        watch_.maybe_crash(number, Place::before, context.now());
        using Returned = decltype(orrery::detail::call_handler(actor, std::move(message), context));
        if constexpr (std::is_void_v<Returned>) {
          orrery::detail::call_handler(actor, std::move(message), context);
          end(number, path, context);
        } else {
          Returned returned = orrery::detail::call_handler(actor, std::move(message), context);
          end(number, path, context);
          return returned;
        }
      } catch (const Unwind&) {
        throw;
      } catch (...) {
        watch_.log().failed(number, path);
        throw;
      }
    } else {
      take();
      return orrery::detail::call_handler(actor, std::move(message), context);
    }
  }

  friend std::string orrery_describe(const Watched& watched) { return describe(watched.actor); }

 private:
  void end(std::uint64_t number, const std::string& path, Context& context) {
    if (context.was_given_away()) return watch_.log().set_aside(number, path);
    watch_.maybe_crash(number, Place::after, context.now());
    watch_.log().handled(number, path);
  }

  Watch watch_;
  StateText<A> state_;
};

/// Spawns what `make` makes, watched. An actor that cannot be copied can be restarted, too: it is made anew.
/// Throws: SpawnFailed, when the name is taken.
template <class Make, class A = std::invoke_result_t<Make&>>
Ref<Watched<A>> spawn_watched(Runtime& runtime, std::string_view name, Make make, const Watch& watch,
                              SpawnOptions options = {}, StateText<A> state = {}) {
  const auto again = [make, watch, state]() mutable { return Watched<A>{make(), watch, state}; };
  return runtime.spawn<Watched<A>>(name, again, std::move(options)).value();
}

/// Tells a message, whether it has a Reply or not.
template <class To, class M>
TellResult tell_any(const To& to, M message, SendOptions options = {},
                    std::source_location where = std::source_location::current()) {
  if constexpr (Askable<M>) {
    return to.tell(std::move(message), ignore_reply, options, where);
  } else {
    return to.tell(std::move(message), options, where);
  }
}

/// Holds an actor up, so that its mail waits. On threads the caller waits until the actor is held.
class HeldUp {
 public:
  template <class A>
  HeldUp(Runtime& runtime, const Ref<Watched<A>>& actor) : gate_{runtime.spawn(Gate{})} {
    const TellResult told = actor.tell(Hold{gate_});
    is_held_ = told.has_value() && gate_.ask(AwaitEntered{}, no_timeout).has_value();
  }
  [[nodiscard]] bool is_held() const noexcept { return is_held_; }
  void let_go() { (void)gate_.ask(OpenUp{}, no_timeout); }

 private:
  Ref<Gate> gate_;
  bool is_held_ = false;
};

}  // namespace orrery::props
