// engine.cpp: operations, choices and time. What is observed of them (trace, findings) is in observe.cpp.
#include "orrery/sim/engine.hpp"

#include "orrery/core/check.hpp"
#include "orrery/fiber/fiber.hpp"
#include "orrery/fiber/switch.hpp"
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

Engine::Engine(Strategy& strategy, RunOptions options) : strategy_{strategy}, options_{options} {
  agents_.push_back(std::make_unique<Agent>());
  agents_[test_agent]->path = "test";
  agents_[test_agent]->path_hash = hash_text("test");
}

Engine::~Engine() { ORRERY_CHECK(runtime_ == nullptr, "an engine is detached before it is destroyed"); }

void Engine::attach(Runtime& runtime) {
  ORRERY_CHECK(active_engine == nullptr, "one simulation at a time on a thread");
  active_engine = this;
  runtime_ = &runtime;
  main_ = &LoopFibers::of_this_thread().main();
  previous_slot_ = fiber::thread_slot();
  execution_.runtime = &runtime;
  execution_.pool = &BlockPool::local();
  execution_.fiber = main_;
  fiber::set_thread_slot(&execution_);
  set_check_context(&describe_run, this);
  plan_stalls();
}

void Engine::detach() {
  if (parked_loop_ != nullptr) LoopFibers::of_this_thread().put(std::exchange(parked_loop_, nullptr));
  set_check_context(nullptr, nullptr);
  fiber::set_thread_slot(previous_slot_);
  active_engine = nullptr;
  runtime_ = nullptr;
}

// ---- the loop -------------------------------------------------------------------------------------------------------

void Engine::loop(void*) {
  while (true) active_engine->loop_once();
}

void Engine::loop_once() {
  Op* const op = forced_ != nullptr ? std::exchange(forced_, nullptr) : hand_over_ ? nullptr : next();
  if (op != nullptr) {
    execute(*op);
    return;
  }
  fiber::Fiber& self = *execution_.fiber;
  parked_loop_ = &self;
  execution_.fiber = main_;
  fiber::switch_to(self, *main_);
}

bool Engine::drive(Horizon horizon, Instant until, const std::function<bool()>& done) {
  ORRERY_CHECK(!running_, "the world runs already: run() and ask() belong to the body of the test");
  learn_what_is_watched();
  stop_if_over();
  horizon_ = horizon;
  until_ = until;
  done_ = done ? &done : nullptr;
  done_held_ = false;
  run_loop();
  done_ = nullptr;
  stop_if_over();
  return done_held_;
}

void Engine::stop_if_over() {
  if (!tearing_down_ && (finding_ || rerun_unreduced_)) tear_down();
  if (tearing_down_) throw RunStopped{};
}

/// Hands the thread to the loop until it hands it back.
void Engine::run_loop() {
  hand_over_ = false;
  running_ = true;
  fiber::Fiber* const target =
      parked_loop_ != nullptr ? std::exchange(parked_loop_, nullptr) : LoopFibers::of_this_thread().take(&Engine::loop);
  execution_.fiber = target;
  fiber::switch_to(*main_, *target);
  running_ = false;
  acting_ = test_agent;
}

/// Parks `from` and lets the loop go on, on another fiber.
void Engine::to_loop(fiber::Fiber& from, void (*after)(void*), void* argument) {
  fiber::Fiber* const next_loop = LoopFibers::of_this_thread().take(&Engine::loop);
  execution_.fiber = next_loop;
  fiber::switch_to(from, *next_loop, after, argument);
}

/// Continues `target` in place of the calling loop, whose fiber is free from then on.
void Engine::switch_into(fiber::Fiber& target) {
  fiber::Fiber& self = *execution_.fiber;
  execution_.fiber = &target;
  LoopFibers::of_this_thread().put(&self);  // one thread: nobody takes it before the switch below is complete
  fiber::switch_to(self, target);
}

