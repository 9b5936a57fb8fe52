// What a supervisor answers.
#include "tests/scenario/model_tree.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace orrery::scenario::model {

std::size_t Tree::new_result() {
  results_.emplace_back("down");  // unless somebody answers
  return results_.size() - 1;
}

void Tree::handle(ActorIndex supervisor, const CallMail& mail) {
  std::visit([&](const auto& asked) { set_result(mail.result, answer(supervisor, mail, asked)); }, *mail.asked);
}

/// Not a call: it never comes by mail.
template <class NoCall>
std::string Tree::answer(ActorIndex /*supervisor*/, const CallMail& /*mail*/, const NoCall& /*asked*/) {
  return "no call";
}

std::string Tree::result_of(const Started& started) const {
  switch (started.how) {
    case Started::How::ok:
      return "ok " + actors_[started.actor].name();
    case Started::How::ignored:
      return "ok undefined";
    case Started::How::failed:
      return "error " + started.reason;
  }
  return {};
}

std::string Tree::answer(ActorIndex supervisor, const CallMail& mail, const TerminateChild& asked) {
  Actor& self = actors_[supervisor];
  if (!self.is_simple()) {
    const std::optional<std::size_t> found = find_child(supervisor, asked.child);
    if (!found) return "error not_found";
    terminate(supervisor, *found, {});
    forget(supervisor, *found);
    return "ok";
  }
  if (mail.instance == nobody) return "error simple_one_for_one";
  const auto child = std::ranges::find_if(self.children, [&mail](const Child& one) {
    return one.state != ChildState::undefined && one.actor == mail.instance;
  });
  if (child == self.children.end()) return alive(mail.instance) ? "error not_found" : "ok";
  if (child->state == ChildState::restarting) self.lost_a_restarting_instance = true;
  terminate(supervisor, static_cast<std::size_t>(child - self.children.begin()), {});
  self.children.erase(child);
  return "ok";
}

std::string Tree::answer(ActorIndex supervisor, const CallMail& /*mail*/, const RestartChild& asked) {
  if (actors_[supervisor].is_simple()) return "error simple_one_for_one";
  const std::optional<std::size_t> found = find_child(supervisor, asked.child);
  if (!found) return "error not_found";
  Child& child = actors_[supervisor].children[*found];
  if (child.state == ChildState::restarting) return "error restarting";
  if (child.state == ChildState::running) return "error running";
  const Started started = start(supervisor, child.id, child.spec);
  if (started.how == Started::How::ok) {
    child.state = ChildState::running;
    child.actor = started.actor;
  }
  return result_of(started);
}

std::string Tree::answer(ActorIndex supervisor, const CallMail& /*mail*/, const DeleteChild& asked) {
  if (actors_[supervisor].is_simple()) return "error simple_one_for_one";
  const std::optional<std::size_t> found = find_child(supervisor, asked.child);
  if (!found) return "error not_found";
  std::vector<Child>& children = actors_[supervisor].children;
  if (children[*found].state == ChildState::restarting) return "error restarting";
  if (children[*found].state == ChildState::running) return "error running";
  children.erase(children.begin() + static_cast<std::ptrdiff_t>(*found));
  return "ok";
}

std::string Tree::answer(ActorIndex supervisor, const CallMail& /*mail*/, const AddChild& asked) {
  const Actor& self = actors_[supervisor];
  if (self.is_simple()) return "error simple_one_for_one";
  if (Reason reason = judge_child(asked.child, self.spec->declared.auto_shutdown); !reason.empty()) {
    return "error " + reason;
  }
  if (const std::optional<std::size_t> found = find_child(supervisor, asked.child.id)) {
    const Child& known = self.children[*found];
    if (known.state != ChildState::running) return "error already_present";
    return "error already_started " + actors_[known.actor].name();
  }
  auto spec = std::make_shared<Spec>();
  spec->declared = asked.child;
  const Started started = start(supervisor, asked.child.id, spec);
  Child child{.id = asked.child.id, .spec = std::move(spec)};
  if (started.how == Started::How::ok) {
    child.state = ChildState::running;
    child.actor = started.actor;
  }
  const bool dropped = started.how == Started::How::ignored && asked.child.restart == Restart::temporary;
  if (started.how != Started::How::failed && !dropped) actors_[supervisor].children.push_back(std::move(child));
  return result_of(started);
}

std::string Tree::answer(ActorIndex supervisor, const CallMail& mail, const Spawn& /*asked*/) {
  const Actor& self = actors_[supervisor];
  if (!self.is_simple()) return "error not_simple_one_for_one";  // no text that parses gets here
  const std::shared_ptr<const Spec>& spec = self.spec->children.front();
  const std::string id = fmt::format("{}.{}", spec->declared.id, mail.number);
  const Started started = start(supervisor, id, spec);
  if (started.how == Started::How::ok) {
    actors_[supervisor].children.push_back(
        {.id = id, .spec = spec, .state = ChildState::running, .actor = started.actor});
  }
  return result_of(started);
}

std::string Tree::answer(ActorIndex supervisor, const CallMail& /*mail*/, const Count& /*asked*/) {
  const Actor& self = actors_[supervisor];
  std::size_t active = 0;
  std::size_t supervisors = 0;
  for (const Child& child : self.children) {
    // Among instances those that died a moment ago still count: only what is restarting is known to be gone.
    const bool counts = child.state == ChildState::running && (self.is_simple() || alive(child.actor));
    active += counts ? 1 : 0;
    supervisors += child.spec->declared.kind == Kind::supervisor ? 1 : 0;
  }
  if (self.lost_a_restarting_instance)
    say_undefined("OTP counts instances wrongly that were terminated while restarting");
  const std::size_t specs = self.is_simple() ? 1 : self.children.size();
  return fmt::format("count specs={} active={} supervisors={} workers={}", specs, active, supervisors,
                     self.children.size() - supervisors);
}

std::string Tree::draw_child(const Child& child, bool instance) const {
  switch (child.state) {
    case ChildState::undefined:
      return child.id + ":-";
    case ChildState::restarting:
      return instance ? "?:restarting" : child.id + ":restarting";
    case ChildState::running:
      return actors_[child.actor].name();
  }
  return {};
}

/// Children in start order; instances that are restarting have no number, so they stand before those that do.
std::string Tree::answer(ActorIndex supervisor, const CallMail& /*mail*/, const Which& /*asked*/) {
  const bool simple = actors_[supervisor].is_simple();
  std::vector<Child> children = actors_[supervisor].children;
  if (simple) {
    std::ranges::sort(children, {}, [](const Child& child) {
      return child.state == ChildState::restarting ? 0 : split_instance(child.id).number;
    });
  }
  std::string out;
  for (const Child& child : children) out.append(out.empty() ? "" : " ").append(draw_child(child, simple));
  return fmt::format("which [{}]", out);
}

}  // namespace orrery::scenario::model
