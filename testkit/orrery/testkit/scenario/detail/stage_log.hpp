// stage_log.hpp: what happens during a scenario, written down by those it happens to.
// Why:  the trace wants deaths and starts in causal order; each is written before anybody can know of it.
// How:  one mutex. Who starts gets a number; an end is written with the reason, under its own actor or, if somebody above
//       it has ended before, among the orphans.
// Threads:  any.
#pragma once
#include "orrery/actor/errors.hpp"
#include "orrery/core/ids.hpp"
#include "orrery/testkit/scenario/plan.hpp"
#include "orrery/testkit/scenario/scenario.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace orrery::scenario::detail {

/// One start attempt of an id that has given an actor.
struct Part {
  std::string id;
  int attempt = 0;
  const Part* parent = nullptr;
  bool is_simple = false;  ///< a simple_one_for_one supervisor
  bool alive = true;
  ActorId actor{};

  [[nodiscard]] std::string name() const { return id + "#" + std::to_string(attempt); }
};

class StageLog {
 public:
  /// The next start of `id`, by its plan. Returns: its actor's part when the plan lets it be one; else null, with why in
  /// `refusal` (empty: ignored).
  Part* start(const std::string& id, const Part* parent, bool is_simple, std::optional<ExitReason>& refusal);
  /// The part has an address from here on.
  void settle(Part& part, const ActorId& actor);
  void stopped(Part& part, const ExitReason& reason);
  void handled(const Part& part, const std::string& message);
  void report(const Part& supervisor, std::string text);
  void replace_plan(const std::string& id, const std::string& letters);

  /// Returns: the latest part of that id, if it lives.
  [[nodiscard]] const Part* find_alive(const std::string& id);
  /// The same, living or not.
  [[nodiscard]] const Part* find_latest(const std::string& id);
  /// Returns: the part with that address, living or not.
  [[nodiscard]] const Part* find(const ActorId& actor);

  /// Returns: the lines of what happened since the last call.
  [[nodiscard]] std::string take(bool with_reports);

 private:
  struct Line {
    std::string text;
    const Part* stopped = nullptr;
  };
  [[nodiscard]] static bool has_dead_ancestor(const Part& part);
  void sort_instances_before(const Part& supervisor);

  std::mutex mutex_;
  std::deque<Part> parts_;
  std::map<std::string, Part*, std::less<>> latest_;
  std::map<std::string, int, std::less<>> attempts_;
  std::map<ActorId, Part*> by_actor_;
  Plans plans_;
  std::vector<Line> lines_;
  struct Orphan {
    std::string id;
    int attempt;
    std::string reason;
    friend auto operator<=>(const Orphan&, const Orphan&) = default;
  };
  std::vector<Orphan> orphans_;
  std::vector<std::string> reports_;
  std::vector<std::string> late_reports_;  ///< of supervisors that are orphans
};

/// "shutdown:x" and the like as a value. Any word that the runtime has no value for is a custom reason.
[[nodiscard]] ExitReason to_exit_reason(const Reason& reason);

}  // namespace orrery::scenario::detail
