// supervision.hpp: random supervision trees, for systems that must not depend on how their supervisors are set up.
// How:  a shape without actors, generated part by part so that it shrinks to fewer and plainer ones; to_spec() makes a
//       SupervisorSpec of it with the actors of whoever tests. Every tree is one that a supervisor accepts.
// Source:  SPEC P1, S1 to S5.
#pragma once
#include "orrery/supervision/spec.hpp"

#include <rapidcheck.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace orrery::props {

struct TreeShape;

/// A child of a supervisor: a worker, or with `tree` a supervisor.
struct ChildShape {
  RestartType restart = RestartType::permanent;
  bool significant = false;
  std::vector<TreeShape> tree;  ///< none or one
};

struct TreeShape {
  RestartStrategy strategy = RestartStrategy::one_for_one;
  int intensity = 1;
  AutoShutdown auto_shutdown = AutoShutdown::never;
  std::vector<ChildShape> children;
};

struct TreeLimits {
  int depth_max = 3;      ///< 1: workers only
  int children_max = 4;   ///< of one supervisor
  int intensity_max = 5;  ///< within `period`
  Duration period = std::chrono::seconds{5};
};

/// Any tree within the limits, without simple_one_for_one. Grows with rapidcheck's size.
[[nodiscard]] rc::Gen<TreeShape> any_tree(const TreeLimits& limits = {});

/// Makes a specification of it. Workers are called "w0", "w1" and so on, supervisors "s0", in the order of their start; `worker`
/// gives the start function of each.
[[nodiscard]] SupervisorSpec to_spec(const TreeShape& shape,
                                     const std::function<std::shared_ptr<StartFunction>(const std::string& id)>& worker,
                                     const TreeLimits& limits = {});

/// Returns: how many workers, and how many supervisors besides the top one, it has.
struct TreeSize {
  std::size_t workers = 0;
  std::size_t supervisors = 0;
};
[[nodiscard]] TreeSize size_of(const TreeShape& shape);

/// For rapidcheck's reports.
void showValue(const TreeShape& shape, std::ostream& out);  // NOLINT(readability-identifier-naming): rapidcheck's name

}  // namespace orrery::props
