#include "orrery/broker/routes.hpp"

#include "orrery/broker/detail/route_table.hpp"
#include "orrery/core/check.hpp"
#include "orrery/core/mix.hpp"

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

namespace orrery {

using detail::RouteGroup;
using detail::RouteLeaf;
using detail::RouteNode;
using detail::RouteTable;

MatchBuffer::MatchBuffer() {
  constexpr std::size_t leaves_at_first = 16;  // so that a match that needs nothing else does not allocate at all
  leaves_.reserve(leaves_at_first);
}

void MatchBuffer::begin() {
  leaves_.clear();
  visited_ = 0;
  is_of_table_ = true;
  draws_that_matter_ = 1;
}

/// `root` is null for a type that nobody subscribed to.
void MatchBuffer::find_leaves(const RouteNode* root, const Subject& subject) {
  begin();
  if (root != nullptr) walk(*root, subject, 0);
}

void MatchBuffer::walk(const RouteNode& node, const Subject& subject, std::size_t depth) {
  ++visited_;
  if (depth == subject.size()) {
    if (node.here) leaves_.push_back(node.here.get());
    return;
  }
  if (node.tail) leaves_.push_back(node.tail.get());
  const RouteNode* const next = node.literals.find(detail::key_of(subject, depth), visited_);
  if (next != nullptr) walk(*next, subject, depth + 1);
  if (node.any) walk(*node.any, subject, depth + 1);
}

void MatchBuffer::add(const detail::Roster& roster) {
  runs_.push_back({roster.subscribers.data(), roster.sequences.data(), roster.size(), false});
}

/// Whether this round has not asked for `id` yet.
bool MatchBuffer::is_first(std::uint64_t id) {
  const std::size_t mask = seen_.size() - 1;
  for (std::size_t i = mix64(id) & mask;; i = (i + 1) & mask) {
    if (seen_[i].round != round_) {
      seen_[i] = {id, round_};
      return true;
    }
    if (seen_[i].id == id) return false;
  }
}

/// Empties `runs_` into `emit`, one subscriber at a time in the order of subscription.
template <class Emit>
void MatchBuffer::merge(bool has_repetitions, Emit emit) {
  if (has_repetitions) {
    std::size_t total = 0;
    for (const Run& run : runs_) total += run.left;
    const std::size_t room = std::bit_ceil(2 * total + 1);  // never full, so is_first() ends
    if (seen_.size() < room) seen_.assign(room, {});
    ++round_;  // from 1: round 0 is that of entries never used
  }
  const auto is_later = [](const Run& a, const Run& b) { return *a.sequences > *b.sequences; };
  std::ranges::make_heap(runs_, is_later);
  while (!runs_.empty()) {
    std::ranges::pop_heap(runs_, is_later);
    Run run = runs_.back();
    runs_.pop_back();
    // Chunks of one pattern follow each other, so mostly the same run goes on.
    while (run.left != 0 && (runs_.empty() || *run.sequences < *runs_.front().sequences)) {
      if (!has_repetitions || run.is_choice || is_first(run.subscribers->id)) {
        emit(Run{run.subscribers, run.sequences, 1, run.is_choice});
      }
      ++run.subscribers;
      ++run.sequences;
      --run.left;
    }
    if (run.left == 0) continue;
    runs_.push_back(run);
    std::ranges::push_heap(runs_, is_later);
  }
}

/// Adds one member of a queue group, whose members under each pattern that matches are `group`, to the choices.
void MatchBuffer::choose_member(std::span<const RouteGroup* const> group, std::uint64_t draw) {
  if (group.size() == 1) {
    const detail::Roster& members = group.front()->members;
    draws_that_matter_ = draws_that_matter_ == 1 ? members.size() : 0;
    const std::size_t index = draw % members.size();
    choices_.push_back({&members.subscribers[index], &members.sequences[index], 1, true});
    return;
  }
  members_.clear();
  for (const RouteGroup* const part : group) add(part->members);
  merge(true, [this](const Run& member) { members_.push_back(member); });
  draws_that_matter_ = draws_that_matter_ == 1 ? members_.size() : 0;
  Run choice = members_[draw % members_.size()];
  choice.is_choice = true;
  choices_.push_back(choice);
}

void MatchBuffer::choose_members(std::uint64_t draw) {
  groups_.clear();
  choices_.clear();
  for (const RouteLeaf* const leaf : leaves_) {
    for (const auto& group : leaf->groups) groups_.push_back(group.get());
  }
  const auto name = [](const RouteGroup* group) -> std::string_view { return group->name; };
  std::ranges::sort(groups_, {}, name);
  for (std::size_t begin = 0; begin < groups_.size();) {
    std::size_t end = begin + 1;
    while (end < groups_.size() && groups_[end]->name == groups_[begin]->name) ++end;
    choose_member(std::span{groups_}.subspan(begin, end - begin), draw);
    begin = end;
  }
}

Matched MatchBuffer::merged(bool has_repetitions) {
  is_of_table_ = false;
  result_.clear();
  merge(has_repetitions, [this](const Run& one) { result_.push_back(*one.subscribers); });
  piece_ = result_;
  return result_.empty() ? Matched{} : Matched{&piece_, 1};
}

Routes::Routes() : table_{std::make_shared<const RouteTable>()} {}

bool Routes::contains(const Pattern& pattern, const Subscription& subscription) const {
  const RouteLeaf* const leaf = table_->leaf_of(pattern, subscription.type);
  return leaf != nullptr && leaf->contains(subscription.group, subscription.subscriber.id);
}

Routes Routes::with(const Pattern& pattern, const Subscription& subscription) const {
  ORRERY_CHECK(pattern.size() > 0);
  if (contains(pattern, subscription)) return *this;
  auto next = std::make_shared<RouteTable>(*table_);
  const RouteLeaf* const leaf = table_->leaf_of(pattern, subscription.type);
  next->set_leaf(pattern, subscription.type, RouteLeaf::with(leaf, subscription, next->sequence++));
  ++next->version;
  ++next->subscription_count;
  return Routes{std::move(next)};
}

Routes Routes::without(const Pattern& pattern, const Subscription& subscription) const {
  if (!contains(pattern, subscription)) return *this;
  auto next = std::make_shared<RouteTable>(*table_);
  const RouteLeaf& leaf = *table_->leaf_of(pattern, subscription.type);
  next->set_leaf(pattern, subscription.type, RouteLeaf::without(leaf, subscription.group, subscription.subscriber.id));
  ++next->version;
  --next->subscription_count;
  return Routes{std::move(next)};
}

Matched Routes::match(const Subject& subject, const void* type, std::uint64_t draw, MatchBuffer& buffer) const {
  buffer.find_leaves(table_->root_of(type), subject);
  if (buffer.leaves_.empty()) return {};
  const bool is_only_one = buffer.leaves_.size() == 1;
  if (is_only_one && buffer.leaves_.front()->groups.empty()) return buffer.leaves_.front()->plain();
  buffer.choose_members(draw);
  for (const RouteLeaf* const leaf : buffer.leaves_) {
    for (const auto& chunk : leaf->chunks) buffer.add(*chunk);
  }
  buffer.runs_.insert(buffer.runs_.end(), buffer.choices_.begin(), buffer.choices_.end());
  return buffer.merged(!is_only_one);  // within one leaf no plain subscriber is there twice
}

/// Everybody under the patterns that match, chosen or not.
Matched MatchBuffer::all_of_leaves() {
  for (const RouteLeaf* const leaf : leaves_) {
    for (const auto& chunk : leaf->chunks) add(*chunk);
    for (const auto& group : leaf->groups) add(group->members);
  }
  return merged(true);
}

Matched Routes::listeners(const Subject& subject, MatchBuffer& buffer) const {
  buffer.begin();
  for (const RouteTable::Trie& trie : table_->tries) buffer.walk(*trie.root, subject, 0);
  return buffer.all_of_leaves();
}

Matched Routes::listeners(const Subject& subject, const void* type, MatchBuffer& buffer) const {
  buffer.find_leaves(table_->root_of(type), subject);
  return buffer.all_of_leaves();
}

Matched Routes::members(const Subject& subject, const void* type, std::string_view group, MatchBuffer& buffer) const {
  buffer.find_leaves(table_->root_of(type), subject);
  for (const RouteLeaf* const leaf : buffer.leaves_) {
    for (const auto& one : leaf->groups) {
      if (one->name == group) buffer.add(one->members);
    }
  }
  return buffer.merged(true);
}

std::uint64_t Routes::version() const noexcept { return table_->version; }
std::size_t Routes::subscription_count() const noexcept { return table_->subscription_count; }

}  // namespace orrery
