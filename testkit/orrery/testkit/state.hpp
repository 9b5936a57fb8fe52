// state.hpp: how far an exploration has come, as a file, so that it can be taken up again another night.
// How:  lines of text with a checksum at the end, like a record. It is written beside itself and then renamed, so that a
//       killed exploration leaves the last whole state.
#pragma once
#include "orrery/testkit/loop.hpp"

#include <expected>
#include <string>
#include <string_view>

namespace orrery::testkit {

struct CampaignState {
  std::string test;
  std::uint64_t seed = 0;
  std::string options;  ///< what else the runs depend on, in one line
  Progress progress;
};

[[nodiscard]] std::string to_text(const CampaignState& state);
/// Returns: the state, or a sentence that says what is wrong.
[[nodiscard]] std::expected<CampaignState, std::string> parse_state(std::string_view text);

/// Errors: a sentence that names the path.
[[nodiscard]] std::expected<void, std::string> write_whole_file(const std::string& path, std::string_view text);

}  // namespace orrery::testkit
