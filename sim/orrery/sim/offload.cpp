// offload.cpp: offloaded work in the simulated world.
// A piece of work is an agent of its own. Its operation `finish` is enabled from its start on: when it is chosen, the
// function runs, so others may have acted since the actor handed it over. A function that tells, asks or waits has further
// operations, as a handler has, and keeps its fiber meanwhile. When it has returned, its actor is woken; that this goes on
// is a `resume` like any other.
#include "orrery/core/check.hpp"
#include "orrery/sim/engine.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace orrery::sim {

void Work::wake() noexcept { engine.wake_work(*this); }

Work* Engine::acting_work() const noexcept {
  return running_ && acting_->is_work && execution_.cell == nullptr ? static_cast<Work*>(acting_) : nullptr;
}

std::string Engine::offloading() const {
  const Work* const work = acting_work();
  return work == nullptr ? std::string{} : agents_.path_of(work->owner);
}

Waiter& Engine::waiter() {
  if (Work* const work = acting_work()) return *work;
  return test_waiter_;
}

void Engine::offload(std::shared_ptr<Job> job) {
  if (tearing_down_) return;  // it is dropped: its actor does not live to see the outcome
  is_work_about_ = true;
  Agent& owner = agent(job->owner());
  Work& work = *works_.emplace_back(std::make_unique<Work>(*this, owner));
  const std::uint32_t number = offloads_[owner.index]++;
  agents_.adopt(work, fmt::format("{}/offload#{}", agents_.path_of(owner), number));
  release_to(job.get());
  work.job = std::move(job);
  work.op.kind = OpKind::finish;
  work.op.object = &owner;
  work.op.ordinal = number;
  if (is_watched_) strategy_.spawned(work, *acting_);
  enabled_.add(work.op);
}

void Engine::run_work(Work& work) {
  const std::shared_ptr<Job> job = std::exchange(work.job, nullptr);
  if (tearing_down_) return;  // what it would touch may be gone
  ++steps_;
  note(EventKind::finish, work, work.owner.path_hash, 0);
  const std::size_t event = events_.size();
  if (options_.record_events) {
    const std::string owner = agents_.path_of(work.owner);
    Event& told = record(EventKind::finish, owner, owner, "offloaded work");
    told.file = job->where().file_name();
    told.line = job->where().line();
  }
  acquire_from(job.get());
  UserScope user_code;
  user_code.begin(nullptr);
  job->run();
  user_code.end();
  if constexpr (has_race_scopes) release_to(runtime_->living_cell(job->owner()));
  if (tearing_down_) return;
  const bool has_thrown = job->has_thrown();
  note(EventKind::finish, work, work.owner.path_hash, has_thrown ? 2 : 1);
  if (options_.record_events && has_thrown) events_[event].reply = "threw";
  check_invariants();
}

/// The function waits, as a foreign thread does: for an ask, a place, an instant.
void Engine::block_work(Work& work, Wait& wait) {
  while (!wait.ready()) {
    if (tearing_down_) throw Unwind{};
    work.wait = &wait;
    work.op.fiber = execution_.fiber;
    to_loop(*work.op.fiber, nullptr, nullptr);
    work.wait = nullptr;
    ++work.resumes;
  }
}

void Engine::wake_work(Work& work) noexcept {
  if (work.wait == nullptr || work.op.enabled || !(tearing_down_ || work.wait->ready())) return;
  work.op.kind = OpKind::resume;
  work.op.object = &work;
  if (is_watched_ && !tearing_down_) strategy_.wakes(*acting_, work);
  enabled_.add(work.op);
}

/// The run ends: functions that wait are unwound.
void Engine::release_works() {
  for (const auto& work : works_) wake_work(*work);
}

/// In the order of their names: which of them was handed over first is no part of what they wait for.
std::vector<std::string> Engine::describe_waiting_works() const {
  std::vector<std::string> texts;
  for (const auto& work : works_) {
    if (work->wait != nullptr) texts.push_back(describe_wait(agents_.path_of(*work), *work->wait));
  }
  std::ranges::sort(texts);
  return texts;
}

// ---- who sent what ------------------------------------------------------------------------------------------------
// Mail from offloaded work has no sender that its receiver could answer. The story names the work all the same.

void Engine::remember_sender(const Envelope& envelope) {
  if (envelope.sender.is_set()) return;
  if (acting_->is_work) {
    sent_by_work_[&envelope] = acting_;
  } else {
    sent_by_work_.erase(&envelope);  // of a message that was here before
  }
}

Agent& Engine::outside_sender(const Envelope& envelope) const {
  const auto at = sent_by_work_.find(&envelope);
  return at == sent_by_work_.end() ? agents_.test() : *at->second;
}

}  // namespace orrery::sim
