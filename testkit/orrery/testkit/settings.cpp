#include "orrery/testkit/settings.hpp"

#include "orrery/testkit/settings_file.hpp"
#include "orrery/testkit/text.hpp"
#include "orrery/testkit/workers.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <unistd.h>  // environ

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
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

/// 0 or 1.
Set set_switch(bool& target, std::string_view name, std::string_view value) {
  if (value != "0" && value != "1") return std::unexpected(fmt::format("{}=\"{}\" is neither 0 nor 1", name, value));
  target = value == "1";
  return {};
}

Set set_time(Settings& settings, std::string_view name, std::string_view value) {
  settings.time = parse_time(value);
  if (settings.time) return {};
  return std::unexpected(fmt::format(
      "{}=\"{}\" is not a time: a whole number and ms, s, m or h, at most a year, such as 90s", name, value));
}

Set set_ci(Settings& settings, std::string_view name, std::string_view value) {
  const char* const on_github = std::getenv("GITHUB_ACTIONS");
  if (value != "auto" && value != "github" && value != "off") {
    return std::unexpected(fmt::format("{}=\"{}\" is not known: auto, github or off", name, value));
  }
  settings.github =
      value == "github" || (value == "auto" && on_github != nullptr && on_github == std::string_view{"true"});
  return {};
}

constexpr std::pair<std::string_view, Mode> modes[] = {{"check", Mode::check},         {"loose", Mode::loose},
                                                       {"shrink", Mode::shrink},       {"step", Mode::step},
                                                       {"step-json", Mode::step_json}, {"trace", Mode::trace}};

Set set_mode(Settings& settings, std::string_view name, std::string_view value) {
  for (const auto& [text, mode] : modes) {
    if (text != value) continue;
    settings.mode = mode;
    return {};
  }
  return std::unexpected(
      fmt::format("{}=\"{}\" is not a mode: check, loose, shrink, step, step-json or trace", name, value));
}

/// The settings that are a path or a token.
std::string* text_of(Settings& settings, std::string_view key) {
  if (key == "replay") return &settings.replay.emplace();
  if (key == "out") return &settings.out;
  if (key == "regressions") return &settings.regressions;
  if (key == "json") return &settings.json.emplace();
  if (key == "trace_file") return &settings.trace_file.emplace();
  return nullptr;
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
    } else if (value == "heavy") {
      settings.faults = sim::FaultProfile::heavy;
    } else {
      return std::unexpected(fmt::format("{}=\"{}\" is not a fault profile: none, local or heavy", name, value));
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
  if (key == "check_determinism") {
    using enum DeterminismCheck;
    if (value != "auto" && value != "process" && value != "off")
      return std::unexpected(fmt::format("{}=\"{}\" is none of auto, process and off", name, value));
    settings.check_determinism = value == "auto" ? automatic : value == "process" ? process : off;
    return {};
  }
  if (key == "jobs") {
    std::optional<std::uint64_t> jobs;
    auto result = set_number(jobs, name, value, 1);
    if (result && *jobs > jobs_max) {
      return std::unexpected(fmt::format("{}=\"{}\" is more than {}", name, value, jobs_max));
    }
    if (result) settings.jobs = static_cast<unsigned>(*jobs);
    return result;
  }
  if (key == "time") return set_time(settings, name, value);
  if (key == "explore") return set_switch(settings.explore, name, value);
  if (key == "swarm") return set_switch(settings.swarm, name, value);
  if (key == "resume") return set_switch(settings.resume, name, value);
  if (key == "strict") return set_switch(settings.strict, name, value);
  if (key == "stop_after") {
    std::optional<std::uint64_t> groups;
    auto result = set_number(groups, name, value, 0);
    if (result) settings.stop_after = *groups;
    return result;
  }
  if (key == "log") {
    if (value != "off" && value != "short")
      return std::unexpected(fmt::format("{}=\"{}\" is not off or short", name, value));
    settings.log = value == "short" ? LogForm::brief : LogForm::none;
    return {};
  }
  if (key == "ci") return set_ci(settings, name, value);
  if (key == "mode") return set_mode(settings, name, value);
  if (key == "explain") {
    if (value != "on" && value != "off") return std::unexpected(fmt::format("{}=\"{}\" is not on or off", name, value));
    settings.explain = value == "on";
    return {};
  }
  if (key == "verbose") return set_switch(settings.verbose, name, value);
  if (key == "break") return set_number(settings.break_at, name, value, 1);
  if (key == "until") return set_number(settings.until, name, value, 1);
  if (std::string* const text = text_of(settings, key)) {
    if (value.empty()) return std::unexpected(fmt::format("{} is empty", name));
    *text = value;
    return {};
  }
  known = false;
  return {};
}

