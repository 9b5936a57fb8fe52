// settings.hpp: what the command line, the environment and orrery.toml say about a campaign.
// Order: flag > environment > orrery.toml > what the test says > default. A bad value is an error, never ignored: one line
//        on stderr, exit code 2, before any test runs (with gtest_main) or at the first check (with another main).
// Source:  UX section 3.
#pragma once
#include "orrery/sim/strategies/portfolio.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::testkit {

inline constexpr int exit_usage = 2;
inline constexpr int exit_diverged = 5;
inline constexpr int exit_interrupted = 130;
inline constexpr std::uint32_t time_factor_max = 1'000;

/// What a program does with the run that ORRERY_REPLAY names.
enum class Mode : std::uint8_t {
  check,      ///< a token is made again and shrunk, a record is followed strictly
  loose,      ///< the record is followed as far as it fits
  shrink,     ///< the record is shrunk further
  step,       ///< a person decides what is next, on stdin and stdout
  step_json,  ///< a program does
  trace,      ///< all events are written to ORRERY_TRACE_FILE as lines of JSON
};

/// What the determinism check makes again in a process of its own. `automatic`: failing runs. `process`: the first run of a
/// campaign as well. `off`: nothing.
enum class DeterminismCheck : std::uint8_t { automatic, process, off };

/// How a failing run is logged besides its story. `brief`: a line per event, a column per actor (short_log.hpp).
enum class LogForm : std::uint8_t { none, brief };

struct Settings {
  std::optional<std::uint64_t> seed;          ///< ORRERY_SEED: decimal, or hexadecimal with 0x
  std::optional<std::uint64_t> runs;          ///< ORRERY_RUNS
  std::optional<std::string> replay;          ///< ORRERY_REPLAY: a token or the path of a record
  std::optional<sim::FaultProfile> faults;    ///< ORRERY_FAULTS: none, local or heavy
  std::optional<sim::StrategyKind> strategy;  ///< ORRERY_STRATEGY: portfolio, random, pos, ...
  std::optional<sim::GrainSetting> grain;     ///< ORRERY_GRAIN: auto, fine or coarse
  std::optional<std::uint64_t> max_steps;     ///< ORRERY_MAX_STEPS: operations of one run
  /// ORRERY_CHECK_DETERMINISM: auto, process or off
  DeterminismCheck check_determinism = DeterminismCheck::automatic;
  std::string out = "orrery-out";                  ///< ORRERY_OUT: where records and reports go
  std::string regressions = "orrery-regressions";  ///< ORRERY_REGRESSIONS: where kept failures are
  unsigned jobs = 1;                               ///< ORRERY_JOBS: worker processes; with 1 all is made in this one
  /// ORRERY_TIME: how long one property is checked; without ORRERY_RUNS, as many runs as fit into it.
  std::optional<std::chrono::milliseconds> time;
  bool explore = false;                   ///< ORRERY_EXPLORE: go on after a failure, and collect different ones
  bool swarm = false;                     ///< ORRERY_SWARM: a random configuration for each run
  std::uint64_t stop_after = 0;           ///< ORRERY_STOP_AFTER: so many different failures; 0 is no limit
  bool resume = false;                    ///< ORRERY_RESUME: go on where the last exploration has ended
  std::optional<std::string> json;        ///< ORRERY_JSON: a file for one line of JSON per event
  bool github = false;                    ///< ORRERY_CI: print annotations for GitHub
  Mode mode = Mode::check;                ///< ORRERY_MODE: what is done with ORRERY_REPLAY
  bool explain = true;                    ///< ORRERY_EXPLAIN: on or off: find out what a failure depends on
  bool verbose = false;                   ///< ORRERY_VERBOSE: reports on the terminal show every step
  LogForm log = LogForm::none;            ///< ORRERY_LOG: off or short
  bool strict = false;                    ///< ORRERY_STRICT: a `sometimes` that never held fails the test
  std::optional<std::string> trace_file;  ///< ORRERY_TRACE_FILE: of Mode::trace
  std::optional<std::uint64_t> until;     ///< ORRERY_UNTIL: only the steps before this one are told
  std::optional<std::uint64_t> break_at;  ///< ORRERY_BREAK: a replay stops in the debugger before this step
  std::uint32_t time_factor = 1;          ///< ORRERY_TEST_TIME_FACTOR: what a probe's real waits are multiplied by
};

/// A setting that somebody has made.
struct GivenSetting {
  std::string_view key;
  std::string value;
  std::string from;  ///< "environment", or "orrery.toml:3"
};

/// Reads orrery.toml (settings_file.hpp), then the environment, which wins. A relative path in the file begins where the
/// file stands. A key, or a variable, that is nearly spelled like one of ours is refused, too: a typing error must not pass
/// for a setting. `given`: where to put what has been set, each key once, if that is wanted.
/// Returns: the settings, or one sentence that names the line or the variable and what is wrong.
[[nodiscard]] std::expected<Settings, std::string> settings_from_environment(
    std::vector<GivenSetting>* given = nullptr);

/// Takes --orrery_seed=N and the like out of argv and adds them to `settings`.
/// Returns: a sentence that names a flag of ours that is unknown or has a bad value.
[[nodiscard]] std::expected<void, std::string> take_flags(Settings& settings, int& argc, char** argv);

/// The settings of this process: those of its environment, unless set_settings() was called. Exits with code 2 when they are bad.
[[nodiscard]] const Settings& settings();
void set_settings(Settings settings);

/// Returns: the length of "90s", "1500ms", "10m", "8h" or "90" (seconds).
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_time(std::string_view text);

/// A variable, and what holds when it is not set.
struct SettingName {
  /// What it is in orrery.toml. `run`: it is about one run, and does not stand there.
  enum class Form : std::uint8_t { number, yes_or_no, text, path, time, run };
  std::string_view key;  ///< of --orrery_<key>
  const char* variable;
  std::string_view otherwise;
  Form form;
};
[[nodiscard]] std::span<const SettingName> setting_names() noexcept;

/// Returns: what --help says about these settings.
[[nodiscard]] std::string_view help();

/// Prints "orrery: <sentence>" on stderr and exits with code 2, without running anything else.
[[noreturn]] void exit_with_usage_error(const std::string& sentence);

}  // namespace orrery::testkit
