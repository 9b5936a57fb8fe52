// routes.hpp: who gets what is published: an immutable table of all subscriptions.
// Why:  publishing takes no lock. Whoever subscribes makes a new table and swaps it in; who publishes reads the one that
//       is there, for as long as he likes.
// How:  one trie of tokens for each message type. A change copies the nodes on the way to its pattern and shares all
//       others. A node finds its children in a persistent hash map of 64-way branches, so that a change among 100,000
//       topics copies a few hundred slots. The subscribers of one pattern stand one behind the other in chunks of up to
//       256; when a subject is matched by one pattern and by no queue group, these are what match() hands out.
// Always true:  (R1) a table never changes
//               (R2) a plain subscriber of a type gets exactly one copy of what is published on a subject that any of its
//                    patterns matches, however many of them do, and none otherwise
//               (R3) of the members of a queue group, over all its patterns that match, exactly one gets a copy. Who is
//                    a member of two groups, or a member and a plain subscriber, has as many reasons to get a copy
//               (R4) copies are in the order of subscription; of several subscriptions to one copy the earliest counts
//               (R5) what matches is decided by the subject and the type alone: no other topic, type or subscriber is
//                    looked at
// Not chosen:   one map from subjects to lists with the wildcards beside it (a wildcard then costs a scan, or every new
//               subject a rebuild); a cache of answers (a version() says when one that a caller keeps is out of date).
// Known limits: a subject of t tokens may have to look at 2^t nodes, when patterns with `*` in all places make that many.
//               A queue group is one array, copied for each change in it. Subscribing looks for the subscriber among those
//               of the same pattern, one by one.
// Source:       the trie is that of NATS's sublist; the map, P. Bagwell: "Ideal Hash Trees" (2001), and M. Steindorfer,
//               J. Vinju: "Optimizing Hash-Array Mapped Tries" (OOPSLA 2015) for its form after removals. SPEC B4, B9.
#pragma once
#include "orrery/broker/subject.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery {

namespace detail {
struct Roster;
struct RouteGroup;
struct RouteLeaf;
struct RouteNode;
struct RouteTable;
}  // namespace detail

/// All that a publisher needs for one delivery. Shape: 24 bytes, handed out side by side.
struct Subscriber {
  std::uint64_t id = 0;              ///< who: the same subscriber has the same id in all its subscriptions
  const void* operations = nullptr;  ///< how a message is delivered to it; opaque here
  const void* state = nullptr;  ///< what it shares with whoever subscribed it, as whether it still wants any; opaque
  friend bool operator==(const Subscriber&, const Subscriber&) = default;
};

struct Subscription {
  const void* type = nullptr;                   ///< of the messages; opaque, compared and hashed, never followed
  std::string_view group = {};                  ///< empty: a plain subscriber; else a member of this queue group
  Subscriber subscriber = {};                   ///< what match() hands out
  std::shared_ptr<const void> owner = nullptr;  ///< kept as long as a table has this subscription; often of `state`
};

/// What a match hands out: subscribers in the order of their subscription, in one or more pieces.
using Matched = std::span<const std::span<const Subscriber>>;
[[nodiscard]] constexpr std::size_t count_of(Matched matched) noexcept {
  std::size_t count = 0;
  for (const auto piece : matched) count += piece.size();
  return count;
}

/// The room a match works in. It grows to what the largest match so far needed, and is not given back.
///
/// Threads: one at a time; one for each worker is enough.
class MatchBuffer {
 public:
  MatchBuffer();

  /// How many nodes of tries and maps the last match looked at.
  [[nodiscard]] std::size_t visited() const noexcept { return visited_; }
  /// Whether what the last match handed out is a part of the table, so that it stays when the buffer is used again, and
  /// is the same whatever is drawn.
  [[nodiscard]] bool is_of_table() const noexcept { return is_of_table_; }
  /// Which numbers for `draw` would have made a difference to the last match: those below this; 0: any may.
  [[nodiscard]] std::uint64_t draws_that_matter() const noexcept { return draws_that_matter_; }

