// ids.hpp: how an actor is named without ever naming its address.
// Why:  an address differs from run to run and dangles; a slot with a generation is cheap to copy, is checked at every
//       use, and means the same in the trace of every build.
// How:  a runtime keeps its actors in numbered slots. A slot's generation grows when the actor in it ends, so that an
//       old handle is recognised. A restart keeps slot and generation and grows the incarnation, which is why a
//       reference stays valid across restarts.
// Always true:  (I1) a generation is never 0, so a default-made handle names nobody
//               (I2) no two actors of one runtime ever share (slot, generation)
// Source:       SPEC A3, A12; DESIGN section 2.
#pragma once
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace orrery {

/// Names one actor inside one runtime. 8 bytes.
struct Handle {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  [[nodiscard]] bool is_set() const noexcept { return generation != 0; }  // I1
  friend auto operator<=>(const Handle&, const Handle&) = default;
};

/// Whatever stands for an actor of some runtime of this process: Ref, Recipient, Spawned.
template <class T>
concept NamesAnActor = requires(const T& it) {
  { it.handle() } -> std::same_as<Handle>;
  { it.runtime_index() } -> std::same_as<std::uint32_t>;
};

/// The 128-bit identity of one incarnation of an actor, as it stands on the wire: node, slot, generation, incarnation.
///
/// Printed as four numbers with dots, `@node.slot.generation.incarnation`; the readable path ("bank/alice") belongs to
/// the runtime and is asked for with `Runtime::path_of`.
struct ActorId {
  std::uint32_t node = 0;
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  std::uint32_t incarnation = 0;

  [[nodiscard]] Handle handle() const noexcept { return {slot, generation}; }
  friend auto operator<=>(const ActorId&, const ActorId&) = default;
};
static_assert(sizeof(ActorId) == 16);

[[nodiscard]] std::string to_string(const ActorId& id);
[[nodiscard]] std::string orrery_describe(const ActorId& id);

/// Parses what to_string prints. Returns: empty when `text` is anything else (also trailing characters, or overflow).
[[nodiscard]] std::optional<ActorId> parse_actor_id(std::string_view text) noexcept;

}  // namespace orrery

template <>
struct std::hash<orrery::ActorId> {
  std::size_t operator()(const orrery::ActorId& id) const noexcept {
    const auto mix = [](std::uint64_t x) { return (x ^ (x >> 31)) * 0x9e3779b97f4a7c15ULL; };
    return static_cast<std::size_t>(
        mix(mix((std::uint64_t{id.node} << 32) | id.slot) ^ ((std::uint64_t{id.generation} << 32) | id.incarnation)));
  }
};
