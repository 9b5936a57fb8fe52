#include "orrery/testkit/settings.hpp"

#include <fmt/core.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

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

Set set_number(std::optional<std::uint64_t>& target, std::string_view name, std::string_view value, std::uint64_t least) {
  const auto number = to_number(value);
  if (!number || *number < least) {
    return std::unexpected(
        fmt::format("{}=\"{}\" is not a whole number of at least {} (decimal, or hexadecimal with 0x)", name, value, least));
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

std::optional<Settings>& current() {
  static std::optional<Settings> instance;
  return instance;
}

}  // namespace

std::expected<Settings, std::string> settings_from_environment() {
  Settings settings;
  constexpr std::pair<const char*, std::string_view> variables[] = {
      {"ORRERY_SEED", "seed"},     {"ORRERY_RUNS", "runs"}, {"ORRERY_MAX_STEPS", "max_steps"},
      {"ORRERY_FAULTS", "faults"}, {"ORRERY_REPLAY", "replay"}, {"ORRERY_OUT", "out"}};
  for (const auto& [name, key] : variables) {
    const char* const value = std::getenv(name);
    if (value == nullptr) continue;
    bool known = false;
    if (auto result = set(settings, key, name, value, known); !result) return std::unexpected(std::move(result.error()));
  }
  return settings;
}

std::expected<void, std::string> take_flags(Settings& settings, int& argc, char** argv) {
  constexpr std::string_view prefix = "--orrery_";
  int kept = 1;
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
      return std::unexpected(
          fmt::format("unknown flag {}; there are --orrery_seed, _runs, _replay, _faults, _max_steps and _out", name));
    }
  }
  argc = kept;
  argv[argc] = nullptr;
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

void exit_with_usage_error(const std::string& sentence) {
  std::fflush(stdout);
  fmt::print(stderr, "orrery: {}\n", sentence);
  std::fflush(stderr);
  std::_Exit(exit_usage);
}

}  // namespace orrery::testkit
