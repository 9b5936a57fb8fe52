// orrery-scenario: runs supervision scenarios on real supervisors and prints the canonical traces.
#include "orrery/testkit/scenario/parse.hpp"
#include "orrery/testkit/scenario/run.hpp"

#include <fmt/core.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int exit_usage = 2;

constexpr std::string_view help =
    "orrery-scenario bank.scn                 runs it in the simulated world and prints what happened\n"
    "orrery-scenario --seed 7 *.scn           the same, in another order of everything that has none\n"
    "orrery-scenario --threads 8 bank.scn     runs it on 8 worker threads\n"
    "\n"
    "  --seed N      which order, decimal or 0x-hexadecimal (default 0)\n"
    "  --threads N   1 to 1024 worker threads instead of the simulated world\n"
    "  --no-reports  leave out the `rep` lines, the supervisors' error reports\n"
    "\n"
    "A scenario is a supervision tree and what happens to it; examples are in tests/scenario/examples. Exit codes: 0 "
    "all\n"
    "ran; 1 one of them did not come to rest, or the simulated world found something wrong; 2 a file cannot be read, "
    "or is\n"
    "no scenario (with the line and the reason), or the command line is wrong.\n";

struct Options {
  std::uint64_t seed = 0;
  std::optional<unsigned> threads;
  bool reports = true;
  std::vector<std::string> files;
};

[[noreturn]] void refuse(const std::string& why) {
  fmt::print(stderr, "orrery-scenario: {}\n", why);
  std::exit(exit_usage);
}

std::uint64_t number(std::string_view flag, std::string_view text, std::uint64_t least, std::uint64_t most) {
  const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
  const std::string_view digits = is_hex ? text.substr(2) : text;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, is_hex ? 16 : 10);
  if (error != std::errc{} || end != digits.data() + digits.size() || value < least || value > most) {
    refuse(fmt::format("{} takes a number from {} to {}, not '{}'", flag, least, most, text));
  }
  return value;
}

Options read_command_line(int argc, char** argv) {
  Options options;
  bool are_files = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto value = [&](std::string_view flag) -> std::string_view {
      if (word.size() > flag.size()) return word.substr(flag.size() + 1);
      if (++i == argc) refuse(fmt::format("{} takes a number", flag));
      return argv[i];
    };
    const auto is = [&](std::string_view flag) {
      return word == flag || (word.starts_with(flag) && word.size() > flag.size() && word[flag.size()] == '=');
    };
    if (are_files || !word.starts_with("-") || word == "-") {
      options.files.emplace_back(word);
    } else if (word == "--") {
      are_files = true;
    } else if (is("--seed")) {
      options.seed = number("--seed", value("--seed"), 0, ~std::uint64_t{0});
    } else if (is("--threads")) {
      options.threads = static_cast<unsigned>(number("--threads", value("--threads"), 1, 1024));
    } else if (word == "--no-reports") {
      options.reports = false;
    } else if (word == "--help" || word == "-h") {
      fmt::print("{}", help);
      std::exit(0);
    } else {
      refuse(fmt::format("unknown flag '{}' (--help lists them)", word));
    }
  }
  if (options.files.empty()) refuse("name at least one scenario file (--help says more)");
  return options;
}

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file{path == "-" ? "/dev/stdin" : path, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (!file.is_open() || file.bad()) return std::nullopt;
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_command_line(argc, argv);
  int status = 0;
  for (const std::string& path : options.files) {
    const auto text = read_file(path);
    if (!text) refuse(fmt::format("{}: cannot be read", path));
    const auto scenario = orrery::scenario::parse(*text);
    if (!scenario) {
      fmt::print(stderr, "{}:{}: {}\n", path, scenario.error().line, scenario.error().reason);
      return exit_usage;
    }
    const orrery::scenario::TraceOptions trace{.reports = options.reports};
    const std::string out = options.threads ? orrery::scenario::run_on_threads(*scenario, *options.threads, trace)
                                            : orrery::scenario::run_simulated(*scenario, options.seed, trace);
    fmt::print("{}", out);
    if (!out.ends_with("\nend\n")) status = 1;
  }
  return status;
}
