#include "orrery/sim/strategies/priority.hpp"

#include "orrery/core/mix.hpp"

#include <algorithm>
#include <utility>

namespace orrery::sim {

namespace {

/// Priorities that were drawn lie above all that come from a demotion.
constexpr std::uint64_t drawn = std::uint64_t{1} << 63;

/// Grows `items` so that `index` is in it.
template <class T>
T& at(std::vector<T>& items, std::size_t index) {
  if (items.size() <= index) items.resize(std::max<std::size_t>(index + 1, 2 * items.size()));
  return items[index];
}

/// Returns: the option with the highest value of `priority(op)`; among equals the first.
template <class Priority>
std::uint64_t highest(const Point& point, const Priority& priority) {
  std::uint64_t best = 0;
  std::uint64_t most = priority(point.enabled->option(0));
  for (std::uint64_t index = 1; index < point.count; ++index) {
    const std::uint64_t value = priority(point.enabled->option(index));
    if (value <= most) continue;
    most = value;
    best = index;
  }
  return best;
}

}  // namespace

// ---- change points ------------------------------------------------------------------------------------------------

ChangePoints::ChangePoints(Entropy& entropy, std::uint64_t count, std::uint64_t steps) {
  for (std::uint64_t i = 0; i < count && steps > 0; ++i) at_.push_back({.step = entropy.below(steps), .number = i + 1});
  std::ranges::sort(at_, {}, [](const Change& change) { return std::pair{change.step, change.number}; });
  const auto [first, last] = std::ranges::unique(at_, {}, &Change::step);
  at_.erase(first, last);
}

bool ChangePoints::step() noexcept {
  if (passed_ == at_.size() || at_[passed_].step != steps_++) return false;
  ++passed_;
  return true;
}

// ---- PCT ----------------------------------------------------------------------------------------------------------

Pct::Pct(std::uint64_t seed, std::uint64_t depth, std::uint64_t choices)
    : RandomWalk{seed}, changes_{entropy(), depth - 1, choices} {}

std::uint64_t& Pct::priority_of(const Op& op) {
  std::uint64_t& priority = at(priority_, owner_of(op));
  if (priority == 0) priority = entropy().next() | drawn;
  return priority;
}

std::uint64_t Pct::schedule(const Point& point) {
  const auto by_actor = [&](const Op& op) { return priority_of(op); };
  std::uint64_t best = highest(point, by_actor);
  if (changes_.step()) {
    priority_of(point.enabled->option(best)) = drawn - changes_.number();
    best = highest(point, by_actor);
  }
  // Of what that actor may do (its channels, a timer), anything.
  const std::uint32_t who = owner_of(point.enabled->option(best));
  std::uint64_t alike = 0;
  for (std::uint64_t index = 0; index < point.count; ++index) alike += owner_of(point.enabled->option(index)) == who;
  if (alike == 1) return best;
  std::uint64_t chosen = entropy().below(alike);
  for (std::uint64_t index = 0; index < point.count; ++index) {
    if (owner_of(point.enabled->option(index)) == who && chosen-- == 0) return index;
  }
  return best;
}

// ---- PCTCP --------------------------------------------------------------------------------------------------------

Pctcp::Pctcp(std::uint64_t seed, std::uint64_t depth, std::uint64_t choices)
    : RandomWalk{seed}, changes_{entropy(), depth - 1, choices} {}

Pctcp::Cause& Pctcp::cause_of(std::uint32_t agent) { return at(causes_, agent); }

/// An operation follows what its agent did last: it joins that chain if nothing else has, or opens one of its own.
std::uint32_t Pctcp::chain_of(const Op& op) {
  std::uint32_t& chain = at(chain_by_serial_, op.serial);
  if (chain != 0) return chain;
  Cause cause = cause_of(op.agent->index);
  if (op.kind == OpKind::deliver) {
    if (const Cause* const carried = under_way_.next_of(*op.agent)) cause = *carried;
  }
  if (cause.chain != 0 && chains_[cause.chain].tail == cause.event) {
    chain = cause.chain;
    chains_[chain].tail = 0;  // taken: who comes second opens another
  } else {
    chain = static_cast<std::uint32_t>(chains_.size());
    chains_.push_back({.priority = entropy().next() | drawn, .tail = 0});
  }
  return chain;
}

std::uint64_t Pctcp::schedule(const Point& point) {
  const auto by_chain = [&](const Op& op) { return chains_[chain_of(op)].priority; };
  std::uint64_t best = highest(point, by_chain);
  if (!changes_.step()) return best;
  chains_[chain_of(point.enabled->option(best))].priority = drawn - changes_.number();
  return highest(point, by_chain);
}

void Pctcp::executed(const Op& op) {
  const std::uint32_t chain = chain_of(op);
  chains_[chain].tail = ++events_;
  cause_of(op.agent->index) = {chain, events_};
  if (op.kind == OpKind::deliver && under_way_.next_of(*op.agent) != nullptr) under_way_.deliver(*op.agent);
}

void Pctcp::carried(const Agent& from, const Agent& channel) { under_way_.carry(channel, cause_of(from.index)); }

void Pctcp::sent(const Agent& who, const Agent& from, const Agent& to, std::uint32_t ordinal) {
  under_way_.send(from, to, ordinal, cause_of(who.index));
}

void Pctcp::handles(const Agent& who, const Agent& from, std::uint32_t ordinal) {
  if (const Cause* const sent = under_way_.find(from, who, ordinal)) cause_of(who.index) = *sent;
}

// ---- POS ----------------------------------------------------------------------------------------------------------

std::uint64_t Pos::schedule(const Point& point) {
  const std::uint64_t best = highest(point, [&](const Op& op) {
    std::uint64_t& priority = at(priority_, op.serial);
    if (priority == 0) priority = entropy().next() | 1;
    return priority;
  });
  Access chosen = access_of(point.enabled->option(best));
  chosen.is_watched = false;  // else every operation of a program with invariants would be drawn again at each step
  for (std::uint64_t index = 0; index < point.count; ++index) {
    const Op& other = point.enabled->option(index);
    if (index != best && conflict(chosen, access_of(other))) priority_[other.serial] = 0;
  }
  return best;
}

// ---- delays -------------------------------------------------------------------------------------------------------

Delays::Delays(std::uint64_t seed, std::uint64_t delays, std::uint64_t choices)
    : RandomWalk{seed}, changes_{entropy(), delays, choices} {}

std::uint64_t Delays::schedule(const Point& point) {
  const auto age_of = [&](const Op& op) -> std::uint64_t {
    const auto one = std::ranges::find(delayed_, op.serial, &std::pair<std::uint32_t, std::uint64_t>::first);
    return one == delayed_.end() ? std::uint64_t{op.serial} << 32 : one->second;
  };
  const auto oldest = [&] { return highest(point, [&](const Op& op) { return ~age_of(op); }); };
  const std::uint64_t first = oldest();
  if (!changes_.step()) return first;
  std::uint32_t newest = 0;
  for (std::uint64_t index = 0; index < point.count; ++index)
    newest = std::max(newest, point.enabled->option(index).serial);
  const std::uint32_t serial = point.enabled->option(first).serial;
  std::erase_if(delayed_, [&](const auto& one) { return one.first == serial; });
  delayed_.emplace_back(serial, (std::uint64_t{newest} << 32) + changes_.passed());
  return oldest();
}

// ---- sticky -------------------------------------------------------------------------------------------------------

std::uint64_t Sticky::schedule(const Point& point) {
  std::uint64_t chosen = point.count;
  if (last_ != no_agent && entropy().below(turns_) != 0) {
    for (std::uint64_t index = 0; index < point.count && chosen == point.count; ++index) {
      if (owner_of(point.enabled->option(index)) == last_) chosen = index;
    }
  }
  if (chosen == point.count) chosen = entropy().below(point.count);
  last_ = owner_of(point.enabled->option(chosen));
  return chosen;
}

}  // namespace orrery::sim
