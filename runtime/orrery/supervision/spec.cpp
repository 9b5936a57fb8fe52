#include "orrery/supervision/spec.hpp"

#include "orrery/supervision/supervisor.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <unordered_set>

namespace orrery {

namespace {

ExitReason fault(std::string_view what) { return ExitReason::custom(std::string{what}); }

void describe_to(std::string& out, const SupervisorSpec& spec, int depth);

void describe_to(std::string& out, const ChildSpec& spec, int depth) {
  out += fmt::format("{:{}}{}: {} {}", "", depth * 2, spec.id, to_string(spec.options.restart),
                     spec.is_supervisor()    ? "supervisor"
                     : spec.start == nullptr ? "nothing"
                                             : spec.start->type().name);
  if (spec.options.significant) out += ", significant";
  if (spec.options.shutdown) out += fmt::format(", shutdown {}", to_string(*spec.options.shutdown));
  if (spec.options.mail_on_restart == MailOnRestart::drop) out += ", drops its mail on restart";
  if (spec.options.mailbox.capacity != 0) out += fmt::format(", mailbox of {}", spec.options.mailbox.capacity);
  if (spec.tree == nullptr) return;
  out += ", ";
  describe_to(out, *spec.tree, depth);
}

void describe_to(std::string& out, const SupervisorSpec& spec, int depth) {
  out += fmt::format("{}, {} restart{} in {}", to_string(spec.strategy), spec.intensity, spec.intensity == 1 ? "" : "s",
                     format_duration(spec.period));
  if (spec.auto_shutdown != AutoShutdown::never)
    out += fmt::format(", auto_shutdown {}", to_string(spec.auto_shutdown));
  if (spec.backoff.first > Duration::zero()) {
    out += fmt::format(", backoff {} to {}", format_duration(spec.backoff.first), format_duration(spec.backoff.most));
  }
  for (const ChildSpec& child : spec.children) {
    out += '\n';
    describe_to(out, child, depth + 1);
  }
}

/// Starts a nested supervisor from the tree that its specification holds.
class TreeStart final : public StartFunction {
 public:
  explicit TreeStart(std::shared_ptr<const SupervisorSpec> tree) : tree_{std::move(tree)} {}
  StartOutcome operator()() override {
    return {StartOutcome::Kind::started, detail::make_actor(Supervisor{tree_}), {}};
  }
  [[nodiscard]] const ActorType& type() const noexcept override { return detail::actor_type<Supervisor>; }

 private:
  std::shared_ptr<const SupervisorSpec> tree_;
};

}  // namespace

std::shared_ptr<StartFunction> detail::start_of_tree(std::shared_ptr<const SupervisorSpec> tree) {
  return std::make_shared<TreeStart>(std::move(tree));
}

ChildSpec supervisor(std::string id, SupervisorSpec tree, ChildOptions options) {
  auto shared = std::make_shared<const SupervisorSpec>(std::move(tree));
  auto start = detail::start_of_tree(shared);
  return {std::move(id), std::move(start), options, std::move(shared)};
}

bool ChildSpec::is_supervisor() const noexcept {
  return tree != nullptr || (start != nullptr && &start->type() == &detail::actor_type<Supervisor>);
}

std::optional<ExitReason> find_fault(const SupervisorSpec& spec) {
  if (spec.intensity < 0) return fault(fmt::format("supervisor_data:invalid_intensity:{}", spec.intensity));
  if (spec.period <= Duration::zero()) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(spec.period);
    const std::string text = seconds == spec.period ? fmt::format("{}", seconds.count()) : format_duration(spec.period);
    return fault(fmt::format("supervisor_data:invalid_period:{}", text));
  }
  if (spec.strategy == RestartStrategy::simple_one_for_one && spec.children.size() != 1) return fault("bad_start_spec");
  std::unordered_set<std::string_view> ids;
  for (const ChildSpec& child : spec.children) {
    if (child.start == nullptr) return fault(fmt::format("start_spec:missing_start:{}", child.id));
    if (is_bad_combination(child.options.restart, child.options.significant, spec.auto_shutdown)) {
      return fault("start_spec:bad_combination");
    }
    if (!is_actor_name(child.id)) return fault(fmt::format("start_spec:bad_child_name:{}", child.id));
    if (!ids.insert(child.id).second) return fault(fmt::format("start_spec:duplicate_child_name:{}", child.id));
  }
  return std::nullopt;
}

std::string orrery_describe(const SupervisorSpec& spec) {
  std::string out;
  describe_to(out, spec, 0);
  return out;
}
std::string orrery_describe(const ChildSpec& spec) {
  std::string out;
  describe_to(out, spec, 0);
  return out;
}

std::string_view to_string(RestartStrategy strategy) noexcept {
  switch (strategy) {
    case RestartStrategy::one_for_one:
      return "one_for_one";
    case RestartStrategy::one_for_all:
      return "one_for_all";
    case RestartStrategy::rest_for_one:
      return "rest_for_one";
    case RestartStrategy::simple_one_for_one:
      return "simple_one_for_one";
  }
  return "unknown";
}
std::string_view to_string(RestartType type) noexcept {
  switch (type) {
    case RestartType::permanent:
      return "permanent";
    case RestartType::transient:
      return "transient";
    case RestartType::temporary:
      return "temporary";
  }
  return "unknown";
}
std::string_view to_string(AutoShutdown mode) noexcept {
  switch (mode) {
    case AutoShutdown::never:
      return "never";
    case AutoShutdown::any_significant:
      return "any_significant";
    case AutoShutdown::all_significant:
      return "all_significant";
  }
  return "unknown";
}
std::string_view to_string(ChildStatus status) noexcept {
  switch (status) {
    case ChildStatus::undefined:
      return "undefined";
    case ChildStatus::restarting:
      return "restarting";
    case ChildStatus::running:
      return "running";
  }
  return "unknown";
}
std::string_view to_string(ChildError error) noexcept {
  switch (error) {
    case ChildError::not_found:
      return "not_found";
    case ChildError::running:
      return "running";
    case ChildError::restarting:
      return "restarting";
    case ChildError::already_present:
      return "already_present";
    case ChildError::already_started:
      return "already_started";
    case ChildError::simple_one_for_one:
      return "simple_one_for_one";
    case ChildError::bad_combination:
      return "bad_combination";
    case ChildError::start_failed:
      return "start_failed";
  }
  return "unknown";
}
std::string_view to_string(SupervisorReport::Kind kind) noexcept {
  switch (kind) {
    case SupervisorReport::Kind::child_terminated:
      return "child_terminated";
    case SupervisorReport::Kind::start_error:
      return "start_error";
    case SupervisorReport::Kind::shutdown:
      return "shutdown";
    case SupervisorReport::Kind::shutdown_error:
      return "shutdown_error";
  }
  return "unknown";
}
std::string to_string(Shutdown shutdown) {
  if (shutdown.is_brutal_kill()) return "brutal_kill";
  return shutdown.is_infinity() ? "infinity" : format_duration(shutdown.limit());
}

}  // namespace orrery
