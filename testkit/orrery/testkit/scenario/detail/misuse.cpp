// What an event may ask of an id. It is decided after the last line, because an id may be added after it was named.
#include "orrery/testkit/scenario/detail/statements.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace orrery::scenario::detail {

namespace {

/// Everything that an id is said to be, by declarations and by `add`. One without either may be anything.
class Ids {
 public:
  explicit Ids(const Scenario& scenario) {
    for (const Declaration& declaration : scenario.declarations) meanings_[declaration.id].push_back(&declaration);
    for (const Event& event : scenario.events) learn(event);
  }

  /// Returns: whether `id` was introduced and nothing that it is satisfies `fits`. An instance is what its template is.
  template <class Fits>
  [[nodiscard]] bool never(std::string_view id, Fits fits) const {
    auto found = meanings_.find(id);
    if (found == meanings_.end()) found = meanings_.find(split_instance(id).base);
    return found != meanings_.end() && std::ranges::none_of(found->second, fits);
  }

  [[nodiscard]] bool known(std::string_view id) const { return meanings_.contains(id); }

 private:
  void learn(const Event& event) {
    if (const auto* const add = std::get_if<AddChild>(&event.action)) meanings_[add->child.id].push_back(&add->child);
    if (const auto* const batch = std::get_if<Batch>(&event.action)) {
      for (const Event& operation : batch->operations) learn(operation);
    }
  }

  std::map<std::string_view, std::vector<const Declaration*>> meanings_;
};

bool is_supervisor(const Declaration* declaration) { return declaration->kind == Kind::supervisor; }
bool is_no_supervisor(const Declaration* declaration) { return declaration->kind != Kind::supervisor; }
bool is_no_template(const Declaration* declaration) { return declaration->kind != Kind::instance_template; }
bool is_simple(const Declaration* declaration) {
  return is_supervisor(declaration) && declaration->strategy == Strategy::simple_one_for_one;
}
bool is_not_simple(const Declaration* declaration) {
  return is_supervisor(declaration) && declaration->strategy != Strategy::simple_one_for_one;
}

/// What is wrong with one action, or nothing.
class Judge {
 public:
  explicit Judge(const Ids& ids) : ids_{ids} {}

  std::string operator()(const Exit& a) const { return worker("exit", a.target); }
  std::string operator()(const Post& a) const { return worker("post", a.target); }
  std::string operator()(const Kill& a) const { return actor("kill", a.target); }
  std::string operator()(const Signal& a) const { return actor("signal", a.target); }
  std::string operator()(const Stop& a) const { return supervisor("stop", a.supervisor); }
  std::string operator()(const Advance& /*a*/) const { return {}; }
  std::string operator()(const Replan& /*a*/) const { return {}; }
  std::string operator()(const TerminateChild& a) const { return supervisor("terminate", a.supervisor); }
  std::string operator()(const RestartChild& a) const { return supervisor("restart", a.supervisor); }
  std::string operator()(const DeleteChild& a) const { return supervisor("delete", a.supervisor); }
  std::string operator()(const Count& a) const { return supervisor("count", a.supervisor); }
  std::string operator()(const Which& a) const { return supervisor("which", a.supervisor); }
  std::string operator()(const Batch& a) const { return supervisor("batch", a.supervisor); }
  std::string operator()(const AddChild& a) const {
    const std::string& asked = a.child.parent;
    if (!ids_.never(asked, is_not_simple)) return {};
    if (!ids_.never(asked, is_simple))
      return fmt::format("{} is simple_one_for_one: it is asked to spawn, not to add", asked);
    return supervisor("add", asked);
  }
  std::string operator()(const Spawn& a) const {
    if (!ids_.never(a.supervisor, is_simple)) return {};
    if (!ids_.never(a.supervisor, is_not_simple)) {
      return fmt::format("{} is not simple_one_for_one: only such a supervisor can spawn", a.supervisor);
    }
    return supervisor("spawn", a.supervisor);
  }

 private:
  [[nodiscard]] std::string supervisor(std::string_view verb, std::string_view id) const {
    return ids_.never(id, is_supervisor) ? fmt::format("{} is for supervisors, and {} is none", verb, id)
                                         : std::string{};
  }
  [[nodiscard]] std::string worker(std::string_view verb, std::string_view id) const {
    if (ids_.never(id, is_no_supervisor)) return fmt::format("{} is for workers, and {} is a supervisor", verb, id);
    return actor(verb, id);
  }
  [[nodiscard]] std::string actor(std::string_view verb, std::string_view id) const {
    if (!split_instance(id).base.empty() || !ids_.never(id, is_no_template)) return {};
    return fmt::format("{} is a template: {} one of its instances, like {}.1", id, verb, id);
  }

  const Ids& ids_;
};

/// What is wrong with an operation because it stands in a batch of `supervisor`, or nothing.
class BatchJudge {
 public:
  BatchJudge(const Ids& ids, std::string_view supervisor) : ids_{ids}, supervisor_{supervisor} {}

  std::string operator()(const Exit& a) const { return child("exit", a.target); }
  std::string operator()(const Post& a) const { return child("post", a.target); }
  std::string operator()(const Kill& a) const { return child("kill", a.target); }
  std::string operator()(const Signal& a) const { return child("signal", a.target); }
  std::string operator()(const Stop& a) const {
    return a.supervisor == supervisor_ ? std::string{} : child("stop", a.supervisor);
  }
  std::string operator()(const Advance& /*a*/) const { return {}; }
  std::string operator()(const Replan& /*a*/) const { return {}; }
  /// A call, which is answered at once by anybody but the one who is paused.
  template <class Call>
  std::string operator()(const Call& /*call*/) const {
    return {};
  }

 private:
  [[nodiscard]] std::string child(std::string_view verb, std::string_view id) const {
    const bool stranger =
        id == supervisor_ || (ids_.known(supervisor_) && ids_.never(id, [this](const Declaration* declaration) {
          return declaration->parent == supervisor_;
        }));
    if (!stranger) return {};
    return fmt::format("in a batch of {} only its children are touched: {} {} is not possible", supervisor_, verb, id);
  }

  const Ids& ids_;
  std::string_view supervisor_;
};

}  // namespace

Misuse find_misuse(const Scenario& scenario) {
  const Ids ids{scenario};
  for (const Event& event : scenario.events) {
    if (std::string wrong = std::visit(Judge{ids}, event.action); !wrong.empty()) return {event.line, std::move(wrong)};
    const auto* const batch = std::get_if<Batch>(&event.action);
    if (batch == nullptr) continue;
    for (const Event& operation : batch->operations) {
      std::string wrong = std::visit(Judge{ids}, operation.action);
      if (wrong.empty()) wrong = std::visit(BatchJudge{ids, batch->supervisor}, operation.action);
      if (!wrong.empty()) return {operation.line, std::move(wrong)};
    }
  }
  return {};
}

}  // namespace orrery::scenario::detail
