#include "orrery/core/trace_context.hpp"

#include <fmt/core.h>

namespace orrery {

namespace {

constexpr std::size_t text_size = 55;

/// Reads lower-case digits only. Returns: empty when there is anything else.
std::optional<std::uint64_t> read_hex(std::string_view text) noexcept {
  std::uint64_t value = 0;
  for (const char c : text) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit && (c < 'a' || c > 'f')) return std::nullopt;
    value = value << 4 | static_cast<std::uint64_t>(is_digit ? c - '0' : c - 'a' + 10);
  }
  return value;
}

}  // namespace

std::string to_traceparent(const TraceContext& context) {
  return fmt::format("00-{:016x}{:016x}-{:016x}-{:02x}", context.trace.high, context.trace.low, context.span,
                     context.is_sampled ? 1U : 0U);
}

std::optional<TraceContext> parse_traceparent(std::string_view text) noexcept {
  if (text.size() < text_size || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const auto version = read_hex(text.substr(0, 2));
  const auto high = read_hex(text.substr(3, 16));
  const auto low = read_hex(text.substr(19, 16));
  const auto span = read_hex(text.substr(36, 16));
  const auto flags = read_hex(text.substr(53, 2));
  if (!version || !high || !low || !span || !flags || *version == 0xff) return std::nullopt;
  if (text.size() > text_size && (*version == 0 || text[text_size] != '-')) return std::nullopt;
  const TraceContext context{.trace = {*high, *low}, .span = *span, .is_sampled = (*flags & 1) != 0};
  if (!context.is_set()) return std::nullopt;  // X1
  return context;
}

std::string span_text(std::uint64_t span) { return fmt::format("{:016x}", span); }

std::string orrery_describe(const TraceContext& context) {
  return context.is_set() ? to_traceparent(context) : std::string{"none"};
}

}  // namespace orrery
