// signals.cpp: how a signal, or a notice of somebody's end, reaches a cell, and what it does there.
#include "orrery/actor/signals.hpp"

#include "orrery/actor/context.hpp"
#include "orrery/actor/down.hpp"
#include "orrery/actor/exit.hpp"
#include "orrery/actor/handlers.hpp"
#include "orrery/actor/race_scope.hpp"
#include "orrery/core/check.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace orrery {

namespace {

/// Whoever sends an Exit does not know the type of its target.
constexpr Operations exit_operations{
    [](void* actor, Envelope& envelope, Context& context) { context.type().exit->run(actor, envelope, context); },
    &detail::drop_message<Exit>, &detail::message_info<Exit>};

Exit::Kind exit_kind(Signal signal) noexcept {
  return signal == Signal::stop        ? Exit::Kind::stop
         : signal == Signal::link_exit ? Exit::Kind::linked
                                       : Exit::Kind::sent;
}

constexpr bool asks_to_end(Signal signal) noexcept {
  return signal == Signal::stop || signal == Signal::exit || signal == Signal::link_exit;
}

}  // namespace

// ---- sending ------------------------------------------------------------------------------------------------------

Envelope* Runtime::make_exit(Signal signal, Handle from, ExitReason reason, std::uint32_t incarnation) {
  Envelope* const envelope = new_envelope(sizeof(Exit), false);
  envelope->operations = &exit_operations;
  envelope->flags |= Envelope::uncounted;
  if (signal == Signal::link_exit || incarnation != 0) envelope->flags |= Envelope::is_notice;
  ::new (envelope->payload()) Exit{exit_kind(signal), from, std::move(reason), incarnation};
  return envelope;
}

bool Runtime::signal(Handle target, Signal kind, ExitReason reason, Handle from, std::uint32_t incarnation) {
  [[maybe_unused]] const RuntimeScope inside;
  if (observer_ != nullptr) observer_->before_signal(target, kind);
  Cell* const cell = living_cell(target);
  const bool may_end_it = asks_to_end(kind) || kind == Signal::kill;
  if (cell != nullptr && may_end_it && cell->is(Cell::is_down)) return false;
  if (cell != nullptr && asks_to_end(kind) && cell->is(Cell::traps_exits)) {
    return send(target, make_exit(kind, from, std::move(reason), incarnation), false).has_value();
  }
  if (cell == nullptr) return false;
  auto* const node = new SignalNode;
  node->kind = kind;
  node->target_generation = target.generation;
  node->incarnation = incarnation;
  node->from = from;
  node->reason = std::move(reason);
  if (observer_ == nullptr || !observer_->carry_signal(target, *node)) push_signal(*cell, node);
  return true;
}

void Runtime::signal_watch(Handle target, Watcher watcher) {
  [[maybe_unused]] const RuntimeScope inside;
  if (observer_ != nullptr) observer_->before_signal(target, Signal::watch);
  Cell* const cell = living_cell(target);
  if (cell == nullptr) {
    send_down(watcher, target, 0, ExitReason::custom("noproc"));
    return;
  }
  auto* const node = new SignalNode;
  node->kind = Signal::watch;
  node->target_generation = target.generation;
  node->watcher = watcher;
  if (observer_ == nullptr || !observer_->carry_signal(target, *node)) push_signal(*cell, node);
}

void Runtime::deliver_signal(Handle target, Link& signal_link) {
  auto* const node = static_cast<SignalNode*>(&signal_link);
  if (Cell* const cell = living_cell(target); cell != nullptr) return push_signal(*cell, node);
  const std::unique_ptr<SignalNode> too_late{node};
  answer_for_the_dead(*node, target);
}

/// A signal reached a slot whose actor has ended.
void Runtime::answer_for_the_dead(const SignalNode& node, Handle target) {
  const auto noproc = [] { return ExitReason::custom("noproc"); };
  if (node.kind == Signal::watch) send_down(node.watcher, target, 0, noproc());
  if (node.kind == Signal::link) (void)signal(node.from, Signal::link_exit, noproc(), target, node.linker);
}

