// execution.hpp: on whose behalf the code on this thread runs right now.
// Why:  `ref.tell(m)` takes no context argument, yet the message must name its sender and use its worker's pool.
// How:  one record per worker (and one for a simulation), reached through a thread-local that is read anew after every
//       suspension, since a fiber may continue on another thread.
#pragma once
#include "orrery/actor/envelope.hpp"
#include "orrery/actor/errors.hpp"
#include "orrery/actor/message_times.hpp"
#include "orrery/actor/type_counts.hpp"
#include "orrery/core/block_pool.hpp"
#include "orrery/core/histogram.hpp"
#include "orrery/core/ids.hpp"
#include "orrery/fiber/thread_slot.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace orrery {

class Cell;
class FlightRing;
class Runtime;
namespace fiber {
class Fiber;
}

/// The message that is being handled. Its thread uses it as a pointer; others may look at any time, without a lock, which
/// one it is (never through it: it may be gone), and of what type the last one was.
class Handled {
 public:
  Handled& operator=(Envelope* envelope) noexcept {
    if (envelope == nullptr) {
      envelope_.store(nullptr, std::memory_order_relaxed);
    } else {
      set(envelope, *envelope->operations);
    }
    return *this;
  }
  /// The same for a caller who has the operations at hand.
  void set(Envelope* envelope, const Operations& operations) noexcept {
    envelope_.store(envelope, std::memory_order_relaxed);
    operations_.store(&operations, std::memory_order_relaxed);
  }
  operator Envelope*() const noexcept { return envelope_.load(std::memory_order_relaxed); }
  Envelope* operator->() const noexcept { return *this; }

  /// Returns: what tells this handling from the next one; null between handlers and in a hook.    Threads: any.
  [[nodiscard]] const void* identity() const noexcept { return envelope_.load(std::memory_order_relaxed); }
  /// Returns: the type of the message while identity() is not null.    Threads: any.
  [[nodiscard]] const MessageInfo* type() const noexcept {
    const Operations* const operations = operations_.load(std::memory_order_relaxed);
    return operations == nullptr ? nullptr : operations->message;
  }

 private:
  std::atomic<Envelope*> envelope_{nullptr};
  std::atomic<const Operations*> operations_{nullptr};  // constants of the program: always safe to read through
};

struct Execution {
  Runtime* runtime = nullptr;
  std::uint32_t runtime_index = 0;  ///< of `runtime`; 0 is none, and while tells are held back (assured.hpp)
  std::uint32_t index = 0;          ///< among the runtime's
  BlockPool* pool = nullptr;
  Cell* cell = nullptr;           ///< whose handler runs; null between handlers
  Handled message;                ///< what it handles
  fiber::Fiber* fiber = nullptr;  ///< what this thread runs on
  FlightRing* flight = nullptr;   ///< where what happens here is written down; null: nowhere
  SingleWriterCounter offered;
  std::uint64_t next_timed = 0;         ///< which of those is timed next; 0: none
  std::unique_ptr<MessageTimes> times;  ///< of those that were handled here; null: nobody wants to know
  std::array<SingleWriterCounter, tell_errors> refused;
  SingleWriterCounter stray_dead_letters;
  SingleWriterCounter spawned;
  SingleWriterCounter gone;
  SingleWriterCounter restarted;
  SingleWriterCounter asks;                                 ///< that were begun here
  std::array<SingleWriterCounter, ask_errors> asks_failed;  ///< that an asker here has learnt to have failed
  std::unique_ptr<Histogram> ask_times;                     ///< null: nobody wants to know
  TypeTable retired;                                        ///< what actors that have ended here had counted
  std::uint64_t message_ids = 0;                            ///< how many were given out here
  std::uint64_t trace_numbers = 0;                          ///< the same of ids of traces and spans
  std::uint32_t letter_queue = 0;                           ///< which one of DeadLetters is this thread's
  std::vector<std::uint32_t> free_slots;  ///< left by actors that ended here, for the next ones spawned here
};

/// Returns: the record of the calling thread, or null on a thread that belongs to no world.
/// Never keep the result across anything that may suspend.
[[nodiscard]] inline Execution* current_execution() noexcept { return static_cast<Execution*>(fiber::thread_slot()); }

/// The same where it is of `runtime`, else null.
[[nodiscard]] inline Execution* execution_of(const Runtime& runtime) noexcept {
  Execution* const execution = current_execution();
  return execution != nullptr && execution->runtime == &runtime ? execution : nullptr;
}

}  // namespace orrery
