// Goal:   the page itself, as a reader uses it, in a browser without a screen: what check.py does with keys and clicks is told
//         here test by test. Needs the repository's root as working folder.
#include "tests/report_html/pages.hpp"

#include "orrery/testkit/record.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace orrery::testing {
namespace {

constexpr const char* script = "tests/report_html/check.py";

/// Returns: the names of the checks, which Python tells without a browser.
std::vector<std::string> output_of(const std::string& command) {
  std::vector<std::string> lines;
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return lines;
  std::string line;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    if (c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    lines.push_back(std::exchange(line, {}));
  }
  const int status = pclose(pipe);
  lines.push_back(fmt::format("exit\t{}", WIFEXITED(status) ? WEXITSTATUS(status) : -1));
  return lines;
}

class Page : public ::testing::TestWithParam<std::string> {
 protected:
  /// One browser for all of them.
  static void SetUpTestSuite() {
    const auto folder = std::filesystem::temp_directory_path() / fmt::format("orrery-pages-{}", getpid());
    for (const auto& [name, page] : pages::all()) {
      const auto written = testkit::write_file((folder / (name + ".html")).string(), page);
      ASSERT_TRUE(written) << written.error();
    }
    const std::string command = fmt::format("{} {} {} {}", ORRERY_PYTHON, script, ORRERY_CHROMIUM, folder.string());
    for (const std::string& line : output_of(command)) {
      const auto tab = line.find('\t');
      if (tab == std::string::npos) continue;
      if (line.starts_with("figure\t")) {
        fmt::print("[  FIGURE  ] {}\n", line.substr(tab + 1));
      } else {
        verdicts[line.substr(0, tab)] = line.substr(tab + 1);
      }
    }
    std::error_code error;
    std::filesystem::remove_all(folder, error);
  }
  static inline std::map<std::string, std::string> verdicts;
};

TEST_P(Page, does_what_a_reader_expects) {
  ASSERT_TRUE(verdicts.contains(GetParam())) << "nobody has looked; " << script << " ended with " << verdicts["exit"];
  EXPECT_EQ(verdicts[GetParam()], "ok");
}

/// Returns: what check.py can look at.
std::vector<std::string> all_checks() {
  std::vector<std::string> names;
  for (const std::string& line : output_of(fmt::format("{} {} --list", ORRERY_PYTHON, script))) {
    if (!line.contains('\t')) names.push_back(line);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(ReportHtml, Page, ::testing::ValuesIn(all_checks()),
                         [](const auto& one) { return one.param; });

TEST(ReportHtmlChecks, there_are_some) { EXPECT_GE(all_checks().size(), 20U); }

}  // namespace
}  // namespace orrery::testing
