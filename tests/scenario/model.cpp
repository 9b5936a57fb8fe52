#include "tests/scenario/model.hpp"

#include "tests/scenario/model_tree.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace orrery::scenario {

namespace model {

void Tree::post(ActorIndex actor, const std::vector<Message>& messages) {
  const std::string name = actors_[actor].name();
  for (const Message& message : messages) {
    if (message.exits) return die_alone(actor, message.text);  // what is behind it is lost with the mailbox
    log_.note(fmt::format("handled {} {}", name, message.text));
  }
}

ActorIndex Tree::newest(std::string_view id) const {
  const auto found = newest_.find(id);
  return found == newest_.end() ? nobody : found->second;
}

std::uint64_t Tree::next_instance(std::string_view template_id) { return ++spawned_[std::string{template_id}]; }

void Tree::draw_actor(ActorIndex actor, std::string& out) const {
  const Actor& self = actors_[actor];
  out += self.name();
  if (!self.is_supervisor()) return;
  std::vector<const Child*> children;
  for (const Child& child : self.children) children.push_back(&child);
  if (self.is_simple()) {
    std::ranges::sort(children, {}, [](const Child* child) { return split_instance(child->id).number; });
  }
  out += '[';
  for (const Child* const child : children) {
    if (child != children.front()) out += ' ';
    if (child->state == ChildState::running) {
      draw_actor(child->actor, out);
    } else {
      out += draw_child(*child, self.is_simple());
    }
  }
  out += ']';
}

std::string Tree::draw() const {
  if (!root_alive()) return "dead";
  std::string out;
  draw_actor(root_, out);
  return out;
}

namespace {

/// Does events, and queues the operations of a batch.
class Player {
 public:
  explicit Player(Tree& tree) : tree_{tree} {}

  /// Returns: where its result will be, or nothing when it has none.
  std::optional<std::size_t> play(const Action& action) {
    return std::visit([&](const auto& one) { return begin(action, one); }, action);
  }

 private:
  using Place = std::optional<std::size_t>;

  Place done(std::string text) {
    const std::size_t place = tree_.new_result();
    tree_.set_result(place, std::move(text));
    return place;
  }

  template <class Act>
  Place touch(std::string_view id, Act act) {
    const ActorIndex target = tree_.newest(id);
    if (!tree_.alive(target)) return done("noproc");
    act(target);
    return done("ok");
  }

  template <class Prepare>
  Place call(const Action& action, std::string_view supervisor, Prepare prepare) {
    const ActorIndex target = tree_.newest(supervisor);
    if (!tree_.alive(target)) return done("noproc");
    CallMail mail{.result = 0, .asked = &action};
    if (std::string refused = prepare(target, mail); !refused.empty()) return done(std::move(refused));
    mail.result = tree_.new_result();
    tree_.send(target, mail);
    return mail.result;
  }
  Place call(const Action& action, std::string_view supervisor) {
    return call(action, supervisor, [](ActorIndex /*target*/, CallMail& /*mail*/) { return std::string{}; });
  }

  Place begin(const Action& /*action*/, const Exit& a) {
    return touch(a.target, [&](ActorIndex target) { tree_.die_alone(target, a.reason); });
  }
  Place begin(const Action& /*action*/, const Kill& a) {
    return touch(a.target, [&](ActorIndex target) { tree_.kill(target); });
  }
  Place begin(const Action& /*action*/, const Signal& a) {
    return touch(a.target, [&](ActorIndex target) { tree_.signal(target, a.reason); });
  }
  Place begin(const Action& /*action*/, const Post& a) {
    return touch(a.target, [&](ActorIndex target) { tree_.post(target, a.messages); });
  }
  Place begin(const Action& /*action*/, const Stop& a) {
    return touch(a.supervisor, [&](ActorIndex target) { tree_.send(target, StopMail{.reason = a.reason}); });
  }
  Place begin(const Action& /*action*/, const Advance& a) {
    tree_.advance(a.seconds);
    return {};
  }
  Place begin(const Action& /*action*/, const Replan& a) {
    tree_.plans().replace(a.target, a.letters);
    return {};
  }
  Place begin(const Action& action, const TerminateChild& a) {
    return call(action, a.supervisor, [&](ActorIndex target, CallMail& mail) -> std::string {
      const Actor& asked = tree_.actor(target);
      if (!asked.is_simple()) return {};
      if (split_instance(a.child).base != asked.spec->children.front()->declared.id) return {};
      mail.instance = tree_.newest(a.child);
      return mail.instance == nobody ? "error not_found" : "";
    });
  }
  Place begin(const Action& action, const AddChild& a) {
    return call(action, a.child.parent, [&](ActorIndex /*target*/, CallMail& /*mail*/) {
      if (!a.child.plan.empty()) tree_.plans().replace(a.child.id, a.child.plan);
      return std::string{};
    });
  }
  Place begin(const Action& action, const Spawn& a) {
    return call(action, a.supervisor, [&](ActorIndex target, CallMail& mail) {
      const Actor& asked = tree_.actor(target);
      if (asked.is_simple()) mail.number = tree_.next_instance(asked.spec->children.front()->declared.id);
      return std::string{};
    });
  }
  Place begin(const Action& action, const RestartChild& a) { return call(action, a.supervisor); }
  Place begin(const Action& action, const DeleteChild& a) { return call(action, a.supervisor); }
  Place begin(const Action& action, const Count& a) { return call(action, a.supervisor); }
  Place begin(const Action& action, const Which& a) { return call(action, a.supervisor); }
  Place begin(const Action& /*action*/, const Batch& /*a*/) { return {}; }

  Tree& tree_;
};

/// Returns: the echo and the results of an event, which is over afterwards.
std::string happen(Tree& tree, const Event& event) {
  Player player{tree};
  std::string out = fmt::format("> {}\n", event.text);
  const auto* const batch = std::get_if<Batch>(&event.action);
  if (batch == nullptr) {
    const std::optional<std::size_t> place = player.play(event.action);
    tree.settle();
    if (place) out += fmt::format("  res {}\n", tree.result(*place));
    return out;
  }
  const ActorIndex paused = tree.newest(batch->supervisor);
  std::vector<std::optional<std::size_t>> places;
  for (const Event& operation : batch->operations) {
    out += fmt::format("+ {}\n", operation.text);
    places.push_back(player.play(operation.action));
    tree.settle(paused);
  }
  tree.settle();
  for (std::size_t i = 0; i < places.size(); ++i) {
    out += fmt::format("  res {} {}\n", i + 1, places[i] ? tree.result(*places[i]) : "ok");
  }
  return out;
}

}  // namespace

}  // namespace model

ModelRun run_model(const Scenario& scenario, bool with_reports) {
  model::Tree tree{scenario};
  std::string out = fmt::format("trace {}\n> init\n", scenario.name);
  const std::string reason = tree.start_root();
  out += tree.log().take(with_reports);
  if (tree.root_alive()) {
    out += fmt::format("  tree {}\n", tree.draw());
  } else {
    out += tree.root_was_ignored() ? "  root ignored\n" : fmt::format("  root failed {}\n", reason);
  }
  for (const Event& event : scenario.events) {
    if (!tree.root_alive()) break;
    out += model::happen(tree, event);
    out += tree.log().take(with_reports);
    out += fmt::format("  tree {}\n", tree.draw());
  }
  return {.trace = out + "end\n", .undefined = tree.undefined()};
}

std::string model_trace(const Scenario& scenario, bool with_reports) { return run_model(scenario, with_reports).trace; }

}  // namespace orrery::scenario
