// engine.hpp: the simulated world: one thread, one decision stream, virtual time.
// Why:  the same actors, mailboxes and handlers as in production run here, but who goes next is decided by a strategy
//       that can be repeated.
// How:  every actor has at most one pending operation (take mail, resume, or, in the middle of a handler, send, reply,
//       exit). A step picks one of the enabled operations and executes it: its one visible effect, and then the actor's
//       private code up to its next visible effect. An actor that offers a choice in mid-handler keeps its fiber; the
//       loop goes on, on another one.
// Always true:  (S1) one operation executes at a time, and nothing visible happens outside of one (the test body apart,
//                    which runs alone until it waits)
//               (S2) no choice depends on an address, a clock of the machine, or the order of an unordered container
//               (S3) option 0 is the operation enabled longest
//               (S4) time moves only when nothing is enabled, by a stall, or 1 ms per 1,000 operations
// Source:       SPEC Z1 to Z4, Z7; docs/simulation.md has the whole table of operations.
#pragma once
#include "orrery/actor/runtime.hpp"
#include "orrery/sim/fault_plan.hpp"
#include "orrery/sim/finding.hpp"
#include "orrery/sim/guard.hpp"
#include "orrery/sim/options.hpp"
#include "orrery/sim/races.hpp"
#include "orrery/sim/slow.hpp"
#include "orrery/sim/strategy.hpp"
#include "orrery/sim/tables.hpp"
#include "orrery/sim/trace.hpp"
#include "orrery/sim/work.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace orrery::sim {

class LoopFibers;

/// Thrown through the body of a test when its run is over before it is (a finding, or a restart without reductions).
/// Not a std::exception, so that a body's own handlers let it pass.
struct RunStopped {};

class Engine final : public orrery::World, public Observer, private Tables {
 public:
  Engine(Strategy& strategy, RunOptions options);
  ~Engine() override;

  /// Pre: once, before anything runs. `runtime` outlives the last drive().
  void attach(Runtime& runtime);
  void detach();

  // ---- what the test body does --------------------------------------------------------------------------------
  enum class Horizon : std::uint8_t { quiescence, time, forever };
  /// Executes operations until `done` says so (looked at after each), nothing is left to do, or `until` is reached.
  /// Returns: whether `done` held. Throws RunStopped when the run ended with a finding; everything is torn down then,
  /// while what the body owns still lives.
  bool drive(Horizon horizon, Instant until, const std::function<bool()>& done);
  /// Lets the body of the test wait until `wait` is ready, or nothing more happens by `until`. Time that a stall lets pass
  /// does not end it.
  void await(Wait& wait, Instant until);
  /// Ends the run: unwinds every handler, destroys every actor. Offers no choice and records nothing.
  void tear_down();
  /// Throws RunStopped, after tear_down(), when the run is over.
  void stop_if_over();
  /// Findings that only the end of a run can show.
  void check_at_rest();
  void report_finding(Finding finding);
  /// The account of messages does not add up after the run: that outranks whatever else was found.
  void report_ledger(std::string account);
  [[nodiscard]] Execution& execution() noexcept { return execution_; }
  void add_invariant(std::string name, std::function<bool()> holds, std::source_location where);
  void add_sometimes(std::string name, std::function<bool()> holds);
  void add_eventually(std::string name, std::function<bool()> holds, std::source_location where);
  /// Returns: its number, for reached().
  [[nodiscard]] std::size_t add_reachable(std::string name);
  /// No faults from here on; who stood still goes on.
  void heal();
  /// From now on these happen, too.
  void arm(const FaultPlan& plan);
  /// heal(), and draws which of `count` somebodies stay dead: at most all but `quorum`.
  /// Returns: their numbers, ascending.
  [[nodiscard]] std::vector<std::size_t> heal_core(std::size_t count, std::size_t quorum);
  /// Tells that somebody is one of those.
  void tell_death(Handle who);
  void reached(std::size_t number) noexcept { sometimes_hit_[number].second = true; }
  void check_invariants() {
    if (!invariants_.empty() || !sometimes_.empty()) [[unlikely]]
      judge_invariants();
  }

