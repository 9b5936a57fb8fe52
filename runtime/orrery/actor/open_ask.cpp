#include "orrery/actor/open_ask.hpp"

namespace orrery::detail {

TellResult pass_on(Runtime& runtime, const Destination& there, Envelope* envelope, std::source_location where) {
  const bool is_ask = (envelope->flags & Envelope::is_ask) != 0;
  envelope->where = where;
  if (there.operations == nullptr || there.runtime_index != runtime.index()) {
    envelope->operations->drop(*envelope);
    if (is_ask) {
      runtime.settle_error(*envelope->ask, AskError::actor_not_found);
    } else {
      runtime.free_envelope(envelope);
    }
    return std::unexpected(TellError::actor_not_found);
  }
  const bool is_assured = envelope->is(Envelope::is_assured);
  ORRERY_CHECK(!is_assured || there.operations->assured != nullptr, "what is assured can be");
  envelope->operations = is_assured ? there.operations->assured : there.operations;
  if (is_ask) envelope->ask->move_to(there.target);
  return runtime.send(there.target, envelope);
}

HeldAsk::HeldAsk(Runtime& runtime, Envelope* block, Delivery delivery, const MessageId& id) noexcept
    : runtime_{&runtime}, block_{block}, delivery_{delivery}, id_{id} {
  block_->ask->move_to({});
}

HeldAsk& HeldAsk::operator=(HeldAsk&& other) noexcept {
  if (this == &other) return *this;
  drop();
  runtime_ = other.runtime_;
  block_ = std::exchange(other.block_, nullptr);
  delivery_ = other.delivery_;
  id_ = other.id_;
  return *this;
}

void HeldAsk::before_answer() {
  if (Observer* const observer = runtime_->observer(); observer != nullptr) observer->before_reply(*block_->ask);
}

void HeldAsk::settle() noexcept {
  Ask& ask = *std::exchange(block_, nullptr)->ask;
  ask.has_reply = true;
  runtime_->settle_reply(ask, runtime_->caller());
}

TellResult HeldAsk::send_on(const Destination& there, std::source_location where) {
  if (delivery_ != Delivery::at_most_once) runtime_->assure(*block_, delivery_, id_);
  return pass_on(*runtime_, there, std::exchange(block_, nullptr), where);
}

void HeldAsk::drop() noexcept {
  if (block_ != nullptr) runtime_->settle_error(*std::exchange(block_, nullptr)->ask, AskError::actor_stopped);
}

}  // namespace orrery::detail
