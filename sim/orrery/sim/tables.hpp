// tables.hpp: what a run fills in as it goes.
// Why:  a run of fifty messages takes microseconds; building these tables anew for it would take as long again.
// How:  a run takes over the tables of an earlier one on its thread, which were cleared, and gives them back, cleared. All
//       other state of a run is made with its Engine: nothing of an earlier run can be seen in it.
// Always true:  (T1) clear() leaves every table as good as new; only its memory shows that it was used
#pragma once
#include "orrery/sim/agents.hpp"
#include "orrery/sim/faults.hpp"
#include "orrery/sim/flat.hpp"
#include "orrery/sim/op.hpp"
#include "orrery/sim/strategy.hpp"
#include "orrery/sim/timer_queue.hpp"
#include "orrery/sim/trace.hpp"

#include <functional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

namespace orrery::sim {

struct Invariant {
  std::string name;
  std::function<bool()> holds;
  std::source_location where;
  bool tried = false;
};

struct Sometimes {
  std::string name;
  std::function<bool()> holds;
  bool tried = false;
};

/// A fault point that user code has passed in this run.
struct FaultSite {
  std::uint64_t name_hash = 0;
  std::size_t count = 0;  ///< which of faults_
  bool is_active = false;
};

/// A message that is lost unless it is sent again.
struct Lost {
  std::uint64_t key = 0;  ///< who sent it, to whom, and what it is
  LostMessage told;
};

struct Tables {
  Agents agents_;
  EnabledOps enabled_;
  Ring<Op*> at_once_;  ///< operations that need no choice
  TimerQueue timers_;
  Pool<FireOp> fire_ops_;
  std::vector<FireOp*> due_;  ///< the enabled ones of fire_ops_
  Pool<Carried> carried_;
  std::vector<std::uint64_t> stalls_;  ///< operation counts at which time passes, newest last

  std::vector<std::uint64_t> crashes_;   ///< counts of handled messages at which a handler fails, newest last
  std::vector<std::uint64_t> refusals_;  ///< counts of messages to mailboxes that may refuse them, newest last
  std::vector<std::uint64_t>
      failing_;  ///< counts of messages that handlers send for which there is no memory, newest last
  std::vector<std::uint64_t> slows_;  ///< when somebody becomes slow, who, and for how long: see SlowPlan; newest last
  std::vector<FaultSite> fault_sites_;
  std::vector<FaultCount> faults_;
  std::vector<Lost> lost_;
  std::vector<const Agent*> crashed_;  ///< by a fault

  Decisions decisions_;
  std::vector<std::uint64_t> executed_keys_;
  std::vector<Event> events_;
  std::vector<std::uint32_t> only_sender_;  ///< with Grain::coarse, by agent: index of the only one so far, plus one
  std::vector<std::size_t> event_of_;       ///< while recording, by agent: the event of the handler that runs

  std::vector<Invariant> invariants_;
  std::vector<Invariant> eventually_;
  std::vector<Sometimes> sometimes_;  ///< one without a predicate is told where it is reached
  std::vector<std::pair<std::string, bool>> sometimes_hit_;
  std::vector<Handle> peeked_;

  void clear() {
    agents_.clear();
    enabled_.clear();
    at_once_.clear();
    timers_.clear();
    fire_ops_.clear();
    clear_and_keep(due_);
    carried_.clear();
    clear_and_keep(stalls_);
    clear_and_keep(crashes_);
    clear_and_keep(refusals_);
    clear_and_keep(failing_);
    clear_and_keep(slows_);
    clear_and_keep(fault_sites_);
    clear_and_keep(faults_);
    clear_and_keep(lost_);
    clear_and_keep(crashed_);
    clear_and_keep(decisions_);
    clear_and_keep(executed_keys_);
    clear_and_keep(events_);
    clear_and_keep(only_sender_);
    clear_and_keep(event_of_);
    clear_and_keep(invariants_);
    clear_and_keep(eventually_);
    clear_and_keep(sometimes_);
    clear_and_keep(sometimes_hit_);
    clear_and_keep(peeked_);
  }
};

/// The tables that no run of the calling thread uses at the moment.
struct SpareTables {
  /// Returns: tables in which nothing stands.
  [[nodiscard]] static Tables take();
  static void give(Tables&& used);
};

}  // namespace orrery::sim
