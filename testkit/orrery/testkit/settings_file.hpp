// settings_file.hpp: orrery.toml, the settings that a project has for everybody.
// Why:  what every run of a project's tests wants (workers, a budget, where records go) belongs into its repository, not into
//       everybody's shell.
// How:  the file is looked for in the current folder, then in its parents; the nearest one counts, alone. It is the flat part
//       of TOML: `key = value` lines and comments; a value is a whole number, true, false, or a text in quotes. Which keys
//       there are, and what they may be, is settings.cpp's affair.
// Always true:  (F1) a line that is not understood is an error with its number, never skipped
// Not chosen:   a TOML library (tables, dates and arrays have no use here).
// Source:       TOML 1.0 for what is read; UX section 3.
#pragma once
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::testkit {

inline constexpr std::string_view settings_file_name = "orrery.toml";

struct FileSetting {
  enum class Form : std::uint8_t { whole_number, yes_or_no, text };
  std::string key;
  std::string value;  ///< a number as it stands, without underscores; "true" or "false"; a text without its quotes
  Form form = Form::text;
  std::size_t line = 0;
};

struct SettingsFile {
  std::string name;                   ///< for messages: as seen from the current folder
  std::filesystem::path folder;       ///< where it stands; empty when that is the current folder
  std::vector<FileSetting> settings;  ///< in its order, no key twice
};

/// Errors: "3: ..." for the first line that is wrong.
[[nodiscard]] std::expected<std::vector<FileSetting>, std::string> parse_settings(std::string_view text);

/// Returns: the file that counts in the folder `from`, or nothing when there is none up to the root.
/// Errors:  "orrery.toml:3: ..."; "cannot read orrery.toml".
[[nodiscard]] std::expected<std::optional<SettingsFile>, std::string> find_settings_file(
    const std::filesystem::path& from);

}  // namespace orrery::testkit
