#include "orrery/props/supervision.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <ostream>
#include <tuple>
#include <utility>

namespace orrery::props {

namespace {

rc::Gen<TreeShape> tree_of(TreeLimits limits, int depth);

rc::Gen<ChildShape> child_of(const TreeLimits& limits, int depth) {
  const auto restart = rc::gen::element(RestartType::permanent, RestartType::transient, RestartType::temporary);
  const auto make = [](std::tuple<RestartType, bool, std::vector<TreeShape>> parts) {
    auto& [type, is_significant, tree] = parts;
    return ChildShape{type, is_significant && type != RestartType::permanent, std::move(tree)};
  };
  rc::Gen<std::vector<TreeShape>> tree = rc::gen::just(std::vector<TreeShape>{});
  if (depth > 1) {
    const auto one =
        rc::gen::map(tree_of(limits, depth - 1), [](TreeShape shape) { return std::vector{std::move(shape)}; });
    tree = rc::gen::weightedOneOf<std::vector<TreeShape>>({{3, tree}, {1, one}});
  }
  return rc::gen::map(rc::gen::tuple(restart, rc::gen::arbitrary<bool>(), std::move(tree)), make);
}

rc::Gen<TreeShape> tree_of(TreeLimits limits, int depth) {
  const auto strategy =
      rc::gen::element(RestartStrategy::one_for_one, RestartStrategy::one_for_all, RestartStrategy::rest_for_one);
  const auto mode = rc::gen::element(AutoShutdown::never, AutoShutdown::any_significant, AutoShutdown::all_significant);
  const auto children = rc::gen::map(rc::gen::container<std::vector<ChildShape>>(child_of(limits, depth)),
                                     [limits](std::vector<ChildShape> all) {
                                       const auto most = static_cast<std::size_t>(limits.children_max);
                                       if (all.size() > most) all.resize(most);
                                       return all;
                                     });
  const auto make = [](std::tuple<RestartStrategy, int, AutoShutdown, std::vector<ChildShape>> parts) {
    auto& [how, intensity, when, all] = parts;
    if (when == AutoShutdown::never) {
      for (ChildShape& child : all) child.significant = false;
    }
    return TreeShape{how, intensity, when, std::move(all)};
  };
  return rc::gen::map(rc::gen::tuple(strategy, rc::gen::inRange(0, limits.intensity_max + 1), mode, children), make);
}

struct Numbers {
  int workers = 0;
  int supervisors = 0;
};

SupervisorSpec spec_of(const TreeShape& shape,
                       const std::function<std::shared_ptr<StartFunction>(const std::string& id)>& worker,
                       const TreeLimits& limits, Numbers& numbers) {
  SupervisorSpec spec{.strategy = shape.strategy,
                      .intensity = shape.intensity,
                      .period = limits.period,
                      .auto_shutdown = shape.auto_shutdown};
  for (const ChildShape& child : shape.children) {
    const ChildOptions options{.restart = child.restart, .significant = child.significant};
    if (child.tree.empty()) {
      std::string id = fmt::format("w{}", numbers.workers++);
      std::shared_ptr<StartFunction> start = worker(id);
      spec.children.push_back({std::move(id), std::move(start), options, {}});
    } else {
      std::string id = fmt::format("s{}", numbers.supervisors++);
      spec.children.push_back(supervisor(std::move(id), spec_of(child.tree.front(), worker, limits, numbers), options));
    }
  }
  return spec;
}

}  // namespace

rc::Gen<TreeShape> any_tree(const TreeLimits& limits) { return tree_of(limits, std::max(limits.depth_max, 1)); }

SupervisorSpec to_spec(const TreeShape& shape,
                       const std::function<std::shared_ptr<StartFunction>(const std::string& id)>& worker,
                       const TreeLimits& limits) {
  Numbers numbers;
  return spec_of(shape, worker, limits, numbers);
}

TreeSize size_of(const TreeShape& shape) {
  TreeSize size;
  for (const ChildShape& child : shape.children) {
    if (child.tree.empty()) {
      ++size.workers;
      continue;
    }
    const TreeSize below = size_of(child.tree.front());
    size.workers += below.workers;
    size.supervisors += below.supervisors + 1;
  }
  return size;
}

void showValue(const TreeShape& shape, std::ostream& out) {
  struct Nobody {};
  out << orrery_describe(to_spec(shape, [](const std::string&) { return start_function([] { return Nobody{}; }); }));
}

}  // namespace orrery::props
