// viewer_page.hpp: the page that shows a run, as it is before there is a run in it.
#pragma once
#include <string>
#include <string_view>

namespace orrery::testkit::detail {

/// Where the JSON of a report goes.
inline constexpr std::string_view viewer_data_mark = "/*@data@*/";

/// Returns: testkit/orrery/testkit/html/viewer.html with its styles and scripts; viewer_data_mark stands in it once.
[[nodiscard]] std::string viewer_page();

}  // namespace orrery::testkit::detail
