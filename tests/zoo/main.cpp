// main.cpp: bin/zoo measures how many runs each strategy needs to find each bug of the zoo.
//   zoo                                       the portfolio, 20 seeds
//   zoo --strategy all --seeds 20 --csv       every strategy, for programs to read
//   zoo --only raft --controls 1000000        some programs, and how often controls are run
//   zoo --traces 20                           the first runs of every program, by what happened in them: the same in every
//                                             build, on every machine (./dev matrix compares)
// Source:  the medians are censored: a seed that does not find the bug within the limit counts as more than any that does.
//          p: Fisher's exact test (two-sided) of found/seeds against the random walk's.
#include "tests/zoo/hunt.hpp"

#include <fmt/core.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace orrery;

struct Wanted {
  std::vector<sim::StrategyKind> strategies{sim::StrategyKind::portfolio};
  std::uint64_t seeds = 20;
  std::uint64_t controls = 10'000;
  std::uint64_t runs_max = 0;  ///< 0: what each program says
  std::uint64_t traces = 0;    ///< not 0: print them, and measure nothing
  std::string only;
  bool csv = false;
};

constexpr std::string_view usage =
    "usage: zoo [--strategy portfolio|all|NAME] [--seeds N] [--runs N] [--controls N] [--only TEXT] [--traces N] "
    "[--csv]";

[[noreturn]] void refuse(const std::string& why) {
  fmt::print(stderr, "zoo: {}\n{}\n", why, usage);
  std::exit(2);
}

std::uint64_t number(std::string_view flag, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    refuse(fmt::format("{} needs a number, not '{}'", flag, text));
  return value;
}

Wanted read(int argc, char** argv) {
  Wanted wanted;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--help") {
      fmt::print("zoo measures how many runs each strategy needs to find each bug of tests/zoo.\n{}\n", usage);
      std::exit(0);
    }
    if (flag == "--csv") {
      wanted.csv = true;
      continue;
    }
    if (i + 1 == argc) refuse(fmt::format("{} is unknown or needs a value", flag));
    const std::string_view value = argv[++i];
    if (flag == "--strategy") {
      wanted.strategies.clear();
      for (std::uint8_t kind = 0; kind < sim::strategy_kinds; ++kind) {
        const auto one = static_cast<sim::StrategyKind>(kind);
        if (value == "all" || value == sim::name_of(one)) wanted.strategies.push_back(one);
      }
      if (wanted.strategies.empty()) refuse(fmt::format("there is no strategy '{}'", value));
    } else if (flag == "--seeds") {
      wanted.seeds = number(flag, value);
    } else if (flag == "--runs") {
      wanted.runs_max = number(flag, value);
    } else if (flag == "--traces") {
      wanted.traces = number(flag, value);
    } else if (flag == "--controls") {
      wanted.controls = number(flag, value);
    } else if (flag == "--only") {
      wanted.only = value;
    } else {
      refuse(fmt::format("unknown flag {}", flag));
    }
  }
  return wanted;
}

/// Returns: the probability that two samples of `n`, of which `a` and `b` have found it, differ so much by chance.
double fisher(std::uint64_t a, std::uint64_t b, std::uint64_t n) {
  const auto log_choose = [](double from, double some) {
    return std::lgamma(from + 1) - std::lgamma(some + 1) - std::lgamma(from - some + 1);
  };
  const auto likelihood = [&](std::uint64_t x) {
    const double all = static_cast<double>(n);
    return std::exp(log_choose(all, static_cast<double>(x)) + log_choose(all, static_cast<double>(a + b - x)) -
                    log_choose(2 * all, static_cast<double>(a + b)));
  };
  const std::uint64_t least = a + b > n ? a + b - n : 0;
  const std::uint64_t most = std::min(n, a + b);
  double p = 0;
  for (std::uint64_t x = least; x <= most; ++x) {
    if (likelihood(x) <= likelihood(a) * (1 + 1e-9)) p += likelihood(x);
  }
  return std::min(p, 1.0);
}

std::string median_of(const zoo::Hunt& hunt) {
  return hunt.median == 0 ? fmt::format(">{}", hunt.runs_max) : fmt::format("{}", hunt.median);
}

void print_traces(const Wanted& wanted) {
  for (const zoo::Program& program : zoo::programs()) {
    if (!program.name.contains(wanted.only)) continue;
    zoo::Campaign campaign{program, sim::StrategyKind::portfolio, 1};
    for (std::uint64_t run = 0; run < wanted.traces; ++run)
      fmt::print("{} {} {}\n", program.name, run, to_hex(campaign.next().trace_hash));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Wanted wanted = read(argc, argv);
  if (wanted.traces != 0) {
    print_traces(wanted);
    return 0;
  }
  const bool compares = wanted.strategies.size() > 1;
  if (wanted.csv) fmt::print("program,strategy,found,seeds,median,runs_max,p_against_random\n");
  bool is_clean = true;
  for (const zoo::Program& program : zoo::programs()) {
    if (!program.name.contains(wanted.only)) continue;
    if (program.bug.empty()) {
      for (const sim::StrategyKind strategy : wanted.strategies) {
        const auto report = zoo::watch_control(program, strategy, wanted.controls);
        is_clean = is_clean && !report;
        const std::string verdict = report ? "REPORTED: " + *report : fmt::format("silent in {} runs", wanted.controls);
        if (wanted.csv) {
          fmt::print("{},{},{},{},,{},\n", program.name, sim::name_of(strategy), report ? 1 : 0, 1, wanted.controls);
        } else {
          fmt::print("{:<44} {:<10} {}\n", program.name, sim::name_of(strategy), verdict);
        }
        std::fflush(stdout);
      }
      continue;
    }
    const std::uint64_t runs_max = wanted.runs_max == 0 ? program.runs_max : wanted.runs_max;
    std::uint64_t by_random = 0;
    if (compares) by_random = zoo::hunt(program, sim::StrategyKind::random, wanted.seeds, runs_max).found;
    for (const sim::StrategyKind strategy : wanted.strategies) {
      const zoo::Hunt hunt = zoo::hunt(program, strategy, wanted.seeds, runs_max);
      const std::string p = compares ? fmt::format("{:.3f}", fisher(hunt.found, by_random, wanted.seeds)) : "";
      if (wanted.csv) {
        fmt::print("{},{},{},{},{},{},{}\n", program.name, sim::name_of(strategy), hunt.found, wanted.seeds,
                   median_of(hunt), runs_max, p);
      } else {
        fmt::print("{:<44} {:<10} {:>3}/{:<3} median {:>8}  {}{}{}\n", program.name, sim::name_of(strategy), hunt.found,
                   wanted.seeds, median_of(hunt), p.empty() ? "" : "p " + p,
                   hunt.other.empty() ? "" : "  also: ", hunt.other);
      }
      std::fflush(stdout);
    }
  }
  return is_clean ? 0 : 1;
}