 private:
  friend class Routes;
  /// Subscribers that are still to be merged, with the numbers of their subscriptions, which rise.
  struct Run {
    const Subscriber* subscribers;
    const std::uint64_t* sequences;
    std::size_t left;
    bool is_choice;  // of a group: no second copy of what a plain subscription gives
  };
  struct Seen {
    std::uint64_t id = 0;
    std::uint64_t round = 0;
  };
  void begin();
  void find_leaves(const detail::RouteNode* root, const Subject& subject);
  void walk(const detail::RouteNode& node, const Subject& subject, std::size_t depth);
  void add(const detail::Roster& roster);
  void choose_members(std::uint64_t draw);
  void choose_member(std::span<const detail::RouteGroup* const> group, std::uint64_t draw);
  template <class Emit>
  void merge(bool has_repetitions, Emit emit);
  bool is_first(std::uint64_t id);
  Matched merged(bool has_repetitions);
  Matched all_of_leaves();

  std::size_t visited_ = 0;
  bool is_of_table_ = false;
  std::uint64_t draws_that_matter_ = 1;
  std::vector<const detail::RouteLeaf*> leaves_;   // of the patterns that match
  std::vector<const detail::RouteGroup*> groups_;  // in these leaves
  std::vector<Run> runs_;
  std::vector<Run> members_;  // of one group
  std::vector<Run> choices_;
  std::vector<Seen> seen_;  // a hash table, where an entry of another round is none
  std::uint64_t round_ = 0;
  std::vector<Subscriber> result_;
  std::span<const Subscriber> piece_;
};

/// One table of subscriptions. Shape: two words, cheap to copy; a copy is the same table.
class Routes {
 public:
  /// No subscriptions, version 0.
  Routes();

  /// The table with one subscription more, behind all others. The same table, with the same version, if it has one for
  /// that pattern, type, group and subscriber's id already (whatever its operations and state are).
  ///
  /// Threads: any.    Cost: O(tokens) copies of map branches and one of a chunk of subscribers, or of the group; and a
  ///                  look at each subscriber of that pattern and type.
  [[nodiscard]] Routes with(const Pattern& pattern, const Subscription& subscription) const;

  /// The table without that subscription, which is found by pattern, type, group and subscriber's id. The same table,
  /// with the same version, if it has none.
  ///
  /// Threads: any.    Cost: as with().
  [[nodiscard]] Routes without(const Pattern& pattern, const Subscription& subscription) const;

  [[nodiscard]] bool contains(const Pattern& pattern, const Subscription& subscription) const;

  /// Who gets a message of `type` published on `subject` (R2 to R4). `draw` decides which member of a group: counted up
  /// for each publish on one subject, they take turns; drawn at random, each is as likely. (One counter for several
  /// subjects may favour a member: every other publish might always be the same subject's.)
  ///
  /// Returns: valid until the buffer's next match, and as long as this table or a copy of it exists.
  /// Threads: any, each with its own buffer.    Blocks: nothing.
  /// Cost:    when one pattern and no group matches: O(tokens), nothing is copied or allocated. Else also O(n log k) for
  ///          the n subscriptions of the k chunks that match, and no allocation once the buffer has grown to that.
  [[nodiscard]] Matched match(const Subject& subject, const void* type, std::uint64_t draw, MatchBuffer& buffer) const;

  /// The members of one queue group that could be chosen for it, each once, in the order of their subscription.
  [[nodiscard]] Matched members(const Subject& subject, const void* type, std::string_view group,
                                MatchBuffer& buffer) const;
  /// All who might get a message of `type` published on `subject`, all members of groups among them; each once.
  [[nodiscard]] Matched listeners(const Subject& subject, const void* type, MatchBuffer& buffer) const;
  /// All who might get something published on `subject`, of any type, all members of groups among them; each once.
  ///
  /// Returns: as match().    Cost: O(types * tokens + n log k).
  [[nodiscard]] Matched listeners(const Subject& subject, MatchBuffer& buffer) const;

  /// Grows with each change: of two tables that came one from the other, equal versions mean the same table.
  [[nodiscard]] std::uint64_t version() const noexcept;
  [[nodiscard]] std::size_t subscription_count() const noexcept;

 private:
  explicit Routes(std::shared_ptr<const detail::RouteTable> table) noexcept : table_{std::move(table)} {}
  std::shared_ptr<const detail::RouteTable> table_;
};

}  // namespace orrery
