// model_log.hpp: what happened since the last event, brought into the canonical order.
#pragma once
#include "tests/scenario/model_state.hpp"

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::scenario::model {

class Log {
 public:
  explicit Log(const std::deque<Actor>& actors) : actors_{actors} {}

  void started(ActorIndex actor) { lines_.push_back({.text = "start " + actors_[actor].name()}); }
  void note(std::string text) { lines_.push_back({.text = std::move(text)}); }
  /// Pre: the dead of the same event that are its ancestors are marked so.
  void stopped(ActorIndex actor, const Reason& reason);
  void reported(ActorIndex supervisor, std::string_view what, std::string_view offender, std::string_view reason);

  /// Returns: whether one of its ancestors is dead.
  [[nodiscard]] bool is_orphan(ActorIndex actor) const;

  /// Returns: the lines, indented, and forgets them.
  [[nodiscard]] std::string take(bool with_reports);

 private:
  struct Line {
    std::string text;
    ActorIndex stopped = nobody;
  };

  void sort_instances_before(ActorIndex supervisor);

  const std::deque<Actor>& actors_;
  std::vector<Line> lines_;
  struct Orphan {
    std::string id;
    int attempt;
    Reason reason;
  };
  std::vector<Orphan> orphans_;
  std::vector<std::string> reports_;
  std::vector<std::string> late_reports_;  ///< by orphans, whose time nobody shares: sorted, behind the others
};

}  // namespace orrery::scenario::model
