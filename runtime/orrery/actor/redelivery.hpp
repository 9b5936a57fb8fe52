// redelivery.hpp: the messages of which an actor owes their senders another attempt.
// Why:  an assured message on which the handler has failed must come again, later, to the actor's next incarnation; and
//       what its sender has sent after it must not come before it.
// How:  failed messages are grouped by (sender, class, priority), called a pair. The first of a pair waits for its backoff on
//       a timer of the world; whatever of the pair arrives meanwhile is put behind it. The timer does not touch the messages:
//       it marks the pair as due, under a lock, and rings the actor, which then takes the first message.
//
//         free --hold(first)--> waiting --its time has come--> ready --take_ready()--> out --finished(), others behind it--> ready
//          ^                       ^                                                    |--finished(), nobody--> free
//          |                       +------------------ hold() again --------------------+
//
// Always true:  (R1) messages of a pair leave in the order in which they came
//               (R2) at most one message is out; it is its pair's first until it is finished or held again
//               (R3) a pair exists exactly while a message of it is here or out
// Threads:      the timers' callbacks: any. All else: whoever runs the cell.
// Source:       SPEC D2; SEMANTICS P7.
#pragma once
#include "orrery/actor/envelope.hpp"
#include "orrery/core/spin_lock.hpp"
#include "orrery/world/world.hpp"

#include <cstddef>
#include <deque>
#include <list>
#include <unordered_map>
#include <vector>

namespace orrery {

class Runtime;

class Redelivery {
 public:
  Redelivery(Runtime& runtime, Cell& cell) noexcept : runtime_{runtime}, cell_{cell} {}
  Redelivery(const Redelivery&) = delete;
  Redelivery& operator=(const Redelivery&) = delete;
  /// Pre: empty.
  ~Redelivery();

  /// Takes over a message that failed, to be handed out again at `due`.
  /// Pre: it is out, or nothing of its pair is held.
  void hold(Envelope& envelope, Instant due);
  /// Returns: whether `envelope` must wait because its pair is held; then it was taken over.    Cost: a hash lookup.
  [[nodiscard]] bool queue_behind_pair(Envelope& envelope);
  /// Returns: the next message whose time has come, which is out from now on, or null.
  [[nodiscard]] Envelope* take_ready();
  /// The message was handled to its end, or given up, or put aside by its handler: its pair goes on.
  void finished(const Envelope& envelope);

  /// The message that is out, or another one, goes on as `next`, with the same sender, class and priority.
  void is_now(const Envelope& before, const Envelope& next) noexcept {
    if (out_ == &before) out_ = &next;
  }

  [[nodiscard]] bool has_ready() { return !ready_.empty() || is_any_due(); }
  [[nodiscard]] bool empty() const noexcept { return pairs_.empty(); }
  /// Returns: how many messages are held. Threads: also any while the world stands still.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Gives everything back, pair by pair in the order in which they first failed, and stops the timers.
  [[nodiscard]] std::vector<Envelope*> clear();

 private:
  struct Key {
    Handle sender;
    Priority priority;
    bool is_exactly_once;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Pair final : Timer {
    Pair(Redelivery& owner, const Key& pair) noexcept;
    Redelivery& home;
    const Key key;
    std::deque<Envelope*> mail;
    Pair* next_due = nullptr;
    std::list<Pair>::iterator at;
  };

  [[nodiscard]] static Key key_of(const Envelope& envelope) noexcept {
    return {envelope.sender, envelope.priority, envelope.is(Envelope::is_exactly_once)};
  }
  [[nodiscard]] Pair* find(const Envelope& envelope);
  static void fired(Timer& timer);
  [[nodiscard]] bool is_any_due();
  void collect_due();

  Runtime& runtime_;
  Cell& cell_;
  std::list<Pair> pairs_;
  std::unordered_map<Key, Pair*, KeyHash> by_key_;  // looked up, never iterated
  std::deque<Pair*> ready_;
  const Envelope* out_ = nullptr;
  std::size_t size_ = 0;

  SpinLock due_lock_;
  Pair* due_ = nullptr;  ///< under the lock: those whose timers have fired, the newest first
};

}  // namespace orrery