  /// An actor's state, for a predicate. Throws MidHandler while its handler waits.
  struct MidHandler {};
  [[nodiscard]] const void* peek(Handle handle, const ActorType* type);

  // ---- what the runner reads ------------------------------------------------------------------------------------
  [[nodiscard]] const std::optional<Finding>& finding() const noexcept { return broken_ ? broken_ : finding_; }
  [[nodiscard]] bool was_cut_short() const noexcept { return finding_.has_value(); }
  [[nodiscard]] bool wants_rerun_unreduced() const noexcept { return rerun_unreduced_; }
  [[nodiscard]] bool is_pruned() const noexcept { return is_pruned_; }
  [[nodiscard]] Hash128 trace_hash() const noexcept { return hasher_.value(); }
  [[nodiscard]] const Decisions& decisions() const noexcept { return decisions_; }
  [[nodiscard]] const std::vector<std::uint64_t>& executed_keys() const noexcept { return executed_keys_; }
  [[nodiscard]] std::vector<Event>& events() noexcept { return events_; }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& attachments() const noexcept {
    return attachments_;
  }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
  [[nodiscard]] std::uint64_t operations() const noexcept { return operations_; }
  [[nodiscard]] const std::vector<FaultCount>& faults() const noexcept { return faults_; }
  /// Returns: what faults have kept from its work, and nobody has sent again so far.
  [[nodiscard]] std::vector<LostMessage> lost() const;
  [[nodiscard]] const std::vector<std::pair<std::string, bool>>& sometimes() const noexcept { return sometimes_hit_; }
  [[nodiscard]] std::string path_of(Handle handle) const;
  /// Returns: the path of the actor whose offloaded work runs right now, or empty.
  [[nodiscard]] std::string offloading() const;
  [[nodiscard]] const RunOptions& options() const noexcept { return options_; }
  /// Adds to what is told of this run, while recording; of one name, the last counts.
  void attach(std::string name, std::string text);

  // ---- World ------------------------------------------------------------------------------------------------------
  void schedule(Cell& cell) override;
  void schedule_from(Execution&, Cell& cell) override { schedule(cell); }
  [[nodiscard]] Instant now() noexcept override { return now_; }
  [[nodiscard]] std::uint64_t draw(std::uint64_t stream, std::uint64_t counter, std::uint64_t limit) override;
  [[nodiscard]] MessageId new_id(std::uint64_t stream, std::uint64_t counter) override { return {stream, counter + 1}; }
  void arm(Timer& timer, Instant due) override;
  bool cancel(Timer& timer) override;
  void suspend(Cell& cell) override;
  void continue_handler(Cell& cell) override;
  [[nodiscard]] Waiter& waiter() override;
  void block(Wait& wait) override;
  void offload(std::shared_ptr<Job> job) override;
  void wake_work(Work& work) noexcept;
  void go_on(Pause& pause);
  void report(std::string_view kind, const std::string& text) override;

  // ---- Observer ---------------------------------------------------------------------------------------------------
  void before_enqueue(Handle target, const Envelope& envelope) override;
  bool carry(Handle target, Envelope& envelope) override;
  bool carry_signal(Handle target, Link& signal) override;
  void enqueued(Handle target, Envelope& envelope, Enqueued outcome) override;
  void placed(Cell& target, Envelope& envelope) override;
  void before_signal(Handle target, Signal kind) override;
  void before_look() override;
  void before_name(std::string_view path) override;
  void before_reply(const Ask& ask) override;
  void replied(const Ask& ask, bool in_time) override;
  void before_restart(Cell& cell) override;
  void before_exit(Cell& cell) override;
  void exited(Cell& cell, const ExitReason& reason) override;
  void restarted(Cell& cell) override;
  void spawned(Cell& cell, Handle parent) override;
  bool taken(Cell& cell, Envelope& envelope) override;
  bool refuses(Handle target, const Envelope& envelope) override;
  bool runs_out_of_memory(const Envelope& envelope) override;
  bool fault_point(std::string_view name) override;
  void ended(Cell& cell, Envelope& envelope, Ended how) override;
  void waiting(Handle who, const Wait& wait) override;
  void resumed(Cell& cell) override;
  void dead_letter(const Envelope& envelope, std::string_view reason) override;
  [[nodiscard]] bool keeps_logs() const override { return options_.record_events; }
  void logged(const LogEntry& entry) override;