void Runtime::send_down(Watcher watcher, Handle who, std::uint32_t incarnation, const ExitReason& reason) {
  Envelope* const envelope = new_envelope(sizeof(Down), false);
  envelope->operations = watcher.down;
  envelope->flags |= Envelope::uncounted | Envelope::is_notice;
  ::new (envelope->payload()) Down{ActorId{0, who.slot, who.generation, incarnation}, reason};
  (void)send(watcher.who, envelope, false);
}

void Runtime::push_signal(Cell& cell, SignalNode* node) {
  Link* top = cell.signals.load(std::memory_order_relaxed);
  do {
    node->next.store(top, std::memory_order_relaxed);
  } while (!cell.signals.compare_exchange_weak(top, node, std::memory_order_seq_cst, std::memory_order_relaxed));
  ring(cell);
}

void Runtime::ring(Cell& cell) noexcept {
  switch (cell.attention.signal_arrived()) {
    case Attention::Summons::none:
      return;
    case Attention::Summons::push_bell:
      if (!cell.mailbox.push(cell.bell)) return;
      break;
    case Attention::Summons::schedule:
      break;
  }
  world_.schedule(cell);
}

void Runtime::ring_mail(Cell& cell) {
  if (cell.attention.mail_arrived() && cell.mailbox.push(cell.bell)) world_.schedule(cell);
}

void Runtime::wake(Handle waiting) noexcept {
  [[maybe_unused]] const RuntimeScope inside;
  // A cell that was handed on meanwhile is woken for nothing, finds its wait not ready and parks again.
  if (Cell* const cell = cell_at(waiting.slot); cell != nullptr && cell->attention.wait_changed())
    world_.schedule(*cell);
}

// ---- taking -------------------------------------------------------------------------------------------------------

void Runtime::take_signals(Cell& cell) {
  if (cell.signals.load(std::memory_order_seq_cst) == nullptr) return;
  Link* newest = cell.signals.exchange(nullptr, std::memory_order_seq_cst);
  Link* oldest = nullptr;
  while (newest != nullptr) {
    Link* const next = newest->next.load(std::memory_order_relaxed);
    newest->next.store(oldest, std::memory_order_relaxed);
    oldest = std::exchange(newest, next);
  }
  while (oldest != nullptr) {
    const std::unique_ptr<SignalNode> node{static_cast<SignalNode*>(oldest)};
    oldest = oldest->next.load(std::memory_order_relaxed);
    take_signal(cell, *node);
  }
}

void Runtime::take_signal(Cell& cell, SignalNode& node) {
  const bool is_ours =
      cell.life != Cell::Life::vacant && node.target_generation == cell.generation.load(std::memory_order_relaxed);
  if (!is_ours) return answer_for_the_dead(node, {cell.slot, node.target_generation});
  // What was meant for a dead incarnation is void.
  const bool is_alive =
      cell.life == Cell::Life::living && (node.incarnation == 0 || node.incarnation == cell.incarnation);
  switch (node.kind) {
    case Signal::watch: {
      std::vector<Watcher>& watchers = cell.need_extras().watchers;
      if (watchers.size() == watchers.capacity()) forget_dead_watchers(watchers);
      watchers.push_back(node.watcher);
      return;
    }
    case Signal::unwatch:
      if (cell.extras != nullptr) {
        std::vector<Watcher>& watchers = cell.extras->watchers;
        const auto at = std::ranges::find(watchers, node.from, &Watcher::who);
        if (at != watchers.end()) watchers.erase(at);
      }
      return;
    case Signal::link:
      if (is_alive) {
        add_link(cell, {node.from, node.linker});
      } else {
        answer_for_the_dead(node, {cell.slot, node.target_generation});
      }
      return;
    case Signal::unlink:
      if (is_alive) (void)drop_link(cell, node.from);
      return;
    case Signal::kill:
      if (!is_alive || cell.ending == Cell::Ending::unwinding) return;
      cell.killed = true;
      cell.need_extras().exit_reason = std::move(node.reason);
      cell.ending = Cell::Ending::requested;
      return;
    case Signal::link_exit:
      if (!is_alive) return;
      if (cell.is(Cell::traps_exits)) break;
      if (!drop_link(cell, node.from)) return;  // unlinked meanwhile
      [[fallthrough]];
    case Signal::exit:
      if (!is_alive) return;
      if (cell.is(Cell::traps_exits)) break;
      if (node.reason == ExitReason::normal()) return;
      [[fallthrough]];
    case Signal::stop:
      if (!is_alive) return;
      if (cell.is(Cell::traps_exits)) break;
      if (cell.ending == Cell::Ending::none) cell.need_extras().exit_reason = std::move(node.reason);
      // Whoever wanted to end after its handler ends at once when the handler waits; the reason stays its own.
      if (cell.ending != Cell::Ending::unwinding) cell.ending = Cell::Ending::requested;
      return;
  }
  // It began to trap exits while the signal was under way.
  put_into_own_mailbox(cell, make_exit(node.kind, node.from, std::move(node.reason), node.incarnation));
}

