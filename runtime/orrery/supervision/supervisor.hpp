// supervisor.hpp: the actor that starts, watches over and stops other actors, as OTP's supervisor does.
// Why:  "let it crash" needs somebody who decides what happens next, in one place, by rules that engineers know.
// How:  an ordinary actor that traps exits. Everything reaches it through its mailbox, in order: the ends of children, the
//       requests below, its own retries, the order to stop. While it starts or stops a child it waits and handles nothing
//       else. A child that is restarted keeps its reference, its name and (unless told otherwise) its queued mail; that is
//       where we differ from OTP, whose restarted process is a new one.
// Always true:  (S1) children start in order and stop in reverse order; a supervisor ends after all that it has started
//               (S2) a child's actor is running, waits for its restart, or is over; its mail is in its mailbox until the last
//               (S3) while it lives, no window of `period` holds more than `intensity` restarts
// Not chosen:   links to children (a bond says more and costs less); a restart by the worker that saw the crash (two
//               children of one group could then restart at once).
// Source:       OTP 25 supervisor.erl; SPEC S1 to S10; SEMANTICS a1 to a13.
#pragma once
#include "orrery/actor/bond.hpp"
#include "orrery/actor/exit.hpp"
#include "orrery/actor/spawn.hpp"
#include "orrery/supervision/spec.hpp"

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace orrery {

/// One child, as its supervisor sees it.
struct ChildInfo {
  std::string id;  ///< of an instance: its template's
  ChildStatus status = ChildStatus::undefined;
  ActorId actor{};  ///< its present incarnation; all zero without one
  std::uint32_t runtime = 0;
  const ActorType* type = nullptr;
  RestartType restart = RestartType::permanent;
  bool is_supervisor = false;

  /// Returns: a reference to it, if there is an actor and it is an A.
  template <class A>
  [[nodiscard]] std::optional<Ref<A>> as() const {
    if (!actor.handle().is_set() || type != &detail::actor_type<A>) return std::nullopt;
    return Ref<A>{runtime, actor.handle()};
  }
  /// `runtime` is another number in every run of a process, and no part of what happened.
  friend void orrery_hash(TraceHasher& hasher, const ChildInfo& info) {
    hash_value(hasher, info.id);
    hash_value(hasher, info.status);
    hash_value(hasher, info.actor);
    hash_value(hasher, info.restart);
    hash_value(hasher, info.is_supervisor);
  }
};
[[nodiscard]] std::string orrery_describe(const ChildInfo& info);

/// Why a child was not started.
struct StartError {
  ChildError why = ChildError::start_failed;
  ExitReason reason;                    ///< with start_failed
  std::optional<ChildInfo> existing{};  ///< with already_started
};
[[nodiscard]] std::string orrery_describe(const StartError& error);

struct ChildCounts {
  std::size_t specs = 0;   ///< child specifications; 1 for simple_one_for_one, which has one
  std::size_t active = 0;  ///< actors that live
  std::size_t supervisors = 0;
  std::size_t workers = 0;
  friend bool operator==(const ChildCounts&, const ChildCounts&) = default;
};

// What a supervisor can be asked. Each waits its turn behind whatever the supervisor does (Cost: O(1) unless stated): a child
// that starts or ends slowly makes it wait, so give the ask the time that this may take, or no_timeout as OTP does; a request
// whose asker has given up is done all the same. All but the last two have the errors of ChildError.

/// Starts a further child, last in the order. An `undefined` result: its start function said ignore; its specification is
/// then kept, unless it is temporary. Not for simple_one_for_one.
struct StartChild {
  using Reply = std::expected<ChildInfo, StartError>;
  ChildSpec spec;
};
/// Starts one more instance of a simple_one_for_one supervisor's template: by `start`, also when it is restarted, or without
/// one by the template's function. (For other supervisors: ChildError::bad_combination.)
struct StartInstance {
  using Reply = std::expected<ChildInfo, StartError>;
  std::shared_ptr<StartFunction> start{};
};
/// Stops a child. Its specification stays, unless it is temporary; a retry of its restart is given up.
struct TerminateChild {
  using Reply = std::expected<void, ChildError>;
  std::string id;
};
/// The same for an instance of simple_one_for_one; one that has ended already is no error. With incarnation 0 it is stopped
/// in whatever incarnation it is; otherwise an earlier one counts as ended.
struct TerminateInstance {
  using Reply = std::expected<void, ChildError>;
  ActorId actor;
};
/// Starts a child whose specification has no actor.
struct RestartChild {
  using Reply = std::expected<ChildInfo, StartError>;
  std::string id;
};
/// Forgets the specification of a child without an actor.
struct DeleteChild {
  using Reply = std::expected<void, ChildError>;
  std::string id;
};
/// Lists the children, the last started first.    Cost: O(children).
struct WhichChildren {
  using Reply = std::vector<ChildInfo>;
};
struct CountChildren {
  using Reply = ChildCounts;
};

/// Asked of `until` by a supervisor that was sent SuspendUntil.
struct MayResume {
  using Reply = void;
};
/// The supervisor handles nothing more until `until` answers MayResume, for tests and maintenance.
/// Source: OTP sys:suspend.
struct SuspendUntil {
  Recipient<MayResume> until;
};

namespace detail {
/// A supervisor's note to itself to try a restart again, behind everything that has arrived meanwhile.
struct RetryRestart {
  static constexpr std::string_view orrery_name = "RetryRestart";
  std::string id;
  BondPtr instance;         ///< of simple_one_for_one
  std::uint32_t life = 0;   ///< which of the instance's lives is to be followed by another
  std::uint64_t timer = 0;  ///< after a backoff: which; one that is not the latest is void
  friend std::string orrery_describe(const RetryRestart& retry) { return "RetryRestart{" + retry.id + "}"; }
};
}  // namespace detail

class Supervisor {
 public:
  explicit Supervisor(SupervisorSpec spec);
  explicit Supervisor(std::shared_ptr<const SupervisorSpec> spec);
  Supervisor(Supervisor&&) noexcept;
  Supervisor& operator=(Supervisor&&) noexcept;
  ~Supervisor();

  void on_start(Context& context);
  void on_stop(Context& context, const ExitReason& reason);

  StartChild::Reply handle(StartChild request, Context& context);
  StartInstance::Reply handle(StartInstance request, Context& context);
  TerminateChild::Reply handle(TerminateChild request, Context& context);
  TerminateInstance::Reply handle(TerminateInstance request, Context& context);
  RestartChild::Reply handle(RestartChild request, Context& context);
  DeleteChild::Reply handle(DeleteChild request, Context& context);
  WhichChildren::Reply handle(WhichChildren request, Context& context);
  CountChildren::Reply handle(CountChildren request, Context& context);
  void handle(SuspendUntil request);

  // What the runtime and the supervisor itself send.
  void handle(ChildEnded notice, Context& context);
  void handle(detail::RetryRestart retry, Context& context);
  void handle(Exit exit, Context& context);

  friend std::string orrery_describe(const Supervisor& supervisor);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Starts a supervisor that no other one supervises, and waits until all its children have started.
///
/// `name` may be empty; the children of a named supervisor are found as "name/id", those of another have no names.
/// Returns: the supervisor; or why it or a child did not start, then nothing of it is left:
///          "shutdown:failed_to_start(ID,REASON)", what find_fault() says, or a SpawnError's word. Who ends, in its on_stop,
///          cannot wait any more and is refused with "shutdown:the caller ends".
/// Threads: any.    Blocks: the fiber; a foreign thread or the body of a test: the caller.
[[nodiscard]] std::expected<Ref<Supervisor>, ExitReason> start_supervisor(Runtime& runtime, std::string name,
                                                                          SupervisorSpec spec);

}  // namespace orrery