 private:
  /// Where the body of the test waits; that it goes on is an operation like any other.
  struct TestWaiter final : Waiter {
    explicit TestWaiter(Engine& owner) noexcept : engine{owner} {}
    void wake() noexcept override { engine.wake_test(); }
    Engine& engine;
  };

  /// What a handler may still do, in visible acts, when the run is torn down: a destructor's last messages, but no loop.
  static constexpr std::uint32_t acts_at_end_max = 64;
  /// Operations without a jump of the clock, until it moves all the same (S4).
  static constexpr std::uint64_t busy_max = 1'000;
  /// Free places of a bounded mailbox that are many: see Grain::coarse.
  static constexpr std::uint32_t roomy = 8;
  /// Operations without a choice after which coarse runs offer one as fine ones do.
  static constexpr std::uint64_t run_on_max = 64;
  /// With more agents than this, not all of them are in the second-level cache.
  static constexpr std::size_t near_at_hand_max = 2'000;

  // The loop.
  void run_loop();
  static void loop(void*);
  void loop_once();
  void execute(Op& op);
  void to_loop(fiber::Fiber& from, void (*after)(void*), void* argument);
  void switch_into(fiber::Fiber& target);
  [[nodiscard]] bool goes_home(Op& op);
  void end_fibers();
  /// Returns: the next operation, disabled and accounted for, or null when the loop must hand over to the test body.
  Op* next();
  Op& pick();
  [[nodiscard]] bool must_stop();
  void account_for(const Op& op);
  void synchronise(Agent& agent, OpKind kind, Agent& object, std::uint64_t detail, std::uint32_t ordinal);
  void act_at_end(Agent& agent);
  void fire(FireOp& op);

  // Offloaded work: offload.cpp.
  [[nodiscard]] Work* acting_work() const noexcept;
  void block_work(Work& work, Wait& wait);
  void run_work(Work& work);
  void release_works();
  [[nodiscard]] std::vector<std::string> describe_waiting_works() const;
  void remember_sender(const Envelope& envelope);
  [[nodiscard]] Agent& outside_sender(const Envelope& envelope) const;
  [[nodiscard]] Agent& sender_of(const Envelope& envelope) const {
    return is_work_about_ && !envelope.sender.is_set() ? outside_sender(envelope) : agent(envelope.sender);
  }
  /// The same in the moment in which it is sent, or comes out of a channel.
  [[nodiscard]] Agent& sending(const Envelope& envelope) {
    if (is_work_about_ && acting_->op.kind != OpKind::deliver) [[unlikely]]
      remember_sender(envelope);
    return sender_of(envelope);
  }

  // Choices.
  [[nodiscard]] std::uint64_t decide(const Point& point);
  [[nodiscard]] bool may_hurry(const Agent& who) const;
  [[nodiscard]] bool send_may_hurry(Handle target, Agent& to);
  [[nodiscard]] bool take_may_hurry(const Agent& who, const Cell& cell) const;
  [[nodiscard]] bool resume_may_hurry(const Agent& who, const Cell& cell) const;
  [[nodiscard]] bool still_may_hurry(const Op& op) const;
  /// Whether Grain::coarse lets actors go on: not for ever, or what is enabled would never be chosen.
  [[nodiscard]] bool may_run_on() const noexcept {
    return options_.grain == Grain::coarse && operations_ - chosen_at_ < run_on_max;
  }
  void order_matters(Agent& who);
  void rerun_without_reductions() noexcept {
    rerun_unreduced_ = true;
    look_up_at_ = 0;
  }
  /// Tells a strategy that wants to know.
  void tell_executed(const Op& op);
  void wake_test() noexcept;
  void learn_what_is_watched();
  [[nodiscard]] std::optional<bool> evaluate(const std::string& name, const std::function<bool()>& predicate);

