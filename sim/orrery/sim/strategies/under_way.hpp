// under_way.hpp: what a strategy has written on the messages that are under way: where each comes from.
// Why:  chains, weights and clocks all follow a message from the operation that sent it to the one that handles it.
#pragma once
#include "orrery/core/mix.hpp"
#include "orrery/sim/agents.hpp"

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

namespace orrery::sim {

/// Of one run. `Cause` is whatever a strategy follows. Containers are looked up, never iterated.
template <class Cause>
class UnderWay {
 public:
  void send(const Agent& from, const Agent& to, std::uint32_t ordinal, Cause cause) {
    messages_.insert_or_assign(key_of(from, to, ordinal), std::move(cause));
  }
  /// Returns: what was written on it, or null for what nobody has told of; valid until the next send.
  [[nodiscard]] const Cause* find(const Agent& from, const Agent& to, std::uint32_t ordinal) const {
    const auto at = messages_.find(key_of(from, to, ordinal));
    return at == messages_.end() ? nullptr : &at->second;
  }

  /// A channel of per_pair mode carries it, after what it carries already.
  void carry(const Agent& channel, Cause cause) { in_channel_[channel.index].push_back(std::move(cause)); }
  /// Returns: what the channel delivers next, or null; valid until it carries or delivers something.
  [[nodiscard]] const Cause* next_of(const Agent& channel) const {
    const auto at = in_channel_.find(channel.index);
    return at == in_channel_.end() || at->second.empty() ? nullptr : &at->second.front();
  }
  /// Pre: next_of(channel) is not null.
  void deliver(const Agent& channel) {
    auto& carried = in_channel_.at(channel.index);
    carried.erase(carried.begin());
  }

 private:
  [[nodiscard]] static std::uint64_t key_of(const Agent& from, const Agent& to, std::uint32_t ordinal) noexcept {
    return mix64((std::uint64_t{from.index} << 32 | to.index) ^ mix64(ordinal + 1));
  }

  std::unordered_map<std::uint64_t, Cause> messages_;
  std::unordered_map<std::uint32_t, std::vector<Cause>> in_channel_;  // oldest first
};

}  // namespace orrery::sim
