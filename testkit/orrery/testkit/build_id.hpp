// build_id.hpp: which build of a program this is.
// Why:  a record that does not replay may come from another build; both ids tell at once.
#pragma once
#include <string>

namespace orrery::testkit {

/// Returns: the GNU build id of the running executable in hexadecimal; when its linker has made none, "x" and a hash of the
/// file; "unknown" when that cannot be read. The same for the same file, wherever it runs.
///
/// Cost: once per process.
[[nodiscard]] const std::string& build_id();

}  // namespace orrery::testkit
