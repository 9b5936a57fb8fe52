#include "orrery/testkit/scenario/detail/stage_log.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace orrery::scenario::detail {

namespace {

/// A report like "rep s#1 shutdown_error t*2 killed". In OTP's order words come before shutdown:x.
struct EndsOfInstances {
  std::string_view who;
  std::pair<bool, std::string_view> order;
};
std::optional<EndsOfInstances> ends_of_instances(std::string_view line) {
  const std::size_t star = line.find('*');
  const std::size_t blank = line.find(' ', star == std::string_view::npos ? line.size() : star);
  if (blank == std::string_view::npos || line.find(" shutdown_error ") > star) return {};
  const std::string_view reason = line.substr(blank + 1);
  return EndsOfInstances{line.substr(0, star), {reason.starts_with("shutdown:"), reason}};
}

}  // namespace

Part* StageLog::start(const std::string& id, const Part* parent, bool is_simple, std::optional<ExitReason>& refusal) {
  const std::lock_guard guard{mutex_};
  const int attempt = ++attempts_[id];
  const auto write = [&](const char* what, const char* reason) {
    lines_.push_back({fmt::format("{} {}#{}{}", what, id, attempt, reason), nullptr});
  };
  switch (plans_.next(id)) {
    case Outcome::error:
      write("fail", " start_error");
      refusal = ExitReason::custom("start_error");
      return nullptr;
    case Outcome::crash:
      write("fail", " start_crash");
      refusal = ExitReason::custom("start_crash");
      return nullptr;
    case Outcome::ignore:
      write("ignore", "");
      return nullptr;
    case Outcome::ok:
      break;
  }
  write("start", "");
  Part& part = parts_.emplace_back(Part{id, attempt, parent, is_simple, true, {}});
  latest_[id] = &part;
  return &part;
}

void StageLog::settle(Part& part, const ActorId& actor) {
  const std::lock_guard guard{mutex_};
  part.actor = actor;
  by_actor_[actor] = &part;
}

bool StageLog::has_dead_ancestor(const Part& part) {
  for (const Part* above = part.parent; above != nullptr; above = above->parent) {
    if (!above->alive) return true;
  }
  return false;
}

void StageLog::stopped(Part& part, const ExitReason& reason) {
  const std::lock_guard guard{mutex_};
  if (!std::exchange(part.alive, false)) return;
  if (has_dead_ancestor(part)) {
    orphans_.push_back({part.id, part.attempt, to_string(reason)});
    return;
  }
  if (part.is_simple) sort_instances_before(part);
  lines_.push_back({fmt::format("stop {} {}", part.name(), to_string(reason)), &part});
}

/// Instances end side by side; in the trace, in the order of their numbers.
void StageLog::sort_instances_before(const Part& supervisor) {
  auto first = lines_.end();
  while (first != lines_.begin()) {
    const Part* const before = std::prev(first)->stopped;
    if (before == nullptr || before->parent != &supervisor) break;
    --first;
  }
  std::ranges::sort(first, lines_.end(), {}, [](const Line& line) {
    return std::pair{split_instance(line.stopped->id).number, line.stopped->attempt};
  });
}

void StageLog::handled(const Part& part, const std::string& message) {
  const std::lock_guard guard{mutex_};
  lines_.push_back({fmt::format("handled {} {}", part.name(), message), nullptr});
}

void StageLog::report(const Part& supervisor, std::string text) {
  const std::lock_guard guard{mutex_};
  std::string line = fmt::format("rep {} {}", supervisor.name(), text);
  if (has_dead_ancestor(supervisor)) {
    late_reports_.push_back(std::move(line));
    return;
  }
  // What is said of instances that ended together has no order of its own.
  auto place = reports_.end();
  if (const auto own = ends_of_instances(line)) {
    while (place != reports_.begin()) {
      const auto before = ends_of_instances(*std::prev(place));
      if (!before || before->who != own->who || before->order <= own->order) break;
      --place;
    }
  }
  reports_.insert(place, std::move(line));
}

void StageLog::replace_plan(const std::string& id, const std::string& letters) {
  const std::lock_guard guard{mutex_};
  plans_.replace(id, letters);
}

const Part* StageLog::find_latest(const std::string& id) {
  const std::lock_guard guard{mutex_};
  const auto at = latest_.find(id);
  return at == latest_.end() ? nullptr : at->second;
}

const Part* StageLog::find_alive(const std::string& id) {
  const std::lock_guard guard{mutex_};
  const auto at = latest_.find(id);
  return at == latest_.end() || !at->second->alive ? nullptr : at->second;
}

const Part* StageLog::find(const ActorId& actor) {
  const std::lock_guard guard{mutex_};
  const auto at = by_actor_.find(actor);
  return at == by_actor_.end() ? nullptr : at->second;
}

std::string StageLog::take(bool with_reports) {
  const std::lock_guard guard{mutex_};
  std::string out;
  for (const Line& line : lines_) out += fmt::format("  {}\n", line.text);
  if (!orphans_.empty()) {
    std::ranges::sort(orphans_);
    out += "  orphans";
    for (const Orphan& orphan : orphans_) out += fmt::format(" {}#{}={}", orphan.id, orphan.attempt, orphan.reason);
    out += '\n';
  }
  if (with_reports) {
    std::ranges::sort(late_reports_);
    for (const std::string& report : reports_) out += fmt::format("  {}\n", report);
    for (const std::string& report : late_reports_) out += fmt::format("  {}\n", report);
  }
  lines_.clear();
  orphans_.clear();
  reports_.clear();
  late_reports_.clear();
  return out;
}

ExitReason to_exit_reason(const Reason& reason) {
  if (reason == "normal") return ExitReason::normal();
  if (reason == "shutdown") return ExitReason::shutdown();
  if (reason == "killed") return ExitReason::killed();
  if (reason.starts_with("shutdown:")) return ExitReason::shutdown(reason.substr(9));
  return ExitReason::custom(reason);
}

}  // namespace orrery::scenario::detail
