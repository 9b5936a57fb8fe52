// model.hpp: the trace that a scenario must give, computed by a sequential interpreter.
// Why:  the runtime's supervisors are checked against something that shares no line with them. A scenario is run by both,
//       and by a real Erlang/OTP where there is one; all three traces must be the same bytes.
// How:  plain data, no actors: a supervisor is a list of children and a queue of mail, time is two numbers. Between two
//       events at most one supervisor has mail, so there is nothing to schedule.
// Always true:  (O1) the trace follows from the scenario alone
//               (O2) what OTP leaves open, or does by mistake, is named in `undefined`; such a trace proves nothing
// Source:  Erlang/OTP 25.2.3: supervisor(3), the behaviour of stdlib-4.2's supervisor.
#pragma once
#include "orrery/testkit/scenario/scenario.hpp"

#include <string>
#include <vector>

namespace orrery::scenario {

struct ModelRun {
  std::string trace;
  std::vector<std::string> undefined;  ///< sentences, in the order in which it happened
};

[[nodiscard]] ModelRun run_model(const Scenario& scenario, bool with_reports);

/// Returns: the canonical trace, with or without the `rep` lines.
[[nodiscard]] std::string model_trace(const Scenario& scenario, bool with_reports);

}  // namespace orrery::scenario
