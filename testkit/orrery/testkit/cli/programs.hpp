// programs.hpp: the test programs that the tool drives, and which test is in which of them.
// How:  ctest knows the commands of a build directory. Those whose file holds the mark of orrery::gtest_main are ours; they
//       are asked for their tests. A test by a script or by another main is not touched.
#pragma once
#include "orrery/testkit/cli/arguments.hpp"

#include <string>
#include <vector>

namespace orrery::cli {

struct TestProgram {
  std::string path;
  std::vector<std::string> tests;  ///< Suite.Test, those that the filter takes
};

/// Returns: the programs that have tests which match `filter` (GoogleTest's; a word without a wildcard or a dot is a part
/// of a name). Ends the tool with exit code 2 and one line when there are none.
[[nodiscard]] std::vector<TestProgram> find_programs(const Arguments& arguments, std::string filter);

/// Returns: the directory that --build names, or the newest of build/*. Ends the tool when there is none.
[[nodiscard]] std::string build_folder(const Arguments& arguments);

/// Returns: GoogleTest's filter for what a person has written.
[[nodiscard]] std::string filter_of(const std::string& text);

/// A run that somebody has named: a token, or the path of a record, and the program that has its test.
struct NamedRun {
  std::string text;
  std::string test;
  std::string program;
  bool is_record = false;
};
/// Ends the tool with exit code 2 and one line when it cannot be found.
[[nodiscard]] NamedRun find_run(const Arguments& arguments, const std::string& token_or_file);

/// Returns: the path of the record of a named run; of a token, it is made again first.
[[nodiscard]] std::string record_of(const Arguments& arguments, const NamedRun& run);

}  // namespace orrery::cli
