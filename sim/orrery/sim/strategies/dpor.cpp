#include "orrery/sim/strategies/dpor.hpp"

#include "orrery/core/check.hpp"
#include "orrery/core/mix.hpp"

#include <algorithm>

namespace orrery::sim {

namespace {

bool contains(const std::vector<Access>& accesses, std::uint64_t agent) {
  return std::ranges::find(accesses, agent, &Access::agent) != accesses.end();
}

}  // namespace

// ---- clocks -------------------------------------------------------------------------------------------------------

std::uint32_t Dpor::number_of(std::uint64_t agent) {
  return numbers_.try_emplace(agent, static_cast<std::uint32_t>(numbers_.size())).first->second;
}

void Dpor::join(Clock& into, const Clock& other) {
  if (into.size() < other.size()) into.resize(other.size());
  for (std::size_t i = 0; i < other.size(); ++i) into[i] = std::max(into[i], other[i]);
}

bool Dpor::is_before(const Event& event, const Clock& clock) noexcept {
  return event.number < clock.size() && event.clock[event.number] <= clock[event.number];
}

const Dpor::Clock& Dpor::clock_now(const Agent& who) { return is_firing_ ? events_.back().clock : clock_of(who.index); }

Dpor::Clock Dpor::find_races(const Access& access, Clock base, std::vector<std::size_t>& races) const {
  for (std::size_t i = events_.size(); i-- > 0;) {
    const Event& event = events_[i];
    if (is_before(event, base) || !dependent(event.access, access)) continue;
    if (event.access.agent != access.agent) races.push_back(i);
    join(base, event.clock);
  }
  return base;
}

// ---- the search ---------------------------------------------------------------------------------------------------

void Dpor::reverse(std::size_t first) {
  const Event& earlier = events_[first];
  if (earlier.node == no_node) return;  // nothing else was enabled
  // What happens after `first` and does not follow from it, and then the last event: what of it can come at once?
  std::vector<std::uint64_t> initials;
  for (std::size_t i = first + 1; i < events_.size(); ++i) {
    const Event& event = events_[i];
    const bool is_last = i + 1 == events_.size();
    if (!is_last && is_before(earlier, event.clock)) continue;
    bool follows = false;
    for (std::size_t k = first + 1; k < i && !follows; ++k) {
      follows = !is_before(earlier, events_[k].clock) && is_before(events_[k], event.clock);
    }
    if (!follows) initials.push_back(event.access.agent);
  }
  Node& node = nodes_[earlier.node];
  const auto is_noted = [&](std::uint64_t agent) {
    return std::ranges::find(node.to_explore, agent) != node.to_explore.end();
  };
  if (std::ranges::any_of(initials, is_noted)) return;
  for (const std::uint64_t agent : initials) {
    if (!contains(node.enabled, agent)) continue;
    node.to_explore.push_back(agent);
    return;
  }
  // Nobody could come at once, by what is known here: then everybody is tried.
  for (const Access& access : node.enabled) {
    if (!is_noted(access.agent)) node.to_explore.push_back(access.agent);
  }
}

std::uint64_t Dpor::choose(const Point& point) {
  if (point.kind == DecisionKind::schedule) return choose_operation(point);
  ORRERY_CHECK(point.count != 0, "an exhaustive search cannot try all 64-bit draws");
  if (depth_ == nodes_.size()) {
    Node node;
    node.kind = point.kind;
    node.count = point.count;
    nodes_.push_back(std::move(node));
  }
  const Node& node = nodes_[depth_++];
  ORRERY_CHECK(node.kind == point.kind && node.count == point.count,
               "the program is not deterministic: a repeated prefix led elsewhere");
  return node.index;
}

std::uint64_t Dpor::choose_operation(const Point& point) {
  if (gives_up_) return 0;
  node_ = depth_;
  if (depth_ == nodes_.size()) {
    Node node;
    node.count = point.count;
    for (std::uint64_t index = 0; index < point.count; ++index)
      node.enabled.push_back(access_of(point.enabled->option(index)));
    node.sleeping = sleeping_;
    const auto awake =
        std::ranges::find_if(node.enabled, [&](const Access& one) { return !contains(node.sleeping, one.agent); });
    gives_up_ = awake == node.enabled.end();
    if (gives_up_) return 0;
    node.chosen = awake->agent;
    node.to_explore.push_back(node.chosen);
    nodes_.push_back(std::move(node));
  }
  const Node& node = nodes_[depth_++];
  ORRERY_CHECK(node.kind == DecisionKind::schedule && node.count == point.count,
               "the program is not deterministic: a repeated prefix led elsewhere");
  sleeping_ = node.sleeping;
  sleeping_.insert(sleeping_.end(), node.explored.begin(), node.explored.end());
  for (std::uint64_t index = 0; index < point.count; ++index) {
    if (access_of(point.enabled->option(index)).agent == node.chosen) return index;
  }
  ORRERY_CHECK(false, "the program is not deterministic: a repeated prefix led elsewhere");
  return 0;
}

bool Dpor::advance() {
  if (!gives_up_) nodes_.resize(depth_);
  for (; !nodes_.empty(); nodes_.pop_back()) {
    Node& node = nodes_.back();
    if (node.kind != DecisionKind::schedule) {
      if (++node.index < node.count) break;
      continue;
    }
    node.explored.push_back(*std::ranges::find(node.enabled, node.chosen, &Access::agent));
    const auto next = std::ranges::find_if(node.to_explore, [&](std::uint64_t agent) {
      return !contains(node.explored, agent) && !contains(node.sleeping, agent);
    });
    if (next == node.to_explore.end()) continue;
    node.chosen = *next;
    break;
  }
  depth_ = 0;
  gives_up_ = is_firing_ = false;
  node_ = no_node;
  sleeping_.clear();
  events_.clear();
  everything_.clear();
  numbers_.clear();
  clocks_.clear();
  under_way_ = {};
  return !nodes_.empty();
}

void Dpor::cut_short() {
  const auto last =
      std::ranges::find_if(events_.rbegin(), events_.rend(), [](const Event& event) { return event.node != no_node; });
  if (last == events_.rend()) return;
  Node& node = nodes_[last->node];
  for (Access& access : node.enabled) {
    if (access.agent == node.chosen) access.aspect = Aspect::all;  // whatever comes first may prevent it
    if (std::ranges::find(node.to_explore, access.agent) == node.to_explore.end())
      node.to_explore.push_back(access.agent);
  }
}

// ---- what happens in a run ----------------------------------------------------------------------------------------

void Dpor::executed(const Op& op) {
  const Access access = access_of(op);
  const std::size_t node = std::exchange(node_, no_node);
  if (gives_up_) return;
  if (contains(sleeping_, access.agent)) {  // the only one that is enabled, and it sleeps
    gives_up_ = true;
    return;
  }
  std::erase_if(sleeping_, [&](const Access& one) { return dependent(one, access); });

  const std::vector<std::size_t> races = append(op, access);
  events_.back().node = node;
  if (op.kind == OpKind::deliver && under_way_.next_of(*op.agent) != nullptr) under_way_.deliver(*op.agent);
  join(everything_, events_.back().clock);
  clock_of(access.agent) = events_.back().clock;
  is_firing_ = op.kind == OpKind::fire;
  for (const std::size_t race : races) reverse(race);
}

std::vector<std::size_t> Dpor::append(const Op& op, const Access& access) {
  Clock base = clock_of(access.agent);
  if (op.kind == OpKind::deliver) {
    if (const Clock* const carried = under_way_.next_of(*op.agent)) join(base, *carried);
  }
  std::vector<std::size_t> races;
  Event event{.access = access, .number = number_of(access.agent), .node = no_node, .clock = {}};
  event.clock = find_races(access, std::move(base), races);
  if (event.clock.size() <= event.number) event.clock.resize(event.number + 1);
  ++event.clock[event.number];
  events_.push_back(std::move(event));
  return races;
}

void Dpor::sent(const Agent& who, const Agent& from, const Agent& to, std::uint32_t ordinal) {
  under_way_.send(from, to, ordinal, clock_now(who));
}

void Dpor::carried(const Agent& from, const Agent& channel) { under_way_.carry(channel, clock_now(from)); }

void Dpor::handles(const Agent& who, const Agent& from, std::uint32_t ordinal) {
  if (const Clock* const sent = under_way_.find(from, who, ordinal)) join(clock_of(who.index), *sent);
}

void Dpor::wakes(const Agent& by, const Agent& who) {
  const Clock clock = clock_now(by);
  join(clock_of(who.index), clock);
}

void Dpor::spawned(const Agent& child, const Agent& parent) {
  const Clock clock = clock_now(parent);
  join(clock_of(child.index), clock);
}

/// Time has moved on, because nothing else was enabled: everything comes before.
void Dpor::released(const Op& op) { clock_of(access_of(op).agent) = everything_; }

/// It was enabled and will not be: whatever has withdrawn it could have come later.
void Dpor::withdrawn(const Op& op) { miss(op, access_of(op)); }

/// Whatever has ended the run, or has led there, could have come after it. Then its agent would have gone on, and what
/// that would have met is not known.
void Dpor::cut_off(const Op& op) {
  Access access = access_of(op);
  access.aspect = Aspect::all;
  miss(op, access);
}

void Dpor::miss(const Op& op, const Access& access) {
  if (gives_up_) return;
  for (const std::size_t race : append(op, access)) reverse(race);
  events_.pop_back();
}

}  // namespace orrery::sim
