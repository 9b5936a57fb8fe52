// send_options.hpp: what can be said about one send, where its message's type says otherwise or nothing.
// Source:  SPEC A8.
#pragma once
#include "orrery/actor/message.hpp"
#include "orrery/core/message_id.hpp"

#include <optional>

namespace orrery {

/// `ref.tell(m, {.delivery = Delivery::exactly_once, .id = message_id_of("order 17")})`. What is left out is as the
/// message's type says.
struct SendOptions {
  std::optional<Priority> priority{};
  std::optional<Delivery> delivery{};
  std::optional<MessageId> id{};  ///< for the classes that repeat; exactly_once draws one if none is given
};

}  // namespace orrery
