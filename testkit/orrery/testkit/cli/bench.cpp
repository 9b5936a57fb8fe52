// bench.cpp: orrery bench: programs of Google Benchmark, one after the other, and what has changed since a file was stored.
#include "orrery/testkit/cli/bench_compare.hpp"
#include "orrery/testkit/cli/commands.hpp"
#include "orrery/testkit/cli/programs.hpp"
#include "orrery/testkit/cli/scratch.hpp"
#include "orrery/testkit/record.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace orrery::cli {

namespace {

namespace files = std::filesystem;

/// Returns: the executables named *_bench in a build directory, in order of their names.
std::vector<std::string> bench_programs(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  for (auto at = files::recursive_directory_iterator{folder, error}; at != files::recursive_directory_iterator{};
       at.increment(error)) {
    if (error) break;
    if (at->path().filename() == "CMakeFiles" || at.depth() > 6) {
      at.disable_recursion_pending();
      continue;
    }
    const std::string path = at->path().string();
    if (path.ends_with("_bench") && at->is_regular_file(error) && access(path.c_str(), X_OK) == 0)
      found.push_back(path);
  }
  std::ranges::sort(found);
  return found;
}

BenchFile read_measured(const std::string& path) {
  const auto text = testkit::read_file(path);
  if (!text) refuse(text.error());
  auto file = read_bench_file(*text);
  if (!file) refuse(fmt::format("{}: {}", path, file.error()));
  if (file->rows.empty()) refuse(fmt::format("{} holds no benchmark", path));
  return std::move(*file);
}

double threshold_of(const Arguments& arguments) {
  const std::string text = arguments.value("--threshold", "5");
  double percent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (error != std::errc{} || end != text.data() + text.size() || !(percent > 0 && percent <= 1'000))
    refuse(fmt::format("--threshold {} is not a number of per cent above 0", text));
  return percent / 100;
}

/// Which programs, and which of their benchmarks: a FILTER that is the name of a program is all of that.
struct Chosen {
  std::vector<std::string> programs;
  std::string filter;
};
Chosen choose(const Arguments& arguments) {
  Chosen chosen;
  if (const auto named = arguments.flags.find("--binary"); named != arguments.flags.end()) {
    chosen.programs = named->second;
    for (const std::string& path : chosen.programs) {
      if (access(path.c_str(), X_OK) != 0) refuse(fmt::format("--binary: {} is no program", path));
    }
  } else {
    const std::string folder = build_folder(arguments);
    chosen.programs = bench_programs(folder);
    if (chosen.programs.empty()) refuse(fmt::format("there is no program *_bench in {}: is it built?", folder));
  }
  if (arguments.words.empty()) return chosen;
  const std::string& word = arguments.words.front();
  const auto is_named = [&](const std::string& path) {
    const std::string name = files::path{path}.filename().string();
    return name == word || name == word + "_bench";
  };
  if (const auto one = std::ranges::find_if(chosen.programs, is_named); one != chosen.programs.end()) {
    chosen.programs = {*one};
  } else {
    chosen.filter = word;
  }
  return chosen;
}

bool is_passed(const Arguments& arguments, std::string_view flag) {
  return std::ranges::any_of(arguments.passed, [&](const std::string& one) { return one.starts_with(flag); });
}

/// Runs the programs. Returns: the exit code of the first that fails, and what they have measured.
int measure(const Arguments& arguments, bool is_kept, std::vector<std::string>& measured) {
  const Chosen chosen = choose(arguments);
  const Scratch scratch;
  for (const std::string& program : chosen.programs) {
    std::vector<std::string> words{program};
    if (!chosen.filter.empty()) words.push_back("--benchmark_filter=" + chosen.filter);
    if (is_kept) {
      words.insert(words.end(), {"--benchmark_out_format=json", "--benchmark_out=" + scratch.path("measured.json")});
      // Nine, in random order, so that what the machine does meanwhile meets all of them alike.
      if (!is_passed(arguments, "--benchmark_repetitions")) words.emplace_back("--benchmark_repetitions=9");
      if (!is_passed(arguments, "--benchmark_enable_random_interleaving"))
        words.emplace_back("--benchmark_enable_random_interleaving=true");
    }
    words.insert(words.end(), arguments.passed.begin(), arguments.passed.end());
    fmt::print(stderr, "orrery: {}\n", files::path{program}.filename().string());
    std::error_code error;
    files::remove(scratch.path("measured.json"), error);
    const Ran ran = run_program(words, {});
    if (ran.code != 0) {
      fmt::print(stderr, "orrery: {} ends with exit code {}\n", program, ran.code);
      return ran.code == 128 + 2 || ran.code == exit_interrupted ? exit_interrupted : exit_internal;
    }
    if (const auto text = testkit::read_file(scratch.path("measured.json")); text && !text->empty())
      measured.push_back(*text);
  }
  return exit_held;
}

}  // namespace

int run_benchmarks(const Arguments& arguments) {
  const double threshold = threshold_of(arguments);
  const bool compares = arguments.has("--compare");
  if (is_passed(arguments, "--benchmark_out"))
    refuse("--json FILE stores what is measured, of all programs; --benchmark_out is used for that");
  if (arguments.has("--threshold") && !compares) refuse("--threshold goes with --compare");
  if (arguments.has("--from") && !compares) refuse("--from goes with --compare");
  BenchFile before;
  if (compares) before = read_measured(arguments.value("--compare"));  // what is wrong is said before minutes pass
  BenchFile after;
  if (arguments.has("--from")) {
    after = read_measured(arguments.value("--from"));
  } else {
    std::vector<std::string> measured;
    const bool is_kept = compares || arguments.has("--json");
    if (const int code = measure(arguments, is_kept, measured); code != exit_held) return code;
    if (!is_kept) return exit_held;
    const std::string joined = join_bench_files(measured);
    auto read = read_bench_file(joined);
    if (!read) refuse("what was measured: " + read.error());
    if (read->rows.empty()) refuse("nothing was measured: no benchmark matches");
    if (arguments.has("--json")) {
      if (const auto written = testkit::write_file(arguments.value("--json"), joined); !written)
        refuse(written.error());
      fmt::print("orrery: {} benchmark{} stored in {}\n", read->rows.size(), read->rows.size() == 1 ? "" : "s",
                 arguments.value("--json"));
    }
    after = std::move(*read);
  }
  if (!compares) return exit_held;
  for (const std::string& one : bench_differences(before, after)) fmt::print(stderr, "orrery: warning: {}\n", one);
  const std::vector<BenchChange> changes = compare_bench(before, after, threshold);
  fmt::print("{}", bench_table(changes, threshold));
  const bool is_slower =
      std::ranges::any_of(changes, [](const BenchChange& change) { return change.verdict == BenchVerdict::slower; });
  return is_slower ? exit_falsified : exit_held;
}

}  // namespace orrery::cli