/// Who has ended need not be told. Looked for only when the list would grow, so that it costs O(1) for each watch.
void Runtime::forget_dead_watchers(std::vector<Watcher>& watchers) const {
  std::erase_if(watchers, [&](const Watcher& one) { return living_cell(one.who) == nullptr; });
  if (watchers.size() >= watchers.capacity() / 2) watchers.reserve(std::max<std::size_t>(8, watchers.capacity() * 2));
}

/// As a send to it by itself, which nobody else's act can come before.
void Runtime::put_into_own_mailbox(Cell& cell, Envelope* envelope) {
  const Handle self = cell.handle();
  envelope->target_generation = self.generation;
  count_offered(current_execution(), *envelope);
  if (observer_ != nullptr) observer_->enqueued(self, *envelope, Observer::Enqueued::accepted);
  BoundedMailbox* const bounded = cell.bounded.load(std::memory_order_relaxed);
  if (bounded == nullptr) {
    const bool was_idle = cell.mailbox.push(*envelope);
    ORRERY_CHECK(!was_idle, "whoever runs a cell is at home");
    return;
  }
  const auto pushed = bounded->push(*envelope, self);
  ORRERY_CHECK(pushed.outcome == BoundedMailbox::Outcome::accepted, "a signal is never refused by the living");
  ring_mail(cell);
}

// ---- links --------------------------------------------------------------------------------------------------------

void Runtime::add_link(Cell& cell, Linked peer) {
  auto& links = cell.need_extras().links;
  if (links == nullptr) links = std::make_unique<std::vector<Linked>>();
  const auto at = std::ranges::find(*links, peer.who, &Linked::who);  // at most one per pair
  if (at == links->end()) {
    links->push_back(peer);
  } else if (peer.incarnation != 0) {
    at->incarnation = peer.incarnation;
  }
}

/// Returns: whether there was a link.
bool Runtime::drop_link(Cell& cell, Handle peer) {
  if (cell.extras == nullptr || cell.extras->links == nullptr) return false;
  return std::erase_if(*cell.extras->links, [&](const Linked& one) { return one.who == peer; }) > 0;
}

void Runtime::link(Cell& cell, Handle peer) {
  [[maybe_unused]] const RuntimeScope inside;
  const Handle self = cell.handle();
  if (peer == self) return;
  add_link(cell, {peer});
  if (observer_ != nullptr) observer_->before_signal(peer, Signal::link);
  Cell* const other = living_cell(peer);
  if (other == nullptr) {
    (void)signal(self, Signal::link_exit, ExitReason::custom("noproc"), peer, cell.incarnation);
    return;
  }
  auto* const node = new SignalNode;
  node->kind = Signal::link;
  node->target_generation = peer.generation;
  node->from = self;
  node->linker = cell.incarnation;
  if (observer_ == nullptr || !observer_->carry_signal(peer, *node)) push_signal(*other, node);
}

void Runtime::unlink(Cell& cell, Handle peer) {
  [[maybe_unused]] const RuntimeScope inside;
  if (drop_link(cell, peer)) (void)signal(peer, Signal::unlink, {}, cell.handle());
}

void Runtime::break_links(Handle self, const std::vector<Linked>& links, const ExitReason& reason) {
  for (const Linked& one : links) (void)signal(one.who, Signal::link_exit, reason, self, one.incarnation);
}

}  // namespace orrery
