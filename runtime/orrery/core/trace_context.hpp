// trace_context.hpp: by which a message is found again in the traces of other systems.
// Why:  a request that enters by HTTP, goes through five actors and leaves by another protocol is one story to whoever
//       operates it, and the W3C has agreed on how its pieces say so.
// How:  16 bytes name the trace, 8 the span (one message, from its sending to the end of its handling), and one bit says
//       whether somebody records it. As text: version-trace-span-flags, in lower-case hexadecimal.
// Always true:  (X1) what parses is a valid context: neither id is all zeroes
//               (X2) parse_traceparent(to_traceparent(c)) is c, for every valid c
// Source:       W3C Recommendation "Trace Context", 23 November 2021, section 3.2; SPEC O3.
#pragma once
#include "orrery/core/message_id.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace orrery {

/// Unset by default, which is no context.
struct TraceContext {
  MessageId trace{};        ///< 16 bytes
  std::uint64_t span = 0;   ///< 8 bytes
  bool is_sampled = false;  ///< whether the caller may have recorded it

  [[nodiscard]] bool is_set() const noexcept { return trace.is_set() && span != 0; }  // X1
  friend bool operator==(const TraceContext&, const TraceContext&) = default;
};

/// Returns: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01". Pre: the context is set.
[[nodiscard]] std::string to_traceparent(const TraceContext& context);

/// Parses the value of a `traceparent` header, as strictly as the recommendation wants it: no spaces, lower case only, exactly
/// 55 characters for version 00; of a later version, the same 55 and, behind a dash, anything; never version ff; no id of
/// zeroes; unknown flags are ignored.
///
/// Returns: empty when it is anything else: the receiver begins a trace of its own then.
[[nodiscard]] std::optional<TraceContext> parse_traceparent(std::string_view text) noexcept;

/// Returns: the span as 16 hexadecimal digits.
[[nodiscard]] std::string span_text(std::uint64_t span);

/// Returns: "none", or as to_traceparent.
[[nodiscard]] std::string orrery_describe(const TraceContext& context);

}  // namespace orrery
