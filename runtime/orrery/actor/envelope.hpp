// envelope.hpp: one message on its way, in one pooled block.
// Why:  a tell is one allocation, one move and one atomic exchange; whatever the runtime must know about the message
//       without knowing its type stands in a fixed header of 64 bytes in front of it (SPEC A9).
// How:  [Envelope 64][payload], or for an ask [Envelope 64][Ask 48][payload or reply]. The operations pointer is the
//       only type knowledge: run the handler, drop the payload, describe it. No RTTI.
// Always true:  (V1) an envelope has one owner at a time: the sender, then the mailbox, then the running cell
//               (V2) the block of an ask is freed by the second of its two parties (asker, replier) to let go of it
//               (V3) an ask's state leaves `pending` exactly once
//               (V4) once an ask was passed on, whoever has its block owes the asker its outcome, also that of a refusal
#pragma once
#include "orrery/actor/errors.hpp"
#include "orrery/actor/message.hpp"
#include "orrery/core/atomic.hpp"
#include "orrery/core/hash.hpp"
#include "orrery/core/ids.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace orrery {

class ActorTimer;
class Cell;
class Envelope;
struct Extension;
struct TraceBlock;
struct Waiter;

/// The intrusive link of every queue an envelope can stand in.
struct Link {
  Atomic<Link*> next{nullptr};
};

/// What can be known about a message type without the actor that handles it.
struct MessageInfo {
  std::string_view name;
  std::uint64_t name_hash;
  void (*describe)(const void* message, std::string& out);
  void (*hash)(const void* message, TraceHasher& hasher);
  void (*describe_reply)(const void* reply, std::string& out);  ///< null without a reply value, as are the next two
  void (*hash_reply)(const void* reply, TraceHasher& hasher);
  void (*drop_reply)(void* reply) noexcept;
  const MessageInfo* shared =
      nullptr;  ///< set where the payload is a reference that others share: of the message itself
  void (*share)(void* payload, const void* message) = nullptr;  ///< with `shared`: makes the payload again
};

/// Stands, by its address, for a type of actors.
struct ActorTag {
  std::string_view name;
};

/// What the runtime does with a message of one type at an actor of one type.
struct Operations {
  /// Moves the message out, runs the handler, and constructs the reply into the block when the envelope is an ask.
  /// Throws whatever the handler throws; the payload has been destroyed in either case. Of an assured message: hands the
  /// handler a copy; the payload is destroyed only if it returns and has not stashed it.
  void (*run)(void* actor, Envelope& envelope, Context& context);
  /// Destroys the payload without handling it, and the extension of an assured message.
  void (*drop)(Envelope& envelope) noexcept;
  const MessageInfo* message;
  const ActorTag* actor = nullptr;      ///< the type; null when it was not known to the sender
  const Operations* assured = nullptr;  ///< the same for an assured message; null: not known here, or impossible
};

/// One question under way. Lives in the block of its request.
///
///   pending --settle()--> settled      the asker takes the reply and frees the block
///      +------abandon()-> abandoned    the replier (or whoever drops the request) frees the block
class Ask {
 public:
  enum State : std::uint32_t { pending, settled, abandoned };

  /// The replier's last act. Returns: false when the asker has let go: the block is the replier's to free; else it is the
  /// asker's from here on.
  [[nodiscard]] bool settle() noexcept { return state.exchange(settled, std::memory_order_seq_cst) != abandoned; }
  /// The asker lets go. Returns: false when it was settled before: the block is the asker's to free.
  [[nodiscard]] bool abandon() noexcept {
    if (state.load(std::memory_order_acquire) != pending) return false;
    std::uint32_t expected = pending;
    return state.compare_exchange_strong(expected, abandoned, std::memory_order_seq_cst);
  }

  Atomic<std::uint32_t> state{pending};
  bool has_reply = false;              ///< written by the replier before it settles
  AskError error = AskError::timeout;  ///< meaningful when settled without a reply
  Handle asker{};                      ///< the cell to wake; unset when a foreign thread waits
  Waiter* waiter = nullptr;            ///< the thread (or test body) to wake otherwise
  Envelope* home = nullptr;            ///< the block this ask lives in

