// orrery.toml: what is read, what is refused, which file counts, and who wins.
#include "orrery/testkit/settings_file.hpp"

#include "orrery/testkit/record.hpp"
#include "orrery/testkit/settings.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace orrery::testing {
namespace {

namespace files = std::filesystem;
using testkit::find_settings_file;
using testkit::parse_settings;

/// A folder that is the current one for a test, and a shell without our variables.
struct SettingsFileTest : ::testing::Test {
  SettingsFileTest() {
    std::string pattern = (files::temp_directory_path() / "orrery-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"no folder"};
    root = files::canonical(pattern);
    files::create_directories(root / "a/b");
    files::current_path(root / "a/b");
    for (const testkit::SettingName& name : testkit::setting_names()) {
      if (const char* const value = std::getenv(name.variable); value != nullptr) {
        shell.emplace_back(name.variable, value);
        unsetenv(name.variable);
      }
    }
  }
  ~SettingsFileTest() override {
    files::current_path(before);
    files::remove_all(root);
    for (const auto& [name, value] : shell) setenv(name.c_str(), value.c_str(), 1);
  }
  void write(const std::string& path, std::string_view text) const { std::ofstream{root / path} << text; }
  [[nodiscard]] static std::string error() {
    const auto read = testkit::settings_from_environment();
    return read ? "" : read.error();
  }
  files::path before = files::current_path();
  files::path root;
  std::vector<std::pair<std::string, std::string>> shell;
};

TEST_F(SettingsFileTest, reads_numbers_switches_texts_and_comments) {
  write("a/b/orrery.toml",
        "# a budget\r\nruns = 12_000   # per property\n\n\tseed=0xFeed\nstrict = true\nresume = false\n"
        "strategy = 'pos'\ntime = \"90s\"\nfaults = \"no\\u006ee\"\n");
  EXPECT_EQ(error(), "orrery.toml:9: after a backslash, \", \\, n or t is expected");
  write("a/b/orrery.toml",
        "# a budget\r\nruns = 12_000   # per property\n\n\tseed=0xFeed\nstrict = true\nresume = false\n"
        "strategy = 'pos'\ntime = \"90s\"\nfaults = \"none\" # \"heavy\"\njobs = 3");
  const auto read = testkit::settings_from_environment();
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->runs, 12'000U);
  EXPECT_EQ(read->seed, 0xfeedU);
  EXPECT_TRUE(read->strict);
  EXPECT_FALSE(read->resume);
  EXPECT_EQ(read->strategy, sim::StrategyKind::pos);
  EXPECT_EQ(read->time, std::chrono::seconds{90});
  EXPECT_EQ(read->faults, sim::FaultProfile::none);
  EXPECT_EQ(read->jobs, 3U);
}

TEST_F(SettingsFileTest, refuses_a_bad_line_by_its_number) {
  const std::pair<const char*, const char*> wrong[] = {
      {"runs = 5\nrusn = 6", "orrery.toml:2: unknown key rusn; is runs meant?"},
      {"runs = 5\n\nruns = 6", "orrery.toml:3: runs is set in line 1 already"},
      {"[campaign]\nruns = 5", "orrery.toml:1: there are no tables here, only lines of key = value"},
      {"runs 5", "orrery.toml:1: key = value is expected"},
      {"= 5", "orrery.toml:1: key = value is expected"},
      {"runs = # 5", "orrery.toml:1: runs has no value"},
      {"runs = 5 6", "orrery.toml:1: nothing more is expected after the value of runs"},
      {"runs = -5", "orrery.toml:1: -5 is neither a whole number nor true, false or a text in quotes"},
      {"runs = [5]", "orrery.toml:1: [5] is neither a whole number nor true, false or a text in quotes"},
      {"runs = 5.0", "orrery.toml:1: 5.0 is neither a whole number nor true, false or a text in quotes"},
      {"runs = 5__0", "orrery.toml:1: 5__0 is neither a whole number nor true, false or a text in quotes"},
      {"runs = \"5\"", "orrery.toml:1: runs is a whole number, without quotes"},
      {"runs = 0", "orrery.toml:1: runs=\"0\" is not a whole number of at least 1 (decimal, or hexadecimal with 0x)"},
      {"strict = 1", "orrery.toml:1: strict is true or false, without quotes"},
      {"strategy = pos", "orrery.toml:1: pos is neither a whole number nor true, false or a text in quotes"},
      {"faults = \"heavier\"", "orrery.toml:1: faults=\"heavier\" is not a fault profile: none, local or heavy"},
      {"out = \"x", "orrery.toml:1: the text does not end: its closing quote is missing"},
      {"out = \"\"", "orrery.toml:1: out is empty"},
      {"replay = \"b7k2\"",
       "orrery.toml:1: replay is about one run: it is set on the command line or in the environment"},
  };
  for (const auto& [text, why] : wrong) {
    write("a/b/orrery.toml", text);
    EXPECT_EQ(error(), why) << text;
  }
}

TEST_F(SettingsFileTest, is_a_bad_one_even_where_the_environment_would_win) {
  write("a/b/orrery.toml", "runs = 0");
  setenv("ORRERY_RUNS", "5", 1);
  EXPECT_NE(error(), "");
  unsetenv("ORRERY_RUNS");
}

TEST_F(SettingsFileTest, is_the_nearest_one_alone) {
  EXPECT_FALSE(testkit::settings_from_environment()->runs);
  write("orrery.toml", "runs = 7\njobs = 2");
  EXPECT_EQ(testkit::settings_from_environment()->runs, 7U);
  write("a/orrery.toml", "runs = 8");
  EXPECT_EQ(testkit::settings_from_environment()->runs, 8U);
  EXPECT_EQ(testkit::settings_from_environment()->jobs, 1U);
  files::create_directories(root / "a/b/orrery.toml");  // no file
  EXPECT_EQ(testkit::settings_from_environment()->runs, 8U);
  write("a/orrery.toml", "x = 8");
  EXPECT_TRUE(error().starts_with("../orrery.toml:1: unknown key x; is ")) << error();
}

TEST_F(SettingsFileTest, begins_its_paths_where_it_stands) {
  write("a/orrery.toml", "out = \"found\"\nregressions = \"/kept\"");
  EXPECT_EQ(testkit::settings_from_environment()->out, (root / "a/found").string());
  EXPECT_EQ(testkit::settings_from_environment()->regressions, "/kept");
  write("a/b/orrery.toml", "out = \"found\"");
  EXPECT_EQ(testkit::settings_from_environment()->out, "found");
}

TEST_F(SettingsFileTest, yields_to_the_environment_which_yields_to_flags) {
  write("a/b/orrery.toml", "runs = 7\njobs = 2\nseed = 1");
  setenv("ORRERY_JOBS", "3", 1);
  setenv("ORRERY_SEED", "2", 1);
  std::vector<testkit::GivenSetting> given;
  auto settings = testkit::settings_from_environment(&given);
  unsetenv("ORRERY_JOBS");
  unsetenv("ORRERY_SEED");
  ASSERT_TRUE(settings);
  std::string program = "test", flag = "--orrery_seed=3";
  char* words[] = {program.data(), flag.data(), nullptr};
  int count = 2;
  ASSERT_TRUE(testkit::take_flags(*settings, count, words));
  EXPECT_EQ(settings->runs, 7U);
  EXPECT_EQ(settings->jobs, 3U);
  EXPECT_EQ(settings->seed, 3U);
  std::string told;
  for (const auto& [key, value, from] : given) told += fmt::format("{}={} ({}) ", key, value, from);
  EXPECT_EQ(told, "runs=7 (orrery.toml:1) seed=2 (environment) jobs=3 (environment) ");
}

}  // namespace
}  // namespace orrery::testing
