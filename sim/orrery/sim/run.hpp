// run.hpp: one run of a test's body in a fresh simulated world, as a function from decisions to an outcome.
#pragma once
#include "orrery/sim/world.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace orrery::sim {

using Body = std::function<void(World&)>;
using MakeStrategy = std::function<std::unique_ptr<Strategy>()>;

struct Outcome {
  std::optional<Finding> finding;
  Hash128 trace_hash{};
  Decisions decisions;
  std::vector<std::uint64_t> order;  ///< keys of the executed operations; only with RunOptions::record_events
  std::vector<Event> events;         ///< only with RunOptions::record_events
  /// What the program has added to its report, by name; only with RunOptions::record_events.
  std::vector<std::pair<std::string, std::string>> attachments;
  std::vector<std::pair<std::string, bool>> sometimes;
  std::vector<FaultCount> faults;  ///< what was planned to go wrong, and did
  std::vector<LostMessage> lost;   ///< what that has kept from its work for good
  std::uint64_t steps = 0;
  std::uint64_t operations = 0;
  Duration virtual_time{};
  Ledger ledger;
  bool reduced = true;     ///< false: an actor stopped another one, so the run was made without reductions
  bool cut_short = false;  ///< a finding has ended the run before its time
  bool pruned = false;     ///< the strategy has given the run up: it shows nothing
  std::optional<std::string> divergence;  ///< of a replay
};

/// Runs `body` once.
///
/// `make_strategy` is called once, or twice when the first attempt shows that the reductions do not apply to this run;
/// the result is a function of the strategy and the options either way.
/// Throws:  nothing of the body's: its exceptions are findings.    Threads: the calling one only.
[[nodiscard]] Outcome execute(const Body& body, const MakeStrategy& make_strategy, RunOptions options);

/// Every outcome of a finite program: runs `body` under every schedule and calls `visit` with each.
///
/// Returns: the number of runs; stops early when it reaches `runs_max`, and then `complete` is false.
struct Searched {
  std::uint64_t runs = 0;
  bool complete = true;
};
Searched search_all(const Body& body, RunOptions options, std::uint64_t runs_max,
                    const std::function<void(const Outcome&)>& visit);

}  // namespace orrery::sim