  /// The actor that owes the reply has changed; `whose` is unset while the ask is kept open by whoever will.
  void move_to(Handle whose) noexcept {
    holder.store(whose.is_set() ? (std::uint64_t{whose.generation} << 32) | whose.slot : kept_open,
                 std::memory_order_relaxed);
  }
  static constexpr std::uint64_t kept_open = ~std::uint64_t{0};
  /// Slot and generation, for who looks for rings (twice, so relaxed); 0: it is still with whom it was sent to.
  std::atomic<std::uint64_t> holder{0};
  Extension* extension;  ///< as the envelope's; not even written for requests that are not assured
};

/// Header of every message block.
class Envelope : public Link {
 public:
  enum Flag : std::uint8_t {
    is_ask = 1,       ///< an Ask stands between header and payload
    uncounted = 2,    ///< timer tick or death notice: never counts against a capacity, never dropped
    is_tick = 4,      ///< `timer` is set instead of `ask`
    is_notice = 8,    ///< a Down, or the Exit of a linked actor: handled only while that is still wanted
    passed_on = 16,   ///< by its handler: the sender stays, and an asker's call of send() has returned long ago (V4)
    given_away = 32,  ///< stands in for a message that its handler passed on or keeps open: header only, no payload
    is_assured = 64,  ///< at_least_once or exactly_once: `operations` are those for that (delivery.hpp)
    is_exactly_once = 128,  ///< and is_assured
    is_timed = 128,         ///< without is_assured: `ordinal` is a SentStamp (message_times.hpp)
    needs_admission = is_tick | is_notice | is_assured | is_timed,
  };

  Envelope() = default;
  Envelope(const Operations& runs, Priority urgency, std::uint8_t bits, std::uint32_t bytes,
           std::source_location from) noexcept
      : operations{&runs}, priority{urgency}, flags{bits}, block_bytes{bytes}, where{from} {}

  const Operations* operations = nullptr;
  Handle sender{};
  std::uint32_t target_generation = 0;
  Priority priority = Priority::normal;
  std::uint8_t flags = 0;
  std::uint16_t attempt = 0;
  std::uint32_t block_bytes = 0;
  std::uint32_t ordinal =
      0;  ///< of the (sender, receiver) pair, where a world observes; with is_timed: when it was sent
  std::source_location where;
  union {
    Ask* ask = nullptr;    ///< whom the reply is for; null for a tell
    ActorTimer* timer;     ///< with is_tick
    Extension* extension;  ///< with is_assured and without is_ask; null while there is nothing to say
  };
  TraceBlock* trace = nullptr;  ///< of whom it tells and who caused it; null unless trace contexts are on (tracing.hpp)

  static constexpr std::size_t header_bytes = 64;
  static constexpr std::size_t ask_bytes = 48;
  [[nodiscard]] void* payload() noexcept {
    auto* const base = reinterpret_cast<std::byte*>(this) + header_bytes;
    return (flags & is_ask) != 0 ? base + ask_bytes : base;
  }
  /// Returns: payload() of what is no ask.
  [[nodiscard]] void* payload_after_header() noexcept { return reinterpret_cast<std::byte*>(this) + header_bytes; }
  /// Returns: payload() of an ask.
  [[nodiscard]] void* payload_of_ask() noexcept {
    return reinterpret_cast<std::byte*>(this) + header_bytes + ask_bytes;
  }
  [[nodiscard]] const void* payload() const noexcept { return const_cast<Envelope*>(this)->payload(); }
  [[nodiscard]] bool is(Flag flag) const noexcept { return (flags & flag) != 0; }
  [[nodiscard]] Delivery delivery() const noexcept {
    if (!is(is_assured)) return Delivery::at_most_once;
    return is(is_exactly_once) ? Delivery::exactly_once : Delivery::at_least_once;
  }
  [[nodiscard]] bool is_timed_plain() const noexcept { return (flags & (is_assured | is_timed)) == is_timed; }
  /// Pre: is_timed_plain(). Returns: when it was sent; it is like any other message from here on.
  [[nodiscard]] std::uint32_t take_stamp() noexcept {
    flags = static_cast<std::uint8_t>(flags & ~is_timed);
    return std::exchange(ordinal, 0);
  }
  /// Pre: is_assured. Returns: where its extension hangs, which may be none.
  [[nodiscard]] Extension*& extension_slot() noexcept { return is(is_ask) ? ask->extension : extension; }
  [[nodiscard]] const Extension* extension_if_any() const noexcept {
    return is(is_assured) ? const_cast<Envelope*>(this)->extension_slot() : nullptr;
  }
};
static_assert(sizeof(Envelope) <= Envelope::header_bytes);
static_assert(sizeof(Ask) <= Envelope::ask_bytes);

}  // namespace orrery
