// runtime.hpp: the actors of one world: who lives, how mail reaches them, and what becomes of it.
// Why:  everything here is the same in production and in the simulator; what differs stands behind World.
// How:  a table of cells in chunks that are never freed, a registry of names, and the run loop of a cell.
// Always true:  (U1) a handle whose generation is not the cell's reaches nobody: an error value or a dead letter
//               (U2) every accepted message is counted exactly once (see ledger.hpp)
//               (U3) user code never runs while a lock of the runtime is held
// Users see `wire(Runtime&)`: production passes a System, a test passes the simulation's world.
// Source:       SPEC A13, A15, Q7, Z1.
#pragma once
#include "orrery/actor/cell_table.hpp"
#include "orrery/actor/dead_letters.hpp"
#include "orrery/actor/execution.hpp"
#include "orrery/actor/flight_ring.hpp"
#include "orrery/actor/ledger.hpp"
#include "orrery/actor/name_table.hpp"
#include "orrery/actor/options.hpp"
#include "orrery/actor/refusals.hpp"
#include "orrery/world/world.hpp"

#include <array>
#include <atomic>
#include <expected>
#include <memory>
#include <mutex>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

template <class A>
class Ref;
template <class A>
class Spawned;
struct RuntimeMetrics;
namespace detail {
struct Attempt;
}

/// What the runtime needs to bring an actor to life; built by the templates of spawn.hpp.
struct SpawnRequest {
  void* actor = nullptr;
  const ActorType* type = nullptr;
  UniqueFunction<void*()> factory;
  SpawnOptions options;
  Bond* bond = nullptr;  ///< of whoever supervises it
};

/// Returns: whether a spawn accepts it as a name.
[[nodiscard]] bool is_actor_name(std::string_view name) noexcept;

class Runtime : public detail::RefusedSpawns {
 public:
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Spawning: see spawn.hpp for the contracts.
  using RefusedSpawns::spawn;
  using RefusedSpawns::spawn_n;
  template <Spawnable A, class... Arguments>
    requires std::constructible_from<A, Arguments...> ||
             requires(Arguments&&... a) { A{std::forward<Arguments>(a)...}; }
  Ref<A> spawn(Arguments&&... arguments);
  template <Spawnable A>
  Ref<A> spawn(A actor, SpawnOptions options = {});
  template <Spawnable A>
  Spawned<A> spawn(std::string_view name, A actor, SpawnOptions options = {});
  template <Spawnable A>
  Spawned<A> spawn(std::string_view name, Restart restart, A actor, SpawnOptions options = {});
  template <Spawnable A, class Factory>
    requires std::is_invocable_r_v<A, Factory&>
  Spawned<A> spawn(std::string_view name, Factory factory, SpawnOptions options = {});
  template <Spawnable A, class Factory>
    requires std::is_invocable_r_v<A, Factory&, std::size_t>
  std::vector<Ref<A>> spawn_n(std::size_t count, Factory factory, SpawnOptions options = {});

  /// Asks the actor to end: between two handlers, or by unwinding one that waits. Its queued mail becomes dead letters.
  ///
  /// Returns: false when it has ended already (also when its supervisor is about to restart it, which this does not prevent:
  ///          see TerminateChild), or is of another runtime.
  /// Threads: any.    Blocks: nothing; watch it to learn when it has ended.
  template <NamesAnActor To>
  bool stop(const To& actor, ExitReason reason = ExitReason::shutdown()) {
    return actor.runtime_index() == index_ && signal(actor.handle(), Signal::stop, std::move(reason), caller());
  }
  /// Like stop, but without its on_stop hook; the exit reason is `killed`.
  template <NamesAnActor To>
  bool kill(const To& actor) {
    return actor.runtime_index() == index_ && signal(actor.handle(), Signal::kill, ExitReason::killed(), caller());
  }
  /// Sends an exit signal, as Erlang's exit(Pid, Reason): an actor that traps exits gets an Exit and may ignore it; any
  /// other ends for `reason`, unless that is `normal`, which is ignored.
  ///
  /// Returns: false when it has ended already, or is of another runtime.    Threads: any.    Blocks: nothing.
  template <NamesAnActor To>
  bool exit(const To& actor, ExitReason reason) {
    return actor.runtime_index() == index_ && signal(actor.handle(), Signal::exit, std::move(reason), caller());
  }

