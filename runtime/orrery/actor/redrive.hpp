// redrive.hpp: sending kept dead letters to somebody else than their targets.
// How:  a message that was told to an actor of one type can be handled by any other of that type as it is; for another
//       type, a Recipient says how each message that it lists is handled there.
#pragma once
#include "orrery/actor/dead_letters.hpp"
#include "orrery/actor/handlers.hpp"
#include "orrery/actor/ref.hpp"

#include <array>

namespace orrery {

template <class A>
Redriven DeadLetters::redrive(const DeadLetterFilter& filter, const Ref<A>& to) {
  const Destination destination{to.runtime_index(), to.handle(), &detail::actor_tag<A>, {}};
  return redrive_to(filter, &destination);
}

template <class... M>
Redriven DeadLetters::redrive(const DeadLetterFilter& filter, const Recipient<M...>& to) {
  const std::array<const Operations*, sizeof...(M)> operations{to.template operations_for<M>()...};
  const Destination destination{to.runtime_index(), to.handle(), nullptr, operations};
  return redrive_to(filter, &destination);
}

}  // namespace orrery