void Engine::execute(Op& op) {
  acting_ = op.agent;
  if (&op == &agents_[test_agent]->op) {  // its wait is over
    ++agents_[test_agent]->resumes;
    hand_over_ = true;
    return;
  }
  switch (op.kind) {
    case OpKind::take:
    case OpKind::resume: {
      Cell& cell = *runtime_->cell_at(agents_[op.agent]->handle.slot);
      if (runtime_->run(cell, 1)) schedule(cell);
      return;
    }
    case OpKind::fire: {
      Timer& timer = *op.timer;
      std::erase(due_, &op);
      free_fire_ops_.push_back(&op);
      note(EventKind::fire, *agents_[op.object], op.detail, op.ordinal);
      if (options_.record_events) {
        record(EventKind::fire, "clock", agents_[op.object]->path, std::string{purpose_name(timer.purpose)});
      }
      timer.sequence = 0;
      timer.fire();
      if (due_.empty()) release_due_timers();
      return;
    }
    case OpKind::deliver: {
      Agent& carrier = *agents_[op.agent];
      const Carried what = carrier.carried.front();
      carrier.carried.pop_front();
      if (!carrier.carried.empty()) enable(op);
      if (what.signal != nullptr) {
        runtime_->deliver_signal(what.target, *what.signal);
      } else {
        runtime_->deliver(what.target, what.envelope);
      }
      return;
    }
    case OpKind::enqueue:
    case OpKind::signal:
    case OpKind::reply:
    case OpKind::exit:
    case OpKind::look:
    case OpKind::restart:
    case OpKind::name:
      switch_into(*op.fiber);
      return;
  }
}

Engine::Op* Engine::next() {
  while (true) {
    if (!tearing_down_) {
      if (finding_ || rerun_unreduced_) return nullptr;
      if (operations_ >= options_.operations_max) {
        report_finding({.kind = FindingKind::no_progress,
                        .name = "operation budget",
                        .detail = fmt::format("{} operations and no end; last handled: {}", operations_, last_handled_),
                        .file = {}});
        return nullptr;
      }
    }
    if (done_ != nullptr && !tearing_down_) {
      done_held_ = evaluate("run_until", *done_).value_or(false);
      if (done_held_ || finding_) return nullptr;
    }
    Op* op = nullptr;
    if (!at_once_.empty()) {
      op = at_once_.front();
      at_once_.pop_front();
      Agent& who = *agents_[op->agent];
      if (op->kind == OpKind::take && !tearing_down_ && !take_may_hurry(*runtime_->cell_at(who.handle.slot))) {
        enable(*op);  // the body of the test has done something to it since
        continue;
      }
      who.hurried_in = period_;
    } else if (enabled_.empty()) {
      ++period_;
      if (!advance_time()) return nullptr;
      continue;
    } else if (horizon_ == Horizon::time && !tearing_down_ && since_jump_ >= 1'000 && now_ >= until_) {
      return nullptr;  // busy for ever, but the time is over (S4)
    } else {
      maybe_stall();
      const std::uint64_t count = enabled_.size();
      const std::uint64_t index =
          count == 1 || tearing_down_ ? 0 : decide({.kind = DecisionKind::schedule, .count = count, .keys = this});
      op = &option(index);
      disable(*op);
    }
    if (tearing_down_) return op;
    ++operations_;
    if (options_.record_events) executed_keys_.push_back(key_of(*op));
    if (++since_jump_ >= 1'000 && (horizon_ != Horizon::time || now_ < until_)) {
      jump_to(now_ + std::chrono::milliseconds{1});  // S4
    }
    return op;
  }
}

