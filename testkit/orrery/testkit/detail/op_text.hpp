// op_text.hpp: operations as people read them: "one -> register  Wrote #1".
// How:  a strategy knows operations by hashes; the events of the same run hold the texts that were hashed.
#pragma once
#include "orrery/sim/strategies/follow.hpp"
#include "orrery/sim/trace.hpp"

#include <string>
#include <vector>

namespace orrery::testkit::detail {

/// Returns: one line for each of `notes.labels`, saying what waits for what. What no event mentions is a number in it.
[[nodiscard]] std::vector<std::string> names_of_held(const sim::Followed& notes, const std::vector<sim::Event>& events);

/// Returns: one operation of the run whose events these are.
[[nodiscard]] std::string text_of_op(const sim::OpLabel& label, const std::vector<sim::Event>& events);

}  // namespace orrery::testkit::detail
