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
#include "orrery/sim/finding.hpp"
#include "orrery/sim/options.hpp"
#include "orrery/sim/strategy.hpp"
#include "orrery/sim/trace.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace orrery::sim {

/// Thrown through the body of a test when its run is over before it is (a finding, or a restart without reductions).
/// Not a std::exception, so that a body's own handlers let it pass.
struct RunStopped {};

class Engine final : public orrery::World, public Observer, private OptionKeys {
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
  void check_invariants();

  /// An actor's state, for a predicate. Throws MidHandler while its handler waits.
  struct MidHandler {};
  [[nodiscard]] const void* peek(Handle handle, const ActorType* type);

  // ---- what the runner reads ------------------------------------------------------------------------------------
  [[nodiscard]] const std::optional<Finding>& finding() const noexcept { return finding_; }
  [[nodiscard]] bool wants_rerun_unreduced() const noexcept { return rerun_unreduced_; }
  [[nodiscard]] Hash128 trace_hash() const noexcept { return hasher_.value(); }
  [[nodiscard]] const Decisions& decisions() const noexcept { return decisions_; }
  [[nodiscard]] const std::vector<std::uint64_t>& executed_keys() const noexcept { return executed_keys_; }
  [[nodiscard]] std::vector<Event>& events() noexcept { return events_; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
  [[nodiscard]] std::uint64_t operations() const noexcept { return operations_; }
  [[nodiscard]] const std::vector<std::pair<std::string, bool>>& sometimes() const noexcept { return sometimes_hit_; }
  [[nodiscard]] std::string path_of(Handle handle) const;
  [[nodiscard]] const RunOptions& options() const noexcept { return options_; }

  // ---- World ------------------------------------------------------------------------------------------------------
  void schedule(Cell& cell) override;
  [[nodiscard]] Instant now() noexcept override { return now_; }
  [[nodiscard]] std::uint64_t draw(std::uint64_t stream, std::uint64_t counter, std::uint64_t limit) override;
  void arm(Timer& timer, Instant due) override;
  bool cancel(Timer& timer) override;
  void suspend(Cell& cell) override;
  void continue_handler(Cell& cell) override;
  [[nodiscard]] Waiter& waiter() override { return test_waiter_; }
  void block(Wait& wait) override;
  void report(std::string_view kind, const std::string& text) override;

  // ---- Observer ---------------------------------------------------------------------------------------------------
  void before_enqueue(Handle target, const Envelope& envelope) override;
  bool carry(Handle target, Envelope& envelope) override;
  bool carry_signal(Handle target, Link& signal) override;
  void enqueued(Handle target, Envelope& envelope, Enqueued outcome) override;
  void placed(Cell& target, Envelope& envelope) override;
  void before_signal(Handle target, bool kill) override;
  void before_watch(Handle target) override;
  void before_look() override;
  void before_name(std::string_view path) override;
  void before_reply(Cell& replier, const Ask& ask) override;
  void replied(Cell& replier, const Ask& ask, bool in_time) override;
  void before_restart(Cell& cell) override;
  void before_exit(Cell& cell) override;
  void exited(Cell& cell, const ExitReason& reason) override;
  void restarted(Cell& cell) override;
  void spawned(Cell& cell, Handle parent) override;
  void taken(Cell& cell, Envelope& envelope) override;
  void ended(Cell& cell, Envelope& envelope, Ended how) override;
  void waiting(Handle who, const Wait& wait) override;
  void resumed(Cell& cell) override;
  void dead_letter(const Envelope& envelope, std::string_view reason) override;

 private:
  enum class OpKind : std::uint8_t {
    take = 1,
    resume,
    enqueue,
    signal,
    reply,
    exit,
    name,
    fire,
    deliver,
    look,
    restart
  };

  /// A pending operation. Linked by age while enabled; `dense` is its place among the enabled.
  struct Op {
    OpKind kind = OpKind::take;
    std::uint32_t agent = 0;
    std::uint32_t object = 0;       ///< the agent that is touched
    std::uint64_t detail = 0;       ///< message type, name, purpose: part of the key
    std::uint32_t ordinal = 0;      ///< of its kind at this agent (or pair)
    fiber::Fiber* fiber = nullptr;  ///< where the agent's handler stands, for operations in mid-handler
    Timer* timer = nullptr;
    Op* older = nullptr;
    Op* newer = nullptr;
    std::uint32_t dense = 0;
    bool enabled = false;
  };

  /// A message or a signal under way in a channel.
  struct Carried {
    Handle target{};
    Envelope* envelope = nullptr;
    Link* signal = nullptr;
  };

  struct Agent {
    Handle handle{};
    std::string path;
    std::uint64_t path_hash = 0;
    Op op;
    std::uint32_t takes = 0;
    std::uint32_t resumes = 0;
    std::uint32_t timers = 0;
    std::uint32_t replies = 0;
    std::uint32_t looks = 0;
    std::uint32_t acts_at_end = 0;  ///< visible acts while the run is torn down
    std::uint64_t hurried_in = 0;   ///< the period (see `period_`) in which it last acted without a choice
    bool order_matters = false;     ///< its takes and resumes are choices from now on: see order_matters()
    std::vector<std::pair<std::uint64_t, std::uint32_t>> children;  ///< anonymous ones: type, how many so far
    std::deque<Carried> carried;                                    ///< of a channel
    std::size_t event = 0;  ///< the event of the handler that runs, while recording
    ActorType::Fields before;
  };

  struct EarlierDue {
    bool operator()(const Timer* a, const Timer* b) const noexcept {
      return a->due != b->due ? a->due < b->due : a->sequence < b->sequence;
    }
  };

  /// Where the body of the test waits; that it goes on is an operation like any other.
  struct TestWaiter final : Waiter {
    explicit TestWaiter(Engine& owner) noexcept : engine{owner} {}
    void wake() noexcept override { engine.wake_test(); }
    Engine& engine;
  };

  struct Invariant {
    std::string name;
    std::function<bool()> holds;
    std::source_location where;
    bool tried = false;
  };

  /// What a handler may still do, in visible acts, when the run is torn down: a destructor's last messages, but no loop.
  static constexpr std::uint32_t acts_at_end_max = 64;
  static constexpr std::uint32_t test_agent = 0;

  // The loop.
  void run_loop();
  static void loop(void*);
  void loop_once();
  void execute(Op& op);
  void to_loop(fiber::Fiber& from, void (*after)(void*), void* argument);
  void switch_into(fiber::Fiber& target);
  /// Returns: the next operation, disabled and accounted for, or null when the loop must hand over to the test body.
  Op* next();
  void synchronise(std::uint32_t agent, OpKind kind, std::uint32_t object, std::uint64_t detail, std::uint32_t ordinal);

  // Enabled operations.
  void enable(Op& op);
  void disable(Op& op);
  [[nodiscard]] Op& option(std::uint64_t index) const;
  [[nodiscard]] std::uint64_t key(std::uint64_t index) const override;
  [[nodiscard]] std::uint64_t key_of(const Op& op) const;
  [[nodiscard]] std::uint64_t decide(const Point& point);
  [[nodiscard]] bool may_hurry(const Agent& who) const;
  [[nodiscard]] bool take_may_hurry(const Cell& cell) const;
  void order_matters(Agent& who);
  void wake_test() noexcept;
  void learn_what_is_watched();
  [[nodiscard]] std::optional<bool> evaluate(const std::string& name, const std::function<bool()>& predicate);

  // Time.
  [[nodiscard]] bool advance_time();
  void jump_to(Instant instant);
  void release_due_timers();
  void plan_stalls();
  void maybe_stall();

  // Names.
  [[nodiscard]] std::uint32_t agent_index(Handle handle) const;
  [[nodiscard]] Agent& agent(Handle handle) { return *agents_[agent_index(handle)]; }
  [[nodiscard]] std::uint32_t pair_ordinal(std::uint32_t from, std::uint32_t to, bool advance);
  [[nodiscard]] std::uint32_t channel(std::uint32_t from, std::uint32_t to);
  [[nodiscard]] bool is_reached_by_channel(Handle target) const;
  void put_into_channel(Carried what);

  // Trace.
  void note(EventKind kind, const Agent& who, std::uint64_t a, std::uint64_t b);
  Event& record(EventKind kind, std::string from, std::string to, std::string message);
  void find_ring(Handle start);
  void find_stuck(const Wait* of_the_test);
  [[nodiscard]] std::string describe_wait(const std::string& who, const Wait& wait) const;
  [[nodiscard]] static std::string_view purpose_name(Timer::Purpose purpose) noexcept;

  Strategy& strategy_;
  RunOptions options_;
  Runtime* runtime_ = nullptr;
  Execution execution_;
  void* previous_slot_ = nullptr;
  TestWaiter test_waiter_{*this};
  const Wait* test_wait_ = nullptr;  ///< what the body of the test waits for

  std::vector<std::unique_ptr<Agent>> agents_;
  std::vector<std::uint32_t> agent_of_slot_;
  std::unordered_map<std::uint64_t, std::uint32_t> pair_ordinals_;  // looked up, never iterated
  std::unordered_map<std::uint64_t, std::uint32_t> channels_;       // looked up, never iterated

  std::vector<Op*> enabled_;
  Op* oldest_ = nullptr;
  Op* newest_ = nullptr;
  std::deque<Op*> at_once_;
  Op* forced_ = nullptr;  ///< chosen by an agent that then parked; the loop executes it first

  std::set<Timer*, EarlierDue> timers_;  // ordered by due time and arming, never by address
  std::size_t lasting_timers_ = 0;       ///< armed timers that are neither periodic nor receive timeouts
  std::vector<std::unique_ptr<Op>> fire_ops_;
  std::vector<Op*> free_fire_ops_;
  std::vector<Op*> due_;  ///< enabled fire operations
  std::uint64_t timer_sequence_ = 0;
  Instant now_{};
  std::uint64_t since_jump_ = 0;
  std::vector<std::uint64_t> stalls_;  ///< operation counts at which time passes, newest last

  bool running_ = false;
  bool hand_over_ = false;             ///< the loop must give control back to the test body
  std::uint32_t acting_ = test_agent;  ///< whose operation executes
  bool tearing_down_ = false;
  bool rerun_unreduced_ = false;
  bool in_predicate_ = false;
  bool done_held_ = false;
  std::uint64_t period_ =
      1;  ///< grows whenever nothing is enabled: what was hurried before that was hurried past nothing
  Horizon horizon_ = Horizon::quiescence;
  Instant until_{};
  const std::function<bool()>* done_ = nullptr;
  fiber::Fiber* main_ = nullptr;
  fiber::Fiber* parked_loop_ = nullptr;

  std::uint64_t steps_ = 0;
  std::uint64_t operations_ = 0;
  TraceHasher hasher_;
  Decisions decisions_;
  std::vector<std::uint64_t> executed_keys_;
  std::vector<Event> events_;
  std::optional<Finding> finding_;
  std::vector<Invariant> invariants_;
  struct Sometimes {
    std::string name;
    std::function<bool()> holds;
    bool tried = false;
  };
  std::vector<Sometimes> sometimes_;
  std::vector<std::pair<std::string, bool>> sometimes_hit_;
  std::vector<Handle> peeked_;
  Handle handling_{};
  std::string last_handled_;
};

}  // namespace orrery::sim