/// The acting agent is about to do something visible: others may go first.
void Engine::synchronise(std::uint32_t agent, OpKind kind, std::uint32_t object, std::uint64_t detail,
                         std::uint32_t ordinal) {
  if (!running_) return;  // the test body runs alone
  if (tearing_down_) {
    Cell* const cell = execution_.cell;
    if (cell == nullptr || cell->ending == Cell::Ending::unwinding || std::uncaught_exceptions() > 0) return;
    // It goes on for a little, because this may be a destructor, which must not throw.
    if (++agents_[agent]->acts_at_end < acts_at_end_max) return;
    cell->ending = Cell::Ending::unwinding;
    cell->killed = true;
    throw Unwind{};
  }
  Op& op = agents_[agent]->op;
  ORRERY_CHECK(!op.enabled, "{} has two pending operations", agents_[agent]->path);
  op.kind = kind;
  op.agent = agent;
  op.object = object;
  op.detail = detail;
  op.ordinal = ordinal;
  op.fiber = nullptr;
  enable(op);
  Op* const chosen = next();
  if (chosen == &op) return;
  forced_ = chosen;
  hand_over_ = chosen == nullptr;
  Cell* const cell = execution_.cell;
  Envelope* const message = execution_.message;
  execution_.cell = nullptr;
  execution_.message = nullptr;
  op.fiber = execution_.fiber;
  to_loop(*op.fiber, nullptr, nullptr);
  execution_.cell = cell;
  execution_.message = message;
}

// ---- enabled operations ---------------------------------------------------------------------------------------------

void Engine::enable(Op& op) {
  ORRERY_CHECK(!op.enabled);
  op.enabled = true;
  op.dense = static_cast<std::uint32_t>(enabled_.size());
  enabled_.push_back(&op);
  op.older = newest_;
  op.newer = nullptr;
  (newest_ == nullptr ? oldest_ : newest_->newer) = &op;
  newest_ = &op;
}

void Engine::disable(Op& op) {
  op.enabled = false;
  Op* const last = enabled_.back();
  enabled_[op.dense] = last;
  last->dense = op.dense;
  enabled_.pop_back();
  (op.older == nullptr ? oldest_ : op.older->newer) = op.newer;
  (op.newer == nullptr ? newest_ : op.newer->older) = op.older;
}

/// Option 0 is the operation enabled longest (S3), the others follow in the dense order without it.
Engine::Op& Engine::option(std::uint64_t index) const {
  if (index == 0) return *oldest_;
  return *enabled_[index - 1 < oldest_->dense ? index - 1 : index];
}

std::uint64_t Engine::key(std::uint64_t index) const { return key_of(option(index)); }

std::uint64_t Engine::key_of(const Op& op) const {
  TraceHasher hasher;
  hasher.add(static_cast<std::uint64_t>(op.kind));
  hasher.add(agents_[op.agent]->path_hash);
  switch (op.kind) {
    case OpKind::take:
      hasher.add(agents_[op.agent]->takes);
      break;
    case OpKind::resume:
      hasher.add(agents_[op.agent]->resumes);
      break;
    default:
      hasher.add(agents_[op.object]->path_hash);
      hasher.add(op.detail);
      hasher.add(op.ordinal);
      break;
  }
  return hasher.value().lo;
}

std::uint64_t Engine::decide(const Point& point) {
  const std::uint64_t index = strategy_.choose(point);
  ORRERY_CHECK(point.count == 0 || index < point.count);
  decisions_.push_back({point.kind, point.count, index});
  return index;
}

// What is done at once, without a choice: an operation that nobody else can observe and that observes nothing which
// others change, so that it may as well happen before everything that is enabled. That is: the take of an unbounded
// mailbox with one lane (its message is the oldest whatever others do) and the resumption of a wait that is over.
// Others could observe one after all when
//   - a stall could come between (time is read in private, also by arming a timer), or a due timer competes, which the
//     handler could cancel;
//   - an actor or the test stops or kills the actor, or sends it mail of another priority: that overtakes its mail;
//   - an invariant, a `sometimes`, a run_until or the body of the test looks at its state in the middle of the run.
// The first is known beforehand. The others show when they happen: order_matters() then makes the actor's further
// operations choices, and if one was hurried since the world last stood still, the run is made again with every choice.
// A handler can also settle an ask, end its actor or bring it back: these are operations of their own, with a choice.
// tests/sim/reductions_test.cpp compares the outcomes of random programs with and without.
bool Engine::may_hurry(const Agent& who) const {
  return options_.reduce && stalls_.empty() && due_.empty() && !who.order_matters;
}

