// linearizability_report.hpp: a violation as lines of text: how far the operations make sense, and which one does not.
#pragma once
#include "orrery/core/describe.hpp"
#include "orrery/testkit/linearizability.hpp"
#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace orrery::testkit {

/// Returns: the text of the state after each operation of `order`.
template <LinearizableModel Model>
[[nodiscard]] std::vector<std::string> states_along(
    Model state, std::span<const Operation<typename Model::Input, typename Model::Output>> operations,
    std::span<const std::size_t> order) {
  std::vector<std::string> texts;
  for (const std::size_t index : order) {
    const auto& operation = operations[index];
    const bool has_output = operation.ending == Ending::ok && operation.output;
    ORRERY_CHECK(state.apply(operation.input, has_output ? &*operation.output : nullptr));
    texts.push_back(describe(state));
  }
  return texts;
}

/// Returns: "process 3: get("x") = "1"", with "= ?" where nobody knows.
template <class Input, class Output>
[[nodiscard]] std::string describe_operation(const Operation<Input, Output>& operation) {
  std::string text = fmt::format("process {}: {}", operation.process, describe(operation.input));
  if (operation.ending == Ending::failed) return text + " failed";
  if (operation.ending == Ending::unknown) return text + " = ?";
  return operation.output ? text + " = " + describe(*operation.output) : text;
}

struct ViolationLines {
  std::size_t steps_max = 40;    ///< the last so many of the longest prefix; what is left out is said
  std::size_t prefixes_max = 3;  ///< of the others, only how they end
};

/// Returns: the longest legal prefix, numbered, with the state after each step, and then the first illegal operation.
///
/// Pre: `verdict` is that of `operations`, and holds a violation.
template <LinearizableModel Model>
[[nodiscard]] std::string explain(const Model& initial,
                                  std::span<const Operation<typename Model::Input, typename Model::Output>> operations,
                                  const LinearizabilityVerdict& verdict, ViolationLines lines = {}) {
  ORRERY_CHECK(verdict.violation.has_value());
  const LinearizabilityViolation& violation = *verdict.violation;
  const std::string& key = verdict.keys[violation.key].key;
  const std::string of_key = key.empty() ? "" : " of key " + key;
  std::string text;
  const auto& longest = violation.prefixes.front();
  const std::vector<std::string> states = states_along(initial, operations, longest);
  text += fmt::format("  longest legal prefix{} ({}):\n", of_key, count_of(longest.size(), "operation"));
  const std::size_t first = longest.size() - std::min(longest.size(), lines.steps_max);
  if (first != 0) text += fmt::format("        {} before these\n", grouped(first));
  for (std::size_t i = first; i < longest.size(); ++i) {
    text += fmt::format("  {:>5}  {}  => {}\n", i + 1, describe_operation(operations[longest[i]]), states[i]);
  }
  for (std::size_t i = 1; i < std::min(lines.prefixes_max, violation.prefixes.size()); ++i) {
    const auto& other = violation.prefixes[i];
    text += fmt::format("  another one ({}) ends in {}\n", count_of(other.size(), "operation"),
                        states_along(initial, operations, other).back());
  }
  text += fmt::format("  first illegal operation: {}\n", describe_operation(operations[violation.first_illegal]));
  return text;
}

}  // namespace orrery::testkit
