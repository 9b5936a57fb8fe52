// flood.hpp: an actor that sends numbered messages as fast as it can: one side of a property about a mailbox.
#pragma once
#include "orrery/actor.hpp"
#include "orrery/props/watched.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace orrery::props {

/// Begins a flood; answered when all has been sent.
struct Begin {
  using Reply = void;
};
template <class To, class M>
struct Flood {
  static constexpr std::string_view orrery_name = "Flood";
  To to;
  MessageLog<std::uint64_t> log;
  std::uint64_t first = 0;  ///< the number of its first message
  std::uint64_t count = 0;
  void handle(Begin, Context& context) {
    for (std::uint64_t i = first; i < first + count; ++i) (void)log.tell(context, to, make_numbered<M>(i), i);
  }
};

/// Spawns what `make` makes under the first free of "name", "name-2", "name-3" and so on.
template <class Make, class A = std::invoke_result_t<Make&>>
Ref<Watched<A>> spawn_subject(Runtime& runtime, const SpawnOptions& options, const Make& make, const Watch& watch,
                              const StateText<A>& state = {}) {
  const std::string base = options.name.empty() ? "subject" : options.name;
  for (std::size_t i = 1;; ++i) {
    const auto again = [make, watch, state]() mutable { return Watched<A>{make(), watch, state}; };
    const auto spawned = runtime.spawn<Watched<A>>(i == 1 ? base : base + "-" + std::to_string(i), again, options);
    if (spawned.has_value()) return spawned.value();
    if (spawned.error() != SpawnError::name_taken) throw SpawnFailed{base, spawned.error()};
  }
}

}  // namespace orrery::props