using Form = SettingName::Form;
constexpr SettingName variables[] = {{"seed", "ORRERY_SEED", "0x5eed2026", Form::number},
                                     {"runs", "ORRERY_RUNS", "the test's, or 1000", Form::number},
                                     {"time", "ORRERY_TIME", "no limit", Form::time},
                                     {"jobs", "ORRERY_JOBS", "1", Form::number},
                                     {"strategy", "ORRERY_STRATEGY", "portfolio", Form::text},
                                     {"grain", "ORRERY_GRAIN", "auto", Form::text},
                                     {"faults", "ORRERY_FAULTS", "the test's, or local", Form::text},
                                     {"max_steps", "ORRERY_MAX_STEPS", "the test's, or 10000", Form::number},
                                     {"check_determinism", "ORRERY_CHECK_DETERMINISM", "auto", Form::text},
                                     {"replay", "ORRERY_REPLAY", "none", Form::run},
                                     {"mode", "ORRERY_MODE", "check", Form::run},
                                     {"until", "ORRERY_UNTIL", "the end", Form::run},
                                     {"break", "ORRERY_BREAK", "nowhere", Form::run},
                                     {"trace_file", "ORRERY_TRACE_FILE", "none", Form::run},
                                     {"explore", "ORRERY_EXPLORE", "0", Form::yes_or_no},
                                     {"swarm", "ORRERY_SWARM", "0", Form::yes_or_no},
                                     {"stop_after", "ORRERY_STOP_AFTER", "0", Form::number},
                                     {"resume", "ORRERY_RESUME", "0", Form::yes_or_no},
                                     {"strict", "ORRERY_STRICT", "0", Form::yes_or_no},
                                     {"explain", "ORRERY_EXPLAIN", "on", Form::text},
                                     {"verbose", "ORRERY_VERBOSE", "0", Form::yes_or_no},
                                     {"log", "ORRERY_LOG", "off", Form::text},
                                     {"out", "ORRERY_OUT", "orrery-out", Form::path},
                                     {"regressions", "ORRERY_REGRESSIONS", "orrery-regressions", Form::path},
                                     {"json", "ORRERY_JSON", "none", Form::path},
                                     {"ci", "ORRERY_CI", "auto", Form::text},
                                     {"test_time_factor", "ORRERY_TEST_TIME_FACTOR", "1", Form::number}};

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

/// Returns: the key that is spelled most like `key`.
std::string_view nearest_key(std::string_view key) {
  key = key.substr(0, 64);  // longer than any of them
  return std::ranges::min_element(variables, {}, [&](const SettingName& one) { return edits(key, one.key); })->key;
}

/// Returns: the variable that `name` seems to mean, when it is none but looks like one.
const char* meant(std::string_view name) {
  const char* best = nullptr;
  std::size_t least = 3;
  for (const SettingName& setting : variables) {
    if (name.size() >= std::string_view{setting.variable}.size() + least) continue;
    const std::size_t distance = edits(name, setting.variable);
    if (distance == 0) return nullptr;
    if (distance < least) {
      least = distance;
      best = setting.variable;
    }
  }
  return best;
}

