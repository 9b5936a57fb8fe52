#include "orrery/actor/log.hpp"

#include "orrery/core/hash.hpp"

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>

namespace orrery {

namespace {

/// Returns: "2026-11-21T12:00:01.123456Z", or its time of day to the millisecond.
std::string time_text(std::int64_t unix_nanoseconds, bool is_short) {
  const std::int64_t second = unix_nanoseconds / 1'000'000'000;
  const auto rest = static_cast<unsigned>(unix_nanoseconds % 1'000'000'000);
  const std::time_t time = second;
  std::tm parts{};
  gmtime_r(&time, &parts);
  if (is_short) return fmt::format("{:%H:%M:%S}.{:03}", parts, rest / 1'000'000);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", parts, rest / 1'000);
}

void add_text(std::string& out, std::string_view text) {
  write_json_text(text, [&](std::string_view piece) { out += piece; });
}

void add(std::string& out, std::string_view key, std::string_view text) {
  out += fmt::format(",\"{}\":", key);
  add_text(out, text);
}

}  // namespace

std::string_view to_string(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
    case LogLevel::off:
      return "off";
  }
  return "unknown";
}

std::string LogEntry::sentence() const {
  std::string out = fmt::format("{}: {}", to_string(level), text);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    out += fmt::format("{}{}={}", i == 0 ? " {" : ", ", fields[i].name, fields[i].value);
  }
  if (!fields.empty()) out += '}';
  return out;
}

std::string to_json(const LogEntry& entry) {
  std::string out = fmt::format("{{\"schema\":1,\"step\":0,\"t_ns\":{}", entry.at.time_since_epoch().count());
  add(out, "kind", entry.kind);
  add(out, "from", entry.actor);
  add(out, "to", entry.to);
  add(out, "message", entry.sentence());
  add(out, "ts", time_text(entry.unix_nanoseconds, false));
  add(out, "level", to_string(entry.level));
  if (!entry.type.empty()) add(out, "type", entry.type);
  if (entry.incarnation != 0) out += fmt::format(",\"gen\":{}", entry.incarnation);
  if (!entry.message.empty()) add(out, "msg", entry.message);
  if (entry.context.is_set()) {
    add(out, "msg_id", span_text(entry.context.span));
    if (entry.cause != 0) add(out, "cause_id", span_text(entry.cause));
    add(out, "trace_id", to_string(entry.context.trace));
  }
  if (entry.where.line() != 0) {
    add(out, "file", entry.where.file_name());
    out += fmt::format(",\"line\":{}", entry.where.line());
  }
  add(out, "text", entry.text);
  if (!entry.fields.empty()) {
    out += ",\"fields\":{";
    for (std::size_t i = 0; i < entry.fields.size(); ++i) {
      const LogEntry::Field& field = entry.fields[i];
      if (i != 0) out += ',';
      add_text(out, field.name);
      out += ':';
      if (field.is_text) {
        add_text(out, field.value);
      } else {
        out += field.value;
      }
    }
    out += '}';
  }
  if (entry.held_back != 0) out += fmt::format(",\"held_back\":{}", entry.held_back);
  return out + "}";
}

std::string to_text(const LogEntry& entry) {
  std::string out =
      fmt::format("{} {} {}", time_text(entry.unix_nanoseconds, true), to_string(entry.level), entry.actor);
  if (!entry.message.empty()) out += fmt::format(" ({})", entry.message);
  if (entry.kind != "log") out += fmt::format(" {}{}{}", entry.kind, entry.to.empty() ? "" : " ", entry.to);
  const std::string sentence = entry.sentence();
  out += sentence.substr(to_string(entry.level).size() + 1);  // with its space
  if (entry.held_back != 0) out += fmt::format(" ({} more from here were held back)", entry.held_back);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

void write_log(const LogEntry& entry) {
  static const bool is_terminal = isatty(STDERR_FILENO) == 1;
  const std::string line = (is_terminal ? to_text(entry) : to_json(entry)) + '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);  // one call: stderr is not buffered, so lines do not mix
}

std::optional<std::uint64_t> LogLimiter::admit(const std::source_location& place, Instant now,
                                               std::uint32_t per_second_max) noexcept {
  const std::uint64_t key = mix64(hash_text(place.file_name()) + place.line());
  Budget& budget = budgets_[key % places];
  if (per_second_max != 0) {
    const auto second = static_cast<std::uint32_t>(now.time_since_epoch() / std::chrono::seconds{1});
    std::uint64_t used = budget.used.load(std::memory_order_relaxed);
    while (true) {
      const bool is_same = used >> 32 == second;
      if (is_same && static_cast<std::uint32_t>(used) >= per_second_max) {
        budget.held_back.fetch_add(1, std::memory_order_relaxed);
        total_.fetch_add(1, std::memory_order_relaxed);
        return std::nullopt;
      }
      const std::uint64_t next = is_same ? used + 1 : (std::uint64_t{second} << 32) + 1;
      if (budget.used.compare_exchange_weak(used, next, std::memory_order_relaxed)) break;
    }
  }
  if (budget.held_back.load(std::memory_order_relaxed) == 0) return 0;
  return budget.held_back.exchange(0, std::memory_order_relaxed);  // O2: told once
}

std::uint64_t LogLimiter::untold() const noexcept {
  std::uint64_t sum = 0;
  for (const Budget& budget : budgets_) sum += budget.held_back.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace orrery
