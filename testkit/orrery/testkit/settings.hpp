// settings.hpp: what the command line and the environment say about a campaign.
// Order: flag > environment > what the test says > default. A bad value is an error, never ignored: one line on stderr,
//        exit code 2, before any test runs (with gtest_main) or at the first check (with another main).
// Source:  UX section 3.
#pragma once
#include "orrery/sim/strategies/portfolio.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace orrery::testkit {

inline constexpr int exit_usage = 2;
inline constexpr int exit_diverged = 5;
inline constexpr std::uint32_t time_factor_max = 1'000;

struct Settings {
  std::optional<std::uint64_t> seed;          ///< ORRERY_SEED: decimal, or hexadecimal with 0x
  std::optional<std::uint64_t> runs;          ///< ORRERY_RUNS
  std::optional<std::string> replay;          ///< ORRERY_REPLAY: a token or the path of a record
  std::optional<sim::FaultProfile> faults;    ///< ORRERY_FAULTS: none or local
  std::optional<sim::StrategyKind> strategy;  ///< ORRERY_STRATEGY: portfolio, random, pos, ...
  std::optional<sim::GrainSetting> grain;     ///< ORRERY_GRAIN: auto, fine or coarse
  std::optional<std::uint64_t> max_steps;     ///< ORRERY_MAX_STEPS: operations of one run
  std::string out = "orrery-out";             ///< ORRERY_OUT: where records and reports go
  std::uint32_t time_factor = 1;              ///< ORRERY_TEST_TIME_FACTOR: what a probe's real waits are multiplied by
};

/// Reads the environment. A variable that is nearly spelled like one of ours is refused, too: a typing error must not pass
/// for a setting. Returns: the settings, or one sentence that names the variable and what is wrong.
[[nodiscard]] std::expected<Settings, std::string> settings_from_environment();

/// Takes --orrery_seed=N and the like out of argv and adds them to `settings`.
/// Returns: a sentence that names a flag of ours that is unknown or has a bad value.
[[nodiscard]] std::expected<void, std::string> take_flags(Settings& settings, int& argc, char** argv);

/// The settings of this process: the environment, unless set_settings() was called. Exits with code 2 when they are bad.
[[nodiscard]] const Settings& settings();
void set_settings(Settings settings);

/// Returns: what --help says about these settings.
[[nodiscard]] std::string_view help();

/// Prints "orrery: <sentence>" on stderr and exits with code 2, without running anything else.
[[noreturn]] void exit_with_usage_error(const std::string& sentence);

}  // namespace orrery::testkit
