// orrery.toml.
#include "orrery/testkit/settings_file.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <fmt/core.h>

#include <set>

namespace orrery::fuzz {

namespace {

using testkit::FileSetting;

std::string print(const FileSetting& setting) {
  std::string value = setting.value;
  if (setting.form == FileSetting::Form::text) {
    value = "\"";
    for (const char c : setting.value) {
      if (c == '\n') {
        value += "\\n";
      } else {
        if (c == '"' || c == '\\') value += '\\';
        value += c;
      }
    }
    value += '"';
  }
  return fmt::format("{} = {}\n", setting.key, value);
}

void check(std::string_view input) {
  const auto read = testkit::parse_settings(input);
  if (!read) return require_clear_line(read.error());
  std::string printed;
  std::set<std::string_view> keys;
  std::size_t line = 0;
  for (const FileSetting& setting : *read) {
    require(keys.insert(setting.key).second, "no key is there twice");
    require(setting.line > line, "settings come in the order of their lines");
    line = setting.line;
    printed += print(setting);
  }
  const auto again = testkit::parse_settings(printed);
  require(again.has_value() && again->size() == read->size(),
          "what was written can be read: " + printed.substr(0, 200));
  for (std::size_t i = 0; i < read->size(); ++i) {
    const FileSetting& a = (*read)[i];
    const FileSetting& b = (*again)[i];
    require(a.key == b.key && a.value == b.value && a.form == b.form, "what was read and written is the same");
  }
}

std::vector<std::string> seeds() {
  std::string keys;
  for (int i = 0; i < 50'000; ++i) keys += fmt::format("k{}=1\n", i);
  return {"seed = 0x5eed\nruns = 1_000 # a comment\nout = \"a\\\"b\\\\c\\n\\td\"\nswarm=true\r\njson = 'C:\\x'\n",
          "[table]\n",
          "a = \n",
          "a = 1 2\n",
          "a = \"x\n",
          "a = 1\na = 2\n",
          keys,
          "a = " + repeated("9", many),
          "a = \"" + repeated("x", many),
          repeated("k", many) + " = 1\n",
          "# " + repeated("x", many)};
}

const Registered registered{{"settings_files", check, seeds}};

}  // namespace

}  // namespace orrery::fuzz
