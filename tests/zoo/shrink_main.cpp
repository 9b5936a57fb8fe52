// shrink_main.cpp: bin/zoo_shrink measures how small the failures of the zoo become, and at what cost.
//   zoo_shrink                      20 programs, 50 failing runs each
//   zoo_shrink --only raft --seeds 10 --budget 2000
// A line: messages handled up to the failure, before -> after (best of all seeds), median; changes from actor to actor;
// choices that are not first come, first served; candidates executed; milliseconds, which depend on the machine.
#include "orrery/core/entropy.hpp"
#include "orrery/testkit/shrink.hpp"
#include "tests/zoo/shrinking.hpp"

#include <fmt/core.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace orrery;

[[noreturn]] void refuse(const std::string& why) {
  fmt::print(stderr, "zoo_shrink: {}\nusage: zoo_shrink [--only TEXT] [--seeds N] [--budget RUNS] [--verbose 1]\n",
             why);
  std::exit(2);
}

std::uint64_t number(std::string_view flag, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    refuse(fmt::format("{} needs a number, not '{}'", flag, text));
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  std::string only;
  std::uint64_t seeds = 50;
  bool verbose = false;
  testkit::ShrinkBudget budget;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (i + 1 == argc) refuse(fmt::format("{} is unknown or needs a value", flag));
    const std::string_view value = argv[i + 1];
    if (flag == "--only") {
      only = value;
    } else if (flag == "--seeds") {
      seeds = number(flag, value);
    } else if (flag == "--budget") {
      budget.runs = number(flag, value);
    } else if (flag == "--verbose") {
      verbose = number(flag, value) != 0;
    } else {
      refuse(fmt::format("unknown flag {}", flag));
    }
  }
  fmt::print("{:<40} {:>5} {:>6} -> {:>5} ({:>4}) {:>5} {:>14} {:>7} {:>8} {:>8} {:>7} {:>7}\n", "program", "found",
             "before", "after", "best", "ratio", "switches", "uncalm", "replays", "max", "ms", "max");
  for (const zoo::Program& program : zoo::programs()) {
    if (program.bug.empty() || !program.name.contains(only)) continue;
    std::vector<std::uint64_t> before, after, switches_before, switches_after, uncalm, replays, micros;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      auto found = zoo::failing_run(program, mix64(seed + 1));
      if (!found) continue;
      const auto begin = std::chrono::steady_clock::now();
      const auto shrunk = zoo::shrink(program, *found, budget);
      const auto took = std::chrono::steady_clock::now() - begin;
      before.push_back(found->outcome.steps);
      after.push_back(shrunk.outcome.steps);
      switches_before.push_back(zoo::switches_in(found->outcome));
      switches_after.push_back(zoo::switches_in(shrunk.outcome));
      uncalm.push_back(testkit::uncalm_choices(shrunk.outcome.decisions));
      replays.push_back(shrunk.runs);
      micros.push_back(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
      if (verbose) {
        fmt::print("  seed {} {} -> {} in {}\n", seed, before.back(), after.back(), replays.back());
        for (const auto& event : shrunk.outcome.events) fmt::print("    {}\n", sim::to_string(event));
      }
    }
    if (after.empty()) {
      fmt::print("{:<40} not found\n", program.name);
      continue;
    }
    const auto best = *std::ranges::min_element(after);
    const auto median = zoo::median_of(after);
    fmt::print("{:<40} {:>5} {:>6} -> {:>5} ({:>4}) {:>5.2f} {:>6} -> {:>4} {:>7} {:>8} {:>8} {:>7.1f} {:>7.1f}\n",
               program.name, after.size(), zoo::median_of(before), median, best,
               static_cast<double>(median) / static_cast<double>(std::max<std::uint64_t>(best, 1)),
               zoo::median_of(switches_before), zoo::median_of(switches_after), zoo::median_of(uncalm),
               zoo::median_of(replays), *std::ranges::max_element(replays),
               static_cast<double>(zoo::median_of(micros)) / 1000,
               static_cast<double>(*std::ranges::max_element(micros)) / 1000);
    std::fflush(stdout);
  }
  return 0;
}
