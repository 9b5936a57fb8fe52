// system_options.hpp: every default of a production system in one place, and the ways to change one.
// Why:  an operator must be able to see and change what a program runs with, without its source.
// How:  one struct; one table says for each option its name, unit, bounds and meaning. A value comes from, in this
//       order: the command line, the environment, what the program set, the default. A bad value is an error that
//       names it, never ignored.
//
//         --threads N, --config     the two short flags
//         --orrery_NAME=VALUE       any option of the table; `--orrery_config` as well
//         ORRERY_NAME=VALUE         the same in the environment, in capitals
//         everything else           is left alone, and so is everything behind `--`
//
//       So a word is ours if it is `--threads`, `--config`, or begins with `--orrery`; among those a mistake is an
//       error.
// Source:       SPEC R10.
#pragma once
#include "orrery/actor/options.hpp"
#include "orrery/core/time.hpp"
#include "orrery/threads/flight_recorder.hpp"
#include "orrery/threads/reporter.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

struct SystemOptions {
  std::uint32_t threads = 0;  ///< workers; 0: as many as the machine has
  RuntimeOptions runtime{};
  std::size_t stack_bytes = std::size_t{64} * 1024;       ///< of each fiber; only a handler that waits holds one
  bool stack_guards = true;                               ///< an inaccessible gap below each stack
  std::uint32_t guarded_stacks_max = 16'000;              ///< later stacks go without: a gap costs two memory maps
  Duration turn = std::chrono::microseconds{20};          ///< for so long a flooded actor may add batches to its turn
  Duration spin = std::chrono::microseconds{60};          ///< how long a worker looks for work before it sleeps
  std::uint32_t timer_tick_bits = 17;                     ///< timers fire in steps of 2^this nanoseconds
  Duration watch_period = std::chrono::milliseconds{2};   ///< how soon others take over from a worker that is stuck
  Duration slow_handler = std::chrono::milliseconds{50};  ///< a handler that runs longer is reported; 0: never
  Duration blocked_worker = std::chrono::seconds{1};      ///< and so is its worker then; 0: never
  Duration ring_watch = std::chrono::seconds{1};          ///< when nothing has run for so long, rings of waiting
                                                          ///< handlers are looked for and reported; 0: never
  Duration inspect_period = std::chrono::seconds{1};      ///< how often all actors are looked at for the next ones;
                                                          ///< 0: never, and what they say is not known
  Duration mailbox_growth = std::chrono::seconds{10};     ///< a mailbox that grows for so long is reported; 0: never
  Duration mail_age = std::chrono::seconds{1};            ///< and a message that has waited for so long; 0: never
  std::uint32_t restarts_per_minute = 60;                 ///< more of them together are reported; 0: never
  std::uint32_t stack_used_percent = 75;                  ///< of a fiber's stack; more is reported; 0: never
  bool report_ask_timeouts = true;                        ///< with what the one does that was asked
  std::uint32_t offload_threads = 64;                     ///< at most, for offloaded work; more of it waits in a queue
  Duration offload_idle = std::chrono::seconds{10};       ///< how long such a thread waits for work before it ends
  Duration stop_timeout = std::chrono::seconds{10};       ///< how long a stop waits before it says who is still alive
  static constexpr std::uint32_t no_port = 65'536;
  std::uint32_t metrics_port = no_port;  ///< where metrics are served on 127.0.0.1; 0: any free one
  bool dump_on_sigusr1 = false;          ///< SIGUSR1 writes all actors to stderr
  std::uint32_t reports_per_minute = 5;  ///< of one kind
  std::uint64_t draw_seed = 0;           ///< of Context::draw; 0: from the operating system
  FlightRecorderOptions flight{};        ///< what is kept for the case of a crash
  ReportSink report_to{};                ///< empty: stderr
  AlarmHandler on_alarm{};               ///< gets the same reports, in parts; empty: nobody does
  bool read_environment = true;          ///< whether ORRERY_... may override what stands here
};

enum class OptionOrigin : std::uint8_t { preset, program, environment, command_line };

struct ResolvedOptions {
  SystemOptions options;
  std::vector<OptionOrigin> origins;  ///< in the order of the table
  bool config_wanted = false;
  std::vector<std::size_t> used;  ///< indices into the arguments that were ours
};

/// Looks a variable up: getenv, or a test's own table. Null when it is not set.
using EnvironmentLookup = std::function<const char*(const char* name)>;

/// Puts together what a system runs with.
///
/// Returns: the options, with `threads` filled in; or one sentence that names the bad value.
[[nodiscard]] std::expected<ResolvedOptions, std::string> resolve_options(const SystemOptions& given,
                                                                          std::span<const std::string_view> arguments,
                                                                          const EnvironmentLookup& environment);

/// Returns: one line per option: name, value, and what it means.
[[nodiscard]] std::string describe(const SystemOptions& options);
/// The same, with where each value comes from.
[[nodiscard]] std::string describe(const ResolvedOptions& resolved);

}  // namespace orrery