bool Engine::take_may_hurry(const Cell& cell) const {
  return may_hurry(*agents_[agent_of_slot_[cell.slot]]) && cell.bounded.load(std::memory_order_relaxed) == nullptr &&
         !cell.uses_priorities.load(std::memory_order_relaxed) &&
         cell.signals.load(std::memory_order_relaxed) == nullptr && cell.ending == Cell::Ending::none;
}

void Engine::order_matters(Agent& who) {
  if (!options_.reduce || tearing_down_ || who.order_matters) return;
  who.order_matters = true;
  if (who.hurried_in == period_) rerun_unreduced_ = true;
}

// ---- World ------------------------------------------------------------------------------------------------------------

void Engine::schedule(Cell& cell) {
  const std::uint32_t index = agent_of_slot_[cell.slot];
  Op& op = agents_[index]->op;
  op.agent = op.object = index;
  op.fiber = nullptr;
  if (cell.wait != nullptr) {
    const bool goes_on = cell.wait->ready() || cell.signals.load(std::memory_order_relaxed) != nullptr ||
                         cell.ending == Cell::Ending::requested;
    if (!goes_on) {
      cell.attention.fetch_and(~Cell::notified, std::memory_order_relaxed);
      runtime_->parked(cell);
      return;
    }
    op.kind = OpKind::resume;
    if (tearing_down_ || may_hurry(*agents_[index])) {
      at_once_.push_back(&op);
    } else {
      enable(op);
    }
    return;
  }
  op.kind = OpKind::take;
  if (tearing_down_ || take_may_hurry(cell)) {
    at_once_.push_back(&op);
  } else {
    enable(op);
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
  test_wait_ = &wait;
  drive(Horizon::forever, Instant::max(), {});
  test_wait_ = nullptr;
  if (wait.ready()) return;
  find_stuck(&wait);
  stop_if_over();
}

void Engine::wake_test() noexcept {
  Op& op = agents_[test_agent]->op;
  if (test_wait_ == nullptr || op.enabled || !test_wait_->ready()) return;
  op.kind = OpKind::resume;
  op.agent = op.object = test_agent;
  enable(op);
}

std::uint64_t Engine::draw(std::uint64_t stream, std::uint64_t counter, std::uint64_t limit) {
  if (limit == 1) return 0;
  if (tearing_down_) return 0;
  const std::uint64_t value =
      decide({.kind = DecisionKind::draw, .count = limit, .stream = stream, .counter = counter});
  note(EventKind::draw, *agents_[acting_], stream, value);
  return value;
}

// ---- time ---------------------------------------------------------------------------------------------------------------

namespace {
bool is_lasting(const Timer& timer) {
  return timer.due != Instant::max() && timer.purpose != Timer::Purpose::every &&
         timer.purpose != Timer::Purpose::receive_timeout;
}
}  // namespace

void Engine::arm(Timer& timer, Instant due) {
  ORRERY_CHECK(timer.sequence == 0, "the timer is armed already");
  timer.due = due;
  timer.sequence = ++timer_sequence_;
  timers_.insert(&timer);
  if (is_lasting(timer)) ++lasting_timers_;
}

bool Engine::cancel(Timer& timer) {
  if (timer.sequence == 0) return false;
  if (timers_.erase(&timer) == 1) {
    if (is_lasting(timer)) --lasting_timers_;
  } else {
    const auto at = std::ranges::find(due_, &timer, &Op::timer);
    ORRERY_CHECK(at != due_.end(), "an armed timer waits or is due");
    Op* const op = *at;
    disable(*op);
    due_.erase(at);
    free_fire_ops_.push_back(op);
    if (due_.empty()) release_due_timers();
  }
  timer.sequence = 0;
  return true;
}

bool Engine::advance_time() {
  const bool nothing_lasts = horizon_ == Horizon::quiescence && lasting_timers_ == 0;
  const bool nothing_due = timers_.empty() || (*timers_.begin())->due == Instant::max();
  if (tearing_down_ || nothing_lasts) return false;
  if (nothing_due || (horizon_ == Horizon::time && (*timers_.begin())->due > until_)) {
    if (horizon_ == Horizon::time) now_ = std::max(now_, until_);
    return false;
  }
  jump_to((*timers_.begin())->due);
  return true;
}

void Engine::jump_to(Instant instant) {
  now_ = std::max(now_, instant);
  since_jump_ = 0;
  release_due_timers();
}

/// Makes the timers of the earliest instant that has come compete with everything else: equal dues are unordered.
void Engine::release_due_timers() {
  if (!due_.empty() || timers_.empty() || (*timers_.begin())->due > now_) return;
  const Instant earliest = (*timers_.begin())->due;
  while (!timers_.empty() && (*timers_.begin())->due == earliest) {
    Timer& timer = **timers_.begin();
    timers_.erase(timers_.begin());
    if (is_lasting(timer)) --lasting_timers_;
    if (free_fire_ops_.empty()) {
      fire_ops_.push_back(std::make_unique<Op>());
      free_fire_ops_.push_back(fire_ops_.back().get());
    }
    Op& op = *free_fire_ops_.back();
    free_fire_ops_.pop_back();
    const std::uint32_t owner = timer.owner.is_set() ? agent_index(timer.owner) : test_agent;
    op.kind = OpKind::fire;
    op.agent = op.object = owner;
    op.detail = static_cast<std::uint64_t>(timer.purpose);
    op.ordinal = agents_[owner]->timers++;
    op.timer = &timer;
    op.fiber = nullptr;
    due_.push_back(&op);
    enable(op);
  }
}

void Engine::plan_stalls() {
  if (options_.faults != FaultProfile::local || options_.stalls_max <= 0) return;
  const std::uint64_t count =
      decide({.kind = DecisionKind::fault, .count = static_cast<std::uint64_t>(options_.stalls_max) + 1});
  for (std::uint64_t i = 0; i < count; ++i)
    stalls_.push_back(decide({.kind = DecisionKind::fault, .count = options_.stall_reach}));
  std::ranges::sort(stalls_, std::greater{});
}

/// The fault `stall`: a busy core lets time pass although work waits.
void Engine::maybe_stall() {
  if (stalls_.empty() || tearing_down_ || operations_ < stalls_.back()) return;
  if (timers_.empty() || !due_.empty()) return;
  const Instant due = (*timers_.begin())->due;
  if (horizon_ == Horizon::time && due > until_) return;  // time passes there when the test lets it
  stalls_.pop_back();
  if (due <= now_ || due - now_ > options_.stall_max) return;
  note(EventKind::stall, *agents_[test_agent], static_cast<std::uint64_t>((due - now_).count()), 0);
  if (options_.record_events) {
    record(EventKind::stall, "clock", "", format_duration(due - now_) + " passes while work waits");
  }
  jump_to(due);
}

// ---- the end ----------------------------------------------------------------------------------------------------------

void Engine::tear_down() {
  tearing_down_ = true;
  test_wait_ = nullptr;
  if (Op& op = agents_[test_agent]->op; op.enabled) disable(op);
  runtime_->refuse_spawns();
  // Everything that is enabled happens now, oldest first. Handlers that wait are unwound; one that stands before a
  // visible act goes on to its next wait, or to the last of a few acts.
  const auto kill_all = [&] {
    runtime_->for_each_cell([&](Cell& cell) {
      if (cell.life == Cell::Life::living && cell.ending != Cell::Ending::unwinding) {
        runtime_->signal_stop(cell.handle(), ExitReason::killed(), true);
      }
    });
  };
  kill_all();
  for (int round = 0; runtime_->living() > 0 || !at_once_.empty() || !enabled_.empty(); ++round) {
    ORRERY_CHECK(round < 1'000, "{} actors do not end", runtime_->living());
    run_loop();
    kill_all();
  }
  while (!timers_.empty()) cancel(**timers_.begin());
}

}  // namespace orrery::sim
