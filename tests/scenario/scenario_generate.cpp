// scenario_generate SEED COUNT FOLDER [supkill] [quick]: writes COUNT scenarios as NAME.scn with the model's NAME.expected,
// for programs that run scenarios by other means. Equal arguments give equal files.
#include "orrery/core/entropy.hpp"
#include "orrery/testkit/scenario/print.hpp"
#include "tests/scenario/generate.hpp"
#include "tests/scenario/model.hpp"

#include <fmt/core.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace orrery::scenario {
namespace {

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return number;
}

bool write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file{path, std::ios::binary};
  file << text;
  file.close();
  if (!file) fmt::print(stderr, "scenario_generate: cannot write {}\n", path.string());
  return static_cast<bool>(file);
}

int usage() {
  fmt::print(stderr,
             "usage: scenario_generate SEED COUNT FOLDER [supkill] [quick]\n"
             "  supkill: supervisors are killed too; quick: nothing stops slowly\n");
  return 2;
}

int run(std::span<char*> arguments) {
  if (arguments.size() < 4) return usage();
  const std::optional<std::uint64_t> seed = number_in(arguments[1]);
  const std::optional<std::uint64_t> count = number_in(arguments[2]);
  const std::filesystem::path folder = arguments[3];
  GenerateOptions options;
  for (const std::string_view word : arguments.subspan(4)) {
    if (word != "supkill" && word != "quick") return usage();
    if (word == "supkill") options.supkill = true;
    if (word == "quick") options.long_stops = false;
  }
  if (!seed || !count) return usage();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  for (std::uint64_t i = 0; i < *count; ++i) {
    constexpr int sizes = 101;
    const std::uint64_t own_seed = draw(*seed, 0, i);
    Scenario scenario = generate_scenario(own_seed, static_cast<int>(i % sizes), options);
    scenario.name = fmt::format("g{:05}", i);
    if (!write(folder / (scenario.name + ".scn"), print(scenario))) return 1;
    if (!write(folder / (scenario.name + ".expected"), model_trace(scenario, true))) return 1;
  }
  return 0;
}

}  // namespace
}  // namespace orrery::scenario

int main(int argc, char** argv) {
  return orrery::scenario::run(std::span<char*>{argv, static_cast<std::size_t>(argc)});
}