  /// Returns: the living actor with that path if its type is A.    Threads: any.    Cost: a hash lookup under a mutex.
  template <class A>
  [[nodiscard]] std::optional<Ref<A>> find(std::string_view path);

  /// Returns: the path of a living actor ("alice"), or its type and slot for an anonymous one ("Account#12").
  /// Threads: any, also while another one runs the actor, or ends it.    Cost: O(1), under a mutex if another one may run it.
  [[nodiscard]] virtual std::string path_of(Handle handle) const;

  [[nodiscard]] Instant now() noexcept { return world_.now(); }
  [[nodiscard]] std::size_t living() const noexcept;
  /// Returns: how often actors came back so far.    Threads: any.
  [[nodiscard]] std::uint64_t restarts() const noexcept;
  [[nodiscard]] DeadLetters& dead_letters() noexcept { return dead_letters_; }
  [[nodiscard]] const DeadLetters& dead_letters() const noexcept { return dead_letters_; }
  [[nodiscard]] const RuntimeOptions& runtime_options() const noexcept { return options_; }

  /// Returns: whether an entry of that level would be heard of.    Threads: any.    Cost: one load.
  [[nodiscard]] bool logs(LogLevel level) const noexcept { return level >= log_level_.load(std::memory_order_relaxed); }
  /// Changes what is heard of from here on. In a simulation whose trace nobody keeps, nothing is.    Threads: any.
  void set_log_level(LogLevel level) noexcept;
  /// Adds an entry to the log (log.hpp), on behalf of whose handler calls it: for main and other threads, "outside".
  ///
  /// Threads: any.    Blocks: in the sink.    Cost: below the level, one load and one branch.
  template <class... T>
  void log(LogPlace place, std::string_view text, const LogField<T>&... fields) {
    if (!logs(place.level)) return;
    const auto held_back = admit_log(place.where);
    if (!held_back) return;
    LogEntry entry;
    entry.level = place.level;
    entry.where = place.where;
    entry.text = text;
    entry.held_back = *held_back;
    entry.fields.reserve(sizeof...(fields));
    (entry.fields.push_back(detail::make_field(fields)), ...);
    write_log(entry);
  }
  /// Returns: how many entries were ever held back because there were too many from one place.    Threads: any.
  [[nodiscard]] std::uint64_t logs_held_back() const noexcept {
    return limiter_ == nullptr ? 0 : limiter_->held_back();
  }

  /// Returns: the trace context of the message that the calling handler handles, or of a TraceScope; unset without one.
  [[nodiscard]] TraceContext current_trace() const noexcept;

  /// Returns: the account of all mailboxes together; exact while nothing runs.    Cost: O(cells).
  [[nodiscard]] Ledger ledger() const;
  /// Returns: how many messages wait in a bounded mailbox; 0 for any other.    Threads: any.    Cost: one lock.
  [[nodiscard]] std::size_t bounded_depth(Handle handle) const;
  /// Returns: the account of one living actor's mailbox (offered and refused only as far as they reached it).
  [[nodiscard]] std::optional<Ledger> ledger_of(Handle handle) const;

  /// Returns: what has happened so far, in numbers (metrics.hpp); no counter in it ever goes back.
  /// Threads: any, while everything runs.    Cost: O(cells): 1 to 10 ns for each that was ever used; nothing in between.
  [[nodiscard]] RuntimeMetrics metrics() const;

  // ---- for the layers below the users' API --------------------------------------------------------------------

