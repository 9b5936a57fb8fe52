#include "orrery/actor/message_times.hpp"

#include "orrery/actor/envelope.hpp"
#include "orrery/core/hash.hpp"

namespace orrery {

namespace {
std::uint64_t nanoseconds(Duration duration) {
  return static_cast<std::uint64_t>(std::max<Duration::rep>(duration.count(), 0));
}
}  // namespace

MessageTimes::~MessageTimes() {
  for (const auto& kind : table_) delete kind.load(std::memory_order_relaxed);
  delete others_.load(std::memory_order_relaxed);
}

/// Operations are one constant per pair of types, hence their address names the pair.
MessageTimes::Kind& MessageTimes::kind_of(const Operations& operations, std::string_view actor_type) {
  const std::uint64_t hash = mix64(operations.message->name_hash + hash_text(actor_type));
  std::size_t at = hash % table_.size();
  while (Kind* const kind = table_[at].load(std::memory_order_relaxed)) {
    if (kind->operations == &operations) return *kind;
    at = (at + 1) % table_.size();
  }
  if (kinds_ < kinds_max) {
    ++kinds_;
    auto* const kind = new Kind{&operations, actor_type, {}, {}};
    table_[at].store(kind, std::memory_order_release);  // pairs with the acquire in add_to()
    return *kind;
  }
  Kind* others = others_.load(std::memory_order_relaxed);
  if (others == nullptr) {
    others = new Kind{nullptr, "other", {}, {}};
    others_.store(others, std::memory_order_release);
  }
  return *others;
}

void MessageTimes::add(const Operations& operations, std::string_view actor_type, Duration waited, Duration took) {
  latency_.add(nanoseconds(waited) + nanoseconds(took));
  Kind& kind = kind_of(operations, actor_type);
  kind.wait.add(nanoseconds(waited));
  kind.handling.add(nanoseconds(took));
}

void MessageTimes::add_to(MessageTimesTotal& total) const {
  latency_.add_to(total.latency);
  const auto add_kind = [&](const Kind* kind) {
    if (kind == nullptr) return;
    const std::string_view message = kind->operations == nullptr ? "other" : kind->operations->message->name;
    auto& sum = total.kinds[{std::string{kind->actor_type}, std::string{message}}];
    kind->wait.add_to(sum.wait);
    kind->handling.add_to(sum.handling);
  };
  for (const auto& kind : table_) add_kind(kind.load(std::memory_order_acquire));
  add_kind(others_.load(std::memory_order_acquire));
}

}  // namespace orrery
