// tracing.hpp: what an envelope carries when trace contexts are on, and what becomes of it.
// Why:  "which request was this, and who caused it" must be answered without a word in any handler.
// How:  with RuntimeOptions::trace each envelope that is sent gets a block of its own, beside the envelope: off, nothing is
//       allocated, and a message costs what it costs without. A span is one message, from its sending to the end of its
//       handling; its id is the message's, for logs and the flight recorder.
//
//         tell, ask, forward    a child of the span whose handler sends; a reply goes on in the asker's own span
//         publish               a new trace for each copy, with a link to the span that published: one message to a thousand
//                               subscribers is not one trace with a thousand branches. (OpenTelemetry asks for the link and
//                               leaves the parent open.) A broadcast waits for its answers: these are asks
//         timers, notices       a new trace for each tick, Down, Exit: begun when it is handled
//         redelivery            the same span again; a dead letter that is sent again, a child of what it was
//         main, other threads   a new trace for each message, or a child of what a TraceScope says
//
//       Ids come from World::new_id: in a simulation they are functions of the run alone, and no draw of the program changes.
// Always true:  (B1) a block belongs to its envelope, and goes with it, or before an ask's block changes hands
// Source:       W3C Trace Context; OpenTelemetry semantic conventions for messaging spans; SPEC O3.
#pragma once
#include "orrery/core/block_pool.hpp"
#include "orrery/core/ids.hpp"
#include "orrery/core/time.hpp"
#include "orrery/core/trace_context.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace orrery {

class Runtime;

/// One message, when its handler has ended: what an exporter of another system's makes a span of.
struct Span {
  TraceContext context;
  std::uint64_t parent = 0;  ///< the span of whoever sent it; 0: it begins the trace
  TraceContext link{};       ///< set when a publish has caused it
  std::string_view message;  ///< its type
  Handle from{};
  Handle actor{};
  std::string_view actor_type;
  Instant began{};  ///< when its handler did; in a simulation virtual
  Instant ended{};
  bool has_failed = false;
};

/// Takes a span. Threads: workers, several at once; within the actor's turn, so it should be short.
using SpanExporter = std::function<void(const Span& span)>;

struct TraceOptions {
  bool on = false;
  bool sampled = true;      ///< what new traces say of themselves
  SpanExporter exporter{};  ///< empty: nobody; contexts are carried all the same
};

/// Hangs on an envelope.
struct TraceBlock {
  TraceContext context;
  std::uint64_t parent = 0;
  TraceContext link{};
  bool is_fresh = false;  ///< made by whoever sends it: to be sent as it is

  static void* operator new(std::size_t bytes) { return BlockPool::local().allocate(bytes); }
  static void operator delete(void* block, std::size_t bytes) noexcept { BlockPool::release(block, bytes); }
};

/// For its lifetime, what the calling thread sends to `runtime` continues a trace that came from elsewhere.
///
/// Threads: one that is no actor, and the body of a test; a handler says Context::continue_trace.
class TraceScope {
 public:
  TraceScope(const Runtime& runtime, const TraceContext& context) noexcept;
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;
  ~TraceScope();

  /// Returns: what the innermost one on this thread says for `runtime`; unset without one.
  [[nodiscard]] static TraceContext current(const Runtime& runtime) noexcept;

 private:
  std::uint32_t runtime_;
  TraceContext context_;
  TraceScope* outer_;
};

}  // namespace orrery
