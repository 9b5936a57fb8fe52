// token_map.hpp: a persistent map from tokens to nodes: a change gives a new map that shares nearly everything.
// Why:  a topic may have 100,000 children; copying a hash table of them for each subscription would take a millisecond.
// How:  a tree of branches of up to 64 slots, six bits of the token's hash for each level. Slots that are not used take
//       no room; a bitmap says which they are. Under the last level of a hash its token is hashed anew, so that tokens
//       with the same hash part further down.
// Always true:  (K1) the form of a map depends on its tokens only, not on the order in which they came
//               (K2) a branch has two slots or more, unless its only one is a branch
// Source:       P. Bagwell: "Ideal Hash Trees" (2001).
#pragma once
#include "orrery/broker/subject.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace orrery::detail {

/// A token with its hash.
struct TokenKey {
  std::string_view text;
  std::uint64_t hash = 0;
};
[[nodiscard]] inline TokenKey key_of(const Tokens& tokens, std::size_t index) {
  return {tokens.token(index), tokens.hash(index)};
}

/// Six bits for each level; fresh ones, of another hash, for each ten levels.
[[nodiscard]] inline std::uint64_t digit_of(const TokenKey& key, std::size_t level) noexcept {
  constexpr std::size_t levels_per_hash = 10;
  if (level < levels_per_hash) [[likely]]
    return (key.hash >> (6 * level)) % 64;
  TokenHasher hasher{level / levels_per_hash};
  for (const char byte : key.text) hasher.add(static_cast<unsigned char>(byte));
  return (hasher.value() >> (6 * (level % levels_per_hash))) % 64;
}

/// Node has a member `token`, a text, and a member `hash`, its TokenHasher's value.
///
/// Shape: 24 bytes; a map of one node has nothing else.
template <class Node>
class TokenMap {
 public:
  [[nodiscard]] bool empty() const noexcept { return root_.used == 0 && root_.holds == nullptr; }

  /// Returns: nullptr when there is none.    Cost: one slot for each level; `visited` counts them.
  [[nodiscard]] const Node* find(const TokenKey& key, std::size_t& visited) const {
    const Slot* slot = &root_;
    for (std::size_t level = 0; slot->used != 0; ++level) {
      ++visited;
      const std::uint64_t bit = std::uint64_t{1} << digit_of(key, level);
      if ((slot->used & bit) == 0) return nullptr;
      slot = slot->branch() + place_of(slot->used, bit);
    }
    const Node* const node = slot->node();
    return node != nullptr && node->hash == key.hash && node->token == key.text ? node : nullptr;
  }

  /// With `node` under its token, in place of the one that is there.
  [[nodiscard]] TokenMap with(std::shared_ptr<const Node> node) const {
    const TokenKey key{node->token, node->hash};
    return TokenMap{put(root_, {0, std::move(node)}, key, 0)};
  }
  [[nodiscard]] TokenMap without(const TokenKey& key) const { return TokenMap{take(root_, key, 0)}; }

  TokenMap() = default;

 private:
  /// Nothing, a node, or (when bits of `used` are set) a branch: an array of one slot for each such bit.
  struct Slot {
    std::uint64_t used = 0;
    std::shared_ptr<const void> holds;
    [[nodiscard]] const Node* node() const noexcept { return static_cast<const Node*>(holds.get()); }
    [[nodiscard]] const Slot* branch() const noexcept { return static_cast<const Slot*>(holds.get()); }
    [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(std::popcount(used)); }
  };
  explicit TokenMap(Slot root) : root_{std::move(root)} {}

  static std::size_t place_of(std::uint64_t used, std::uint64_t bit) noexcept {
    return static_cast<std::size_t>(std::popcount(used & (bit - 1)));
  }

  /// A branch like `old` (which may be none), with `slot` under `bit`; `slot` without content: with nothing there.
  static Slot changed(const Slot& old, std::uint64_t bit, const Slot& slot) {
    const bool is_kept = slot.holds != nullptr;
    const std::uint64_t used = is_kept ? old.used | bit : old.used & ~bit;
    const auto slots = std::make_shared<Slot[]>(static_cast<std::size_t>(std::popcount(used)));
    std::size_t to = 0;
    const Slot* from = old.branch();
    for (std::uint64_t left = old.used | bit; left != 0; left &= left - 1) {
      const std::uint64_t next = left & (0 - left);
      if (next != bit) {
        slots[to++] = *from++;
      } else {
        if (is_kept) slots[to++] = slot;
        if ((old.used & bit) != 0) ++from;
      }
    }
    return {used, slots};
  }

  static Slot put(const Slot& slot, Slot entry, const TokenKey& key, std::size_t level) {
    if (slot.used == 0) {
      const Node* const there = slot.node();
      if (there == nullptr || there->token == key.text) return entry;
      const std::uint64_t bit = std::uint64_t{1} << digit_of({there->token, there->hash}, level);
      return put(changed({}, bit, slot), std::move(entry), key, level);
    }
    const std::uint64_t bit = std::uint64_t{1} << digit_of(key, level);
    const Slot below = (slot.used & bit) != 0 ? slot.branch()[place_of(slot.used, bit)] : Slot{};
    return changed(slot, bit, put(below, std::move(entry), key, level + 1));
  }

  static Slot take(const Slot& slot, const TokenKey& key, std::size_t level) {
    if (slot.used == 0) return slot.holds != nullptr && slot.node()->token == key.text ? Slot{} : slot;
    const std::uint64_t bit = std::uint64_t{1} << digit_of(key, level);
    if ((slot.used & bit) == 0) return slot;
    Slot rest = changed(slot, bit, take(slot.branch()[place_of(slot.used, bit)], key, level + 1));
    if (rest.size() == 1 && rest.branch()->used == 0) return *rest.branch();  // K2: a node needs no branch for itself
    return rest;
  }

  Slot root_;
};

}  // namespace orrery::detail
