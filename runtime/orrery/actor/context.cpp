#include "orrery/actor/context.hpp"

#include "orrery/actor/alarm.hpp"
#include "orrery/actor/assured.hpp"
#include "orrery/actor/open_ask.hpp"
#include "orrery/actor/race_scope.hpp"
#include "orrery/core/check.hpp"
#include "orrery/core/hash.hpp"

#include <algorithm>
#include <new>

namespace orrery {

namespace {

/// A handler, or a foreign thread, that waits for an instant.
class SleepWait final : public Wait {
 public:
  SleepWait(Runtime& runtime, Duration duration)
      : Wait{Kind::sleep}, alarm_{runtime, std::max(duration, Duration::zero())} {}
  [[nodiscard]] bool ready() const noexcept override { return alarm_.rang(); }
  [[nodiscard]] bool has_deadline() const noexcept override { return true; }

 private:
  Alarm alarm_;
};

}  // namespace

void sleep_for(Runtime& runtime, Duration duration) {
  [[maybe_unused]] const RuntimeScope inside;
  if (Runtime::is_unwinding()) return;
  SleepWait wait{runtime, duration};
  runtime.wait(wait);
}

void Context::sleep(Duration duration) { sleep_for(runtime_, duration); }

ActorId Context::id() const noexcept {
  const Handle handle = cell_.handle();
  return {0, handle.slot, handle.generation, cell_.incarnation};
}

std::size_t Context::mailbox_depth() const {
  [[maybe_unused]] const RuntimeScope inside;
  if (runtime_.observer() != nullptr) runtime_.observer()->before_look();
  std::size_t depth = cell_.mailbox.count(static_cast<std::size_t>(-1), &cell_.bell);
  if (envelope_ != nullptr && cell_.mailbox.front() == envelope_) --depth;  // it stays there while it is handled
  if (cell_.extras != nullptr) {
    if (cell_.extras->lanes != nullptr) depth += cell_.extras->lanes->depth();
    if (cell_.extras->assured != nullptr) depth += cell_.extras->assured->redelivery.size();
    if (cell_.extras->bounded != nullptr) depth += cell_.extras->bounded->counts().depth;
  }
  return depth;
}

std::uint64_t Runtime::draw(Cell& cell, std::string_view stream, std::uint64_t limit) {
  [[maybe_unused]] const RuntimeScope inside;
  const std::uint64_t key = hash_text(stream);
  auto& draws = cell.need_extras().draws;
  auto at = std::ranges::find(draws, key, &std::pair<std::uint64_t, std::uint64_t>::first);
  if (at == draws.end()) at = draws.insert(draws.end(), {key, 0});
  return world_.draw(hash_text(path_of(cell.handle())) ^ key, at->second++, limit);
}

std::uint64_t Context::draw(std::string_view stream, std::uint64_t limit) {
  return runtime_.draw(cell_, stream, limit);
}

MessageId Context::message_id() const noexcept {
  const Extension* const extension = envelope_ == nullptr ? nullptr : envelope_->extension_if_any();
  return extension == nullptr ? MessageId{} : extension->id;
}

void Context::stop(ExitReason reason) {
  if (cell_.ending != Cell::Ending::none) return;
  if (reason != ExitReason::normal()) cell_.need_extras().exit_reason = std::move(reason);
  cell_.ending = Cell::Ending::after_handler;
}

bool Context::cancel(TimerKey key) {
  [[maybe_unused]] const RuntimeScope inside;
  return cell_.extras != nullptr && cell_.extras->timers.cancel(runtime_.world(), key);
}

TimerKey Context::add_timer(ActorTimer* timer, Duration delay) {
  [[maybe_unused]] const RuntimeScope inside;
  return cell_.need_extras().timers.add(runtime_.world(), timer, delay);
}

void Context::stash_current(const MessageInfo* message) {
  [[maybe_unused]] const RuntimeScope inside;
  may_give_away(message);
  fate_ = Fate::stashed;
  cell_.care = Cell::Care::full;
  cell_.need_extras().need_stash().push_back(envelope_);
}

void Context::may_give_away(const MessageInfo* message) const {
  ORRERY_CHECK(envelope_ != nullptr, "only a message that is being handled can be given away");
  const MessageInfo* const handled = envelope_->operations->message;
  ORRERY_CHECK(handled == message || handled->shared == message, "{} is not the message that is being handled",
               message->name);
  ORRERY_CHECK(!was_given_away(), "the message was stashed or passed on already");
}

/// Takes the envelope out of the handler that runs. The rest of it sees a stand-in.
Envelope* Context::part(const MessageInfo* message, std::size_t payload_bytes) {
  may_give_away(message);
  if (envelope_->operations->message != message) return part_copy(payload_bytes);
  return stand_in();
}

Envelope* Context::stand_in() {
  Envelope* const parted = envelope_;
  if (cell_.mailbox.front() == parted) cell_.mailbox.remove(*parted);  // else it was taken out before the handler
  envelope_ = ::new (remains_)
      Envelope{*parted->operations, parted->priority, Envelope::given_away, sizeof(Envelope), parted->where};
  envelope_->sender = parted->sender;
  envelope_->target_generation = parted->target_generation;
  envelope_->attempt = parted->attempt;
  envelope_->ordinal = parted->ordinal;
  if (parted->trace != nullptr) envelope_->trace = new TraceBlock{*parted->trace};
  if (Execution* const execution = current_execution(); execution != nullptr && execution->cell == &cell_) {
    execution->message = envelope_;
  }
  constexpr unsigned stay = Envelope::is_ask | Envelope::is_assured | Envelope::is_exactly_once;
  parted->flags = static_cast<std::uint8_t>((parted->flags & stay) | Envelope::passed_on);
  parted->attempt = 0;
  fate_ = Fate::parted;
  cell_.care = Cell::Care::full;  // until the handler has returned
  return parted;
}

/// The same for a message that is shared with others: its block holds a reference only, and stays.
Envelope* Context::part_copy(std::size_t payload_bytes) {
  Envelope* const copy = runtime_.new_envelope(payload_bytes, false);
  copy->priority = envelope_->priority;
  copy->sender = envelope_->sender;
  if (envelope_->trace != nullptr) copy->trace = new TraceBlock{*envelope_->trace};
  copy->flags = Envelope::passed_on;
  envelope_->flags |= Envelope::given_away;
  fate_ = Fate::copied;
  return copy;
}

/// Takes the ask out of an assured message. `told` has the message itself, and is what is handled from here on: so it comes
/// again if the handler fails after all.
Envelope* Context::keep_told(Envelope* told) {
  Envelope* const block = envelope_;
  told->sender = block->sender;
  told->target_generation = block->target_generation;
  told->priority = block->priority;
  told->attempt = block->attempt;
  told->ordinal = block->ordinal;
  if (block->trace != nullptr) told->trace = new TraceBlock{*block->trace};
  told->flags = static_cast<std::uint8_t>(block->flags & ~Envelope::is_ask);
  told->extension = std::exchange(block->extension_slot(), nullptr);
  block->flags = Envelope::is_ask | Envelope::passed_on;
  block->attempt = 0;
  if (AssuredMail* const assured = cell_.need_extras().assured.get(); assured != nullptr) {
    assured->redelivery.is_now(*block, *told);
  }
  if (Execution* const execution = current_execution(); execution != nullptr && execution->cell == &cell_) {
    execution->message = told;
  }
  envelope_ = told;
  fate_ = Fate::opened;
  return block;
}

/// Passes an assured message on, once the handler has returned.
TellResult Context::forward_later(const MessageInfo* message, const detail::Destination& there,
                                  std::shared_ptr<void> changed, std::source_location where) {
  may_give_away(message);
  fate_ = Fate::forwarded;
  const bool is_somebody = there.operations != nullptr && there.runtime_index == runtime_.index() &&
                           runtime_.cell_at(there.target.slot) != nullptr;
  ORRERY_CHECK(!is_somebody || there.operations->assured != nullptr, "{} is assured, so it can be", message->name);
  runtime_.need_assured(cell_).forward =
      HeldForward{there.target, is_somebody ? there.operations->assured : nullptr, where, std::move(changed)};
  if (!is_somebody) return std::unexpected(TellError::actor_not_found);
  return {};
}

void* Context::forwarded() const noexcept {
  return fate_ == Fate::forwarded ? cell_.extras->assured->forward->changed.get() : nullptr;
}

void Context::unstash_all() {
  [[maybe_unused]] const RuntimeScope inside;
  CellExtras& extras = cell_.need_extras();
  extras.unstashed = extras.stashed() - (fate_ == Fate::stashed ? 1 : 0);
}

void Context::note_watch(Handle watched) {
  auto& watching = cell_.need_extras().watching;
  if (watching == nullptr) watching = std::make_unique<HandleCounts>();
  ++(*watching)[key_of(watched)];
}

void Context::unwatch(Handle watched) {
  if (cell_.extras == nullptr || cell_.extras->watching == nullptr) return;
  const auto at = cell_.extras->watching->find(key_of(watched));
  if (at == cell_.extras->watching->end()) return;
  const std::uint32_t count = at->second;
  cell_.extras->watching->erase(at);
  for (std::uint32_t i = 0; i < count; ++i) (void)runtime_.signal(watched, Signal::unwatch, {}, cell_.handle());
}

void Context::check_self(const void* actor) const {
  ORRERY_CHECK(actor == cell_.actor, "pass *this of the actor whose handler runs");
}

}  // namespace orrery
