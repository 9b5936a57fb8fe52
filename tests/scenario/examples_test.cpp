// Goal:   the model says byte for byte what Erlang/OTP 25 says.
// Method: every NAME.scn of examples/ stands beside a NAME.expected that OTP gave.
#include "orrery/testkit/scenario/parse.hpp"
#include "tests/scenario/model.hpp"
#include "tests/scenario/trace_monitor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace orrery::scenario {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> examples() {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator{"tests/scenario/examples"}) {
    if (entry.path().extension() == ".scn") out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

std::string without_reports(const std::string& trace) {
  std::istringstream lines{trace};
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  rep ")) out.append(line).append("\n");
  }
  return out;
}

TEST(Model, gives_the_trace_of_every_example) {
  const auto all = examples();
  ASSERT_GE(all.size(), 14U);
  for (const std::filesystem::path& path : all) {
    const std::string expected = read(std::filesystem::path{path}.replace_extension(".expected"));
    ASSERT_FALSE(expected.empty()) << path;
    const auto scenario = parse(read(path));
    ASSERT_TRUE(scenario) << path << ": " << to_string(scenario.error());
    EXPECT_EQ(model_trace(*scenario, true), expected) << path;
    EXPECT_EQ(broken_rule(*scenario, expected), "") << path;
    EXPECT_EQ(model_trace(*scenario, false), without_reports(expected)) << path;
  }
}

}  // namespace
}  // namespace orrery::scenario
