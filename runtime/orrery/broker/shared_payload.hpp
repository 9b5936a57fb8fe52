// shared_payload.hpp: one copy of a large message for all who get it.
// Why:  a publish to a thousand subscribers shall not copy a kilobyte a thousand times before anybody reads it.
// How:  the payload of each envelope is a counted reference; a handler that takes `const M&` reads the one copy, one that
//       takes M gets its own when it runs, on its own worker. Messages below 256 bytes are copied, which is cheaper; and so
//       are those that may have to be handled again, of which each actor keeps its own until it has handled it.
// Source:  DESIGN section 5.
#pragma once
#include "orrery/actor/handlers.hpp"
#include "orrery/core/block_pool.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <atomic>
#include <cstdint>

namespace orrery::detail {

inline constexpr std::size_t shared_from_bytes = 256;
template <class M>
inline constexpr bool is_shared_by_many = sizeof(M) >= shared_from_bytes && delivery_of<M>() == Delivery::at_most_once;

template <class M>
class SharedPayload {
 public:
  [[nodiscard]] static boost::intrusive_ptr<const SharedPayload> make(const M& message) {
    return new SharedPayload{message};
  }
  const M value;

  friend void intrusive_ptr_add_ref(const SharedPayload* payload) noexcept {
    payload->references_.fetch_add(1, std::memory_order_relaxed);
  }
  friend void intrusive_ptr_release(const SharedPayload* payload) noexcept {
    if (payload->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete payload;
  }

 private:
  explicit SharedPayload(const M& message) : value(message) {}
  mutable std::atomic<std::uint32_t> references_{0};
};
template <class M>
using SharedRef = boost::intrusive_ptr<const SharedPayload<M>>;

template <class A, class M>
void run_shared(void* object, Envelope& envelope, Context& context) {
  A& actor = *static_cast<A*>(object);
  SharedRef<M>& stored = *static_cast<SharedRef<M>*>(envelope.payload());
  const SharedRef<M> message = std::move(stored);
  std::destroy_at(&stored);
  if constexpr (requires { actor.handle(message->value, context); }) {
    (void)actor.handle(message->value, context);
  } else if constexpr (requires { actor.handle(message->value); }) {
    (void)actor.handle(message->value);
  } else if constexpr (requires { actor.handle(M(message->value), context); }) {  // M&&
    (void)actor.handle(M(message->value), context);
  } else {
    (void)actor.handle(M(message->value));
  }
}
template <class M>
void drop_shared(Envelope& envelope) noexcept {
  std::destroy_at(static_cast<SharedRef<M>*>(envelope.payload()));
}
template <class M>
void describe_shared(const void* payload, std::string& out) {
  describe_to(out, (*static_cast<const SharedRef<M>*>(payload))->value);
}
template <class M>
void hash_shared(const void* payload, TraceHasher& hasher) {
  hash_value(hasher, (*static_cast<const SharedRef<M>*>(payload))->value);
}
template <class M>
void share_again(void* payload, const void* message) {
  ::new (payload) SharedRef<M>{SharedPayload<M>::make(*static_cast<const M*>(message))};
}
template <class M>
inline constexpr MessageInfo shared_message_info{
    type_name<M>(), hash_text(type_name<M>()), &describe_shared<M>, &hash_shared<M>, nullptr, nullptr,
    nullptr,        &message_info<M>,          &share_again<M>};
template <class A, class M>
inline constexpr Operations shared_operations{&run_shared<A, M>, &drop_shared<M>, &shared_message_info<M>,
                                              &actor_tag<A>};

}  // namespace orrery::detail
