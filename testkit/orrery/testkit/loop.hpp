// loop.hpp: how a campaign is made: by how many processes, for how long, and what becomes of a failure.
// Why:  the same property is checked for a second at every commit and explored for a night, and must then say the same
//       things in the same way.
// How:  notes of runs come in the order of the runs (from this process, or from workers) and are added up. The first failing
//       run ends the campaign; when exploring, failures are grouped by what they show, and the campaign goes on.
// Always true:  (L1) what is found in a given number of runs does not depend on the number of processes
// Not so:       with a limit of time the number of runs depends on the machine; that run 17 fails does not.
// Source:       SPEC X2, X6, X7.
#pragma once
#include "orrery/testkit/campaign.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace orrery::testkit {

/// Failures that show the same thing.
struct Group {
  sim::Finding finding;  ///< of the first
  std::uint64_t first_run = 0;
  std::uint64_t count = 0;
};

/// So many kinds of lost messages are told of a campaign.
inline constexpr std::size_t lost_kinds_max = 100;
/// Messages of a type that a kind of fault has kept from their receiver in runs that hold. Senders, and receivers, that differ in
/// nothing but the number behind their name are one.
struct LostKind {
  sim::LostMessage first;
  std::uint64_t first_run = 0;
  std::uint64_t count = 0;
  std::uint64_t runs = 0;
  std::uint64_t last_run = 0;
};

/// How far a campaign has come; from this it can be taken up again.
struct Progress {
  std::uint64_t next_run = 0;  ///< all before it are made
  std::uint64_t steps = 0;
  Duration virtual_time{};
  std::vector<std::pair<std::string, std::uint64_t>> sometimes;  ///< name, in how many runs
  std::vector<sim::FaultCount> faults;                           ///< of all runs together
  std::vector<LostKind> lost;                                    ///< in the order in which they came up
  std::vector<Group> groups;

  /// Adds the next run. Returns: its group when it failed, and whether that is a new one.
  std::pair<const Group*, bool> add(const RunNote& note);
};

enum class Ended : std::uint8_t { all_made, failed, out_of_time, interrupted };

struct Loop {
  unsigned jobs = 1;     ///< worker processes; with 1, all is made in this one
  bool isolate = false;  ///< a worker process also when there is only one
  std::optional<std::chrono::milliseconds> time;
  bool explore = false;
  std::uint64_t stop_after = 0;  ///< groups; 0 is no limit
  std::string command;           ///< what follows ORRERY_REPLAY=token in a shell, for the last words of a crash
  Progress from;                 ///< what an earlier campaign has done
  /// Called with every note; for progress on a terminal and for state files.
  std::function<void(const Progress&)> on_progress = [](const Progress&) {};
  /// Called when exploring, with the first failure of a group.
  std::function<void(const Failure&)> on_group = [](const Failure&) {};
  std::function<bool()> is_interrupted = [] { return false; };
};

struct LoopResult {
  Progress progress;
  Ended ended = Ended::all_made;
  std::optional<Failure> failure;  ///< when not exploring
};

/// Makes runs until there is no more to do.
[[nodiscard]] LoopResult run_loop(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed,
                                  const Loop& loop);

}  // namespace orrery::testkit
