// message_id.hpp: the 16 bytes by which a message is recognised when it comes twice.
// Why:  whoever repeats a send must be able to say that it is the same message; no address, and no number that starts
//       again with the process, can say that.
// Always true:  (D1) an id that a runtime gave is never unset, and none of its others is equal to it (but for the odds of
//                    two 128-bit hashes)
// Source:       SPEC D3, W2.
#pragma once
#include "orrery/core/hash.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace orrery {

/// Names one message for as long as anybody may repeat it. Unset by default. Printed as 32 hexadecimal digits.
struct MessageId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  [[nodiscard]] bool is_set() const noexcept { return (high | low) != 0; }
  friend auto operator<=>(const MessageId&, const MessageId&) = default;
};
static_assert(sizeof(MessageId) == 16);

[[nodiscard]] std::string to_string(const MessageId& id);
[[nodiscard]] std::string orrery_describe(const MessageId& id);
inline void orrery_hash(TraceHasher& hasher, const MessageId& id) {
  hasher.add(id.high);
  hasher.add(id.low);
}

/// Parses what to_string prints. Returns: empty when `text` is anything else.
[[nodiscard]] std::optional<MessageId> parse_message_id(std::string_view text) noexcept;

/// Returns: the id of a message that has a name among its users already (an order's number, a request's key).
[[nodiscard]] MessageId message_id_of(std::string_view name) noexcept;

}  // namespace orrery

template <>
struct std::hash<orrery::MessageId> {
  std::size_t operator()(const orrery::MessageId& id) const noexcept {
    return static_cast<std::size_t>(orrery::mix64(id.high ^ orrery::mix64(id.low)));
  }
};
