// mail_queue.hpp: the one door into an actor, unbounded and lock-free.
// Why:  an actor's state needs no lock because only the thread that runs its cell touches it. Everyone else leaves a
//       message here. The word that a push exchanges also says whether anybody is home, so a tell costs one atomic
//       read-modify-write and schedules the cell only when it was idle.
// How:  a singly linked list through the messages themselves; producers exchange the tail and then link the node behind
//       the one they got; the consumer follows the links.
//
//          idle ----push----> occupied(node) ----remove of the last----> busy ----go_idle----> idle
//           ^ tail = null        ^ tail = last node                        | tail = &stub
//           |                    | +-----------------push------------------+
//           +---finish of the last (the usual way)
//
//       The message being handled usually stays the first node until it is finished, so that the last one and the way
//       to idle cost one CAS together; remove() before the handler would make it two.
// Always true:  (M1) messages leave in the order of their exchanges on the tail; so one sender's leave as sent, also
//                    when the sender moves between threads (each of its pushes happens before its next)
//               (M2) between the push that found `idle` and the next finish() or go_idle() that says so, exactly one
//                    consumer exists
//               (M3) a node that was removed is no longer reachable from the mailbox and may be freed at once
// Not chosen:   a queue with a state word beside it (a second atomic operation per push); a bounded ring (an unbounded
//               mailbox must not refuse); moodycamel's queue (does not keep the order of a migrating sender).
// Source:       D. Vyukov's intrusive MPSC queue, changed so that the last node can be removed.
#pragma once
#include "orrery/actor/envelope.hpp"
#include "orrery/core/atomic.hpp"

namespace orrery {

class MailQueue {
 public:
  MailQueue() = default;
  MailQueue(const MailQueue&) = delete;
  MailQueue& operator=(const MailQueue&) = delete;

  /// Appends `node`.
  ///
  /// Returns: true when nobody was home: the caller must schedule the consumer, exactly once.
  /// Threads: any.    Blocks: nothing.    Cost: one exchange; wait-free.
  [[nodiscard]] bool push(Link& node) noexcept {
    node.next.store(nullptr, std::memory_order_relaxed);
    Link* const previous = tail_.exchange(&node, std::memory_order_acq_rel);
    if (previous == nullptr) {
      stub_.next.store(&node, std::memory_order_release);
      return true;
    }
    previous->next.store(&node, std::memory_order_release);  // pairs with the acquire loads of the consumer
    return false;
  }

  /// Returns: the oldest node, which stays in the queue; null when there is none (the mailbox is then busy, not idle).
  ///
  /// Threads: the consumer (M2).    Blocks: spins while a producer stands between its exchange and its link.
  /// Cost:    one load while a backlog lasts.
  [[nodiscard]] Link* first() noexcept {
    if (head_ == nullptr) {
      head_ = stub_.next.load(std::memory_order_acquire);
      if (head_ == nullptr && tail_.load(std::memory_order_acquire) != &stub_) head_ = await_link(stub_);
    }
    return head_;
  }

  /// Removes `node`; if it was the last, nobody is home from here on.
  ///
  /// Pre:     `node` is what first() returned. It may be freed afterwards.
  /// Returns: whether the mailbox is idle: then the caller is not the consumer any more.
  /// Threads: the consumer.    Blocks: as first().    Cost: a load, or one CAS for the last.
  [[nodiscard]] bool finish(Link& node) noexcept { return remove(node, nullptr); }

  /// Removes `node`; the caller stays the consumer. Pre, Threads, Blocks, Cost: as finish().
  void remove(Link& node) noexcept { (void)remove(node, &stub_); }

  /// first() and remove() in one: the oldest node, or null.
  [[nodiscard]] Link* take() noexcept {
    Link* const node = first();
    if (node != nullptr) remove(*node);
    return node;
  }

  /// Declares that nobody is home.
  ///
  /// Returns: false when something arrived meanwhile: the caller stays the consumer.
  /// Threads: the consumer, after first() returned null.    Cost: one CAS.
  [[nodiscard]] bool go_idle() noexcept {
    Link* expected = &stub_;
    return tail_.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel, std::memory_order_relaxed);
  }

  /// Makes the caller the consumer of an idle mailbox. Returns: false when it was not idle.
  [[nodiscard]] bool claim() noexcept {
    Link* expected = nullptr;
    return tail_.compare_exchange_strong(expected, &stub_, std::memory_order_acq_rel, std::memory_order_relaxed);
  }

  /// Returns: the node that take() would return next, as far as it is linked already; null when there is none.
  /// Threads: the consumer, or any while the world stands still.
  [[nodiscard]] Link* front() const noexcept {
    Link* const head = head_;
    return head != nullptr ? head : stub_.next.load(std::memory_order_acquire);
  }

  /// Counts what is queued except `uncounted`, up to `most`. Threads: as front().  Cost: O(result).
  [[nodiscard]] std::size_t count(std::size_t most, const Link* uncounted = nullptr) const noexcept;

 private:
  static Link* await_link(Link& node) noexcept;

  /// Removes the first node; if it is the last too, the tail becomes `without` (null: idle, &stub_: busy).
  bool remove(Link& node, Link* without) noexcept {
    head_ = node.next.load(std::memory_order_acquire);
    if (head_ != nullptr) return false;
    stub_.next.store(nullptr, std::memory_order_relaxed);
    Link* expected = &node;
    if (tail_.compare_exchange_strong(expected, without, std::memory_order_acq_rel, std::memory_order_acquire)) {
      return true;  // with null, another consumer may have head_ by now
    }
    head_ = await_link(node);
    return false;
  }

  Atomic<Link*> tail_{nullptr};
  Link stub_;
  Plain<Link*> head_ = nullptr;
};

}  // namespace orrery
