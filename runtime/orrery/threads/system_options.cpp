#include "orrery/threads/system_options.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <thread>

namespace orrery {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::uint64_t longest_ms = static_cast<std::uint64_t>(Duration::max() / milliseconds{1});

struct OptionInfo {
  std::string_view name;
  std::uint64_t least;
  std::uint64_t most;
  std::uint64_t (*get)(const SystemOptions&);
  void (*set)(SystemOptions&, std::uint64_t);
  std::string_view meaning;
};

template <class Unit>
std::uint64_t in(Duration duration) {
  return duration <= Duration::zero() ? 0 : static_cast<std::uint64_t>(duration / Unit{1});
}
template <class Unit>
Duration of(std::uint64_t count) {
  return Unit{static_cast<std::int64_t>(count)};
}
template <class T>
void put(T& field, std::uint64_t value) {
  field = static_cast<T>(value);
}

using O = SystemOptions;
using N = std::uint64_t;

constexpr std::array options_table{
    OptionInfo{"threads", 0, 256, [](const O& o) -> N { return o.threads; }, [](O& o, N v) { put(o.threads, v); },
               "worker threads; 0: as many as the machine has"},
    OptionInfo{"ask_timeout_ms", 0, longest_ms, [](const O& o) -> N { return in<milliseconds>(o.runtime.ask_timeout); },
               [](O& o, N v) { o.runtime.ask_timeout = of<milliseconds>(v); }, "of an ask that names no timeout"},
    OptionInfo{"mailbox_depth_warning", 0, UINT32_MAX, [](const O& o) -> N { return o.runtime.mailbox_depth_warning; },
               [](O& o, N v) { put(o.runtime.mailbox_depth_warning, v); }, "messages waiting at one actor; 0: never"},
    OptionInfo{"dead_letters_max", 0, 100'000'000, [](const O& o) -> N { return o.runtime.dead_letters.records_max; },
               [](O& o, N v) { put(o.runtime.dead_letters.records_max, v); }, "on record; all are counted"},
    OptionInfo{"dead_letters_drop_newest", 0, 1,
               [](const O& o) -> N { return o.runtime.dead_letters.overflow == DeadLetterOverflow::drop_newest; },
               [](O& o, N v) {
                 o.runtime.dead_letters.overflow =
                     v != 0 ? DeadLetterOverflow::drop_newest : DeadLetterOverflow::drop_oldest;
               },
               "when there are so many, 1: later ones are only counted; 0: the oldest go"},
    OptionInfo{"dead_letters_text_max", 0, 1'000'000,
               [](const O& o) -> N { return o.runtime.dead_letters.text_bytes_max; },
               [](O& o, N v) { put(o.runtime.dead_letters.text_bytes_max, v); }, "bytes of a message's text"},
    OptionInfo{"dead_letters_kept_max", 0, 100'000'000, [](const O& o) -> N { return o.runtime.dead_letters.kept_max; },
               [](O& o, N v) { put(o.runtime.dead_letters.kept_max, v); }, "messages kept to be sent again; 0: none"},
    OptionInfo{"dead_letters_kept_kb", 0, 1'000'000'000,
               [](const O& o) -> N { return o.runtime.dead_letters.kept_bytes_max / 1024; },
               [](O& o, N v) { o.runtime.dead_letters.kept_bytes_max = static_cast<std::size_t>(v) * 1024; },
               "KiB of them together"},
    OptionInfo{"measure_asks", 0, 1, [](const O& o) -> N { return o.runtime.measure_asks; },
               [](O& o, N v) { o.runtime.measure_asks = v != 0; }, "1: metrics say how long asks take"},
    OptionInfo{"time_one_in", 0, 1'000'000'000, [](const O& o) -> N { return o.runtime.time_one_in; },
               [](O& o, N v) { put(o.runtime.time_one_in, v); },
               "so many messages: how long they take, in metrics; 0: none"},
    OptionInfo{"attempts_max", 0, UINT32_MAX, [](const O& o) -> N { return o.runtime.delivery.attempts_max; },
               [](O& o, N v) { put(o.runtime.delivery.attempts_max, v); },
               "times that a handler may fail on an assured message; 0: no limit"},
    OptionInfo{"backoff_first_ms", 0, longest_ms,
               [](const O& o) -> N { return in<milliseconds>(o.runtime.delivery.backoff_first); },
               [](O& o, N v) { o.runtime.delivery.backoff_first = of<milliseconds>(v); },
               "before an assured message is handled again; doubles each time"},
    OptionInfo{"backoff_most_ms", 0, longest_ms,
               [](const O& o) -> N { return in<milliseconds>(o.runtime.delivery.backoff_most); },
               [](O& o, N v) { o.runtime.delivery.backoff_most = of<milliseconds>(v); }, "up to this"},
    OptionInfo{"backoff_jitter", 0, 100, [](const O& o) -> N { return o.runtime.delivery.jitter_percent; },
               [](O& o, N v) { put(o.runtime.delivery.jitter_percent, v); }, "percent, drawn and added"},
    OptionInfo{"dedupe_ids_max", 0, UINT32_MAX, [](const O& o) -> N { return o.runtime.delivery.dedupe_ids_max; },
               [](O& o, N v) { put(o.runtime.delivery.dedupe_ids_max, v); },
               "ids of exactly_once messages that each actor remembers"},
    OptionInfo{"dedupe_ms", 0, longest_ms,
               [](const O& o) -> N { return in<milliseconds>(o.runtime.delivery.dedupe_for); },
               [](O& o, N v) { o.runtime.delivery.dedupe_for = of<milliseconds>(v); }, "and for how long"},
    OptionInfo{"waiting_max", 0, UINT32_MAX, [](const O& o) -> N { return o.runtime.delivery.waiting_max; },
               [](O& o, N v) { put(o.runtime.delivery.waiting_max, v); },
               "assured messages that wait outside each full mailbox"},
    OptionInfo{"batch", 1, 1'000'000, [](const O& o) -> N { return o.runtime.batch; },
               [](O& o, N v) { put(o.runtime.batch, v); }, "messages one actor may handle before others get a turn"},
    OptionInfo{"actors_max", 1, UINT32_MAX, [](const O& o) -> N { return o.runtime.actors_max; },
               [](O& o, N v) { put(o.runtime.actors_max, v); }, "living at once"},
    OptionInfo{"stack_kb", 16, 1'048'576, [](const O& o) -> N { return o.stack_bytes / 1024; },
               [](O& o, N v) { o.stack_bytes = static_cast<std::size_t>(v) * 1024; }, "KiB per fiber stack"},
    OptionInfo{"stack_guards", 0, 1, [](const O& o) -> N { return o.stack_guards ? 1 : 0; },
               [](O& o, N v) { o.stack_guards = v != 0; }, "1: an inaccessible gap below each stack"},
    OptionInfo{"guarded_stacks_max", 0, UINT32_MAX, [](const O& o) -> N { return o.guarded_stacks_max; },
               [](O& o, N v) { put(o.guarded_stacks_max, v); }, "later stacks go without; a gap costs two memory maps"},
    OptionInfo{"turn_us", 0, 1'000'000, [](const O& o) -> N { return in<microseconds>(o.turn); },
               [](O& o, N v) { o.turn = of<microseconds>(v); }, "how long a flooded actor may add batches to its turn"},
    OptionInfo{"spin_us", 0, 1'000'000, [](const O& o) -> N { return in<microseconds>(o.spin); },
               [](O& o, N v) { o.spin = of<microseconds>(v); }, "how long a worker looks for work before it sleeps"},
    OptionInfo{"timer_tick_bits", 15, 40, [](const O& o) -> N { return o.timer_tick_bits; },
               [](O& o, N v) { put(o.timer_tick_bits, v); }, "timers fire in steps of 2^this nanoseconds"},
    OptionInfo{"watch_period_ms", 1, 60'000, [](const O& o) -> N { return in<milliseconds>(o.watch_period); },
               [](O& o, N v) { o.watch_period = of<milliseconds>(v); },
               "how soon others take over from a worker that is stuck"},
    OptionInfo{"slow_handler_ms", 0, longest_ms, [](const O& o) -> N { return in<milliseconds>(o.slow_handler); },
               [](O& o, N v) { o.slow_handler = of<milliseconds>(v); },
               "a handler that runs longer is reported; 0: never"},
    OptionInfo{"blocked_worker_ms", 0, longest_ms, [](const O& o) -> N { return in<milliseconds>(o.blocked_worker); },
               [](O& o, N v) { o.blocked_worker = of<milliseconds>(v); }, "and so is its worker then; 0: never"},
    OptionInfo{"ring_watch_ms", 0, 86'400'000, [](const O& o) -> N { return in<milliseconds>(o.ring_watch); },
               [](O& o, N v) { o.ring_watch = of<milliseconds>(v); },
               "rings of waiting handlers are looked for when nothing ran for so long; 0: never"},
    OptionInfo{"inspect_period_ms", 0, 86'400'000, [](const O& o) -> N { return in<milliseconds>(o.inspect_period); },
               [](O& o, N v) { o.inspect_period = of<milliseconds>(v); },
               "how often all actors are looked at for the next ones; 0: never"},
    OptionInfo{"mailbox_growth_ms", 0, longest_ms, [](const O& o) -> N { return in<milliseconds>(o.mailbox_growth); },
               [](O& o, N v) { o.mailbox_growth = of<milliseconds>(v); },
               "a mailbox that grows for so long is reported; 0: never"},
    OptionInfo{"mail_age_ms", 0, longest_ms, [](const O& o) -> N { return in<milliseconds>(o.mail_age); },
               [](O& o, N v) { o.mail_age = of<milliseconds>(v); },
               "and a message that has waited for so long; 0: never"},
    OptionInfo{"restarts_per_minute", 0, UINT32_MAX, [](const O& o) -> N { return o.restarts_per_minute; },
               [](O& o, N v) { put(o.restarts_per_minute, v); }, "more of them together are reported; 0: never"},
    OptionInfo{"stack_used_percent", 0, 100, [](const O& o) -> N { return o.stack_used_percent; },
               [](O& o, N v) { put(o.stack_used_percent, v); }, "of a fiber's stack; more is reported; 0: never"},
    OptionInfo{"report_ask_timeouts", 0, 1, [](const O& o) -> N { return o.report_ask_timeouts ? 1 : 0; },
               [](O& o, N v) { o.report_ask_timeouts = v != 0; }, "1: with what the one does that was asked"},
    OptionInfo{"offload_threads", 1, 10'000, [](const O& o) -> N { return o.offload_threads; },
               [](O& o, N v) { put(o.offload_threads, v); },
               "at most, for offloaded work; more of it waits in a queue"},
    OptionInfo{"offload_idle_ms", 0, longest_ms, [](const O& o) -> N { return in<milliseconds>(o.offload_idle); },
               [](O& o, N v) { o.offload_idle = of<milliseconds>(v); },
               "how long such a thread waits for work before it ends"},
    OptionInfo{"stop_timeout_ms", 0, longest_ms, [](const O& o) -> N { return in<milliseconds>(o.stop_timeout); },
               [](O& o, N v) { o.stop_timeout = of<milliseconds>(v); },
               "how long a stop waits before it says who is still alive"},
    OptionInfo{"metrics_port", 0, SystemOptions::no_port, [](const O& o) -> N { return o.metrics_port; },
               [](O& o, N v) { put(o.metrics_port, v); },
               "where metrics are served on 127.0.0.1; 0: any free one, 65536: nowhere"},
    OptionInfo{"dump_on_sigusr1", 0, 1, [](const O& o) -> N { return o.dump_on_sigusr1 ? 1 : 0; },
               [](O& o, N v) { o.dump_on_sigusr1 = v != 0; }, "1: that signal writes all actors to stderr"},
    OptionInfo{"reports_per_minute", 0, 1'000'000, [](const O& o) -> N { return o.reports_per_minute; },
               [](O& o, N v) { put(o.reports_per_minute, v); }, "warnings of one kind"},
    OptionInfo{"flight_recorder", 0, 10'000'000, [](const O& o) -> N { return o.flight.entries; },
               [](O& o, N v) { put(o.flight.entries, v); }, "last events kept for each worker; 0: none"},
    OptionInfo{"flight_text_bytes", 0, FlightRing::text_bytes_max, [](const O& o) -> N { return o.flight.text_bytes; },
               [](O& o, N v) { put(o.flight.text_bytes, v); }, "of each payload in them; 0: none"},
    OptionInfo{"crash_file", 0, 1, [](const O& o) -> N { return o.flight.crash_folder.empty() ? 0 : 1; },
               [](O& o, N v) {
                 if (v == 0) o.flight.crash_folder.clear();
                 if (v != 0 && o.flight.crash_folder.empty()) o.flight.crash_folder = ".";
               },
               "1: they are written into orrery-crash-PID.jsonl when the process crashes"},
    OptionInfo{"log_level", 0, 4, [](const O& o) -> N { return static_cast<N>(o.runtime.log.level); },
               [](O& o, N v) { o.runtime.log.level = static_cast<LogLevel>(v); },
               "0: debug, 1: info, 2: warning, 3: error, 4: none"},
    OptionInfo{"log_events", 0, 1, [](const O& o) -> N { return o.runtime.log.runtime_events ? 1 : 0; },
               [](O& o, N v) { o.runtime.log.runtime_events = v != 0; },
               "1: lives of actors, dead letters and warnings are logged, too"},
    OptionInfo{"logs_per_second", 0, UINT32_MAX, [](const O& o) -> N { return o.runtime.log.per_place_max; },
               [](O& o, N v) { put(o.runtime.log.per_place_max, v); }, "from one place in the source; 0: no limit"},
    OptionInfo{"trace_context", 0, 1, [](const O& o) -> N { return o.runtime.trace.on ? 1 : 0; },
               [](O& o, N v) { o.runtime.trace.on = v != 0; }, "1: messages carry a trace context"},
    OptionInfo{"draw_seed", 0, UINT64_MAX, [](const O& o) -> N { return o.draw_seed; },
               [](O& o, N v) { o.draw_seed = v; }, "of Context::draw; 0: from the operating system"},
};

constexpr std::string_view long_prefix = "--orrery_";

const OptionInfo* find_option(std::string_view name) {
  const auto at = std::ranges::find(options_table, name, &OptionInfo::name);
  return at == options_table.end() ? nullptr : &*at;
}

std::string environment_name(const OptionInfo& option) {
  std::string name = "ORRERY_";
  for (const char c : option.name) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

/// Returns: what somebody has written, for a sentence: without line ends and the like, and not at any length.
std::string shown(std::string_view text) {
  constexpr std::size_t bytes_max = 100;
  std::string out{text.substr(0, bytes_max)};
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return text.size() > bytes_max ? out + "..." : out;
}

/// Returns: what is wrong, or nothing.
std::optional<std::string> assign(SystemOptions& options, const OptionInfo& option, std::string_view where,
                                  std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < option.least ||
      value > option.most) {
    return fmt::format("{}: '{}' is not a whole number from {} to {} ({})", where, shown(text), option.least,
                       option.most, option.meaning);
  }
  option.set(options, value);
  return std::nullopt;
}

std::string_view to_string(OptionOrigin origin) {
  switch (origin) {
    case OptionOrigin::preset:
      return "default";
    case OptionOrigin::program:
      return "program";
    case OptionOrigin::environment:
      return "environment";
    case OptionOrigin::command_line:
      return "command line";
  }
  return "";
}

/// Reads the command line; flags override whatever was there.
std::optional<std::string> read_arguments(ResolvedOptions& resolved, std::span<const std::string_view> arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    if (word == "--") break;
    const std::size_t equals = word.find('=');
    const std::string_view flag = word.substr(0, equals);
    const bool is_long = flag.starts_with(long_prefix);
    if (!is_long && flag != "--threads" && flag != "--config") {
      if (flag.starts_with("--orrery")) return fmt::format("{}: unknown flag; try --config", shown(flag));
      continue;
    }
    const std::string_view name = flag.substr(is_long ? long_prefix.size() : 2);
    resolved.used.push_back(i);
    if (name == "config") {
      if (equals != std::string_view::npos) return fmt::format("{}: takes no value", flag);
      resolved.config_wanted = true;
      continue;
    }
    const OptionInfo* const option = find_option(name);
    if (option == nullptr) return fmt::format("{}: unknown flag; try --config", shown(flag));
    std::string_view value;
    if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
      resolved.used.push_back(i);
    } else {
      return fmt::format("{}: needs a value", flag);
    }
    if (auto wrong = assign(resolved.options, *option, flag, value)) return wrong;
    resolved.origins[static_cast<std::size_t>(option - options_table.data())] = OptionOrigin::command_line;
  }
  return std::nullopt;
}

