// commit.hpp: which commit a benchmark was built from.
#pragma once
#include <string>

namespace orrery::bench {

/// Returns: its short hash, with "-dirty" when files differed from it; "unknown" outside a repository.
[[nodiscard]] std::string commit();

}  // namespace orrery::bench
