#include "orrery/testkit/settings.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <unistd.h>  // environ

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::testkit {

namespace {

using Set = std::expected<void, std::string>;

std::optional<std::uint64_t> to_number(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Set set_number(std::optional<std::uint64_t>& target, std::string_view name, std::string_view value,
               std::uint64_t least) {
  const auto number = to_number(value);
  if (!number || *number < least) {
    return std::unexpected(fmt::format(
        "{}=\"{}\" is not a whole number of at least {} (decimal, or hexadecimal with 0x)", name, value, least));
  }
  target = number;
  return {};
}

/// Sets what `key` (seed, runs, ...) names. Returns: an error, or nothing and `known` says whether the key exists.
Set set(Settings& settings, std::string_view key, std::string_view name, std::string_view value, bool& known) {
  known = true;
  if (key == "seed") return set_number(settings.seed, name, value, 0);
  if (key == "runs") return set_number(settings.runs, name, value, 1);
  if (key == "max_steps") return set_number(settings.max_steps, name, value, 1);
  if (key == "test_time_factor") {
    std::optional<std::uint64_t> factor;
    auto result = set_number(factor, name, value, 1);
    if (result && *factor > time_factor_max) {
      return std::unexpected(fmt::format("{}=\"{}\" is more than {}", name, value, time_factor_max));
    }
    if (result) settings.time_factor = static_cast<std::uint32_t>(*factor);
    return result;
  }
  if (key == "faults") {
    if (value == "none") {
      settings.faults = sim::FaultProfile::none;
    } else if (value == "local") {
      settings.faults = sim::FaultProfile::local;
    } else {
      return std::unexpected(fmt::format("{}=\"{}\" is not a fault profile: none or local", name, value));
    }
    return {};
  }
  if (key == "strategy") {
    settings.strategy = sim::parse_strategy(value);
    if (!settings.strategy) {
      return std::unexpected(
          fmt::format("{}=\"{}\" is not a strategy: {}", name, value, fmt::join(sim::strategy_names(), ", ")));
    }
    return {};
  }
  if (key == "grain") {
    using enum sim::GrainSetting;
    if (value != "auto" && value != "fine" && value != "coarse")
      return std::unexpected(fmt::format("{}=\"{}\" is not a grain: auto, fine or coarse", name, value));
    settings.grain = value == "auto" ? automatic : value == "fine" ? fine : coarse;
    return {};
  }
  if (key == "replay" || key == "out") {
    if (value.empty()) return std::unexpected(fmt::format("{} is empty", name));
    if (key == "replay") {
      settings.replay = std::string{value};
    } else {
      settings.out = std::string{value};
    }
    return {};
  }
  known = false;
  return {};
}

struct Variable {
  std::string_view key;
  const char* name;
};
constexpr Variable variables[] = {
    {"seed", "ORRERY_SEED"},     {"runs", "ORRERY_RUNS"},         {"max_steps", "ORRERY_MAX_STEPS"},
    {"faults", "ORRERY_FAULTS"}, {"strategy", "ORRERY_STRATEGY"}, {"grain", "ORRERY_GRAIN"},
    {"replay", "ORRERY_REPLAY"}, {"out", "ORRERY_OUT"},           {"test_time_factor", "ORRERY_TEST_TIME_FACTOR"}};

/// Returns: how many characters must be put in, left out or changed to turn `a` into `b`.    Source: Levenshtein's.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

/// Returns: the variable that `name` seems to mean, when it is none but looks like one.
const char* meant(std::string_view name) {
  const char* best = nullptr;
  std::size_t least = 3;
  for (const Variable& variable : variables) {
    const std::size_t distance = edits(name, variable.name);
    if (distance == 0) return nullptr;
    if (distance < least) {
      least = distance;
      best = variable.name;
    }
  }
  return best;
}

std::optional<Settings>& current() {
  static std::optional<Settings> instance;
  return instance;
}

}  // namespace

std::expected<Settings, std::string> settings_from_environment() {
  Settings settings;
  for (const auto& [key, name] : variables) {
    const char* const value = std::getenv(name);
    if (value == nullptr) continue;
    bool known = false;
    if (auto result = set(settings, key, name, value, known); !result)
      return std::unexpected(std::move(result.error()));
  }
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view entry = *at;
    const std::string_view name = entry.substr(0, entry.find('='));
    if (!name.starts_with("ORRERY_")) continue;
    if (const char* const other = meant(name)) {
      return std::unexpected(fmt::format("unknown variable {}; is {} meant?", name, other));
    }
  }
  return settings;
}

std::expected<void, std::string> take_flags(Settings& settings, int& argc, char** argv) {
  constexpr std::string_view prefix = "--orrery_";
  int kept = std::min(argc, 1);
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with(prefix)) {
      argv[kept++] = argv[i];
      continue;
    }
    const auto equals = argument.find('=');
    if (equals == std::string_view::npos) {
      return std::unexpected(fmt::format("{} needs a value: {}=...", argument, argument));
    }
    const std::string_view name = argument.substr(0, equals);
    bool known = false;
    if (auto result = set(settings, name.substr(prefix.size()), name, argument.substr(equals + 1), known); !result) {
      return result;
    }
    if (!known) {
      return std::unexpected(fmt::format(
          "unknown flag {}; there are --orrery_seed, _runs, _replay, _faults, _strategy, _grain, _max_steps, _out and "
          "_test_time_factor",
          name));
    }
  }
  if (kept < argc) argv[kept] = nullptr;
  argc = kept;
  return {};
}

const Settings& settings() {
  if (!current()) {
    auto read = settings_from_environment();
    if (!read) exit_with_usage_error(read.error());
    current() = std::move(*read);
  }
  return *current();
}

void set_settings(Settings settings) { current() = std::move(settings); }

std::string_view help() {
  return R"(Properties of actor systems (flag or environment variable; the flag wins):
  --orrery_seed=N        ORRERY_SEED       the seed of every campaign, decimal or 0x...
  --orrery_runs=N        ORRERY_RUNS       runs per property
  --orrery_replay=T      ORRERY_REPLAY     make one run again: a token, or the path of a failure.orrery
  --orrery_faults=NAME   ORRERY_FAULTS     none or local
  --orrery_strategy=NAME ORRERY_STRATEGY   who chooses: portfolio (all in turn), random, pos, pct3, ...
  --orrery_grain=NAME    ORRERY_GRAIN      how finely choices are offered: auto (in turn), fine or coarse
  --orrery_max_steps=N   ORRERY_MAX_STEPS  operations after which a run makes no progress
  --orrery_out=DIR       ORRERY_OUT        where records and reports go (orrery-out)
Tests on threads:
  --orrery_test_time_factor=N  ORRERY_TEST_TIME_FACTOR  what a probe's waits are multiplied by (1)
)";
}

void exit_with_usage_error(const std::string& sentence) {
  std::fflush(stdout);
  fmt::print(stderr, "orrery: {}\n", sentence);
  std::fflush(stderr);
  std::_Exit(exit_usage);
}

}  // namespace orrery::testkit