  // Time.
  [[nodiscard]] bool advance_time();
  void jump_to(Instant instant);
  void release_due_timers();
  /// Something was planned for about now.
  void strike();
  [[nodiscard]] bool may_strike() const noexcept { return strike_at_ != never; }
  void plan_next_strike() noexcept;
  void maybe_stall();
  void judge_stall();
  void maybe_slow();
  void end_pauses();

  // Faults: faults.cpp.
  void plan_faults();
  /// Draws up to `count_max` places below `reach` into `places`, the earliest last.
  /// Returns: how many.
  std::uint64_t draw_places(std::vector<std::uint64_t>& places, std::string_view name, int count_max,
                            std::uint64_t reach);
  /// The same for a fault that counts as armed only once the run has a place for it: see strikes().
  void draw_places_if_any(std::vector<std::uint64_t>& places, std::string_view name, int count_max,
                          std::uint64_t reach);
  [[nodiscard]] FaultCount& count_of(std::string_view name);
  /// The `passed`-th place for that fault has come. Returns: whether it happens there.
  [[nodiscard]] bool strikes(std::vector<std::uint64_t>& places, std::string_view name, std::uint64_t passed);
  [[nodiscard]] bool has_something_to_lose(const Agent& who, const Envelope& envelope) const;
  [[nodiscard]] bool crashes_now(const Agent& who, const Envelope& envelope);
  void tell_crash(const Agent& who, const Envelope& envelope);
  [[nodiscard]] static std::uint64_t key_of_loss(const Agent& from, const Agent& to, const Envelope& envelope);
  void lose(const Agent& to, const Envelope& envelope, std::string_view fault);
  void sent_again(const Agent& from, const Agent& to, const Envelope& envelope);
  /// Takes `op`, which is enabled, out for a while.
  void pause(Op& op, Duration length, std::string_view counted);
  // Those of a plan: fault_plan.cpp.
  [[nodiscard]] std::optional<PlannedFault> planned_now(LocalFault what, const Agent& who);
  [[nodiscard]] bool plan_crashes(const Agent& who, const Envelope& envelope);
  [[nodiscard]] bool plan_strikes(LocalFault what, const Agent& who);
  void slow_down_planned();

  void fetch(std::uint32_t slot, const Agent& to) const;

  // Channels.
  [[nodiscard]] bool is_reached_by_channel(Handle target) const;
  void put_into_channel(Handle target, Envelope* envelope, Link* signal);
  void deliver_next(Carrier& carrier);

  // Trace.
  [[nodiscard]] Agent& agent(Handle handle) const noexcept { return agents_.of(handle); }
  void note(EventKind kind, const Agent& who, std::uint64_t a, std::uint64_t b);
  Event& record(EventKind kind, std::string from, std::string to, std::string message);
  void record_refusal(const Agent& from, const Agent& to, const Envelope& envelope, Enqueued outcome);
  /// Remembers who could have acted in the place of who was chosen just now.
  void note_rivals();
  void record_take(const Agent& from, const Agent& to, const Cell& cell, const Envelope& envelope);
  void record_end(const Agent& who, const Cell& cell, const Envelope& envelope, Ended how);
  [[nodiscard]] std::string last_handled() const;
  [[nodiscard]] std::string describe_peeked() const;
  void judge_invariants();
  void find_ring(Handle start);
  void find_stuck(const Wait* of_the_test);
  [[nodiscard]] std::string describe_wait(const std::string& who, const Wait& wait) const;
  [[nodiscard]] static std::string_view purpose_name(Timer::Purpose purpose) noexcept;

  friend class Guard;
  Guard guard_{*this};
  [[no_unique_address]] Races races_;
  Strategy& strategy_;
  const bool is_watched_;  ///< the strategy wants to know what is executed
  RunOptions options_;
  Runtime* runtime_ = nullptr;
  Execution execution_;
  void* previous_slot_ = nullptr;
  TestWaiter test_waiter_{*this};
  const Wait* test_wait_ = nullptr;  ///< what the body of the test waits for

