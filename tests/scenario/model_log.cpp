#include "tests/scenario/model_log.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace orrery::scenario::model {

bool Log::is_orphan(ActorIndex actor) const {
  for (ActorIndex above = actors_[actor].parent; above != nobody; above = actors_[above].parent) {
    if (!actors_[above].alive) return true;
  }
  return false;
}

void Log::stopped(ActorIndex actor, const Reason& reason) {
  const Actor& dead = actors_[actor];
  if (is_orphan(actor)) {
    orphans_.push_back({.id = dead.id, .attempt = dead.attempt, .reason = reason});
    return;
  }
  if (dead.is_simple()) sort_instances_before(actor);
  lines_.push_back({.text = fmt::format("stop {} {}", dead.name(), reason), .stopped = actor});
}

/// Instances are stopped at the same time, so the order in which they die says nothing: it is made that of their numbers.
void Log::sort_instances_before(ActorIndex supervisor) {
  auto begin = lines_.end();
  while (begin != lines_.begin()) {
    const ActorIndex dead = std::prev(begin)->stopped;
    if (dead == nobody || actors_[dead].parent != supervisor) break;
    --begin;
  }
  std::ranges::sort(begin, lines_.end(), {}, [this](const Line& line) {
    const Actor& instance = actors_[line.stopped];
    return std::pair{split_instance(instance.id).number, instance.attempt};
  });
}

void Log::reported(ActorIndex supervisor, std::string_view what, std::string_view offender, std::string_view reason) {
  std::string text = fmt::format("rep {} {} {} {}", actors_[supervisor].name(), what, offender, reason);
  (is_orphan(supervisor) ? late_reports_ : reports_).push_back(std::move(text));
}

std::string Log::take(bool with_reports) {
  std::string out;
  for (const Line& line : lines_) out.append("  ").append(line.text).append("\n");
  if (!orphans_.empty()) {
    std::ranges::sort(orphans_, {}, [](const Orphan& orphan) { return std::pair{orphan.id, orphan.attempt}; });
    out += "  orphans";
    for (const Orphan& orphan : orphans_) out += fmt::format(" {}#{}={}", orphan.id, orphan.attempt, orphan.reason);
    out += "\n";
  }
  if (with_reports) {
    std::ranges::sort(late_reports_);
    std::ranges::move(late_reports_, std::back_inserter(reports_));
    for (const std::string& report : reports_) out.append("  ").append(report).append("\n");
  }
  lines_.clear();
  orphans_.clear();
  reports_.clear();
  late_reports_.clear();
  return out;
}

}  // namespace orrery::scenario::model
