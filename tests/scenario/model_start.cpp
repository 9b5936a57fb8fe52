// Starting: what init and start_child do.
#include "tests/scenario/model_tree.hpp"

#include <fmt/core.h>

#include <utility>

namespace orrery::scenario::model {

namespace {

std::shared_ptr<const Spec> spec_of(const Scenario& scenario, const Declaration& declared) {
  auto spec = std::make_shared<Spec>();
  spec->declared = declared;
  for (const Declaration* const child : scenario.children_of(declared.id)) {
    spec->children.push_back(spec_of(scenario, *child));
  }
  return spec;
}

}  // namespace

Tree::Tree(const Scenario& scenario) : root_spec_{spec_of(scenario, scenario.declarations.front())} {
  for (const Declaration& declared : scenario.declarations) {
    if (!declared.plan.empty()) plans_.replace(declared.id, declared.plan);
  }
}

std::string Tree::start_root() {
  const Started started = start(nobody, root_spec_->declared.id, root_spec_);
  root_ignored_ = started.how == Started::How::ignored;
  if (started.how == Started::How::ok) root_ = started.actor;
  return started.reason;
}

/// Runs in the parent. The attempt counts whatever comes of it.
Tree::Started Tree::start(ActorIndex parent, const std::string& id, const std::shared_ptr<const Spec>& spec) {
  const int attempt = ++attempts_[id];
  const std::string name = fmt::format("{}#{}", id, attempt);
  switch (plans_.next(id)) {
    case Outcome::error:
      log_.note(fmt::format("fail {} start_error", name));
      return {.how = Started::How::failed, .reason = "start_error"};
    case Outcome::crash:
      log_.note(fmt::format("fail {} start_crash", name));
      return {.how = Started::How::failed, .reason = "start_crash"};
    case Outcome::ignore:
      log_.note(fmt::format("ignore {}", name));
      return {.how = Started::How::ignored};
    case Outcome::ok:
      break;
  }
  const ActorIndex actor = actors_.size();
  actors_.push_back({.id = id, .attempt = attempt, .parent = parent, .spec = spec});
  newest_[id] = actor;
  log_.started(actor);
  if (actors_[actor].is_supervisor()) {
    if (Reason reason = begin(actor); !reason.empty()) {
      die(actor, reason);
      return {.how = Started::How::failed, .reason = std::move(reason)};
    }
  }
  return {.how = Started::How::ok, .actor = actor};
}

/// The init of a supervisor: all specs are judged before any child is started. Returns: why it fails, or nothing.
Reason Tree::begin(ActorIndex supervisor) {
  Actor& self = actors_[supervisor];
  if (Reason reason = judge(*self.spec); !reason.empty()) return reason;
  if (self.is_simple()) return {};  // instances are spawned
  for (const auto& child : self.spec->children) self.children.push_back({.id = child->declared.id, .spec = child});
  Reason reason;
  const std::optional<std::size_t> failed = start_all(supervisor, 0, reason);
  if (!failed) return {};
  const std::string id = self.children[*failed].id;
  terminate_from(supervisor, 0, {});
  return fmt::format("shutdown:failed_to_start({},{})", id, reason);
}

/// Starts the children from `from` on. Returns: the place of the one that failed, and its reason.
std::optional<std::size_t> Tree::start_all(ActorIndex supervisor, std::size_t from, Reason& reason) {
  Actor& self = actors_[supervisor];
  for (std::size_t i = from; i < self.children.size();) {
    Started started = start(supervisor, self.children[i].id, self.children[i].spec);
    if (started.how == Started::How::failed) {
      report(supervisor, "start_error", self.children[i].id, started.reason);
      reason = std::move(started.reason);
      return i;
    }
    Child& child = self.children[i];
    if (started.how == Started::How::ok) {
      child.state = ChildState::running;
      child.actor = started.actor;
      ++i;
    } else if (child.spec->declared.restart == Restart::temporary) {
      self.children.erase(self.children.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      child.state = ChildState::undefined;
      ++i;
    }
  }
  return {};
}

/// Flags first, then the specs one after the other.
Reason Tree::judge(const Spec& spec) {
  const Declaration& flags = spec.declared;
  if (flags.intensity < 0) return fmt::format("supervisor_data:invalid_intensity:{}", flags.intensity);
  if (flags.period <= 0) return fmt::format("supervisor_data:invalid_period:{}", flags.period);
  if (flags.strategy == Strategy::simple_one_for_one && spec.children.size() != 1) return "bad_start_spec";
  for (std::size_t i = 0; i < spec.children.size(); ++i) {
    const Declaration& child = spec.children[i]->declared;
    if (const Reason reason = judge_child(child, flags.auto_shutdown); !reason.empty()) return "start_spec:" + reason;
    for (std::size_t before = 0; before < i; ++before) {
      if (spec.children[before]->declared.id == child.id) {
        return fmt::format("start_spec:duplicate_child_name:{}", child.id);
      }
    }
  }
  return {};
}

Reason Tree::judge_child(const Declaration& child, AutoShutdown parent) {
  const bool may_be_significant = parent != AutoShutdown::never && child.restart != Restart::permanent;
  return child.significant && !may_be_significant ? "bad_combination" : Reason{};
}

}  // namespace orrery::scenario::model
