// world.hpp: the simulated world as a test sees it.
//
//   orrery::sim::World& w   is a Runtime: spawn, tell, ask and stop work as in production, and wire(w) builds the system.
//   w.run();                executes until nothing is left to do, in virtual time.
//   w.always("...", [&] { return w.peek(alice).balance >= 0; });
//
// The body of the test is an agent of its own: until it waits (run, run_for, run_until, ask) it runs alone and nothing is
// delivered. A finding ends the run: the wait that it happened in does not return (it throws RunStopped, which is no
// std::exception; let it pass).
#pragma once
#include "orrery/actor.hpp"
#include "orrery/sim/engine.hpp"

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace orrery::sim {

namespace detail {
/// Built before, destroyed after the runtime that refers to it.
struct EngineHolder {
  EngineHolder(Strategy& strategy, RunOptions options) : engine{strategy, options} {}
  Engine engine;
};
}  // namespace detail

class World final : private detail::EngineHolder, public Runtime {
 public:
  explicit World(Strategy& strategy, RunOptions options = {});
  ~World() override;

  /// Executes until no operation is enabled and nothing is pending but periodic timers and receive timeouts.
  void run();
  /// Executes everything that falls within the next `duration` of virtual time; periodic timers fire.
  void run_for(Duration duration);
  /// Executes until `done` holds (looked at after every operation). Returns: false when the world came to rest first.
  bool run_until(const std::function<bool()>& done);

  /// Stops every actor, as System::shutdown does, in virtual time.
  ///
  /// Returns: the paths of those that have not ended within `deadline`; empty when all have.
  std::vector<std::string> shutdown(Duration deadline);

  /// Returns: the actor's state, for looking at. Inside an always or sometimes, an actor that is in the middle of a
  /// handler postpones the predicate; elsewhere that is an error.    Throws: std::logic_error when it has ended.
  template <class A>
  [[nodiscard]] const A& peek(const Ref<A>& ref) {
    const void* const actor = engine.peek(ref.handle(), &orrery::detail::actor_type<A>);
    if (actor == nullptr) throw std::logic_error{"peek: " + path_of(ref.handle()) + " has ended"};
    return *static_cast<const A*>(actor);
  }
  template <class A>
  [[nodiscard]] const A& peek(const Spawned<A>& spawned) {
    return peek(spawned.value());
  }
  template <NamesAnActor To>
  [[nodiscard]] bool is_living(const To& ref) const {
    const Cell* const cell = living_cell(ref.handle());
    return cell != nullptr && cell->life == Cell::Life::living;
  }

  /// A predicate that must hold whenever a handler has ended, and at the end of the run.
  void always(std::string name, std::function<bool()> holds,
              std::source_location where = std::source_location::current()) {
    engine.add_invariant(std::move(name), std::move(holds), where);
  }
  /// A predicate that should hold at some time in some run; the campaign reports it when it never did.
  void sometimes(std::string name, std::function<bool()> holds) {
    engine.add_sometimes(std::move(name), std::move(holds));
  }

  /// A predicate that must hold whenever the world has come to rest (run() has returned, or is about to): something that
  /// should happen at last. Judged there only; a run that never rests is found as one without progress.
  void eventually(std::string name, std::function<bool()> holds,
                  std::source_location where = std::source_location::current()) {
    engine.add_eventually(std::move(name), std::move(holds), where);
  }
  /// From now on these faults happen, whatever the FaultProfile: see fault_plan.hpp.
  void arm(const FaultPlan& plan) { engine.arm(plan); }

  /// Nothing goes wrong from here on: no fault that was planned and has not come yet, no fault point. What has happened
  /// stays; who stands still goes on. Call it between two runs, and judge what should happen at last afterwards.
  void heal() { engine.heal(); }
  /// The same in an adversary's way: of `actors`, at least `quorum` live on healed, and the others, drawn for this run, are
  /// killed for good. What is to become true in spite of `quorum` survivors must do so whoever they are. (A supervisor
  /// would bring its child back: name the supervisor, or actors that nobody restarts.)
  ///
  /// Returns: those that live on, in their order; all of them in the calm run, and with FaultProfile::none.
  template <class A>
  [[nodiscard]] std::vector<Ref<A>> heal_core(const std::vector<Ref<A>>& actors, std::size_t quorum) {
    const std::vector<std::size_t> dead = engine.heal_core(actors.size(), quorum);
    std::vector<Ref<A>> core;
    for (std::size_t i = 0, next = 0; i < actors.size(); ++i) {
      if (next < dead.size() && dead[next] == i) {
        ++next;
        engine.tell_death(actors[i].handle());
        (void)kill(actors[i]);
      } else {
        core.push_back(actors[i]);
      }
    }
    return core;
  }

  /// A place that should be reached in some run, as with sometimes(): call reached() of what this returns there.
  class Reachable {
   public:
    void reached() const noexcept { engine_->reached(number_); }

   private:
    friend class World;
    Reachable(Engine& engine, std::size_t number) noexcept : engine_{&engine}, number_{number} {}
    Engine* engine_;
    std::size_t number_;
  };
  [[nodiscard]] Reachable reachable(std::string name) { return {engine, engine.add_reachable(std::move(name))}; }

  /// What must not happen has happened: ends the run with this finding, unless there is one already. For monitors that
  /// handlers call; what a monitor remembers must not depend on the order in which unrelated actors told it.
  void fail(std::string name, std::source_location where = std::source_location::current()) {
    engine.report_finding({.kind = FindingKind::invariant_violated,
                           .name = std::move(name),
                           .detail = {},
                           .file = where.file_name(),
                           .line = where.line()});
  }

  [[nodiscard]] std::string path_of(Handle handle) const override;

  /// Ends the run and checks that the account of messages adds up. Called once by the runner; nothing can be run
  /// afterwards. Returns: that account.
  Ledger finish();
  [[nodiscard]] Engine& internals() noexcept { return engine; }

 private:
  [[nodiscard]] Execution& engine_execution() noexcept;
  bool finished_ = false;
};

}  // namespace orrery::sim