  std::vector<std::unique_ptr<Work>> works_;                   // all that was offloaded in this run
  std::unordered_map<const Envelope*, Agent*> sent_by_work_;   // looked up, never iterated
  std::unordered_map<std::uint32_t, std::uint32_t> offloads_;  // by agent, how often; looked up, never iterated
  Op* forced_ = nullptr;            ///< chosen by an agent that then parked; the loop executes it first
  std::size_t lasting_timers_ = 0;  ///< armed timers that are neither periodic nor receive timeouts
  std::uint64_t timer_sequence_ = 0;
  Instant now_{};
  std::uint64_t jumped_at_ = 0;  ///< the count of operations when time moved last

  bool running_ = false;
  bool is_work_about_ = false;  ///< works_ is not empty
  bool hand_over_ = false;      ///< the loop must give control back to the test body
  Agent* acting_ = nullptr;     ///< whose operation executes
  bool tearing_down_ = false;
  bool rerun_unreduced_ = false;
  bool is_pruned_ = false;  ///< the strategy has given the run up
  bool in_predicate_ = false;
  bool done_held_ = false;
  std::uint64_t period_ =
      1;  ///< grows whenever nothing is enabled: what was hurried before that was hurried past nothing
  Horizon horizon_ = Horizon::quiescence;
  Instant until_{};
  const std::function<bool()>* done_ = nullptr;
  LoopFibers* fibers_ = nullptr;
  fiber::Fiber* parked_loop_ = nullptr;

  std::uint64_t steps_ = 0;
  std::uint64_t takes_ = 0;
  static constexpr std::uint64_t never = static_cast<std::uint64_t>(-1);
  std::uint64_t strike_at_ = never;  ///< the count of operations from which on a stall or a pause is planned
  bool is_healed_ = false;
  std::vector<std::unique_ptr<Pause>> pauses_;
  std::vector<std::pair<PlannedFault, std::uint32_t>> plan_;  ///< with how often its place has come so far
  std::vector<std::pair<Handle, Duration>> slowed_;           ///< who is to stand still at his next operation
  std::uint64_t refusable_ = 0;                               ///< messages so far to mailboxes that may refuse them
  std::uint64_t sends_ = 0;                                   ///< messages so far that handlers have sent
  std::uint32_t stalled_after_ = 0;  ///< the serial of the newest operation that waited at the last stall; 0: none
  std::uint64_t chosen_at_ = 0;      ///< the count of operations when one of the enabled was picked last
  std::uint64_t operations_ = 0;
  std::uint64_t look_up_at_ = 0;  ///< until there are so many operations, only operations matter: see must_stop()
  TraceHasher hasher_;
  std::optional<Finding> finding_;  ///< it ends the run
  std::optional<Finding> broken_;   ///< the first broken invariant, with RunOptions::past_invariants
  Handle handling_{};
  const MessageInfo* last_message_ = nullptr;  ///< what was handled last
  std::size_t last_event_ = 0;                 ///< its event, while recording
  // The rest only while recording.
  struct SentBy {
    Sent when;
    std::vector<std::string> rivals;  ///< of the operation that sent it
    std::uint64_t rivals_count = 0;
  };
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, SentBy> sent_;  ///< by sender, receiver and ordinal
  std::vector<std::string> rivals_;  ///< of the operation that executes, until an event has them
  std::uint64_t rivals_count_ = 0;
  std::size_t decisions_seen_ = 0;
  std::vector<std::pair<std::string, std::string>> attachments_;
};

inline std::uint64_t Engine::decide(const Point& point) {
  const std::uint64_t index = strategy_.choose(point);
  ORRERY_CHECK(point.count == 0 || index < point.count);
  decisions_.push_back({point.kind, point.count, index});
  return index;
}

inline void Engine::note(EventKind kind, const Agent& who, std::uint64_t a, std::uint64_t b) {
  if (tearing_down_) return;
  hasher_.add((static_cast<std::uint64_t>(kind) << 56) ^ static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  hasher_.add(who.path_hash);
  hasher_.add(a);
  hasher_.add(b);
}

}  // namespace orrery::sim
