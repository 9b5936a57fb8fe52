// linearizability_html.hpp: a history that is not linearizable, for the picture in report.html.
// How:  attach_history() adds it to what is told of the run; it is drawn when that run is reported. Outside of a check it does
//       nothing, so that a checker may call it wherever it finds a violation.
#pragma once
#include "orrery/core/describe.hpp"
#include "orrery/testkit/assertions.hpp"
#include "orrery/testkit/json.hpp"
#include "orrery/testkit/linearizability_report.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::testkit {

/// Returns: the operations, the longest legal prefix with the state after each, and the first illegal operation, as JSON
/// (docs/report.md).    Pre: `verdict` is that of `operations`, and holds a violation.
template <LinearizableModel Model>
[[nodiscard]] std::string history_json(
    std::string_view name, const Model& initial,
    std::span<const Operation<typename Model::Input, typename Model::Output>> operations,
    const LinearizabilityVerdict& verdict) {
  ORRERY_CHECK(verdict.violation.has_value());
  const LinearizabilityViolation& violation = *verdict.violation;
  const auto key_of = [](const typename Model::Input& input) {
    if constexpr (requires { Model::key_of(input); }) {
      return describe(Model::key_of(input));
    } else {
      static_cast<void>(input);
      return std::string{};
    }
  };
  std::string all;
  for (const auto& operation : operations) {
    JsonObject object;
    object.add("process", std::uint64_t{operation.process})
        .add("key", key_of(operation.input))
        .add("invoked", std::uint64_t{operation.invoked});
    if (operation.returned == never_returned) {
      object.add_raw("returned", "null");
    } else {
      object.add("returned", std::uint64_t{operation.returned});
    }
    const std::string text = describe_operation(operation);
    object
        .add("ending", operation.ending == Ending::ok       ? "ok"
                       : operation.ending == Ending::failed ? "failed"
                                                            : "unknown")
        .add("text", std::string_view{text}.substr(text.find(": ") + 2));
    all += (all.empty() ? "" : ",") + object.text();
  }
  const auto& longest = violation.prefixes.front();
  const std::vector<std::string> states = states_along(initial, operations, longest);
  std::string prefix;
  for (std::size_t i = 0; i < longest.size(); ++i)
    prefix += (i == 0 ? "" : ",") + JsonObject{}.add("op", std::uint64_t{longest[i]}).add("state", states[i]).text();
  return JsonObject{}
      .add("name", name)
      .add_raw("operations", "[" + all + "]")
      .add_raw("prefix", "[" + prefix + "]")
      .add("first_illegal", std::uint64_t{violation.first_illegal})
      .add("violated_key", key_of(operations[violation.first_illegal].input))
      .text();
}

/// Lets report.html draw the history, under `name`.    Pre: as history_json().
template <LinearizableModel Model>
void attach_history(std::string_view name, const Model& initial,
                    std::span<const Operation<typename Model::Input, typename Model::Output>> operations,
                    const LinearizabilityVerdict& verdict) {
  if (!is_run_told()) return;  // of a thousand runs that are tried, one is told
  attach_to_run("history:" + std::string{name}, history_json(name, initial, operations, verdict));
}

}  // namespace orrery::testkit