/// Keeps what was given last.
void note(std::vector<GivenSetting>* given, std::string_view key, std::string_view value, std::string from) {
  if (given == nullptr) return;
  std::erase_if(*given, [&](const GivenSetting& one) { return one.key == key; });
  given->push_back({.key = key, .value = std::string{value}, .from = std::move(from)});
}

/// Says what a value of orrery.toml should have been. Returns: nothing when it is that.
const char* wrong_form(Form wanted, FileSetting::Form is) {
  switch (wanted) {
    case Form::number:
      return is == FileSetting::Form::whole_number ? nullptr : "is a whole number, without quotes";
    case Form::yes_or_no:
      return is == FileSetting::Form::yes_or_no ? nullptr : "is true or false, without quotes";
    case Form::text:
    case Form::path:
      return is == FileSetting::Form::text ? nullptr : "is a text, in quotes";
    case Form::time:
      return is != FileSetting::Form::yes_or_no ? nullptr : "is a time, in quotes, such as \"90s\"";
    case Form::run:
      break;
  }
  return "is about one run: it is set on the command line or in the environment";
}

Set set_from_file(Settings& settings, const SettingsFile& file, const FileSetting& line,
                  std::vector<GivenSetting>* given) {
  const std::string place = fmt::format("{}:{}", file.name, line.line);
  const auto* const name = std::ranges::find(variables, line.key, &SettingName::key);
  if (name == std::end(variables))
    return std::unexpected(fmt::format("{}: unknown key {}; is {} meant?", place, line.key, nearest_key(line.key)));
  if (const char* const wrong = wrong_form(name->form, line.form))
    return std::unexpected(fmt::format("{}: {} {}", place, line.key, wrong));
  std::string value = line.value;
  if (name->form == Form::yes_or_no) value = value == "true" ? "1" : "0";
  if (name->form == Form::path && !value.empty() && !file.folder.empty()) value = (file.folder / value).string();
  bool known = false;
  auto result = set(settings, line.key, fmt::format("{}: {}", place, line.key), value, known);
  if (result) note(given, name->key, value, place);
  return result;
}

/// Returns: an error, when two settings exclude each other.
Set fit_together(const Settings& settings) {
  if (settings.swarm && settings.strategy && *settings.strategy != sim::StrategyKind::portfolio)
    return std::unexpected("a swarm draws the strategy of each run: swarm and strategy exclude each other");
  return {};
}

