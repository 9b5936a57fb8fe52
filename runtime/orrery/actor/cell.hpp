// cell.hpp: an actor, its mailbox and its life, in one numbered slot.
// Why:  senders need an address that is always valid memory and always says who lives there. Cells are never freed
//       while their runtime lives; a slot is handed on with a new generation.
// How:  two cache lines: the first is what senders touch, the second belongs to whoever runs the cell. What most actors
//       never need (a name, a bound, timers, a restart recipe) is allocated when first used.
//
//   vacant --spawn--> idle <--> scheduled/running --suspends--> parked --woken--> scheduled
//                                   | stop, kill, failure          ^
//                                   v                              | revived (the next incarnation)
//                                 ended --if supervised--> down ---+
//                                   |                       | buried
//                                   v                       v
//                                draining --nobody home--> vacant (generation grown)
//
// While it is down nobody runs it and mail gathers; its supervisor alone may touch it (bond.hpp).
// Always true:  (C1) at most one thread runs a cell; the mailbox (M2), the `parked` bit or the bond hands that right on
//               (C2) `generation` names the actor that lives here, or the one that will live here next
//               (C3) mail carries the generation it is meant for, and only mail for the present one is handled
// Threads:      fields of the first block: any. All others: the thread that runs the cell.
// Source:       SPEC A12, Q, S4; DESIGN section 2.
#pragma once
#include "orrery/actor/assured.hpp"
#include "orrery/actor/attention.hpp"
#include "orrery/actor/bond.hpp"
#include "orrery/actor/bounded_mailbox.hpp"
#include "orrery/actor/mail_queue.hpp"
#include "orrery/actor/restart.hpp"
#include "orrery/actor/timers.hpp"
#include "orrery/core/unique_function.hpp"
#include "orrery/world/world.hpp"

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace orrery {

/// What the runtime does with an actor whose type it does not know. One constant per actor type.
struct ActorType {
  std::string_view name;
  const ActorTag* tag;
  std::uint64_t name_hash;
  std::uint32_t size;
  std::uint32_t alignment;
  void (*destroy)(void* actor) noexcept;
  void (*on_start)(void* actor, Context& context);                              ///< null without the hook
  void (*on_stop)(void* actor, Context& context, const ExitReason& reason);     ///< null without the hook
  void (*on_restart)(void* actor, Context& context, const ExitReason& reason);  ///< null without the hook
  const Operations* exit;  ///< delivers an Exit; null when the type does not handle it
  void (*describe)(const void* actor, std::string& out);
  using Fields = std::vector<std::pair<std::string, std::string>>;
  void (*fields)(const void* actor, Fields& out);
};

/// What becomes of queued mail when an actor restarts.
enum class MailOnRestart : std::uint8_t { keep, drop };

/// Somebody who is told when the actor ends.
struct Watcher {
  Handle who;
  const Operations* down;  ///< delivers a Down to that actor's type
};

/// Somebody whose fate is tied to the actor's.
struct Linked {
  Handle who;
  std::uint32_t incarnation = 0;  ///< of theirs, which made the link and alone hears of our end; 0: we made it
};

/// Actors that something is known of, how often each: whom one watches.
using HandleCounts = std::unordered_map<std::uint64_t, std::uint32_t>;  // looked up, never iterated
[[nodiscard]] constexpr std::uint64_t key_of(Handle handle) noexcept {
  return (std::uint64_t{handle.generation} << 32) | handle.slot;
}

/// What only some cells need.
struct CellExtras {
  std::string path;  ///< empty for an anonymous actor
  bool named = false;
  BoundedMailbox* bounded = nullptr;
  std::unique_ptr<Lanes> lanes;
  UniqueFunction<void*()> factory;  ///< builds a fresh actor in a fresh block; set when the actor may restart
  Restart restart{};
  MailOnRestart mail_on_restart = MailOnRestart::keep;
  RestartWindow restarts;
  TimerSet timers;
  std::unique_ptr<ReceiveTimeout> receive_timeout;
  std::unique_ptr<std::deque<Envelope*>> stash;
  std::size_t unstashed = 0;  ///< how many of the stash go before the mailbox now
  std::vector<Watcher> watchers;
  std::unique_ptr<HandleCounts> watching;  ///< whose Down is to be handled, and how often
  std::unique_ptr<std::vector<Linked>> links;
  std::unique_ptr<AssuredMail> assured;  ///< from when there is something to keep for such messages
  BondPtr bond;                          ///< set while it is supervised
  ExitReason exit_reason;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> draws;  ///< per named stream: its key, and how often it was used

  [[nodiscard]] std::deque<Envelope*>& need_stash() {
    if (stash == nullptr) stash = std::make_unique<std::deque<Envelope*>>();
    return *stash;
  }
  [[nodiscard]] std::size_t stashed() const noexcept { return stash == nullptr ? 0 : stash->size(); }

  static void* operator new(std::size_t bytes) { return BlockPool::local().allocate(bytes); }
  static void operator delete(void* block, std::size_t bytes) noexcept { BlockPool::release(block, bytes); }
};

class alignas(64) Cell {
 public:
  // Touched by senders, and in the last row rarely by whoever runs the cell.
  MailQueue mailbox;
  std::atomic<std::uint32_t> generation{1};
  Attention attention;
  std::atomic<Link*> signals{nullptr};
  std::atomic<BoundedMailbox*> bounded{nullptr};
  std::uint32_t slot = 0;
  std::uint32_t failed = 0;
  std::uint32_t incarnation = 0;
  std::atomic<bool> uses_priorities{false};
  /// What others must know before they send it a signal.
  enum Standing : std::uint8_t { traps_exits = 1, is_supervised = 2, is_down = 4 };
  std::atomic<std::uint8_t> standing{0};
  bool needs_start = false;
  bool killed = false;

  // Touched by whoever runs the cell.
  enum class Life : std::uint8_t { vacant, living, down };
  enum class Ending : std::uint8_t {
    none,
    after_handler,  ///< it asked for its own end
    requested,      ///< a stop or kill arrived: takes effect between handlers, or at the next wait
    unwinding       ///< a wait threw Unwind, or on_stop runs: no further wait is possible
  };
  alignas(64) Link bell;
  void* actor = nullptr;
  const ActorType* type = nullptr;
  Wait* wait = nullptr;  ///< what the parked handler waits for
  CellExtras* extras = nullptr;
  std::uint64_t handled = 0;
  std::uint32_t suspensions = 0;  ///< how often a handler was parked; grows for ever
  std::uint32_t dead_lettered = 0;
  Life life = Life::vacant;
  Ending ending = Ending::none;
  bool in_handler = false;
  /// What running it takes beyond the plain case, in which mail comes from `mailbox` alone and nothing follows a handler.
  /// Priorities are not said here, but by `uses_priorities`.
  enum class Care : std::uint8_t {
    none,
    capacity,  ///< a bounded mailbox, and nothing else
    full       ///< a stash, a receive timeout, or assured messages that wait to be handled again
  };
  Care care = Care::none;
  bool reported_depth = false;
  std::uint8_t backlog_look = 0;  ///< the last one in which its mail was counted (Runtime::look_at_backlogs)

  [[nodiscard]] bool is(Standing what) const noexcept { return (standing.load(std::memory_order_relaxed) & what) != 0; }
  [[nodiscard]] Handle handle() const noexcept { return {slot, generation.load(std::memory_order_relaxed)}; }
  [[nodiscard]] CellExtras& need_extras() {
    if (extras == nullptr) extras = new CellExtras;
    return *extras;
  }
};
static_assert(sizeof(Cell) == 128);

}  // namespace orrery
