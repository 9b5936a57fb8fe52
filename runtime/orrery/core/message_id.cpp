#include "orrery/core/message_id.hpp"

namespace orrery {

std::string to_string(const MessageId& id) { return to_hex({id.high, id.low}); }

std::string orrery_describe(const MessageId& id) { return to_string(id); }

std::optional<MessageId> parse_message_id(std::string_view text) noexcept {
  const auto parsed = parse_hash128(text);
  if (!parsed) return std::nullopt;
  return MessageId{parsed->hi, parsed->lo};
}

MessageId message_id_of(std::string_view name) noexcept {
  TraceHasher hasher;
  hasher.add_bytes(name);
  const Hash128 hash = hasher.value();
  return {hash.hi, hash.lo};
}

}  // namespace orrery
