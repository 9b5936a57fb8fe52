// What a supervisor does with its mail, all but calls.
#include "tests/scenario/model_tree.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace orrery::scenario::model {

void Tree::send(ActorIndex supervisor, Mail mail) { actors_[supervisor].mail.push_back(std::move(mail)); }

void Tree::settle(ActorIndex paused) {
  constexpr int steps_max = 100'000;
  paused_ = paused;
  for (int steps = 0;; ++steps) {
    ActorIndex next = nobody;
    for (ActorIndex i = 0; i < actors_.size(); ++i) {
      if (i == paused || actors_[i].mail.empty()) continue;
      if (next != nobody) say_undefined(fmt::format("{} and {} have mail", actors_[next].name(), actors_[i].name()));
      next = i;
    }
    if (next == nobody) return;
    if (steps == steps_max) {
      say_undefined(fmt::format("{} does not come to rest", actors_[next].name()));
      return;
    }
    const Mail mail = std::move(actors_[next].mail.front());
    actors_[next].mail.pop_front();
    std::visit([this, next](const auto& piece) { handle(next, piece); }, mail);
  }
}

std::optional<std::size_t> Tree::find_child(ActorIndex supervisor, std::string_view id) const {
  const std::vector<Child>& children = actors_[supervisor].children;
  const auto found = std::ranges::find(children, id, &Child::id);
  if (found == children.end()) return {};
  return static_cast<std::size_t>(found - children.begin());
}

std::optional<std::size_t> Tree::find_running(ActorIndex supervisor, ActorIndex actor) const {
  const std::vector<Child>& children = actors_[supervisor].children;
  const auto found = std::ranges::find_if(
      children, [actor](const Child& child) { return child.state == ChildState::running && child.actor == actor; });
  if (found == children.end()) return {};
  return static_cast<std::size_t>(found - children.begin());
}

void Tree::report(ActorIndex supervisor, std::string_view what, std::string_view offender, std::string_view reason) {
  log_.reported(supervisor, what, offender, reason);
}

void Tree::handle(ActorIndex supervisor, const ExitMail& mail) {
  const std::optional<std::size_t> found = find_running(supervisor, mail.from);
  if (!found) return;  // a stranger, or terminated since
  const Declaration declared = actors_[supervisor].children[*found].spec->declared;
  const bool permanent = declared.restart == Restart::permanent;
  if (permanent || is_abnormal(mail.reason)) report(supervisor, "child_terminated", declared.id, mail.reason);
  if (permanent || (declared.restart == Restart::transient && is_abnormal(mail.reason))) {
    restart(supervisor, *found);
    return;
  }
  forget(supervisor, *found);
  if (shuts_down_after(supervisor, declared)) finish(supervisor, "shutdown");
}

void Tree::handle(ActorIndex supervisor, const RetryMail& mail) {
  const std::optional<std::size_t> found = find_child(supervisor, mail.id);
  if (!found) return;
  const Child& child = actors_[supervisor].children[*found];
  if (child.state != ChildState::restarting) return;
  restart(supervisor, *found);
}

void Tree::handle(ActorIndex supervisor, const StopMail& mail) { finish(supervisor, mail.reason); }

/// The child is gone by its own doing and will not come back by itself.
void Tree::forget(ActorIndex supervisor, std::size_t child) {
  std::vector<Child>& children = actors_[supervisor].children;
  if (actors_[supervisor].is_simple() || children[child].spec->declared.restart == Restart::temporary) {
    children.erase(children.begin() + static_cast<std::ptrdiff_t>(child));
  } else {
    children[child].state = ChildState::undefined;
  }
}

bool Tree::shuts_down_after(ActorIndex supervisor, const Declaration& gone) const {
  const Actor& self = actors_[supervisor];
  if (!gone.significant) return false;
  switch (self.spec->declared.auto_shutdown) {
    case AutoShutdown::never:
      return false;
    case AutoShutdown::any_significant:
      return true;
    case AutoShutdown::all_significant:
      return std::ranges::none_of(self.children, [](const Child& child) {
        return child.spec->declared.significant && child.state != ChildState::undefined;
      });
  }
  return false;
}

/// Counts this restart with those of the last `period` seconds, both ends included.
bool Tree::too_many_restarts(ActorIndex supervisor) {
  Actor& self = actors_[supervisor];
  const Declaration& flags = self.spec->declared;
  std::erase_if(self.restarts, [this, &flags](std::int64_t at) { return at < now_ - flags.period; });
  self.restarts.push_back(now_);
  return std::cmp_greater(self.restarts.size(), flags.intensity);
}

void Tree::restart(ActorIndex supervisor, std::size_t child) {
  if (too_many_restarts(supervisor)) {
    report(supervisor, "shutdown", actors_[supervisor].children[child].spec->declared.id,
           "reached_max_restart_intensity");
    forget(supervisor, child);
    finish(supervisor, "shutdown");
    return;
  }
  switch (actors_[supervisor].spec->declared.strategy) {
    case Strategy::one_for_one:
    case Strategy::simple_one_for_one:
      return restart_one(supervisor, child);
    case Strategy::one_for_all:
      return restart_group(supervisor, child, 0);
    case Strategy::rest_for_one:
      return restart_group(supervisor, child, child);
  }
}

void Tree::restart_one(ActorIndex supervisor, std::size_t index) {
  std::vector<Child>& children = actors_[supervisor].children;
  const Started started = start(supervisor, children[index].id, children[index].spec);
  Child& child = children[index];
  switch (started.how) {
    case Started::How::ok:
      child.state = ChildState::running;
      child.actor = started.actor;
      return;
    case Started::How::ignored:
      if (actors_[supervisor].is_simple()) {
        say_undefined(fmt::format("the instance {} ignores its restart", child.id));
        children.erase(children.begin() + static_cast<std::ptrdiff_t>(index));
      } else {
        child.state = ChildState::undefined;
      }
      return;
    case Started::How::failed:
      child.state = ChildState::restarting;
      report(supervisor, "start_error", child.spec->declared.id, started.reason);
      send(supervisor, RetryMail{.id = child.id});  // A1
      return;
  }
}

/// Stops everybody from `first` on and starts all of them, those too that had been stopped before.
void Tree::restart_group(ActorIndex supervisor, std::size_t crashed, std::size_t first) {
  std::vector<Child>& children = actors_[supervisor].children;
  children[crashed].state = ChildState::undefined;
  terminate_from(supervisor, first, {});
  Reason reason;
  const std::optional<std::size_t> failed = start_all(supervisor, first, reason);
  if (!failed) return;
  Child& child = children[*failed];
  child.state = ChildState::restarting;
  send(supervisor, RetryMail{.id = child.id});  // A1
}

}  // namespace orrery::scenario::model