std::string describe_with(const SystemOptions& options, std::span<const OptionOrigin> origins) {
  std::string text;
  for (std::size_t i = 0; i < options_table.size(); ++i) {
    const OptionInfo& option = options_table[i];
    text += fmt::format("{:<22} = {:<10}", option.name, option.get(options));
    if (!origins.empty()) text += fmt::format(" {:<12}", to_string(origins[i]));
    text += fmt::format("  {}\n", option.meaning);
  }
  return text;
}

}  // namespace

std::expected<ResolvedOptions, std::string> resolve_options(const SystemOptions& given,
                                                            std::span<const std::string_view> arguments,
                                                            const EnvironmentLookup& environment) {
  ResolvedOptions resolved{given, std::vector<OptionOrigin>(options_table.size(), OptionOrigin::preset), false, {}};
  const SystemOptions defaults;
  for (std::size_t i = 0; i < options_table.size(); ++i) {
    const OptionInfo& option = options_table[i];
    const std::uint64_t value = option.get(given);
    if (value < option.least || value > option.most) {
      return std::unexpected(fmt::format("{}: the program sets {}, but it must be from {} to {} ({})", option.name,
                                         value, option.least, option.most, option.meaning));
    }
    if (value != option.get(defaults)) resolved.origins[i] = OptionOrigin::program;
    if (!given.read_environment) continue;
    const std::string name = environment_name(option);
    const char* const text = environment(name.c_str());
    if (text == nullptr) continue;
    if (auto wrong = assign(resolved.options, option, name, text)) return std::unexpected(std::move(*wrong));
    resolved.origins[i] = OptionOrigin::environment;
  }
  if (auto wrong = read_arguments(resolved, arguments)) return std::unexpected(std::move(*wrong));
  if (resolved.options.threads == 0) {
    resolved.options.threads = std::clamp(std::thread::hardware_concurrency(), 1U, 256U);
  }
  return resolved;
}

std::string describe(const SystemOptions& options) { return describe_with(options, {}); }

std::string describe(const ResolvedOptions& resolved) { return describe_with(resolved.options, resolved.origins); }

}  // namespace orrery
