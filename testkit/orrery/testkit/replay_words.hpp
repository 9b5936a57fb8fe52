// replay_words.hpp: what a test program says of a replay and `orrery replay --twice` looks for.
#pragma once
#include <string_view>

namespace orrery::testkit {

/// Stands in the line about a run whose executions differ.
inline constexpr std::string_view does_not_repeat_itself = "does not repeat itself";

}  // namespace orrery::testkit
