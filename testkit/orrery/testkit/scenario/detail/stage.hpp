// stage.hpp: a scenario's tree as real actors, and what its events do to them.
#pragma once
#include "orrery/supervision/supervisor.hpp"
#include "orrery/testkit/scenario/detail/stage_log.hpp"
#include "orrery/testkit/scenario/run.hpp"
#include "orrery/testkit/scenario/scenario.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace orrery::scenario::detail {

/// The clock of restarts, which only `advance` moves.
class StageClock final : public RestartClock {
 public:
  [[nodiscard]] Instant now() override {
    return Instant{} + std::chrono::seconds{seconds_.load(std::memory_order_relaxed)};
  }
  void advance(std::int64_t seconds) { seconds_.fetch_add(seconds, std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> seconds_{1'000'000};  // so that no window begins before the epoch
};

/// Holds supervisors back while a batch is queued.
struct Open {};
class Gate {
 public:
  void handle(MayResume message, Context& context) {
    if (!is_open_) context.stash(message);
  }
  void handle(Open, Context& context) {
    is_open_ = true;
    context.unstash_all();
  }

 private:
  bool is_open_ = false;
};

class Stage {
 public:
  /// `settle` lets everything come to rest; false: it did not.
  Stage(const Scenario& scenario, Runtime& runtime, std::function<bool()> settle, TraceOptions options);

  /// Runs the scenario. Returns: its trace.
  [[nodiscard]] std::string run();

 private:
  /// A call under way: gives its result once the supervisor has answered.
  using Answer = std::function<std::string()>;

  [[nodiscard]] SupervisorSpec tree_of(const Declaration& declared, const Part& part, bool has_children);
  /// `has_children`: of a supervisor: those that are declared for it. One that is added while the scenario runs has none.
  [[nodiscard]] ChildSpec child_of(const Declaration& declared, const std::string& id, const Part& parent,
                                   bool has_children);
  void start_root();

  void play(const Event& event);
  void play_batch(const Event& event, const Batch& batch);
  /// Does it, or queues it. Returns: how to get its result; empty for what has none.
  [[nodiscard]] Answer perform(const Action& action);
  [[nodiscard]] Answer at_once(std::string result) const {
    return [result = std::move(result)] { return result; };
  }
  template <class M, class Format>
  [[nodiscard]] Answer call(const std::string& supervisor, M message, Format format);
  [[nodiscard]] Answer signal(const std::string& target, const std::function<void(const Part&)>& send);

  void settle();
  void print_tree();
  [[nodiscard]] std::string draw(const Part& supervisor);
  [[nodiscard]] std::string list(WhichChildren::Reply children, bool are_instances, bool nested);
  [[nodiscard]] std::string name_of(const ActorId& actor);
  [[nodiscard]] std::string describe(const StartChild::Reply& reply);
  [[nodiscard]] bool is_alive(const std::string& id) { return log_->find_alive(id) != nullptr; }
  template <class A>
  [[nodiscard]] Ref<A> ref(const Part& part) const {
    return Ref<A>{runtime_.index(), part.actor.handle()};
  }

  const Scenario& scenario_;
  Runtime& runtime_;
  std::function<bool()> settle_;
  TraceOptions options_;
  std::shared_ptr<StageLog> log_ = std::make_shared<StageLog>();
  std::shared_ptr<StageClock> clock_ = std::make_shared<StageClock>();
  std::map<std::string, Declaration> templates_;    // by supervisor
  std::map<std::string, std::uint64_t> instances_;  // spawned so far, by template
  std::string out_;
  bool hangs_ = false;
};

}  // namespace orrery::scenario::detail
