#include "orrery/sim/strategies/weighted.hpp"

#include "orrery/core/mix.hpp"

#include <algorithm>

namespace orrery::sim {

namespace {

/// Who arrives at a receiver with this operation, in every run.
std::uint64_t arrives_as(const Op& op) { return op.agent->path_hash; }

/// The first messages of a pair lead to more than the last ones.
std::uint64_t stage_of(const Op& op) {
  constexpr std::uint32_t told_apart = 64;
  const std::uint32_t number = op.kind == OpKind::take     ? op.agent->takes
                               : op.kind == OpKind::resume ? op.agent->resumes
                                                           : op.ordinal;
  return sort_of(op) ^ mix64(std::min(number, told_apart) + 1);
}

bool is_arrival(const Op& op) { return op.kind == OpKind::enqueue || op.kind == OpKind::deliver; }

}  // namespace

std::vector<std::uint64_t> Learned::contended() const {
  std::vector<std::uint64_t> receivers;
  for (const auto& [receiver, senders] : met) {
    if (senders.size() >= 2) receivers.push_back(receiver);
  }
  return receivers;
}

// ---- learning -----------------------------------------------------------------------------------------------------

std::uint64_t Learning::choose(const Point& point) {
  choices_ += point.kind == DecisionKind::schedule ? 1 : 0;
  return Around::choose(point);
}

void Learning::executed(const Op& op) {
  Around::executed(op);
  std::uint32_t& last = last_of(*op.agent);
  if (op.kind == OpKind::deliver) {
    if (const std::uint32_t* const carried = under_way_.next_of(*op.agent)) {
      last = *carried;
      under_way_.deliver(*op.agent);
    }
  }
  events_.push_back({.sort = stage_of(op), .parent = last});
  last = static_cast<std::uint32_t>(events_.size() - 1);
  if (is_arrival(op)) ++met_[op.object->path_hash][arrives_as(op)];
}

void Learning::sent(const Agent& who, const Agent& from, const Agent& to, std::uint32_t ordinal) {
  Around::sent(who, from, to, ordinal);
  under_way_.send(from, to, ordinal, last_of(who));
}

void Learning::carried(const Agent& from, const Agent& channel) {
  Around::carried(from, channel);
  under_way_.carry(channel, last_of(from));
}

void Learning::handles(const Agent& who, const Agent& from, std::uint32_t ordinal) {
  Around::handles(who, from, ordinal);
  if (const std::uint32_t* const sent = under_way_.find(from, who, ordinal)) last_of(who) = *sent;
}

std::uint32_t& Learning::last_of(const Agent& agent) {
  if (last_.size() <= agent.index) last_.resize(agent.index + 1);
  return last_[agent.index];
}

Learning::~Learning() {
  ++learned_.runs;
  learned_.choices_max = std::max(learned_.choices_max, choices_);
  std::vector<std::uint64_t> following(events_.size(), 1);
  for (std::size_t i = events_.size(); i-- > 1;) {  // a parent stands before its children
    following[events_[i].parent] += following[i];
    Learned::Mean& mean = learned_.following[events_[i].sort];
    mean.sum += following[i];
    ++mean.count;
  }
  for (const auto& [receiver, senders] : met_) {
    for (const auto& [sender, count] : senders) {
      Learned::Mean& mean = learned_.met[receiver][sender];
      mean.sum += count;
      ++mean.count;
    }
  }
}

// ---- URW ----------------------------------------------------------------------------------------------------------

std::uint64_t Urw::schedule(const Point& point) {
  constexpr std::uint64_t one_in = 4;
  if (entropy().below(one_in) == 0) return entropy().below(point.count);
  weights_.clear();
  std::uint64_t total = 0;
  for (std::uint64_t index = 0; index < point.count; ++index) {
    const auto at = learned_.following.find(stage_of(point.enabled->option(index)));
    total += at == learned_.following.end() ? 1 : at->second.value();
    weights_.push_back(total);
  }
  const std::uint64_t drawn = entropy().below(total);
  return static_cast<std::uint64_t>(std::ranges::upper_bound(weights_, drawn) - weights_.begin());
}

// ---- SURW ---------------------------------------------------------------------------------------------------------

Surw::Surw(std::uint64_t seed, const Learned& learned) : RandomWalk{seed} {
  const std::vector<std::uint64_t> receivers = learned.contended();
  if (receivers.empty()) return;
  receiver_ = receivers[entropy().below(receivers.size())];
  for (const auto& [sender, mean] : learned.met.at(receiver_)) left_[sender] = mean.value();
  intend();
}

bool Surw::is_selected(const Op& op) const noexcept {
  return receiver_ != 0 && is_arrival(op) && op.object->path_hash == receiver_;
}

void Surw::intend() {
  std::uint64_t total = 0;
  for (const auto& [sender, left] : left_) total += left;
  intended_ = 0;
  if (total == 0) return;
  std::uint64_t drawn = entropy().below(total);
  for (const auto& [sender, left] : left_) {
    if (drawn < left) {
      intended_ = sender;
      return;
    }
    drawn -= left;
  }
}

void Surw::executed(const Op& op) {
  if (!is_selected(op)) return;
  const std::uint64_t sender = arrives_as(op);
  if (const auto left = left_.find(sender); left != left_.end() && left->second > 0) --left->second;
  intend();
}

std::uint64_t Surw::schedule(const Point& point) {
  if (intended_ == 0) return entropy().below(point.count);  // nobody is contended, or all has come that was expected
  candidates_.clear();
  for (std::uint64_t index = 0; index < point.count; ++index) {
    const Op& op = point.enabled->option(index);
    if (!is_selected(op) || arrives_as(op) == intended_) candidates_.push_back(index);
  }
  if (!candidates_.empty()) return candidates_[entropy().below(candidates_.size())];
  // Whoever is intended has nothing to send any more: the expectation was wrong. One of those who wait goes, and what is
  // left of the intended one's share is forgotten.
  if (const auto left = left_.find(intended_); left != left_.end()) left->second = 0;
  return entropy().below(point.count);
}

}  // namespace orrery::sim
