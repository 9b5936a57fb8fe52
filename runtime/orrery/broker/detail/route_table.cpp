#include "orrery/broker/detail/route_table.hpp"

#include "orrery/core/check.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace orrery::detail {
namespace {

template <class T>
void erase_at(std::vector<T>& items, std::size_t index) {
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(index));
}

/// The node that stands where `old` (null: nothing) stood, with `leaf` under the rest of the pattern. Null: nothing.
RouteNodePtr changed(const RouteNode* old, TokenKey key, const Pattern& pattern, std::size_t depth,
                     const RouteLeafPtr& leaf) {
  RouteNode node;
  if (old != nullptr) {
    node = *old;
  } else {
    node.token = key.text;
    node.hash = key.hash;
  }
  if (depth == pattern.size()) {
    node.here = leaf;
  } else if (pattern.token(depth) == ">") {
    node.tail = leaf;
  } else if (pattern.token(depth) == "*") {
    node.any = changed(node.any.get(), {}, pattern, depth + 1, leaf);
  } else {
    const TokenKey next = key_of(pattern, depth);
    std::size_t visited = 0;
    RouteNodePtr child = changed(node.literals.find(next, visited), next, pattern, depth + 1, leaf);
    node.literals = child ? node.literals.with(std::move(child)) : node.literals.without(next);
  }
  if (node.empty()) return nullptr;
  return std::make_shared<const RouteNode>(std::move(node));
}

/// Puts chunk `index` and the one behind it together if that leaves room to grow, so that many removals do not leave
/// many small chunks.
void join(std::vector<std::shared_ptr<const Roster>>& chunks, std::size_t index) {
  if (index + 1 >= chunks.size()) return;
  if (chunks[index]->size() + chunks[index + 1]->size() > RouteLeaf::chunk_size_max / 2) return;
  Roster both = *chunks[index];
  both.append(*chunks[index + 1]);
  chunks[index] = std::make_shared<const Roster>(std::move(both));
  erase_at(chunks, index + 1);
}

RouteLeafPtr finished(RouteLeaf leaf) {
  leaf.pieces.clear();
  leaf.only_piece = {};
  if (leaf.chunks.size() == 1) {
    leaf.only_piece = leaf.chunks.front()->subscribers;
  } else {
    for (const auto& chunk : leaf.chunks) leaf.pieces.emplace_back(chunk->subscribers);
  }
  if (leaf.chunks.empty() && leaf.groups.empty()) return nullptr;
  return std::make_shared<const RouteLeaf>(std::move(leaf));
}

auto find_group(const RouteLeaf& leaf, std::string_view name) {
  return std::ranges::find_if(leaf.groups, [name](const auto& group) { return group->name == name; });
}

}  // namespace

std::size_t Roster::find(std::uint64_t id) const noexcept {
  return static_cast<std::size_t>(std::ranges::find(subscribers, id, &Subscriber::id) - subscribers.begin());
}

void Roster::append(const Subscription& subscription, std::uint64_t sequence) {
  subscribers.push_back(subscription.subscriber);
  sequences.push_back(sequence);
  owners.push_back(subscription.owner);
}

void Roster::append(const Roster& behind) {
  subscribers.insert(subscribers.end(), behind.subscribers.begin(), behind.subscribers.end());
  sequences.insert(sequences.end(), behind.sequences.begin(), behind.sequences.end());
  owners.insert(owners.end(), behind.owners.begin(), behind.owners.end());
}

void Roster::erase(std::size_t index) {
  ORRERY_CHECK(index < size());
  erase_at(subscribers, index);
  erase_at(sequences, index);
  erase_at(owners, index);
}

bool RouteLeaf::contains(std::string_view group, std::uint64_t id) const noexcept {
  if (group.empty()) {
    return std::ranges::any_of(chunks, [id](const auto& chunk) { return chunk->find(id) != chunk->size(); });
  }
  const auto found = find_group(*this, group);
  return found != groups.end() && (*found)->members.find(id) != (*found)->members.size();
}

