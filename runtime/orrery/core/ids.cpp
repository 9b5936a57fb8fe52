#include "orrery/core/ids.hpp"

#include <fmt/core.h>

#include <array>
#include <charconv>

namespace orrery {

std::string to_string(const ActorId& id) {
  return fmt::format("@{}.{}.{}.{}", id.node, id.slot, id.generation, id.incarnation);
}

std::string orrery_describe(const ActorId& id) { return to_string(id); }

std::optional<ActorId> parse_actor_id(std::string_view text) noexcept {
  if (text.empty() || text.front() != '@') return std::nullopt;
  const char* at = text.data() + 1;
  const char* const end = text.data() + text.size();
  std::array<std::uint32_t, 4> parts{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) {
      if (at == end || *at != '.') return std::nullopt;
      ++at;
    }
    const auto [next, error] = std::from_chars(at, end, parts[i]);
    if (error != std::errc{} || (*at == '0' && next != at + 1)) return std::nullopt;  // to_string prints no leading 0
    at = next;
  }
  if (at != end) return std::nullopt;
  return ActorId{parts[0], parts[1], parts[2], parts[3]};
}

}  // namespace orrery
