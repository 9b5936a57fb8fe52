// print.hpp: a scenario as text, for generated scenarios and for what is left of them after shrinking.
// Always true:  (R1) parse(print(s)) == s for every s that parse could have made
//               (R2) attributes are printed if and only if they were given, in the order of enum Attribute
#pragma once
#include "orrery/testkit/scenario/scenario.hpp"

#include <string>
#include <string_view>

namespace orrery::scenario {

[[nodiscard]] std::string print(const Scenario& scenario);

/// Returns: "sup root parent=- intensity=3".
[[nodiscard]] std::string print(const Declaration& declaration);

/// Returns: the statement; of a batch only its first line.
[[nodiscard]] std::string print(const Action& action);

/// Makes an event of an action, with the text that print gives it.
[[nodiscard]] Event make_event(Action action);

[[nodiscard]] std::string_view to_string(Strategy strategy);
[[nodiscard]] std::string_view to_string(AutoShutdown auto_shutdown);
[[nodiscard]] std::string_view to_string(Restart restart);
[[nodiscard]] std::string to_string(Shutdown shutdown);

}  // namespace orrery::scenario
