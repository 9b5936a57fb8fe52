#include "orrery/testkit/settings_file.hpp"

#include "orrery/testkit/record.hpp"
#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>

namespace orrery::testkit {

namespace {

using Result = std::expected<void, std::string>;

bool is_of_key(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

void skip_blanks(std::string_view& rest) { rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size())); }

/// Reads a text whose opening quote is the first character. What stands in '...' is taken as it is.
Result take_text(std::string_view& rest, std::string& value) {
  const char quote = rest.front();
  rest.remove_prefix(1);
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c == quote) return {};
    if (c != '\\' || quote == '\'') {
      value += c;
      continue;
    }
    constexpr std::pair<char, char> escapes[] = {{'"', '"'}, {'\\', '\\'}, {'n', '\n'}, {'t', '\t'}};
    const auto* const known =
        rest.empty() ? std::end(escapes) : std::ranges::find(escapes, rest.front(), &std::pair<char, char>::first);
    if (known == std::end(escapes)) return std::unexpected(R"(after a backslash, ", \, n or t is expected)");
    value += known->second;
    rest.remove_prefix(1);
  }
  return std::unexpected("the text does not end: its closing quote is missing");
}

Result take_value(std::string_view& rest, FileSetting& setting) {
  using enum FileSetting::Form;
  if (rest.starts_with('"') || rest.starts_with('\'')) {
    setting.form = text;
    return take_text(rest, setting.value);
  }
  const std::string_view word = rest.substr(0, std::min(rest.find_first_of(" \t#"), rest.size()));
  rest.remove_prefix(word.size());
  setting.form = word == "true" || word == "false" ? yes_or_no : whole_number;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const bool is_separator = word[i] == '_' && i != 0 && i + 1 != word.size() && word[i - 1] != '_';
    if (!is_separator) setting.value += word[i];
  }
  // How large a number may be, and whether 0x... is one, is for whoever knows the key.
  const bool is_number = word.front() >= '0' && word.front() <= '9' && std::ranges::all_of(setting.value, [](char c) {
                           return is_of_key(c) && c != '_' && c != '-';
                         });
  if (setting.form == whole_number && !is_number)
    return std::unexpected(fmt::format("{} is neither a whole number nor true, false or a text in quotes", word));
  return {};
}

Result take_line(std::string_view rest, FileSetting& setting) {
  if (rest.starts_with('[')) return std::unexpected("there are no tables here, only lines of key = value");
  const auto key_size = static_cast<std::size_t>(std::ranges::find_if_not(rest, is_of_key) - rest.begin());
  setting.key = rest.substr(0, key_size);
  rest.remove_prefix(key_size);
  skip_blanks(rest);
  if (setting.key.empty() || !rest.starts_with('=')) return std::unexpected("key = value is expected");
  rest.remove_prefix(1);
  skip_blanks(rest);
  if (rest.empty() || rest.starts_with('#')) return std::unexpected(fmt::format("{} has no value", setting.key));
  if (auto taken = take_value(rest, setting); !taken) return taken;
  skip_blanks(rest);
  if (!rest.empty() && !rest.starts_with('#'))
    return std::unexpected(fmt::format("nothing more is expected after the value of {}", setting.key));
  return {};
}

}  // namespace

std::expected<std::vector<FileSetting>, std::string> parse_settings(std::string_view text) {
  std::vector<FileSetting> settings;
  std::map<std::string, std::size_t, std::less<>> line_of_key;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    skip_blanks(line);
    if (line.empty() || line.starts_with('#')) continue;
    FileSetting setting;
    setting.line = number;
    if (const auto taken = take_line(line, setting); !taken)
      return std::unexpected(error_line(fmt::format("{}: {}", number, taken.error())));
    if (const auto [first, is_new] = line_of_key.try_emplace(setting.key, number); !is_new)
      return std::unexpected(
          error_line(fmt::format("{}: {} is set in line {} already", number, setting.key, first->second)));
    settings.push_back(std::move(setting));
  }
  return settings;
}

std::expected<std::optional<SettingsFile>, std::string> find_settings_file(const std::filesystem::path& from) {
  namespace files = std::filesystem;
  for (files::path folder = from;; folder = folder.parent_path()) {
    const files::path path = folder / settings_file_name;
    std::error_code error;
    if (files::is_regular_file(path, error)) {
      SettingsFile file;
      file.name = folder == from ? std::string{settings_file_name} : files::proximate(path, from, error).string();
      if (folder != from) file.folder = folder;
      const auto text = read_file(path.string());
      if (!text) return std::unexpected("cannot read " + file.name);
      auto settings = parse_settings(*text);
      if (!settings) return std::unexpected(fmt::format("{}:{}", file.name, settings.error()));
      file.settings = std::move(*settings);
      return file;
    }
    if (!folder.has_relative_path()) return std::nullopt;  // the root
  }
}

}  // namespace orrery::testkit
