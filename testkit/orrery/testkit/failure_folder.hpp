// failure_folder.hpp: what stands in orrery-out/<Suite.Test>/<token>/ besides the record, and how many such folders there are.
// Always true:  (D1) what this process has written is not pruned by it, and what was kept (orrery keep) never is
//               (D2) nothing is removed that is no folder of a failure
// Source:       UX section 3.
#pragma once
#include "orrery/testkit/campaign.hpp"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace orrery::testkit {

/// So many failures of one test are left in orrery-out.
inline constexpr std::size_t failure_folders_max = 20;

/// How to make a run again.
struct ReproCommand {
  std::string program;         ///< absolute
  std::string working_folder;  ///< in which it was found
  std::string variables;       ///< further ones, as `NAME=value ` in a shell
  bool has_record = true;      ///< otherwise there is only the token
};

/// Returns: the text of repro.sh, which may be started from anywhere, and moved together with its record. It ends as the
/// test program does.
[[nodiscard]] std::string repro_script(const Failure& failure, const ReproCommand& command);

/// Writes a file that can be executed.    Errors: a sentence that names the path.
[[nodiscard]] std::expected<void, std::string> write_program(const std::string& path, std::string_view text);

/// Removes the oldest failures in `folder`, that of a test, until there are no more than `most`. `written`: the folder in it
/// that has just been written; `kept`: where `orrery keep` puts the records of this test.
void prune_failures(const std::string& folder, const std::string& written, const std::string& kept,
                    std::size_t most = failure_folders_max);

}  // namespace orrery::testkit
