#include "orrery/sim/strategies/follow.hpp"

#include "orrery/actor/envelope.hpp"
#include "orrery/core/mix.hpp"

#include <algorithm>
#include <utility>

namespace orrery::sim {

namespace {

/// Returns: whether an operation of that kind is told from others like it by counting what was done. Of these an agent has
/// at most one at a time. The others carry a count of their own.
bool is_counted(OpKind kind) {
  switch (kind) {
    case OpKind::take:
    case OpKind::resume:
    case OpKind::enqueue:
    case OpKind::deliver:
    case OpKind::signal:
    case OpKind::exit:
    case OpKind::restart:
    case OpKind::name:
      return true;
    case OpKind::reply:
    case OpKind::fire:
    case OpKind::look:
    case OpKind::finish:
      return false;
  }
  return false;
}

/// Returns: the type of the message, or what else it is about.
std::uint64_t detail_of(const Op& op) {
  if (op.kind == OpKind::take || op.kind == OpKind::resume) return 0;  // an earlier operation's stands there
  if (op.kind != OpKind::deliver) return op.detail;
  const Carried* const first = static_cast<const Carrier&>(*op.agent).first;
  const bool is_message = first != nullptr && first->envelope != nullptr;
  return is_message ? first->envelope->operations->message->name_hash : 0;
}

/// Returns: the name without a count.
std::uint64_t family_of(const Op& op) {
  const std::uint64_t what = mix64(detail_of(op) + static_cast<std::uint64_t>(op.kind));
  return mix64(op.agent->path_hash + mix64(op.object->path_hash + what));
}

/// Returns: the index of `op` among the options (E1).
std::uint64_t index_of(const EnabledOps& enabled, const Op& op) {
  const Op& oldest = enabled.option(0);
  if (&op == &oldest) return 0;
  return op.dense < oldest.dense ? op.dense + 1 : op.dense;
}

std::uint64_t key_of_draw(std::uint64_t stream, std::uint64_t counter) { return mix64(stream + mix64(counter)); }

}  // namespace

std::uint64_t OpNames::name(const Op& op) const {
  if (!is_counted(op.kind)) return key_of(op) | 1;
  const std::uint64_t family = family_of(op);
  const auto at = done_.find(family);
  return mix64(family + (at == done_.end() ? 0 : at->second)) | 1;
}

OpLabel OpNames::label(const Op& op) const {
  std::uint32_t number = op.ordinal;
  if (is_counted(op.kind)) {
    const auto at = done_.find(family_of(op));
    number = at == done_.end() ? 0 : at->second;
  }
  return {.kind = op.kind,
          .agent = op.agent->path_hash,
          .object = op.object->path_hash,
          .detail = detail_of(op),
          .number = number + 1};
}

void OpNames::done(const Op& op) {
  if (is_counted(op.kind)) ++done_[family_of(op)];
}

// ---- writing down -----------------------------------------------------------------------------------------------------

std::uint64_t Noting::choose(const Point& point) {
  const std::uint64_t index = Around::choose(point);
  Deviations& deviations = notes_.deviations;
  switch (point.kind) {
    case DecisionKind::draw:
      if (index != 0) deviations.draws.push_back({point.stream, point.counter, index});
      break;
    case DecisionKind::fault:
      if (const std::uint64_t counter = faults_.next(point.stream); index != 0)
        deviations.faults.push_back({point.stream, counter, index});
      break;
    case DecisionKind::schedule: {
      has_chosen_ = true;
      if (index == 0) break;
      const Op& chosen = point.enabled->option(index);
      const std::uint64_t until = names_.name(chosen);
      // Who is passed over several times waits for the last of them, and so for all.
      for (const Op* op = &point.enabled->option(0); op != &chosen; op = op->newer) {
        const std::uint64_t held = names_.name(*op);
        const auto [at, is_new] = place_.try_emplace(held, deviations.held.size());
        if (is_new) deviations.held.push_back({held, until});
        deviations.held[at->second].until = until;
        if (!wants_labels_) continue;
        if (is_new) notes_.labels.emplace_back(names_.label(*op), OpLabel{});
        notes_.labels[at->second].second = names_.label(chosen);
      }
      break;
    }
  }
  return index;
}

void Noting::executed(const Op& op) {
  const Agent& where = op.kind == OpKind::deliver ? *op.object : *op.agent;
  notes_.order.push_back({names_.name(op), where.index, std::exchange(has_chosen_, false)});
  names_.done(op);
  Around::executed(op);
}

void Noting::hurried(const Op& op) {
  notes_.order.push_back({names_.name(op), op.agent->index, false});
  ++notes_.hurried;
  names_.done(op);
  Around::hurried(op);
}

void Noting::handles(const Agent& who, const Agent& from, std::uint32_t ordinal) {
  if (last_handler_ != nullptr && last_handler_ != &who) ++notes_.switches;
  last_handler_ = &who;
  Around::handles(who, from, ordinal);
}

// ---- following --------------------------------------------------------------------------------------------------------

ByName::ByName(const std::vector<Deviations::Drawn>& draws, const std::vector<Deviations::Drawn>& faults) {
  for (const auto& [stream, counter, value] : draws) draws_.emplace(key_of_draw(stream, counter), Draw{value});
  for (const auto& [stream, counter, value] : faults) faults_.emplace(key_of_draw(stream, counter), Draw{value});
}

bool ByName::was_drawn(const Deviations::Drawn& drawn) const {
  const auto at = draws_.find(key_of_draw(drawn.stream, drawn.counter));
  return at != draws_.end() && at->second.used;
}

bool ByName::was_asked(const Deviations::Drawn& fault) const {
  const auto at = faults_.find(key_of_draw(fault.stream, fault.counter));
  return at != faults_.end() && at->second.used;
}

std::uint64_t ByName::choose(const Point& point) {
  std::uint64_t value = 0;
  switch (point.kind) {
    case DecisionKind::schedule:
      return schedule(point);
    case DecisionKind::draw: {
      const auto at = draws_.find(key_of_draw(point.stream, point.counter));
      if (at == draws_.end()) break;
      value = at->second.value;
      at->second.used = true;
      break;
    }
    case DecisionKind::fault: {
      const auto at = faults_.find(key_of_draw(point.stream, counts_.next(point.stream)));
      if (at == faults_.end()) break;
      value = at->second.value;
      at->second.used = true;
      break;
    }
  }
  return point.count == 0 ? value : std::min(value, point.count - 1);
}

FollowScript::FollowScript(const std::vector<std::uint64_t>& order, const std::vector<Deviations::Drawn>& draws,
                           const std::vector<Deviations::Drawn>& faults, AtOnce at_once)
    : ByName{draws, faults}, at_once_{at_once} {
  place_.reserve(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) place_.emplace(order[i], i);
}

std::uint64_t FollowScript::schedule(const Point& point) {
  const Op* best = &point.enabled->option(0);
  std::size_t best_place = place_.size();
  for (const Op* op = best; op != nullptr; op = op->newer) {
    const auto at = place_.find(names_.name(*op));
    if (at != place_.end() && at->second < best_place) {
      best = op;
      best_place = at->second;
    } else if (at == place_.end() &&
               ((at_once_.sends && op->kind == OpKind::enqueue) || (at_once_.replies && op->kind == OpKind::reply))) {
      best = op;
      break;
    }
  }
  return index_of(*point.enabled, *best);
}

FollowDeviations::FollowDeviations(const Deviations& deviations, Lost* lost)
    : ByName{deviations.draws, deviations.faults}, deviations_{deviations}, lost_{lost} {
  seen_.resize(deviations.held.size());
  for (std::size_t i = 0; i < deviations.held.size(); ++i) {
    held_[deviations.held[i].op].push_back(i);
    awaited_.insert(deviations.held[i].until);
  }
}

FollowDeviations::~FollowDeviations() {
  if (lost_ == nullptr) return;
  *lost_ = {};
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    if (!seen_[i] || awaited_.contains(deviations_.held[i].until)) lost_->held.push_back(i);
  }
  for (std::size_t i = 0; i < deviations_.draws.size(); ++i) {
    if (!was_drawn(deviations_.draws[i])) lost_->draws.push_back(i);
  }
  for (std::size_t i = 0; i < deviations_.faults.size(); ++i) {
    if (!was_asked(deviations_.faults[i])) lost_->faults.push_back(i);
  }
}

void FollowDeviations::note_done(const Op& op) {
  const std::uint64_t name = names_.name(op);
  names_.done(op);
  awaited_.erase(name);
  if (const auto at = held_.find(name); at != held_.end()) {
    for (const std::size_t place : at->second) seen_[place] = true;
  }
}

bool FollowDeviations::must_wait(std::uint64_t name) {
  const auto at = held_.find(name);
  if (at == held_.end()) return false;
  bool waits = false;
  for (const std::size_t place : at->second) {
    seen_[place] = true;
    waits = waits || awaited_.contains(deviations_.held[place].until);
  }
  return waits;
}

std::uint64_t FollowDeviations::schedule(const Point& point) {
  for (const Op* op = &point.enabled->option(0); op != nullptr; op = op->newer) {
    if (!must_wait(names_.name(*op))) return index_of(*point.enabled, *op);
  }
  return 0;
}

}  // namespace orrery::sim
