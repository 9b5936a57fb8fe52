// scratch.hpp: files that are gone when the tool is.
#pragma once
#include "orrery/testkit/cli/arguments.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace orrery::cli {

class Scratch {
 public:
  /// Errors: end the tool with exit code 2 and one line.
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "orrery-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) refuse("cannot make a temporary directory");
    folder_ = pattern;
  }
  ~Scratch() {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }

 private:
  std::string folder_;
};

}  // namespace orrery::cli
