// route_table.hpp: what a table of subscriptions is made of: tries, whose leaves are rosters of subscribers.
// Why:  routes.hpp says what is promised; this is how one table becomes the next. Everything here is a value that nobody
//       changes once it is made, so tables can share it.
#pragma once
#include "orrery/broker/detail/token_map.hpp"
#include "orrery/broker/routes.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::detail {

/// Subscribers in the order of their subscription, no two with the same id. Three arrays of one length: the first is
/// what publishers read, the second what a merge goes by, the third only keeps things alive.
struct Roster {
  std::vector<Subscriber> subscribers;
  std::vector<std::uint64_t> sequences;  ///< the numbers of their subscriptions, rising
  std::vector<std::shared_ptr<const void>> owners;

  [[nodiscard]] std::size_t size() const noexcept { return subscribers.size(); }
  /// Returns: size() when it is not there.
  [[nodiscard]] std::size_t find(std::uint64_t id) const noexcept;
  void append(const Subscription& subscription, std::uint64_t sequence);
  void append(const Roster& behind);
  void erase(std::size_t index);
};

struct RouteGroup {
  std::string name;
  Roster members;  ///< never empty
};

struct RouteLeaf;
using RouteLeafPtr = std::shared_ptr<const RouteLeaf>;

/// The subscriptions of one type to one pattern, never without any.
struct RouteLeaf {
  static constexpr std::size_t chunk_size_max = 256;

  std::vector<std::shared_ptr<const Roster>> chunks;      ///< the plain ones, in order, none empty
  std::vector<std::shared_ptr<const RouteGroup>> groups;  ///< in the order in which they came to be
  std::vector<std::span<const Subscriber>> pieces;        ///< of the chunks, if there are several
  std::span<const Subscriber> only_piece;                 ///< else: one step less to memory for most topics

  /// The plain subscribers as they stand.
  [[nodiscard]] Matched plain() const noexcept { return pieces.empty() ? Matched{&only_piece, chunks.size()} : pieces; }
  [[nodiscard]] bool contains(std::string_view group, std::uint64_t id) const noexcept;
  /// Pre: `leaf` may be null, and has no such subscription.
  [[nodiscard]] static RouteLeafPtr with(const RouteLeaf* leaf, const Subscription& added, std::uint64_t sequence);
  /// Pre: it has that subscription.    Returns: null when that was the last.
  [[nodiscard]] static RouteLeafPtr without(const RouteLeaf& leaf, std::string_view group, std::uint64_t id);
};

struct RouteNode;
using RouteNodePtr = std::shared_ptr<const RouteNode>;

/// What the patterns that begin with the same tokens have in common; never without any, except the root of a new trie.
struct RouteNode {
  std::string token;             ///< the last of these, when it is no wildcard
  std::uint64_t hash = 0;        ///< of that
  TokenMap<RouteNode> literals;  ///< the patterns that go on with a token
  RouteNodePtr any;              ///< that go on with `*`
  RouteLeafPtr here;             ///< that end here
  RouteLeafPtr tail;             ///< that end with `>` behind this

  [[nodiscard]] bool empty() const noexcept { return literals.empty() && !any && !here && !tail; }
  /// The leaf of exactly this pattern; null when there is none.
  [[nodiscard]] const RouteLeaf* leaf_of(const Pattern& pattern) const;
};

struct RouteTable {
  struct Trie {
    const void* type;
    RouteNodePtr root;
  };
  std::vector<Trie> tries;                                     ///< in the order in which their types came
  boost::unordered_flat_map<const void*, std::size_t> places;  ///< in `tries`; for lookups, never walked through
  std::uint64_t version = 0;
  std::uint64_t sequence = 0;  ///< of the next subscription
  std::size_t subscription_count = 0;

  /// Null when nobody subscribed to that type.
  [[nodiscard]] const RouteNode* root_of(const void* type) const;
  /// Null when there is none.
  [[nodiscard]] const RouteLeaf* leaf_of(const Pattern& pattern, const void* type) const;
  /// Puts `leaf` in place of the one of that pattern and type; null: takes that away, and every node without a purpose.
  void set_leaf(const Pattern& pattern, const void* type, const RouteLeafPtr& leaf);
};

}  // namespace orrery::detail
