// engine.cpp: operations and choices. Time is in time.cpp; what is observed of them in observe.cpp and findings.cpp.
#include "orrery/sim/engine.hpp"

#include "orrery/core/check.hpp"
#include "orrery/fiber/fiber.hpp"
#include "orrery/fiber/switch.hpp"
#include "orrery/sim/dependence.hpp"
#include "orrery/sim/loop_fibers.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <exception>

namespace orrery::sim {

namespace {

thread_local Engine* active_engine = nullptr;

void describe_run(void* user, std::string& out) {
  const auto& engine = *static_cast<Engine*>(user);
  out += fmt::format("in a simulation: step {}, operation {}", engine.steps(), engine.operations());
}

}  // namespace

Engine::Engine(Strategy& strategy, RunOptions options)
    : Tables{SpareTables::take()}, strategy_{strategy}, is_watched_{strategy.watches()}, options_{options} {
  agents_.add_test();
  acting_ = &agents_.test();
}

Engine::~Engine() {
  ORRERY_CHECK(runtime_ == nullptr, "an engine is detached before it is destroyed");
  SpareTables::give(std::move(*this));
}

void Engine::attach(Runtime& runtime) {
  ORRERY_CHECK(active_engine == nullptr, "one simulation at a time on a thread");
  active_engine = this;
  runtime_ = &runtime;
  fibers_ = &LoopFibers::of_this_thread();
  if (options_.find_races) fibers_ = &races_.separate(*fibers_);
  previous_slot_ = fiber::thread_slot();
  execution_.runtime = &runtime;
  execution_.pool = &BlockPool::local();
  execution_.fiber = &fibers_->main();
  fiber::set_thread_slot(&execution_);
  set_check_context(&describe_run, this);
  plan_faults();
  guard_.enter();
}

void Engine::detach() {
  guard_.leave();
  if (parked_loop_ != nullptr) fibers_->put(std::exchange(parked_loop_, nullptr));
  if (races_.is_on()) {
    end_fibers();
    races_.join();
  }
  set_check_context(nullptr, nullptr);
  fiber::set_thread_slot(previous_slot_);
  active_engine = nullptr;
  runtime_ = nullptr;
}

// ---- the loop -------------------------------------------------------------------------------------------------------

void Engine::loop(void*) {
  begin_in_runtime();
  while (!active_engine->races_.is_ending()) active_engine->loop_once();
  fiber::Fiber& self = *active_engine->execution_.fiber;
  fiber::Fiber& main = active_engine->fibers_->main();
  end_in_runtime();
  fiber::switch_to(self, main, nullptr, nullptr, fiber::SwitchOrder::unordered);
}

/// Lets every fiber of a run with separate actors come to its end: the tool wants that before it destroys one.
void Engine::end_fibers() {
  [[maybe_unused]] const RuntimeScope inside;
  races_.begin_to_end();
  while (fiber::Fiber* const one = fibers_->take_any()) {
    execution_.fiber = one;
    fiber::switch_to(fibers_->main(), *one, nullptr, nullptr, races_.order());
    fiber::destroy(one);
  }
  execution_.fiber = &fibers_->main();
}

void Engine::loop_once() {
  Op* const op = forced_ != nullptr ? std::exchange(forced_, nullptr) : hand_over_ ? nullptr : next();
  if (op != nullptr) {
    execute(*op);
    return;
  }
  fiber::Fiber& self = *execution_.fiber;
  parked_loop_ = &self;
  execution_.fiber = &fibers_->main();
  fiber::switch_to(self, fibers_->main(), nullptr, nullptr, races_.order());
}

/// Where actors are separated (races.hpp): goes on with `op` on its agent's own fiber.    Returns: false when this is it.
bool Engine::goes_home(Op& op) {
  if (!races_.is_on()) return false;
  fiber::Fiber* const home = races_.home_of(*op.agent, &Engine::loop);
  if (home == execution_.fiber) return false;
  forced_ = &op;
  switch_into(*home);
  return true;
}

bool Engine::drive(Horizon horizon, Instant until, const std::function<bool()>& done) {
  [[maybe_unused]] const RuntimeScope inside;
  ORRERY_CHECK(!running_, "the world runs already: run() and ask() belong to the body of the test");
  learn_what_is_watched();
  stop_if_over();
  horizon_ = horizon;
  until_ = until;
  done_ = done ? &done : nullptr;
  done_held_ = false;
  look_up_at_ = 0;
  run_loop();
  done_ = nullptr;
  stop_if_over();
  return done_held_;
}

void Engine::stop_if_over() {
  if (!tearing_down_ && (finding_ || rerun_unreduced_ || is_pruned_)) tear_down();
  if (tearing_down_) throw RunStopped{};
}

/// Hands the thread to the loop until it hands it back.
void Engine::run_loop() {
  hand_over_ = false;
  running_ = true;
  fiber::Fiber* const target =
      parked_loop_ != nullptr ? std::exchange(parked_loop_, nullptr) : fibers_->take(&Engine::loop);
  execution_.fiber = target;
  fiber::switch_to(fibers_->main(), *target, nullptr, nullptr, races_.order());
  running_ = false;
  acting_ = &agents_.test();
}

/// Parks `from` and lets the loop go on, on another fiber.
void Engine::to_loop(fiber::Fiber& from, void (*after)(void*), void* argument) {
  fiber::Fiber* const next_loop = fibers_->take(&Engine::loop);
  execution_.fiber = next_loop;
  fiber::switch_to(from, *next_loop, after, argument, races_.order());
}

/// Continues `target` in place of the calling loop, whose fiber is free from then on.
void Engine::switch_into(fiber::Fiber& target) {
  fiber::Fiber& self = *execution_.fiber;
  execution_.fiber = &target;
  fibers_->put(&self);  // one thread: nobody takes it before the switch below is complete
  fiber::switch_to(self, target, nullptr, nullptr, races_.order());
}

void Engine::execute(Op& op) {
  acting_ = op.agent;
  if (op.fiber != nullptr) return switch_into(*op.fiber);  // it stands in mid-handler
  switch (op.kind) {
    case OpKind::resume:
      if (op.agent == &agents_.test()) {  // its wait is over
        ++op.agent->resumes;
        hand_over_ = true;
        return;
      }
      [[fallthrough]];
    case OpKind::take: {
      if (op.kind == OpKind::take && goes_home(op)) return;  // who resumes has its stack
      Cell& cell = *runtime_->cell_at(op.agent->handle.slot);
      if (runtime_->run(execution_, cell, 1)) schedule(cell);
      return;
    }
    case OpKind::fire:
      return fire(static_cast<FireOp&>(op));
    case OpKind::deliver:
      return deliver_next(static_cast<Carrier&>(*op.agent));
    case OpKind::enqueue:
    case OpKind::signal:
    case OpKind::reply:
    case OpKind::exit:
    case OpKind::look:
    case OpKind::restart:
    case OpKind::name:
      ORRERY_CHECK(false, "an operation in mid-handler has a fiber");
      return;
    case OpKind::finish:
      if (goes_home(op)) return;
      return run_work(static_cast<Work&>(*op.agent));
  }
}

/// Returns: whether the run is over, or done() has come to hold.
bool Engine::must_stop() {
  look_up_at_ = 0;
  if (tearing_down_) return false;
  if (finding_ || rerun_unreduced_ || is_pruned_) return true;
  if (operations_ >= options_.operations_max) {
    report_finding({.kind = FindingKind::no_progress,
                    .name = "operation budget",
                    .detail = fmt::format("{} operations and no end; last handled: {}", operations_, last_handled()),
                    .file = {}});
    return true;
  }
  if (done_ != nullptr) {
    done_held_ = evaluate("run_until", *done_).value_or(false);
    return done_held_ || finding_;
  }
  if (!options_.record_events) look_up_at_ = std::min(options_.operations_max, jumped_at_ + busy_max - 1);
  return false;
}

/// What follows from an operation apart from its effect.
void Engine::account_for(const Op& op) {
  if (options_.record_events) {
    executed_keys_.push_back(sim::key_of(op));
    note_rivals();
  }
  if (operations_ - jumped_at_ >= busy_max && (horizon_ != Horizon::time || now_ < until_)) {
    jump_to(now_ + std::chrono::milliseconds{1});  // S4
  }
}

/// Takes one of the enabled operations. Pre: there is one.
inline Op& Engine::pick() {
  const std::uint64_t count = enabled_.size();
  const std::uint64_t index =
      count == 1 || tearing_down_ ? 0 : decide({.kind = DecisionKind::schedule, .count = count, .enabled = &enabled_});
  Op& op = enabled_.option(index);
  enabled_.remove(op);
  chosen_at_ = operations_;
  if (is_watched_ && !tearing_down_) tell_executed(op);
  return op;
}

void Engine::tell_executed(const Op& op) {
  strategy_.executed(op);
  if (!strategy_.gives_up()) return;
  is_pruned_ = true;
  look_up_at_ = 0;
}

Op* Engine::next() {
  while (true) {
    if (operations_ >= look_up_at_ && must_stop()) return nullptr;
    Op* op = nullptr;
    if (!at_once_.empty()) {
      op = at_once_.pop();
      Agent& who = *op->agent;
      const bool is_of_an_actor = who.handle.is_set() && !who.is_work;
      if (is_of_an_actor && !tearing_down_ && !still_may_hurry(*op)) {
        enabled_.add(*op);  // something has been done to it since
        continue;
      }
      who.hurried_in = period_;
      if (is_watched_ && !tearing_down_) strategy_.hurried(*op);
    } else if (enabled_.empty()) {
      ++period_;
      if (!advance_time()) return nullptr;
      continue;
    } else if (operations_ - jumped_at_ >= busy_max && horizon_ == Horizon::time && now_ >= until_ && !tearing_down_) {
      return nullptr;  // busy for ever, but the time is over (S4)
    } else {
      if (operations_ >= strike_at_) {
        strike();
        if (enabled_.empty()) continue;  // the only one who could act is slow
      }
      op = &pick();
    }
    if (tearing_down_) return op;
    if (++operations_ >= look_up_at_) account_for(*op);
    return op;
  }
}

/// The acting agent is about to do something visible: others may go first.
void Engine::synchronise(Agent& agent, OpKind kind, Agent& object, std::uint64_t detail, std::uint32_t ordinal) {
  if (!running_) return;  // the test body runs alone
  if (tearing_down_) return act_at_end(agent);
  if (agent.op.kind == OpKind::deliver) return;  // what follows from a delivery happens with it
  Op& op = agent.op;
  ORRERY_CHECK(!op.enabled, "{} has two pending operations", agents_.path_of(agent));
  op.kind = kind;
  op.object = &object;
  op.detail = detail;
  op.ordinal = ordinal;
  op.fiber = execution_.fiber;
  enabled_.add(op);
  Op* chosen = nullptr;
  if (at_once_.empty() && operations_ + 1 < look_up_at_ && operations_ < strike_at_)
      [[likely]] {  // all that next() would do now
    chosen = &pick();
    ++operations_;
  } else {
    chosen = next();
  }
  if (chosen == &op) return;
  Cell* const cell = std::exchange(execution_.cell, nullptr);
  Envelope* const message = execution_.message;
  execution_.message = nullptr;
  const std::uint32_t runtime_index = std::exchange(execution_.runtime_index, runtime_->index());
  if (chosen != nullptr && chosen->fiber != nullptr) {  // somebody else in mid-handler: straight to him
    acting_ = chosen->agent;
    execution_.fiber = chosen->fiber;
    fiber::switch_to(*op.fiber, *chosen->fiber, nullptr, nullptr, races_.order());
  } else {
    forced_ = chosen;
    hand_over_ = chosen == nullptr;
    to_loop(*op.fiber, nullptr, nullptr);
  }
  execution_.cell = cell;
  execution_.message = message;
  execution_.runtime_index = runtime_index;
}

/// A visible act of a handler, or of offloaded work, whose run is over. It goes on for a little, because this may be a destructor, which must not
/// throw.
void Engine::act_at_end(Agent& agent) {
  Cell* const cell = execution_.cell;
  if (cell == nullptr ? !agent.is_work : cell->ending == Cell::Ending::unwinding) return;
  if (std::uncaught_exceptions() > 0 || ++agent.acts_at_end < acts_at_end_max) return;
  if (cell != nullptr) {
    cell->ending = Cell::Ending::unwinding;
    cell->killed = true;
  }
  throw Unwind{};
}

// ---- choices ----------------------------------------------------------------------------------------------------------

// What is done at once, without a choice: an operation that nobody else can observe and that observes nothing which
// others change, so that it may as well happen before everything that is enabled. That is: the take of an unbounded
// mailbox with one lane (its message is the oldest whatever others do) and the resumption of a wait that is over.
// Others could observe one after all when
//   - a stall could come between (time is read in private, also by arming a timer), or a due timer competes, which the
//     handler could cancel;
//   - an actor or the test stops or kills the actor, or sends it mail of another priority: that overtakes its mail;
//   - its supervisor looks whether it is down, which is no operation: so a supervised actor never hurries;
//   - an invariant, a `sometimes`, a run_until or the body of the test looks at its state in the middle of the run.
// The first is known beforehand. The others show when they happen: order_matters() then makes the actor's further
// operations choices, and if one was hurried since the world last stood still, the run is made again with every choice.
// A handler can also settle an ask, end its actor or bring it back: these are operations of their own, with a choice.
// tests/sim/reductions_test.cpp compares the outcomes of random programs with and without.
bool Engine::may_hurry(const Agent& who) const {
  return options_.reduce && !may_strike() && due_.empty() && !who.order_matters;
}

bool Engine::take_may_hurry(const Agent& who, const Cell& cell) const {
  if (!may_hurry(who) || cell.uses_priorities.load(std::memory_order_relaxed) ||
      cell.signals.load(std::memory_order_relaxed) != nullptr || cell.ending != Cell::Ending::none) {
    return false;
  }
  BoundedMailbox* const bounded = cell.bounded.load(std::memory_order_relaxed);
  if (!may_run_on()) return bounded == nullptr && !cell.is(Cell::is_supervised);
  return bounded == nullptr || bounded->counts().depth + roomy <= bounded->capacity();
}

bool Engine::resume_may_hurry(const Agent& who, const Cell& cell) const {
  return may_hurry(who) && (!cell.is(Cell::is_supervised) || may_run_on());
}

bool Engine::still_may_hurry(const Op& op) const {
  const Cell& cell = *runtime_->cell_at(op.agent->handle.slot);
  return op.kind == OpKind::take ? take_may_hurry(*op.agent, cell) : resume_may_hurry(*op.agent, cell);
}

/// A send that nobody can tell from one at another time:
///   - into a channel: what others can observe is its delivery. Only the sender sees whether the target is known to be
///     gone, which shows when the target ends: exited() then makes the run again if a send was hurried.
///   - with Grain::coarse, to an actor that nobody else has sent to so far.
bool Engine::send_may_hurry(Handle target, Agent& to) {
  if (!options_.reduce || tearing_down_ || operations_ + 1 >= options_.operations_max) return false;
  if (is_reached_by_channel(target)) {
    if (to.order_matters) return false;
    to.hurried_in = period_;
    return true;
  }
  if (!may_run_on() || &to == acting_) return false;
  if (only_sender_.size() <= to.index) only_sender_.resize(to.index + 1);
  std::uint32_t& only = only_sender_[to.index];
  if (only == 0) only = acting_->index + 1;
  return only == acting_->index + 1;
}

void Engine::order_matters(Agent& who) {
  if (tearing_down_ || who.order_matters) return;
  who.order_matters = true;
  if (options_.reduce && who.hurried_in == period_) rerun_without_reductions();
}

// ---- World ------------------------------------------------------------------------------------------------------------

void Engine::schedule(Cell& cell) {
  Agent& who = agents_.in_slot(cell.slot);
  bool at_once = tearing_down_;
  if (cell.wait == nullptr) {
    who.op.kind = OpKind::take;
    at_once = at_once || take_may_hurry(who, cell);
  } else {
    const bool goes_on = cell.wait->ready() || cell.signals.load(std::memory_order_relaxed) != nullptr ||
                         cell.ending == Cell::Ending::requested;
    if (!goes_on) {
      cell.attention.about_to_look();
      runtime_->parked(cell);
      return;
    }
    who.op.kind = OpKind::resume;
    at_once = at_once || resume_may_hurry(who, cell);
  }
  who.op.object = &who;
  who.op.fiber = nullptr;
  if (is_watched_ && !tearing_down_ && acting_ != &who) strategy_.wakes(*acting_, who);
  if (at_once) {
    at_once_.push(&who.op);
  } else {
    enabled_.add(who.op);
  }
}

void Engine::suspend(Cell& cell) {
  cell.wait->fiber = execution_.fiber;
  struct Parked {
    Engine* engine;
    Cell* cell;
  } what{this, &cell};  // on the parked stack, read right after the switch
  to_loop(
      *cell.wait->fiber,
      [](void* argument) {
        const Parked parked = *static_cast<Parked*>(argument);
        parked.engine->runtime_->parked(*parked.cell);
      },
      &what);
}

void Engine::continue_handler(Cell& cell) { switch_into(*std::exchange(cell.wait->fiber, nullptr)); }

void Engine::block(Wait& wait) {
  if (Work* const work = acting_work()) return block_work(*work, wait);
  await(wait, Instant::max());
  if (wait.ready()) return;
  find_stuck(&wait);
  stop_if_over();
}

void Engine::await(Wait& wait, Instant until) {
  test_wait_ = &wait;
  drive(until == Instant::max() ? Horizon::forever : Horizon::time, until, {});
  test_wait_ = nullptr;
}

void Engine::wake_test() noexcept {
  Op& op = agents_.test().op;
  if (test_wait_ == nullptr || op.enabled || !test_wait_->ready()) return;
  op.kind = OpKind::resume;
  op.object = op.agent;
  op.fiber = nullptr;
  if (is_watched_) strategy_.wakes(*acting_, *op.agent);
  enabled_.add(op);
}

std::uint64_t Engine::draw(std::uint64_t stream, std::uint64_t counter, std::uint64_t limit) {
  if (limit == 1) return 0;
  if (tearing_down_) return 0;
  const std::uint64_t value =
      decide({.kind = DecisionKind::draw, .count = limit, .stream = stream, .counter = counter});
  note(EventKind::draw, *acting_, stream, value);
  return value;
}

// ---- the end ----------------------------------------------------------------------------------------------------------

void Engine::tear_down() {
  [[maybe_unused]] const RuntimeScope inside;
  if (is_watched_ && !tearing_down_ && !is_pruned_ && !rerun_unreduced_) {
    at_once_.for_each([&](const Op* op) { strategy_.cut_off(*op); });
    for (std::uint64_t i = 0; i < enabled_.size(); ++i) strategy_.cut_off(enabled_.option(i));
  }
  tearing_down_ = true;
  look_up_at_ = 0;
  strike_at_ = never;
  end_pauses();
  test_wait_ = nullptr;
  if (Op& op = agents_.test().op; op.enabled) enabled_.remove(op);
  runtime_->refuse_spawns();
  runtime_->dead_letters().close();
  // Everything that is enabled happens now, oldest first. Handlers that wait are unwound; one that stands before a
  // visible act goes on to its next wait, or to the last of a few acts.
  const auto kill_all = [&] {
    runtime_->for_each_cell([&](Cell& cell) {
      if (cell.life == Cell::Life::living && cell.ending != Cell::Ending::unwinding) {
        // Who is idle ends here and now, unless others are to end before him.
        if (at_once_.empty() && runtime_->end_idle(cell)) return;
        (void)runtime_->signal(cell.handle(), Signal::kill, ExitReason::killed(), {});
      } else if (cell.life == Cell::Life::down) {
        // Down for the body of the test, which waits for its start: nobody else will bury it.
        const BondPtr bond = cell.extras->bond;
        if (bond->thread != nullptr && bond->let_go()) runtime_->bury(*bond);
      }
    });
    release_works();
  };
  kill_all();
  for (int round = 0; runtime_->living() > 0 || !at_once_.empty() || !enabled_.empty(); ++round) {
    ORRERY_CHECK(round < 1'000, "{} actors do not end", runtime_->living());
    run_loop();
    kill_all();
  }
  while (!timers_.empty()) cancel(timers_.first());
}

}  // namespace orrery::sim