std::optional<Settings>& current() {
  static std::optional<Settings> instance;
  return instance;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_time(std::string_view text) {
  constexpr std::pair<std::string_view, std::uint64_t> units[] = {
      {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"", 1'000}};
  constexpr std::uint64_t most = std::uint64_t{366} * 24 * 3'600'000;
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number);
  if (digits == 0 || error != std::errc{} || number == 0) return std::nullopt;
  for (const auto& [unit, milliseconds] : units) {
    if (text.substr(digits) != unit) continue;
    if (number > most / milliseconds) return std::nullopt;
    return std::chrono::milliseconds{number * milliseconds};
  }
  return std::nullopt;
}

namespace {

std::expected<Settings, std::string> read_environment(std::vector<GivenSetting>* given) {
  Settings settings;
  (void)set_ci(settings, "ORRERY_CI", "auto");
  std::error_code error;
  const auto file = find_settings_file(std::filesystem::current_path(error));
  if (!file) return std::unexpected(file.error());
  if (*file) {
    for (const FileSetting& line : (*file)->settings) {
      if (auto result = set_from_file(settings, **file, line, given); !result)
        return std::unexpected(std::move(result.error()));
    }
  }
  for (const SettingName& name : variables) {
    const char* const value = std::getenv(name.variable);
    if (value == nullptr) continue;
    bool known = false;
    if (auto result = set(settings, name.key, name.variable, value, known); !result)
      return std::unexpected(std::move(result.error()));
    note(given, name.key, value, "environment");
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

Set read_flags(Settings& settings, int& argc, char** argv) {
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
      return std::unexpected(fmt::format("unknown flag {}; is --orrery_{} meant? (--help lists them)", name,
                                         nearest_key(name.substr(prefix.size()))));
    }
  }
  if (kept < argc) argv[kept] = nullptr;
  argc = kept;
  return fit_together(settings);
}

/// A sentence quotes what somebody has written, which may be anything.
template <class Read>
Read with_clear_error(Read read) {
  if (!read) read.error() = error_line(read.error());
  return read;
}

}  // namespace

std::expected<Settings, std::string> settings_from_environment(std::vector<GivenSetting>* given) {
  return with_clear_error(read_environment(given));
}

std::expected<void, std::string> take_flags(Settings& settings, int& argc, char** argv) {
  return with_clear_error(read_flags(settings, argc, argv));
}

const Settings& settings() {
  if (!current()) {
    auto read = settings_from_environment();
    if (!read) exit_with_usage_error(read.error());
    if (const auto fits = fit_together(*read); !fits) exit_with_usage_error(fits.error());
    current() = std::move(*read);
  }
  return *current();
}

void set_settings(Settings settings) { current() = std::move(settings); }

std::span<const SettingName> setting_names() noexcept { return variables; }

std::string_view help() {
  return R"(Properties of actor systems (flag or environment variable; the flag wins, then the variable, then orrery.toml):
  --orrery_seed=N        ORRERY_SEED       the seed of every campaign, decimal or 0x...
  --orrery_runs=N        ORRERY_RUNS       runs per property
  --orrery_replay=T      ORRERY_REPLAY     make one run again: a token, or the path of a failure.orrery
  --orrery_faults=NAME   ORRERY_FAULTS     none, local (time passes while work waits) or heavy (handlers crash, mail is refused, ...)
  --orrery_strategy=NAME ORRERY_STRATEGY   who chooses: portfolio (all in turn), random, pos, pct3, ...
  --orrery_grain=NAME    ORRERY_GRAIN      how finely choices are offered: auto (in turn), fine or coarse
  --orrery_max_steps=N   ORRERY_MAX_STEPS  operations after which a run makes no progress
  --orrery_jobs=N        ORRERY_JOBS       worker processes (1: all in this one)
  --orrery_time=90s      ORRERY_TIME       how long per property (ms, s, m, h); without runs, as many as fit
  --orrery_explore=1     ORRERY_EXPLORE    go on after a failure, collect different ones
  --orrery_swarm=1       ORRERY_SWARM      each run draws strategy, grain, faults and budgets of its own
  --orrery_stop_after=N  ORRERY_STOP_AFTER end exploring after N different failures
  --orrery_resume=1      ORRERY_RESUME     go on where exploring has ended
  --orrery_strict=1      ORRERY_STRICT     a sometimes that never held fails the test
  --orrery_check_determinism=WHAT  ORRERY_CHECK_DETERMINISM  what is made again in a process of its own:
                                           failing runs (auto), the first run as well (process), nothing (off)
  --orrery_log=short     ORRERY_LOG        a failing run also as a line per event, a column per actor
  --orrery_out=DIR       ORRERY_OUT        where records and reports go (orrery-out)
  --orrery_regressions=DIR  ORRERY_REGRESSIONS  kept failures, replayed first (orrery-regressions)
  --orrery_json=FILE     ORRERY_JSON       one line of JSON per event
  --orrery_ci=NAME       ORRERY_CI         auto, github (annotations) or off
With a replay (the tool orrery sets these):
  --orrery_mode=NAME     ORRERY_MODE       check, loose, shrink, step, step-json or trace (to ORRERY_TRACE_FILE)
  --orrery_until=STEP    ORRERY_UNTIL      tell only the steps before this one, and what all actors are then
  --orrery_break=STEP    ORRERY_BREAK      stop in the debugger before this step
  --orrery_explain=off   ORRERY_EXPLAIN    do not look what a failure depends on
  --orrery_verbose=1     ORRERY_VERBOSE    tell every step, however many; of a record, every event as it happens
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
