// spec.hpp: a supervision tree as a value: written down, copied, printed, generated; a Supervisor makes it real.
//
//   auto bank = orrery::start_supervisor(rt, "bank", {.strategy = RestartStrategy::one_for_all,
//                                                     .children = {child("ledger", Ledger{}),
//                                                                  child("teller", [&] { return Teller{ledger}; })}});
//
// Source:  OTP supervisor:sup_flags() and child_spec(); SPEC S1 to S5, S7; SEMANTICS a2.
#pragma once
#include "orrery/actor/handlers.hpp"
#include "orrery/actor/options.hpp"
#include "orrery/supervision/decisions.hpp"

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace orrery {

struct SupervisorSpec;
class Supervisor;

/// What a start function gave.
struct StartOutcome {
  enum class Kind : std::uint8_t { started, ignored, refused };
  Kind kind = Kind::started;
  void* actor = nullptr;  ///< with started: the caller's
  ExitReason reason;      ///< with refused
};

/// Makes the actor of a child, for its start and for every restart.
class StartFunction {
 public:
  virtual ~StartFunction() = default;
  /// May throw. Threads: the supervisor's handler; copies of a specification share one function.
  [[nodiscard]] virtual StartOutcome operator()() = 0;
  [[nodiscard]] virtual const ActorType& type() const noexcept = 0;
};

/// What else can be said about a child. The defaults are OTP's.
struct ChildOptions {
  RestartType restart = RestartType::permanent;
  std::optional<Shutdown> shutdown{};  ///< none: 5 s, for a supervisor infinity
  bool significant = false;            ///< see AutoShutdown; needs restart != permanent
  MailboxOptions mailbox{};
  MailOnRestart mail_on_restart = MailOnRestart::keep;
};

/// One child. Made by child() and supervisor().
struct ChildSpec {
  std::string id;  ///< unique within its supervisor; under a named one also the last part of the child's path
  std::shared_ptr<StartFunction> start;
  ChildOptions options{};
  std::shared_ptr<const SupervisorSpec> tree{};  ///< of a child that is a supervisor

  [[nodiscard]] bool is_supervisor() const noexcept;
  [[nodiscard]] Shutdown shutdown() const noexcept {
    if (options.shutdown) return *options.shutdown;
    return is_supervisor() ? Shutdown::infinity() : Shutdown::after(std::chrono::seconds{5});
  }
};

/// What a supervisor has to say to the operator; OTP's supervisor reports.
struct SupervisorReport {
  enum class Kind : std::uint8_t {
    child_terminated,  ///< a child ended by itself
    start_error,       ///< a child could not be started
    shutdown,          ///< too many restarts: the supervisor gives up
    shutdown_error     ///< a child that was stopped ended in another way than it should, also by a kill at its deadline
  };
  Kind kind;
  std::string supervisor;  ///< its path
  std::string child;       ///< its id
  std::size_t count = 0;   ///< of instances that ended alike, when a simple_one_for_one supervisor stops; else 0
  ExitReason reason;
};
[[nodiscard]] std::string_view to_string(SupervisorReport::Kind kind) noexcept;

/// Hears of the life of the supervisors that have it, and their reports in place of the operator.
/// Threads: the supervisor's.
class SupervisorListener {
 public:
  virtual ~SupervisorListener() = default;
  /// A supervisor begins; none of its children has started.
  virtual void started(const ActorId& self) = 0;
  virtual void report(const SupervisorReport& report) = 0;
  /// The supervisor could not start; those of its children that had started have ended.
  virtual void init_failed(const ExitReason& reason) = 0;
  /// The supervisor itself has ended, all its children before it (unless it was killed).
  virtual void ended(const ExitReason& reason) = 0;
};

/// A clock for the restart window alone, for tests that move it by hand.
class RestartClock {
 public:
  virtual ~RestartClock() = default;
  [[nodiscard]] virtual Instant now() = 0;  // Threads: any
};

/// A supervisor and its children. The defaults are OTP's.
struct SupervisorSpec {
  RestartStrategy strategy = RestartStrategy::one_for_one;
  int intensity = 1;  ///< so many restarts within `period` are allowed; one more, and the supervisor gives up
  Duration period = std::chrono::seconds{5};
  AutoShutdown auto_shutdown = AutoShutdown::never;
  std::vector<ChildSpec> children{};  ///< in start order; for simple_one_for_one the template
  Backoff backoff{};
  std::shared_ptr<SupervisorListener> listener{};  ///< none: reports go to the operator
  std::shared_ptr<RestartClock> clock{};           ///< none: the world's
};

/// Returns: why a supervisor cannot run by that specification, in OTP's words, or empty.
///
/// "supervisor_data:invalid_period:0", "start_spec:bad_combination", "start_spec:duplicate_child_name:a", "bad_start_spec".
[[nodiscard]] std::optional<ExitReason> find_fault(const SupervisorSpec& spec);

/// Prints the tree, one line each: "one_for_all, 3 restarts in 5s" and, indented, "ledger: permanent Ledger".
[[nodiscard]] std::string orrery_describe(const SupervisorSpec& spec);
[[nodiscard]] std::string orrery_describe(const ChildSpec& spec);
[[nodiscard]] std::string_view to_string(RestartStrategy strategy) noexcept;
[[nodiscard]] std::string_view to_string(RestartType type) noexcept;
[[nodiscard]] std::string_view to_string(AutoShutdown mode) noexcept;
[[nodiscard]] std::string_view to_string(ChildStatus status) noexcept;
[[nodiscard]] std::string_view to_string(ChildError error) noexcept;
[[nodiscard]] std::string to_string(Shutdown shutdown);

namespace detail {

/// What a factory may give: A; optional<A> (empty: ignored); expected<A or optional<A>, ExitReason> (an error: refused).
template <class R>
struct Factored {
  using Actor = R;
  static StartOutcome outcome(R&& actor) { return {StartOutcome::Kind::started, make_actor(std::move(actor)), {}}; }
};
template <class R>
struct Factored<std::optional<R>> {
  using Actor = R;
  static StartOutcome outcome(std::optional<R>&& actor) {
    if (!actor) return {StartOutcome::Kind::ignored, nullptr, {}};
    return Factored<R>::outcome(std::move(*actor));
  }
};
template <class R>
struct Factored<std::expected<R, ExitReason>> {
  using Actor = Factored<R>::Actor;
  static StartOutcome outcome(std::expected<R, ExitReason>&& actor) {
    if (!actor) return {StartOutcome::Kind::refused, nullptr, std::move(actor.error())};
    return Factored<R>::outcome(std::move(*actor));
  }
};

template <class F>
class FactoryStart final : public StartFunction {
 public:
  using Result = Factored<std::remove_cvref_t<std::invoke_result_t<F&>>>;
  explicit FactoryStart(F factory) : factory_{std::move(factory)} {}
  StartOutcome operator()() override { return Result::outcome(factory_()); }
  [[nodiscard]] const ActorType& type() const noexcept override { return actor_type<typename Result::Actor>; }

 private:
  F factory_;
};

[[nodiscard]] std::shared_ptr<StartFunction> start_of_tree(std::shared_ptr<const SupervisorSpec> tree);

}  // namespace detail

/// A function that makes an actor, for StartInstance; what it may return: child().
template <class F>
  requires std::invocable<F&>
[[nodiscard]] std::shared_ptr<StartFunction> start_function(F factory) {
  return std::make_shared<detail::FactoryStart<F>>(std::move(factory));
}

/// A child made by `factory`, for its start and every restart. It returns an actor; or an optional one, where none means
/// that there shall be none now (OTP's ignore); or an expected one, whose error is why the start fails. It may throw.
template <class F>
  requires std::invocable<F&>
[[nodiscard]] ChildSpec child(std::string id, F factory, ChildOptions options = {}) {
  return {std::move(id), start_function(std::move(factory)), options, {}};
}
/// A child that starts, and restarts, as a copy of `prototype`.
template <class A>
  requires(std::copy_constructible<A> && !std::invocable<A&>)
[[nodiscard]] ChildSpec child(std::string id, A prototype, ChildOptions options = {}) {
  return child(std::move(id), [prototype = std::move(prototype)] { return A(prototype); }, options);
}
/// A child that is itself a supervisor.
[[nodiscard]] ChildSpec supervisor(std::string id, SupervisorSpec tree, ChildOptions options = {});

}  // namespace orrery
