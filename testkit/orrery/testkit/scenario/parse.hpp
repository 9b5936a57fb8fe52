// parse.hpp: a scenario from its text.
// Why:  scenarios are written by hand, by generators and by other people's tools; what is wrong with one must be said in
//       a line that its author can act on.
// How:  one statement per line. `#` starts a comment wherever it stands; blanks are spaces and tabs; a carriage return
//       before the end of a line does not count; `tags` may be missing.
// Always true:  (T1) any text gives a scenario or an error, never a crash
//               (T2) what the start of a supervisor judges is no error of the text: period=0, a negative intensity, children
//                    of one id under the same parent, no template or several, significant=true where it may not stand
//               (T3) an event may name an id that nobody has: it finds nobody alive. It may not name an id that is
//                    always something else: a worker is asked for no children, a supervisor is posted no mail
// Not chosen:   refusing an id without a declaration: it may be added later, and asking too early is a case to try.
#pragma once
#include "orrery/testkit/scenario/scenario.hpp"

#include <expected>
#include <string>
#include <string_view>

namespace orrery::scenario {

struct ParseError {
  int line = 0;  ///< counted from 1
  std::string reason;
  friend bool operator==(const ParseError&, const ParseError&) = default;
};

/// The bounds of what can be written. Milliseconds as in OTP; seconds so that a clock in nanoseconds cannot overflow.
inline constexpr std::int64_t milliseconds_max = 4'294'967'295;
inline constexpr std::int64_t seconds_max = 1'000'000'000;
inline constexpr std::int64_t intensity_max = 1'000'000'000;

/// Returns: the scenario, or the first line that is none and why.
[[nodiscard]] std::expected<Scenario, ParseError> parse(std::string_view text);

/// Prints like `line 3: parent=s9 is not declared`.
[[nodiscard]] std::string to_string(const ParseError& error);

}  // namespace orrery::scenario
