// history.hpp: what clients asked of a system and what they were told, in the order of real time.
// Why:  whether a system is linearizable is a question about operations that overlap: who had returned before
//       who was invoked. That order has to be written down while it happens; nothing later can tell it.
// How:  every event has a position. An operation is invoked at one position and returns at a later one, or
//       never. A History counts its own events; in the simulator that is the exact order. A Recorder does the
//       same under a lock, for clients on several threads.
// Always true:  (H1) an operation returns after it was invoked
//               (H2) a process has at most one operation open
//               (H3) an operation whose ending is `ok` took effect between its two positions; `failed` took
//                    none; `unknown` may take effect at any position after its invocation, or never
//               (H4) what a Recorder calls earlier was earlier: an invocation has its position before the
//                    caller goes on to send the request, a return after the reply had come
// Not chosen:   a clock for positions (two readings can be equal, and clocks of two cores can disagree); a
//               counter without a lock and one list per process (faster by far than any real request needs).
// Source:       M. Herlihy, J. Wing: Linearizability: a correctness condition for concurrent objects (1990);
//               the endings are those of Jepsen's histories (ok, fail, info).
#pragma once
#include "orrery/core/check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace orrery::testkit {

enum class Ending : std::uint8_t { ok, failed, unknown };

/// The position of a return that has not come.
inline constexpr std::uint64_t never_returned = std::numeric_limits<std::uint64_t>::max();

/// `output` is empty where it is not known: always unless the ending is ok, and for an `ok` that came without one.
template <class Input, class Output>
struct Operation {
  std::uint64_t process = 0;
  Input input{};
  std::optional<Output> output;
  std::uint64_t invoked = 0;
  std::uint64_t returned = never_returned;
  Ending ending = Ending::unknown;
};

template <class In, class Out>
class History {
 public:
  using Input = In;
  using Output = Out;

  /// Begins an operation.
  ///
  /// Pre:     `process` has none open (checked).
  /// Returns: its index in operations().
  std::size_t invoke(std::uint64_t process, Input input) {
    const auto [open, is_new] = open_.try_emplace(process, operations_.size());
    ORRERY_CHECK(is_new);  // H2
    operations_.push_back({process, std::move(input), std::nullopt, position_++, never_returned, Ending::unknown});
    return open->second;
  }
  /// The operation of `process` took effect, and this is what it returned.    Pre: one is open (checked).
  void ok(std::uint64_t process, Output output) { close(process, Ending::ok, std::move(output)); }
  /// It took effect; what it returned is not known, or is nothing.
  void ok(std::uint64_t process) { close(process, Ending::ok, std::nullopt); }
  /// It did not take effect, and never will.
  void fail(std::uint64_t process) { close(process, Ending::failed, std::nullopt); }
  /// Nobody knows: it timed out, or the connection broke. It may still take effect, at any time from here on.
  void info(std::uint64_t process) { close(process, Ending::unknown, std::nullopt); }

  /// Appends an operation that has its positions already. Those of one history may be equal: then the two events count
  /// as overlapping, which allows more.
  ///
  /// Pre: it returns after it was invoked (checked).
  void add(Operation<Input, Output> operation) {
    ORRERY_CHECK(operation.invoked < operation.returned);  // H1
    position_ = std::max(position_, operation.invoked + 1);
    if (operation.returned != never_returned) position_ = std::max(position_, operation.returned + 1);
    operations_.push_back(std::move(operation));
  }

  [[nodiscard]] bool is_open(std::uint64_t process) const { return open_.contains(process); }
  /// Pre: the process has one open.    Returns: the index of it.
  [[nodiscard]] std::size_t open_operation(std::uint64_t process) const { return open_.at(process); }
  /// Returns: all operations in the order of their invocation (those of add() where they were added).
  [[nodiscard]] std::span<const Operation<Input, Output>> operations() const { return operations_; }

 private:
  void close(std::uint64_t process, Ending ending, std::optional<Output> output) {
    const auto open = open_.find(process);
    ORRERY_CHECK(open != open_.end());
    auto& operation = operations_[open->second];
    operation.returned = position_++;
    operation.ending = ending;
    operation.output = std::move(output);
    open_.erase(open);
  }

  std::vector<Operation<Input, Output>> operations_;
  std::map<std::uint64_t, std::size_t> open_;
  std::uint64_t position_ = 0;
};

/// A history that several threads write. Call invoke() before the request leaves, and ok(), fail() or info() after the
/// reply is here; each client is a process of its own.
///
/// Threads: any.    Blocks: the thread, for as long as another one takes to append.
template <class In, class Out>
class Recorder {
 public:
  using Input = In;
  using Output = Out;

  void invoke(std::uint64_t process, Input input) {
    const std::lock_guard guard{lock_};
    history_.invoke(process, std::move(input));  // H4: the position is taken before this returns
  }
  void ok(std::uint64_t process, Output output) {
    const std::lock_guard guard{lock_};
    history_.ok(process, std::move(output));
  }
  void ok(std::uint64_t process) {
    const std::lock_guard guard{lock_};
    history_.ok(process);
  }
  void fail(std::uint64_t process) {
    const std::lock_guard guard{lock_};
    history_.fail(process);
  }
  void info(std::uint64_t process) {
    const std::lock_guard guard{lock_};
    history_.info(process);
  }
  /// Returns: all that was recorded so far; what is open in it has the ending `unknown`.
  [[nodiscard]] History<Input, Output> history() const {
    const std::lock_guard guard{lock_};
    return history_;
  }

 private:
  mutable std::mutex lock_;
  History<Input, Output> history_;
};

}  // namespace orrery::testkit
