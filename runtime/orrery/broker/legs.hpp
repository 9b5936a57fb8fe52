// legs.hpp: what a broker knows of the types that it routes: what actors of a type accept, and how their envelopes are made.
// Why:  tables of actors and subscribers are the same for all types, so that nothing typed stands in them; these constants of
//       the program are what they point to.
#pragma once
#include "orrery/actor/runtime.hpp"
#include "orrery/actor/sendable.hpp"
#include "orrery/broker/registry.hpp"
#include "orrery/broker/shared_payload.hpp"

#include <concepts>
#include <source_location>
#include <utility>

namespace orrery {

/// What an actor accepts, where it says so itself: `using Accepts = orrery::messages<Deposit, Withdraw>;`
template <class... M>
struct messages {};

namespace detail {

template <class A, class... M>
  requires((refusal<A, M>() == Refusal::none) && ...)
inline constexpr Acceptance acceptances[] = {{&message_info<M>, &operations<A, M>}...};
template <class A, class... M>
inline constexpr AcceptTable accept_table{acceptances<A, M...>};

template <class A, class List>
struct TableOf;
template <class A, class... M>
struct TableOf<A, messages<M...>> {
  static constexpr const AcceptTable* value = &accept_table<A, M...>;
};

template <class M>
inline constexpr bool is_copied_to_many = std::copy_constructible<M>;

/// How what is published gets to actors of one type.
struct LegOperations {
  const MessageInfo* message;
  const Operations* copied;
  const Operations* shared;
};
template <class A, class M>
consteval const Operations* shared_or_none() {
  if constexpr (is_shared_by_many<M>) {
    return &shared_operations<A, M>;
  } else {
    return nullptr;
  }
}
template <class A, class M>
inline constexpr LegOperations leg_operations{&message_info<M>, &operations<A, M>, shared_or_none<A, M>()};

/// Makes the envelopes of one publish.
class PublishLegs {
 public:
  /// `here`: the calling worker's record, or null elsewhere.
  virtual Envelope* make(Runtime& runtime, Execution* here, const LegOperations& operations) = 0;

 protected:
  ~PublishLegs() = default;
};
template <class M>
class CopiedLegs final : public PublishLegs {
 public:
  CopiedLegs(const M& message, std::source_location where) noexcept : message_{message}, where_{where} {}
  Envelope* make(Runtime& runtime, Execution* here, const LegOperations& leg) override {
    Envelope* const envelope = make_copy(runtime, here, leg);
    if (runtime.traces()) [[unlikely]]
      runtime.link_trace(*envelope);
    return envelope;
  }

 private:
  Envelope* make_copy(Runtime& runtime, Execution* here, const LegOperations& leg) {
    if constexpr (is_shared_by_many<M>) {
      if (!shared_) shared_ = SharedPayload<M>::make(message_);
      Envelope* const envelope = make_message(runtime, *leg.shared, SharedRef<M>{shared_}, where_);
      envelope->priority = priority_of<M>();
      return envelope;
    } else {
      if constexpr (delivery_of<M>() == Delivery::at_most_once) {
        if (here != nullptr) return make_message(*here->pool, *leg.copied, M(message_), where_);
      }
      return make_tell(runtime, *leg.copied, M(message_), {}, where_);
    }
  }

  const M& message_;
  std::source_location where_;
  SharedRef<M> shared_;
};

}  // namespace detail

}  // namespace orrery