  [[nodiscard]] World& world() noexcept { return world_; }
  [[nodiscard]] Observer* observer() const noexcept { return observer_; }
  /// What stands behind Context::fault_point.    Threads: any.
  [[nodiscard]] bool has_fault_points() const noexcept { return has_fault_points_; }
  [[nodiscard]] bool fault_point(std::string_view name);
  /// Returns: how often a fault point went wrong, in a world that is no simulation.    Threads: any.
  [[nodiscard]] std::uint64_t fault_points_fired() const noexcept {
    return fault_points_fired_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
  /// Returns: how many workers there are; of a simulation, one.
  [[nodiscard]] std::size_t execution_count() const noexcept { return executions_.size(); }
  /// Returns: the runtime with that index, or null after it was destroyed. Threads: any.
  [[nodiscard]] static Runtime* find_runtime(std::uint32_t index) noexcept;
  /// Returns: the cell in that slot, whoever lives there, or null when the slot was never used.
  [[nodiscard]] Cell* cell_at(std::uint32_t slot) const noexcept { return cells_.at(slot); }
  /// Returns: the cell if `handle` names its present actor, else null.
  [[nodiscard]] Cell* living_cell(Handle handle) const noexcept {
    Cell* const cell = cell_at(handle.slot);
    return cell != nullptr && cell->generation.load(std::memory_order_acquire) == handle.generation ? cell : nullptr;
  }

  [[nodiscard]] Envelope* new_envelope(std::size_t payload_bytes, bool is_ask);
  /// Throws what the allocation of `envelope`, which is about to be sent, would have thrown had there been no memory: a
  /// fault of the world's. It is gone then, and counts nowhere.    Cost: one branch where nobody observes.
  void try_memory(Envelope* envelope) {
    if (observer_ != nullptr) try_observed_memory(envelope);
  }
  /// Sends `envelope`, which is taken over in every case. `may_wait` false: a full mailbox refuses whatever its policy;
  /// `expired`: ends the wait for a place when it becomes true.
  std::expected<void, TellError> send(Handle target, Envelope* envelope, bool may_wait = true,
                                      const std::atomic<bool>* expired = nullptr);
  /// send() from the thread whose record `execution` is.    Cost: one exchange when the target is busy.
  std::expected<void, TellError> send_from(Execution& execution, Handle target, Envelope* envelope,
                                           const std::atomic<bool>* expired = nullptr, bool may_wait = true);
  /// send() that never waits, and sends nothing if `still` is false when its turn has come.
  std::expected<void, TellError> send_while(Handle target, Envelope* envelope, const std::atomic<bool>& still);
  /// send() of a tell that may have to wait for the end of the handling that makes it (assured.hpp). Says ok then.
  std::expected<void, TellError> tell(Handle target, Envelope* envelope, bool may_wait = true);
  /// Returns: whether what the calling handler tells is held back until it returns.
  [[nodiscard]] bool holds_back() const noexcept;
  /// Holds a tell back. It does not leave if `still` is there and false by then. Pre: holds_back().
  void hold_back(Handle target, Envelope* envelope, std::shared_ptr<const std::atomic<bool>> still = nullptr);
  /// Makes `envelope` one of an assured message. Pre: it has the operations for that.
  void assure(Envelope& envelope, Delivery delivery, const std::optional<MessageId>& id);
  /// Returns: a number below `limit` (0: all 64 bits) from the actor's own stream of that name.    Threads: its handler's.
  [[nodiscard]] std::uint64_t draw(Cell& cell, std::string_view stream, std::uint64_t limit);
  /// Mail, or a message whose time has come, lies beside the mailbox of `cell` (Attention::mail_arrived).
  void ring_mail(Cell& cell);
  /// Puts a message that a channel carried into its mailbox; a refusal there goes to the dead letters (SPEC A5).
  void deliver(Handle target, Envelope* envelope);
  /// The same for a signal: a stop or kill of somebody who has ended meanwhile is forgotten, a watch is answered.
  void deliver_signal(Handle target, Link& signal);
  void send_tick(ActorTimer& timer, Envelope* envelope);
  std::expected<Handle, SpawnError> spawn_cell(SpawnRequest request, Handle parent);
  /// The same without a name and with default options. `actor` is taken over.
  std::expected<Handle, SpawnError> spawn_plain(void* actor, const ActorType& type, Handle parent);
  /// Sends a signal that is no watch. `from` is whom an Exit or a link names.
  /// `incarnation`: of the target that it is for, 0 for any.
  bool signal(Handle target, Signal kind, ExitReason reason, Handle from, std::uint32_t incarnation = 0);
  void signal_watch(Handle target, Watcher watcher);
  void link(Cell& cell, Handle peer);
  void unlink(Cell& cell, Handle peer);
  void send_down(Watcher watcher, Handle who, std::uint32_t incarnation, const ExitReason& reason);

  /// Waits on behalf of the calling handler, test body or thread until `wait` is ready.
  /// Throws Unwind when the calling actor is being stopped.
  void wait(Wait& wait);
  /// Returns: whether the calling handler is being unwound, so that nothing in it may wait any more.
  [[nodiscard]] static bool is_unwinding() noexcept;

  /// Runs a scheduled cell for at most `budget` messages.
  /// Returns: whether it is still runnable and the caller must run it again (false also when it went to another loop).
  bool run(Execution& execution, Cell& cell, std::uint32_t budget);
  bool run(Cell& cell, std::uint32_t budget) { return run(*current_execution(), cell, budget); }
  /// The world's part of suspend(): the handler's fiber is completely parked. Runs on another fiber.
  void parked(Cell& cell);
  /// Returns: whether the wait of a cell that was scheduled is over, so that its handler is to be continued; else it is
  /// to be parked() again.
  [[nodiscard]] bool may_continue(Cell& cell);
  /// A wait of `cell` may have become ready. Threads: any.
  void wake(Handle waiting) noexcept;
  /// Settles an ask by an error. The request's payload must be gone.
  void settle_error(Ask& ask, AskError error) noexcept;
  void settle_reply(Ask& ask, Handle replier) noexcept;
  /// The same where nobody observes; the cell of the replier may be somebody else's already.
  void settle_reply(Execution& execution, Ask& ask) noexcept;
  /// Frees the block of a settled ask whose result was taken.
  void release_home(Ask& ask) noexcept { free_envelope(ask.home); }
  /// The asker does not want the answer any more, whether it has come or not.
  void let_go(Ask& ask) noexcept;
  void free_envelope(Envelope* envelope) noexcept;
  /// The same for a block whose size the caller knows.
  template <std::size_t bytes>
  static void free_envelope_of(Envelope* envelope) noexcept {
    if (Execution* const execution = current_execution(); execution != nullptr) [[likely]] {
      BlockPool::release(*execution->pool, envelope, bytes);
    } else {
      BlockPool::release(envelope, bytes);
    }
  }
  [[nodiscard]] std::optional<Handle> find_by_path(std::string_view path, const ActorTag& type) const;
  /// Fills in the paths of actors that live, for whoever does not run them; leaves the others as they are.
  /// Threads: any.    Cost: O(paths), under a mutex.
  void find_paths(std::vector<std::pair<Handle, std::string>>& paths) const;
  /// Sends a dead letter once more (redrive.cpp).
  std::expected<void, TellError> offer_again(Handle target, Envelope& envelope, Envelope*& owner);

  /// Returns: the actor whose handler calls this; unset: nobody's.
  [[nodiscard]] Handle caller() const noexcept;

  /// Returns: whether messages carry a trace context (tracing.hpp).
  [[nodiscard]] bool traces() const noexcept { return traces_; }
  /// The message is one of many copies: it begins a trace of its own, linked to the present one. Pre: traces().
  void link_trace(Envelope& envelope);

  // What metrics() says of asks. `here` is as for AskCall::begin().

  void count_ask(Execution* here) noexcept {
    if (here != nullptr) [[likely]] {
      here->asks.add();
    } else {
      foreign_asks_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  void count_failed_ask(AskError error) noexcept;
  [[nodiscard]] bool measures_asks() const noexcept { return foreign_ask_times_ != nullptr; }
  void note_ask_time(Duration took) noexcept;

  // What a supervisor does with a child that is down (bond.hpp); the right to touch the cell passes on.

  /// Begins the next incarnation with `actor`, which is taken over. With a hook to run, `bond` says when it has started.
  void revive(Bond& bond, void* actor);
  /// Ends the actor for good, for the bond's reason.
  void bury(Bond& bond);
  /// Frees the names that begin with `prefix` and belong to supervised actors: their supervisor has gone, they are about to
  /// end, and whoever takes its place shall find them free.    Cost: O(names).
  void free_supervised_names(std::string_view prefix);

  /// Returns: the supervisors that no other supervises, oldest first.    Threads: any.
  [[nodiscard]] std::vector<Handle> leading_supervisors() const;
  void add_leading_supervisor(Handle handle);

  /// Ends an actor that neither runs nor has anything to do, just as a kill would.
  /// Returns: false, having done nothing, when it is not idle.    Threads: one that runs cells.
  bool end_idle(Cell& cell);

  /// From now on whoever runs an actor that has a backlog counts it once and tells the world (World::saw_backlog).
  /// Threads: any.    Cost: nothing for who has none; who has one counts at the end of a batch.
  void look_at_backlogs() noexcept { backlog_look_.fetch_add(1, std::memory_order_relaxed); }
  static constexpr std::size_t backlog_counted_max = 10'000;
  /// Returns: how many messages wait there, as far as they are counted.    Threads: whoever runs the cell, between
  /// handlers; or holds it parked, and then the message in its handler may be counted too.
  [[nodiscard]] std::size_t count_backlog(const Cell& cell) const;

  /// From now on every spawn gives shutting_down, and supervisors restart nobody.
  void refuse_spawns() noexcept { accepting_spawns_.store(false, std::memory_order_relaxed); }
  [[nodiscard]] bool is_closing() const noexcept { return !accepting_spawns_.load(std::memory_order_relaxed); }

  /// Visits every cell that was ever used, in slot order. Threads: any while nothing runs.
  template <class F>
  void for_each_cell(F&& visit) const {
    const std::uint32_t used = cells_.used();
    for (std::uint32_t slot = 0; slot < used; ++slot) visit(*cell_at(slot));
  }

 protected:
  /// `spare_cells`: where the table of cells comes from, if it fits, and where it goes to, cleared, in the end.
  Runtime(World& world, RuntimeOptions options, Observer* observer, CellTable* spare_cells = nullptr);
  virtual ~Runtime();

  /// Registers the record of a worker or of a simulation, whose counters then belong to the ledger.
  void add_execution(Execution& execution);
  /// From here on workers have a flight recorder (Execution::flight). Pre: nothing runs yet.
  void record_flights() noexcept { is_watched_ = true; }
  /// At the end: what was held back and never told.
  void tell_held_back_logs();
  /// Stops every actor that no supervisor has. The world must still run cells afterwards.
  void stop_all();
  /// Kills every actor.
  void kill_all();

 private:
  struct SignalNode;
  class PlaceWait;
  class NoWaits;
  friend class Context;

  Cell* claim_cell();
  static void move_in(Cell& cell, void* actor, const ActorType& type) noexcept;
  void open(Cell& cell, Handle parent);
  BoundedMailbox* borrow_bounded();
  void release_cell(Cell& cell);
  std::expected<void, TellError> send_now(Handle target, Envelope* envelope, bool may_wait,
                                          const std::atomic<bool>* expired);
  /// send() after others had their turn.
  std::expected<void, TellError> send_at_once(Handle target, Envelope* envelope, bool may_wait);
  std::expected<void, TellError> send_or_wait(Handle target, BoundedMailbox& bounded, Envelope* envelope,
                                              const std::atomic<bool>* expired);
  [[gnu::noinline]] void note_send(const Execution* execution, Handle target, Envelope& envelope);
  void drop_newest(Cell& cell, Envelope* envelope);
  void count_stray_dead_letter() noexcept;
  void free_or_settle(Envelope* envelope, AskError error) noexcept;
  std::expected<void, TellError> refuse(Envelope* envelope, TellError error, Execution* execution);
  void push_signal(Cell& cell, SignalNode* node);
  [[nodiscard]] Envelope* make_exit(Signal kind, Handle from, ExitReason reason, std::uint32_t incarnation);
  void take_signal(Cell& cell, SignalNode& node);
  void forget_dead_watchers(std::vector<Watcher>& watchers) const;
  void answer_for_the_dead(const SignalNode& node, Handle target);
  void put_into_own_mailbox(Cell& cell, Envelope* envelope);
  static void add_link(Cell& cell, Linked peer);
  static bool drop_link(Cell& cell, Handle peer);
  void break_links(Handle self, const std::vector<Linked>& links, const ExitReason& reason);
  void ring(Cell& cell) noexcept;
  [[gnu::cold]] void put_away_late_reply(Ask& ask, Handle asker, Handle replier) noexcept;
  void take_signals(Cell& cell);
  Envelope* next_envelope(Cell& cell);
  bool go_idle(Cell& cell);
  void restart_receive_timeout(Cell& cell);
  void start(Cell& cell);
  Envelope* next_of_many(Cell& cell);
  Envelope* next_queued(Cell& cell);
  static bool is_still_wanted(Cell& cell, Envelope& notice);
  bool admit(Cell& cell, Envelope* envelope);
  template <bool has_capacity, bool is_recorded>
  bool run_usual(Execution& execution, Cell& cell, std::uint32_t& budget);
  [[gnu::noinline]] bool run_recorded(Execution& execution, Cell& cell, std::uint32_t& budget);
  Envelope* take_bounded(Cell& cell, BoundedMailbox& bounded);
  Envelope* take_and_let_in(Cell& cell, BoundedMailbox& bounded);
  bool run_observed(Execution& execution, Cell& cell, std::uint32_t& budget);
  Execution* handle(Execution* execution, Cell& cell, Envelope* envelope);
  void after_handler(Cell& cell, Context& context, Observer::Ended how, ExitReason* reason);
  // Assured messages: assured.cpp.
  void wait_otherwise(Wait& wait);
  BoundedMailbox::Outcome put_outside(Handle target, BoundedMailbox& bounded, Envelope& envelope);
  BoundedMailbox::Pushed push_observed(BoundedMailbox& bounded, Handle target, Envelope& envelope);
  void try_observed_memory(Envelope* envelope);
  [[nodiscard]] AssuredMail& need_assured(Cell& cell);
  bool admit_assured(Cell& cell, Envelope* envelope);
  void put_away_duplicate(Cell& cell, Envelope* envelope, const DedupeWindow::Handled& first);
  Execution* handle_assured(Execution* execution, Cell& cell, Envelope* envelope);
  void remember(Cell& cell, Envelope& envelope, bool is_done);
  void send_held(Cell& cell);
  void drop_held(Cell& cell) noexcept;
  void destroy_unsent(Envelope* envelope) noexcept;
  void send_forwarded(Cell& cell, Context& context);
  void after_assured(Cell& cell, Context& context, detail::Attempt& outcome);
  void retry_later(Cell& cell, Envelope* envelope, FailedAttempt failure);
  [[nodiscard]] static Cell::Care care_of(const Cell& cell) noexcept;
  void begin_incarnation(Cell& cell, const ExitReason& before, detail::Attempt& outcome);
  void fail(Cell& cell, ExitReason reason);
  bool restart(Cell& cell, const ExitReason& reason);
  void clear_for_restart(Cell& cell);
  void end(Cell& cell);
  bool go_down(Cell& cell, ExitReason reason);
  void bury(Cell& cell, const ExitReason& reason);
  void wake_supervisor(Bond& bond) noexcept;
  [[nodiscard]] static bool has_start(const Cell& cell) noexcept {
    return cell.type->on_start != nullptr || (cell.incarnation > 1 && cell.type->on_restart != nullptr);
  }
  void close_bounded(Cell& cell, BoundedMailbox& bounded);
  void put_away_mail(Cell& cell, std::uint32_t generation);
  void drain(Cell& cell);
  void dead_letter(Cell& cell, Envelope* envelope, DeadLetterReason reason, bool stray);
  bool record_dead_letter(Envelope& envelope, Handle target, DeadLetterReason reason);
  [[nodiscard]] std::uint32_t letter_queue() const noexcept;
  void warn_of_depth(Cell& cell);
  /// Calls `visit(type, counts)` for what each worker has counted of actors that have ended. Pre: table_mutex_ is held.
  template <class F>
  void for_each_retired(F&& visit) const {
    for (const Execution* const execution : executions_) execution->retired.for_each(visit);
    foreign_retired_.for_each(visit);
  }
  void look_at_backlog(Cell& cell);
  Execution* handle_timed(Execution* execution, Cell& cell, Envelope* envelope);
  [[gnu::cold, gnu::noinline]] std::expected<void, TellError> push_timed(Execution& execution, Cell& cell,
                                                                         Envelope* envelope);
  [[gnu::cold]] void time_message(Execution* execution, Envelope& envelope) noexcept;
  void retire(TypeTable& table, Cell& cell, bool was_supervised) noexcept;
  void count_offered(Execution* execution, Envelope& envelope) noexcept;
  void count_refused(Execution* execution, TellError error) noexcept;
  void count_restarted() noexcept;
  /// What the flight recorder of the calling worker is told, if there is one, and the log, if that is wanted.
  [[gnu::cold, gnu::noinline]] void record_life(FlightKind kind, const Cell& who, Handle from = {},
                                                const ExitReason* reason = nullptr);

  [[nodiscard]] std::optional<std::uint64_t> admit_log(const std::source_location& where);
  void write_log(LogEntry& entry);
  void hand_over_log(LogEntry& entry);
  [[gnu::cold]] void log_life(FlightKind kind, const Cell& who, Handle from, const ExitReason* reason);
  [[gnu::cold]] void log_dead_letter(const Envelope& envelope, Handle target, DeadLetterReason reason);
  MessageId next_trace_number() noexcept;
  TraceContext new_trace() noexcept;
  void trace_send(Envelope& envelope);
  void trace_take(Envelope& envelope);
  void export_span(const Cell& cell, const Envelope& envelope, Instant began, bool has_failed);
  static void drop_trace(Envelope& envelope) noexcept;

  World& world_;
  Observer* observer_;
  bool is_watched_;  ///< by an observer, a flight recorder or traces: what is usual is done another way then
  const bool traces_;
  const bool logs_events_;
  const bool log_is_heard_;
  RuntimeOptions options_;
  const bool has_fault_points_;
  std::uint32_t index_ = 0;
  CellTable* spare_cells_;
  CellTable cells_;
  std::atomic<bool> accepting_spawns_{true};
  std::atomic<std::uint8_t> backlog_look_{0};
  std::atomic<std::uint64_t> fault_points_passed_{0};  // active ones
  std::atomic<std::uint64_t> fault_points_fired_{0};

  mutable std::mutex table_mutex_;  // free slots, executions, spare bounded mailboxes
  std::vector<std::uint32_t> free_slots_;
  std::vector<Execution*> executions_;
  std::vector<std::unique_ptr<BoundedMailbox>> bounded_pool_;
  std::vector<BoundedMailbox*> free_bounded_;

  mutable std::mutex leading_mutex_;
  std::vector<Handle> leading_;

  NameTable names_;

  std::atomic<std::uint64_t> foreign_offered_{0};
  std::array<std::atomic<std::uint64_t>, tell_errors> foreign_refused_{};
  std::atomic<std::uint64_t> foreign_asks_{0};
  std::array<std::atomic<std::uint64_t>, ask_errors> foreign_asks_failed_{};
  struct ForeignAskTimes {
    std::mutex mutex;  // one writer at a time
    Histogram times;
  };
  std::unique_ptr<ForeignAskTimes> foreign_ask_times_;  // null: nobody wants to know
  std::atomic<std::uint64_t> foreign_spawned_{0};
  std::atomic<std::uint64_t> foreign_dead_letters_{0};
  mutable std::mutex foreign_retired_mutex_;  // who writes the table
  TypeTable foreign_retired_;
  std::atomic<std::uint64_t> foreign_gone_{0};
  std::atomic<std::uint64_t> foreign_restarted_{0};
  std::atomic<std::uint64_t> foreign_message_ids_{0};
  mutable struct {
    std::uint64_t handled, failed, dead_lettered;
  } metrics_floor_{};                             // with table_mutex_
  mutable std::vector<TypeMetrics> types_floor_;  // the same, by name
  std::atomic<std::uint64_t> foreign_traces_{0};
  std::atomic<LogLevel> log_level_;
  std::unique_ptr<LogLimiter> limiter_;  // null in a simulation
  OncePerStack heard_;                   // by the log's sink
  DeadLetters dead_letters_;
};

}  // namespace orrery
