// Stopping: the parent's shutdown of a child, an orderly stop, and what a killed supervisor leaves behind.
#include "orrery/core/check.hpp"
#include "tests/scenario/model_tree.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>

namespace orrery::scenario::model {

namespace {

/// What a worker makes of its parent's exit signal.
struct Answer {
  Reason reason{};
  std::int64_t ms = 0;
  bool never = false;
  bool at_once = false;  ///< without a handler: no later signal can overtake
};
Answer answer_to(const Declaration& worker, const Reason& signal) {
  if (!worker.trap) return {.reason = signal, .at_once = true};
  if (worker.stubborn) return {.never = true};
  return {.reason = worker.exit.empty() ? signal : worker.exit, .ms = worker.slow};
}

/// Whether a child's end during its shutdown is worth a report.
bool is_shutdown_error(const Declaration& child, const Reason& reason) {
  const bool brutal = child.shutdown.how == Shutdown::How::brutal_kill;
  if (reason == (brutal ? "killed" : "shutdown")) return false;
  return is_abnormal(reason) || child.restart == Restart::permanent;
}

}  // namespace

void Tree::die(ActorIndex actor, const Reason& reason) {
  ORRERY_CHECK(actors_[actor].alive);
  if (actor == paused_) say_undefined(fmt::format("{} ends while it is paused", actors_[actor].name()));
  actors_[actor].alive = false;
  actors_[actor].mail.clear();  // D2; who waits for an answer hears that it is down
  log_.stopped(actor, reason);
}

void Tree::die_alone(ActorIndex actor, const Reason& reason) {
  die(actor, reason);
  const ActorIndex parent = actors_[actor].parent;
  if (alive(parent)) actors_[parent].mail.push_back(ExitMail{.from = actor, .reason = reason});
}

void Tree::kill(ActorIndex actor) {
  die_alone(actor, "killed");
  for (const Child& child : actors_[actor].children) {
    if (child.state == ChildState::running && alive(child.actor)) abandon(child.actor);
  }
}

void Tree::signal(ActorIndex actor, const Reason& reason) {
  if (reason == "kill") return kill(actor);
  const Actor& target = actors_[actor];
  if (target.is_supervisor() || target.spec->declared.trap || reason == "normal") return;
  die_alone(actor, reason);
}

/// A child whose supervisor was killed gets the exit signal of its parent, and nobody waits for it.
void Tree::abandon(ActorIndex child) {
  if (actors_[child].is_supervisor()) {
    stop_supervisor(child, "killed", {});
    return;
  }
  const Answer answer = answer_to(actors_[child].spec->declared, "killed");
  if (!answer.never) die(child, answer.reason);
}

/// Takes the exit of a dead child out of the mail, so that it is not handled later.
std::optional<Reason> Tree::flush_exit(ActorIndex supervisor, ActorIndex from) {
  std::deque<Mail>& mail = actors_[supervisor].mail;
  const auto found = std::ranges::find_if(mail, [from](const Mail& piece) {
    const auto* const exit = std::get_if<ExitMail>(&piece);
    return exit != nullptr && exit->from == from;
  });
  if (found == mail.end()) return {};
  Reason reason = std::move(std::get<ExitMail>(*found).reason);
  mail.erase(found);
  return reason;
}

Tree::Stopped Tree::stop_worker(ActorIndex worker, Shutdown shutdown, Budget budget) {
  Stopped end;
  if (shutdown.how == Shutdown::How::brutal_kill) {
    end.reason = "killed";
  } else {
    const Answer answer = answer_to(actors_[worker].spec->declared, "shutdown");
    const bool timed = shutdown.how == Shutdown::How::timed;
    end = {.reason = answer.reason, .ms = answer.ms};
    if (answer.never && !timed) say_undefined(fmt::format("{} never stops", actors_[worker].name()));
    if (timed && !answer.at_once && answer.ms == shutdown.ms) {
      say_undefined(fmt::format("{} needs as long to stop as it may", actors_[worker].name()));
    }
    if (answer.never || (timed && answer.ms > shutdown.ms)) end = {.reason = "killed", .ms = timed ? shutdown.ms : 0};
  }
  if (budget && end.ms >= *budget && end.ms > 0) {
    if (end.ms == *budget) say_undefined("a supervisor's time is over when its child's is");
    return {.ms = *budget, .cut_off = true};
  }
  die(worker, end.reason);
  return end;
}

/// The orderly end of a supervisor. When its own time is over first, it is killed, and its children are orphans.
Tree::Stopped Tree::stop_supervisor(ActorIndex supervisor, const Reason& reason, Budget budget) {
  Stopped end =
      actors_[supervisor].is_simple() ? stop_instances(supervisor, budget) : terminate_from(supervisor, 0, budget);
  if (!end.cut_off) {
    die(supervisor, reason);
    return {.reason = reason, .ms = end.ms};
  }
  die(supervisor, "killed");
  bool stopping = true;  // the last one alive is the one that took too long: it knows already that it is to end
  for (auto child = actors_[supervisor].children.rbegin(); child != actors_[supervisor].children.rend(); ++child) {
    if (child->state != ChildState::running || !alive(child->actor)) continue;
    if (!std::exchange(stopping, false)) {
      abandon(child->actor);
      continue;
    }
    const Answer answer = answer_to(actors_[child->actor].spec->declared, "shutdown");
    if (!answer.never) die(child->actor, answer.reason);
  }
  return {.reason = "killed", .ms = *budget, .cut_off = true};
}

/// All instances are told at once and share one timer.
Tree::Stopped Tree::stop_instances(ActorIndex supervisor, Budget budget) {
  std::map<std::pair<bool, Reason>, int> errors;  // in the order of Erlang's terms: words before shutdown:x
  std::int64_t longest = 0;
  for (const Child& child : actors_[supervisor].children) {
    if (child.state != ChildState::running) continue;
    const Declaration& declared = child.spec->declared;
    Reason reason;
    if (alive(child.actor)) {
      const Stopped end = stop_worker(child.actor, declared.shutdown, {});
      reason = end.reason;
      longest = std::max(longest, end.ms);
    } else {
      reason = flush_exit(supervisor, child.actor).value_or("noproc");
    }
    if (is_shutdown_error(declared, reason)) ++errors[{reason.starts_with("shutdown:"), reason}];
  }
  for (const auto& [error, count] : errors) {
    report(supervisor, "shutdown_error",
           fmt::format("{}*{}", actors_[supervisor].spec->children.front()->declared.id, count), error.second);
  }
  if (budget && longest > 0 && longest >= *budget) say_undefined("instances take longer than their supervisor may");
  return {.ms = longest};
}

/// Stops one child and waits for it; its entry is left to the caller.
Tree::Stopped Tree::terminate(ActorIndex supervisor, std::size_t index, Budget budget) {
  const Child& child = actors_[supervisor].children[index];
  if (child.state != ChildState::running) return {};
  const Declaration& declared = child.spec->declared;
  Stopped end;
  if (!alive(child.actor)) {
    std::optional<Reason> reason = flush_exit(supervisor, child.actor);
    ORRERY_CHECK(reason.has_value(), "{} died and {} was not told", child.id, actors_[supervisor].name());
    end.reason = std::move(*reason);
  } else if (!actors_[child.actor].is_supervisor()) {
    end = stop_worker(child.actor, declared.shutdown, budget);
  } else if (declared.shutdown.how == Shutdown::How::brutal_kill) {
    kill(child.actor);
    end.reason = flush_exit(supervisor, child.actor).value_or("killed");
  } else {
    const bool timed = declared.shutdown.how == Shutdown::How::timed;
    const bool own = timed && (!budget || declared.shutdown.ms <= *budget);
    end = stop_supervisor(child.actor, "shutdown", own ? Budget{declared.shutdown.ms} : budget);
    if (end.cut_off && !own) say_undefined("a supervisor is killed while its child supervisor stops");
    if (own && (end.cut_off || end.ms == declared.shutdown.ms)) {
      if (!end.cut_off || declared.shutdown.ms == 0) say_undefined("a supervisor needs as long to stop as it may");
      end.cut_off = false;
    }
  }
  if (!end.cut_off && is_shutdown_error(declared, end.reason)) {
    report(supervisor, "shutdown_error", declared.id, end.reason);
  }
  return end;
}

/// Stops the children from `first` on, the last one first. Temporary ones are forgotten.
Tree::Stopped Tree::terminate_from(ActorIndex supervisor, std::size_t first, Budget budget) {
  std::vector<Child>& children = actors_[supervisor].children;
  std::int64_t ms = 0;
  for (std::size_t i = children.size(); i-- > first;) {
    const Stopped end = terminate(supervisor, i, budget ? Budget{*budget - ms} : Budget{});
    if (end.cut_off) return end;
    ms += end.ms;
    children[i].state = ChildState::undefined;
    if (children[i].spec->declared.restart == Restart::temporary) {
      children.erase(children.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  return {.ms = ms};
}

/// A supervisor ends by its own decision, and its parent is told.
void Tree::finish(ActorIndex supervisor, const Reason& reason) {
  stop_supervisor(supervisor, reason, {});
  const ActorIndex parent = actors_[supervisor].parent;
  if (alive(parent)) actors_[parent].mail.push_back(ExitMail{.from = supervisor, .reason = reason});
}

}  // namespace orrery::scenario::model
