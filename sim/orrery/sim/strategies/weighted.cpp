#include "orrery/sim/strategies/weighted.hpp"

#include "orrery/core/mix.hpp"

#include <algorithm>

namespace orrery::sim {

namespace {

std::uint64_t pair_key(const Agent& from, const Agent& to, std::uint32_t ordinal) {
  return mix64((std::uint64_t{from.index} << 32 | to.index) ^ mix64(ordinal + 1));
}

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
  return inner_->choose(point);
}

void Learning::executed(const Op& op) {
  if (inner_->watches()) inner_->executed(op);
  if (last_.size() <= op.agent->index) last_.resize(op.agent->index + 1);
  std::uint32_t& last = last_[op.agent->index];
  if (op.kind == OpKind::deliver) {
    auto& queue = in_channel_[op.agent->index];
    if (!queue.empty()) {
      last = queue.front();
      queue.erase(queue.begin());
    }
  }
  events_.push_back({.sort = stage_of(op), .parent = last});
  last = static_cast<std::uint32_t>(events_.size() - 1);
  if (is_arrival(op)) ++met_[op.object->path_hash][arrives_as(op)];
}

void Learning::sent(const Agent& who, const Agent& from, const Agent& to, std::uint32_t ordinal) {
  if (inner_->watches()) inner_->sent(who, from, to, ordinal);
  messages_[pair_key(from, to, ordinal)] = who.index < last_.size() ? last_[who.index] : 0;
}

void Learning::carried(const Agent& from, const Agent& channel) {
  if (inner_->watches()) inner_->carried(from, channel);
  in_channel_[channel.index].push_back(from.index < last_.size() ? last_[from.index] : 0);
}

void Learning::handles(const Agent& who, const Agent& from, std::uint32_t ordinal) {
  if (inner_->watches()) inner_->handles(who, from, ordinal);
  const auto message = messages_.find(pair_key(from, who, ordinal));
  if (message == messages_.end()) return;
  if (last_.size() <= who.index) last_.resize(who.index + 1);
  last_[who.index] = message->second;
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
