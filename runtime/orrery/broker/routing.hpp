// routing.hpp: which of several candidates gets a message, as pure arithmetic.
// Why:  a router's rule can then be tried in every case without an actor; whoever sends only obeys it.
// How:  each rule takes the number of candidates, or what it asks about them, and gives an index. Nothing is drawn here:
//       the caller brings a draw of its world's entropy, so that a simulated run repeats.
// Always true:  (G1) round robin: of n picks in a row among the same n candidates each is picked once
//               (G2) consistent hashing: the same key goes to the same candidate as long as it is there; a newcomer takes
//                    keys only for itself, and who leaves gives away only its own, about 1 / n of all
//               (G3) with no candidates nothing is picked
// Not chosen:   rendezvous hashing (it moves as few keys, but hashes every candidate for each message).
// Source:       D. Karger et al.: "Consistent Hashing and Random Trees" (STOC 1997). SPEC B5; SEMANTICS b4.
#pragma once
#include "orrery/core/check.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace orrery {

enum class Routing : std::uint8_t { round_robin, random, consistent_hashing, smallest_mailbox, broadcast };

/// Pre:     `count` > 0.
/// Returns: 0 .. count - 1, in turn as `turn` is counted up.
[[nodiscard]] constexpr std::size_t pick_round_robin(std::size_t count, std::uint64_t turn) {
  ORRERY_CHECK(count > 0);
  return static_cast<std::size_t>(turn % count);
}

/// Pre:     `count` > 0; `draw` has 64 uniform bits.
/// Returns: 0 .. count - 1, as likely as each other (to one part in 2^64 / count).
[[nodiscard]] constexpr std::size_t pick_random(std::size_t count, std::uint64_t draw) {
  ORRERY_CHECK(count > 0);
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::size_t>((Wide{draw} * count) >> 64);
}

/// Pre:     `count` > 0; `depth_of(index)` is a number.
/// Returns: a candidate with the least depth; of several, `draw` decides, each as likely. Should depths change meanwhile,
///          it is some candidate.
/// Cost:    two looks at each candidate.
template <class DepthOf>
[[nodiscard]] constexpr std::size_t pick_smallest(std::size_t count, std::uint64_t draw, const DepthOf& depth_of) {
  ORRERY_CHECK(count > 0);
  auto least = depth_of(std::size_t{0});
  std::size_t best = 0;
  std::size_t ties = 1;
  for (std::size_t i = 1; i < count; ++i) {
    const auto depth = depth_of(i);
    if (depth < least) {
      least = depth;
      best = i;
      ties = 1;
    } else if (depth == least) {
      ++ties;
    }
  }
  std::size_t skip = pick_random(ties, draw);
  for (std::size_t i = 0; i < count; ++i) {
    if (depth_of(i) == least && skip-- == 0) return i;
  }
  return best;  // depths have changed between the looks: it was the least at the first
}

/// Candidates on a circle of 2^64 places, each in many (its virtual nodes). A key belongs to the first at or behind its
/// own place.
class HashRing {
 public:
  /// More make shares more even: they differ by about one in sqrt(128), 9 %.
  static constexpr std::size_t virtual_nodes_default = 128;

  HashRing() = default;
  /// Pre:   the ids differ, and are fewer than 2^32; `virtual_nodes` > 0. Places depend on an id only, not on its order.
  /// Cost:  O(n log n) for n = ids * virtual nodes.
  explicit HashRing(std::span<const std::uint64_t> ids, std::size_t virtual_nodes = virtual_nodes_default);

  [[nodiscard]] bool empty() const noexcept { return places_.empty(); }
  /// Pre:     not empty. `key` is any number, as the hash of a customer's name; it is mixed here.
  /// Returns: an index into the ids (G2).    Cost: O(log n).
  [[nodiscard]] std::size_t pick(std::uint64_t key) const;

 private:
  struct Place {
    std::uint64_t at;
    std::uint64_t id;  // who wins where two share a place
    std::uint32_t index;
  };
  std::vector<Place> places_;
};

/// What a pick may depend on besides the candidates.
struct PickBy {
  std::uint64_t draw = 0;  ///< 64 uniform bits: random; smallest_mailbox among equals
  std::uint64_t key = 0;   ///< consistent_hashing: messages with one key go to one candidate
  /// consistent_hashing: the ids are looked at only when this is another number than last time, as Routes::version() is
  /// when there may be other candidates. 0: they are looked at every time.
  std::uint64_t membership = 0;
};

/// The candidates from `first` on; none, one, or (broadcast) all.
struct Picked {
  std::size_t first = 0;
  std::size_t count = 0;
  friend bool operator==(const Picked&, const Picked&) = default;
};

/// One router: a rule, and what it has to remember from one message to the next.
///
/// Threads: one at a time.
class Picker {
 public:
  explicit Picker(Routing routing, std::size_t virtual_nodes = HashRing::virtual_nodes_default)
      : routing_{routing}, virtual_nodes_{virtual_nodes} {}

  [[nodiscard]] Routing routing() const noexcept { return routing_; }

  /// `id_of(index)` and `depth_of(index)` are asked only by the rules that need them.
  ///
  /// Pre:  consistent_hashing: while `by.membership` stays what it was (and is not 0), so do the candidates.
  /// Cost: O(1) for round_robin, random and broadcast; O(count) for smallest_mailbox; O(log count) for
  ///       consistent_hashing, and a new ring when the candidates have changed.
  template <class IdOf, class DepthOf>
  [[nodiscard]] Picked pick(std::size_t count, const PickBy& by, const IdOf& id_of, const DepthOf& depth_of) {
    if (count == 0) return {};  // G3
    switch (routing_) {
      case Routing::round_robin:
        return {pick_round_robin(count, turn_++), 1};
      case Routing::random:
        return {pick_random(count, by.draw), 1};
      case Routing::consistent_hashing:
        if (by.membership == 0 || by.membership != membership_) {
          candidates_.clear();
          for (std::size_t i = 0; i < count; ++i) candidates_.push_back(id_of(i));
          set_ring(by.membership);
        }
        return {ring_.pick(by.key), 1};
      case Routing::smallest_mailbox:
        return {pick_smallest(count, by.draw, depth_of), 1};
      case Routing::broadcast:
        return {0, count};
    }
    return {};
  }

  /// The same over a list of anything that has a member `id`, as Subscriber.
  template <class Candidate, class DepthOf>
  [[nodiscard]] std::span<const Candidate> pick(std::span<const Candidate> candidates, const PickBy& by,
                                                const DepthOf& depth_of) {
    const auto of = [&](std::size_t index) -> const Candidate& { return candidates[index]; };
    const Picked picked = pick(
        candidates.size(), by, [&](std::size_t i) { return of(i).id; }, [&](std::size_t i) { return depth_of(of(i)); });
    return candidates.subspan(picked.first, picked.count);
  }

 private:
  void set_ring(std::uint64_t membership);

  Routing routing_;
  std::size_t virtual_nodes_;
  std::uint64_t turn_ = 0;
  std::uint64_t membership_ = 0;
  std::vector<std::uint64_t> ids_;         // of the ring
  std::vector<std::uint64_t> candidates_;  // of the pick that found the membership changed
  HashRing ring_;
};

}  // namespace orrery