RouteLeafPtr RouteLeaf::with(const RouteLeaf* leaf, const Subscription& added, std::uint64_t sequence) {
  RouteLeaf next = leaf != nullptr ? *leaf : RouteLeaf{};
  if (added.group.empty()) {
    const bool has_room = !next.chunks.empty() && next.chunks.back()->size() < chunk_size_max;
    Roster last = has_room ? *next.chunks.back() : Roster{};
    last.append(added, sequence);
    if (has_room) next.chunks.pop_back();
    next.chunks.push_back(std::make_shared<const Roster>(std::move(last)));
  } else {
    const auto found = find_group(next, added.group);
    RouteGroup group = found != next.groups.end() ? **found : RouteGroup{std::string{added.group}, {}};
    group.members.append(added, sequence);
    auto made = std::make_shared<const RouteGroup>(std::move(group));
    if (found != next.groups.end()) {
      next.groups[static_cast<std::size_t>(found - next.groups.begin())] = std::move(made);
    } else {
      next.groups.push_back(std::move(made));
    }
  }
  return finished(std::move(next));
}

RouteLeafPtr RouteLeaf::without(const RouteLeaf& leaf, std::string_view group, std::uint64_t id) {
  RouteLeaf next = leaf;
  if (group.empty()) {
    for (std::size_t i = 0; i < next.chunks.size(); ++i) {
      const std::size_t found = next.chunks[i]->find(id);
      if (found == next.chunks[i]->size()) continue;
      Roster rest = *next.chunks[i];
      rest.erase(found);
      if (rest.size() == 0) {
        erase_at(next.chunks, i);
      } else {
        next.chunks[i] = std::make_shared<const Roster>(std::move(rest));
        join(next.chunks, i);
        if (i > 0) join(next.chunks, i - 1);
      }
      break;
    }
  } else if (const auto found = find_group(next, group); found != next.groups.end()) {
    const auto index = static_cast<std::size_t>(found - next.groups.begin());
    RouteGroup rest = *next.groups[index];
    rest.members.erase(rest.members.find(id));
    if (rest.members.size() == 0) {
      erase_at(next.groups, index);
    } else {
      next.groups[index] = std::make_shared<const RouteGroup>(std::move(rest));
    }
  }
  return finished(std::move(next));
}

const RouteLeaf* RouteNode::leaf_of(const Pattern& pattern) const {
  const RouteNode* node = this;
  std::size_t visited = 0;
  for (std::size_t i = 0; node != nullptr && i < pattern.size(); ++i) {
    if (pattern.token(i) == ">") return node->tail.get();
    node = pattern.token(i) == "*" ? node->any.get() : node->literals.find(key_of(pattern, i), visited);
  }
  return node != nullptr ? node->here.get() : nullptr;
}

const RouteNode* RouteTable::root_of(const void* type) const {
  const auto place = places.find(type);
  return place != places.end() ? tries[place->second].root.get() : nullptr;
}

const RouteLeaf* RouteTable::leaf_of(const Pattern& pattern, const void* type) const {
  const RouteNode* const root = root_of(type);
  return root != nullptr ? root->leaf_of(pattern) : nullptr;
}

void RouteTable::set_leaf(const Pattern& pattern, const void* type, const RouteLeafPtr& leaf) {
  RouteNodePtr root = changed(root_of(type), {}, pattern, 0, leaf);
  const auto place = places.find(type);
  if (place == places.end()) {
    if (!root) return;
    places.emplace(type, tries.size());
    tries.push_back({type, std::move(root)});
  } else if (root) {
    tries[place->second].root = std::move(root);
  } else {
    erase_at(tries, place->second);
    places.clear();
    for (std::size_t i = 0; i < tries.size(); ++i) places.emplace(tries[i].type, i);
  }
}

}  // namespace orrery::detail
