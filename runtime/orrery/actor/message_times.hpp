// message_times.hpp: how long messages wait and are handled, of some of them.
// Why:  a slow system shows in how long messages take before it shows anywhere else; but two looks at a clock cost as much
//       as a message, so only one of many pays for it.
// How:  a worker counts what it sends anyway. When the count comes to the next number drawn, that message gets a stamp,
//       and the bit of its header that leads it away from the usual path where it is handled: there the clock is read
//       before and after. All other messages pay for one comparison where they are sent, and nothing where they are
//       handled. The gaps are drawn, so that no rhythm of a program can hide from them.
// Always true:  (T1) one thread writes a MessageTimes; what others read of it was true a moment ago
//               (T2) a message that failed, was unwound or put aside is not in it: it has no end to measure to
// Known limit:  a wait is known modulo 9 minutes (2^32 x 128 ns); assured messages and timer ticks are not measured.
// Not chosen:   every message (twice the cost of a tell); every n-th one (meets the same message of a loop over and over).
// Source:       SPEC O1; PASTA (R. W. Wolff 1982) on why what is looked at must be drawn.
#pragma once
#include "orrery/core/histogram.hpp"
#include "orrery/core/mix.hpp"
#include "orrery/core/time.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace orrery {

struct Operations;

/// When a message was sent, in the 32 bits that its header has for that.
struct SentStamp {
  static constexpr unsigned shift = 7;  ///< units of 128 ns
  [[nodiscard]] static constexpr std::uint32_t of(Instant instant) noexcept {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(instant.time_since_epoch().count()) >> shift);
  }
  /// Returns: how long before `now` that was.
  [[nodiscard]] static constexpr Duration since(std::uint32_t stamp, Instant now) noexcept {
    return Duration{static_cast<Duration::rep>(std::uint64_t{of(now) - stamp} << shift)};
  }
};

/// Counts by powers of two: bucket n has what needs n bits. Enough for what is shown by limits of that form.
struct CoarseCounts {
  std::array<std::uint64_t, 65> buckets{};
  std::uint64_t sum = 0;
};
class CoarseHistogram {
 public:
  /// Threads: one.
  void add(std::uint64_t value) noexcept {
    grow(buckets_[static_cast<std::size_t>(std::bit_width(value))], 1);
    grow(sum_, value);
  }
  void add_to(CoarseCounts& total) const noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) total.buckets[i] += buckets_[i].load(std::memory_order_relaxed);
    total.sum += sum_.load(std::memory_order_relaxed);
  }

 private:
  static void grow(std::atomic<std::uint64_t>& cell, std::uint64_t by) noexcept {
    cell.store(cell.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::array<std::atomic<std::uint64_t>, 65> buckets_{};
  std::atomic<std::uint64_t> sum_{0};
};

/// What all workers have measured, in nanoseconds.
struct MessageTimesTotal {
  HistogramCounts latency{};  ///< from the send to the handler's return
  struct Kind {
    CoarseCounts wait{};      ///< from the send until it was taken
    CoarseCounts handling{};  ///< in its handler, waits of the handler included
  };
  std::map<std::pair<std::string, std::string>, Kind> kinds{};  ///< by type of actor and of message
};

/// Of one worker.
class MessageTimes {
 public:
  static constexpr std::size_t kinds_max = 1'024;  ///< pairs of types; more of them are one, of type "other"

  explicit MessageTimes(std::uint32_t one_in) noexcept : one_in_{one_in} {}
  MessageTimes(const MessageTimes&) = delete;
  MessageTimes& operator=(const MessageTimes&) = delete;
  ~MessageTimes();

  /// Returns: after how many more messages one is to be timed; `one_in` on average.    Threads: the writer.
  [[nodiscard]] std::uint64_t next_gap() noexcept {
    state_ += golden_step;
    return 1 + mix64(state_) % (2 * std::uint64_t{one_in_} - 1);
  }

  /// A message was handled.    Threads: the writer.    Cost: a hash probe, some twenty loads and stores.
  void add(const Operations& operations, std::string_view actor_type, Duration waited, Duration took);

  /// Adds all there is so far to `total`.    Threads: any.
  void add_to(MessageTimesTotal& total) const;

 private:
  struct Kind {
    const Operations* operations;
    std::string_view actor_type;
    CoarseHistogram wait;
    CoarseHistogram handling;
  };
  [[nodiscard]] Kind& kind_of(const Operations& operations, std::string_view actor_type);

  const std::uint32_t one_in_;
  std::uint64_t state_ = 0;
  std::size_t kinds_ = 0;
  Histogram latency_;
  std::array<std::atomic<Kind*>, 2 * kinds_max> table_{};  // open addressing; never more than half full
  std::atomic<Kind*> others_{nullptr};
};

}  // namespace orrery
