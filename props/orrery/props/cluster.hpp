// cluster.hpp: shapes of clusters: how many servers, how many make a quorum, whose links are slow.
//
//   sim::check([](sim::World& w, const props::Cluster& shape) {
//     ...spawn shape.servers servers...
//     const auto to_bob = props::link<Vote>(w, shape, 0, 1, servers[1]);   // a Recipient<Vote>, slow if that link is
//
// How:  a slow link is an actor in between that holds each message up for a while, and passes it on as it came (forward), in
//       order. It carries one message at a time, so a burst comes late by their sum. Servers are actors of one world.
// Not so:  no message is lost, and no link is cut: for actors of one process that cannot happen.
// Source:  SPEC P1, W4.
#pragma once
#include "orrery/actor.hpp"
#include "orrery/props/bounds.hpp"
#include "orrery/props/rapidcheck.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace orrery::props {

struct ClusterLimits {
  std::uint32_t servers_min = 1;
  std::uint32_t servers_max = 5;
  std::uint32_t slow_links_max = 3;
  std::uint32_t slow_ms_max = 200;
  friend bool operator==(const ClusterLimits&, const ClusterLimits&) = default;
};

struct SlowLink {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  Duration delay{};
};

template <ClusterLimits limits = ClusterLimits{}>
struct ClusterWithin {
  std::uint32_t servers = limits.servers_min;
  std::uint32_t quorum = limits.servers_min / 2 + 1;  ///< from a majority to all
  std::vector<SlowLink> slow;

  /// Returns: how late messages from one server to another come.
  [[nodiscard]] Duration delay(std::uint32_t from, std::uint32_t to) const noexcept {
    Duration late{};
    for (const SlowLink& one : slow) {
      if (one.from == from && one.to == to && one.delay > late) late = one.delay;
    }
    return late;
  }
};
using Cluster = ClusterWithin<>;

/// Passes on what it is sent, late.
template <class... M>
struct LinkActor {
  static constexpr std::string_view orrery_name = "Link";
  Recipient<M...> to;
  Duration delay;
  template <class T>
    requires(std::same_as<T, M> || ...)
  auto handle(T message, Context& context) {
    context.sleep(delay);
    (void)context.forward(std::move(message), to);
    if constexpr (Askable<T> && !std::is_void_v<reply_of<T>>) return Answer<reply_of<T>>{elsewhere};
  }
};

/// Returns: how server `from` reaches `target`, who is server `to`.
template <class... M, ClusterLimits limits>
[[nodiscard]] Recipient<M...> link(Runtime& runtime, const ClusterWithin<limits>& shape, std::uint32_t from,
                                   std::uint32_t to, const Recipient<M...>& target) {
  const Duration delay = shape.delay(from, to);
  if (delay == Duration::zero()) return target;
  return runtime.spawn(LinkActor<M...>{target, delay});
}
template <class... M, ClusterLimits limits, class A>
[[nodiscard]] Recipient<M...> link(Runtime& runtime, const ClusterWithin<limits>& shape, std::uint32_t from,
                                   std::uint32_t to, const Ref<A>& target) {
  return link(runtime, shape, from, to, Recipient<M...>{target});
}

namespace detail {

template <ClusterLimits limits>
struct InputOf<ClusterWithin<limits>> {
  static rc::Gen<ClusterWithin<limits>> gen(const testkit::InputOrigin&) {
    return rc::gen::mapcat(between(limits.servers_min, limits.servers_max), [](std::uint32_t servers) {
      auto slow =
          rc::gen::map(rc::gen::tuple(between<std::uint32_t>(0, servers - 1), between<std::uint32_t>(0, servers - 1),
                                      between<std::uint32_t>(1, limits.slow_ms_max)),
                       [](std::tuple<std::uint32_t, std::uint32_t, std::uint32_t> drawn) {
                         const auto [from, to, ms] = drawn;
                         return SlowLink{from, to, std::chrono::milliseconds{ms}};
                       });
      const int most = servers < 2 ? 0 : static_cast<int>(limits.slow_links_max);
      auto links = rc::gen::resize(most, rc::gen::container<std::vector<SlowLink>>(std::move(slow)));
      return rc::gen::map(rc::gen::pair(between(servers / 2 + 1, servers), std::move(links)),
                          [servers](std::pair<std::uint32_t, std::vector<SlowLink>> parts) {
                            return ClusterWithin<limits>{servers, parts.first, std::move(parts.second)};
                          });
    });
  }
};

}  // namespace detail

}  // namespace orrery::props
