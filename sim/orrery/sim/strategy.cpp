#include "orrery/sim/strategy.hpp"

#include "orrery/core/check.hpp"
#include "orrery/sim/dependence.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace orrery::sim {

namespace {
std::uint64_t scaled(Entropy& entropy, std::uint64_t count) {
  return count == 0 ? entropy.next() : entropy.below(count);
}

std::string_view name_of(DecisionKind kind) {
  switch (kind) {
    case DecisionKind::schedule:
      return "schedule";
    case DecisionKind::draw:
      return "draw";
    case DecisionKind::fault:
      return "fault";
  }
  return "unknown";
}
}  // namespace

std::uint64_t RandomWalk::choose(const Point& point) {
  if (point.kind == DecisionKind::schedule) [[likely]]
    return ++choices_ > fair_after ? schedule_.below(point.count) : schedule(point);
  switch (point.kind) {
    case DecisionKind::schedule:
      break;
    case DecisionKind::fault:
      return scaled(faults_, point.count);
    case DecisionKind::draw: {
      // A stream of its own per (name, counter), so that a rejected draw does not shift the next one.
      Entropy entropy{seed_ ^ mix64(point.counter + 1), point.stream};
      return scaled(entropy, point.count);
    }
  }
  return 0;
}

std::uint64_t RandomWalk::schedule(const Point& point) { return schedule_.below(point.count); }

std::uint64_t Replay::choose_leniently(const Point& point) {
  std::size_t& next = next_of_kind_[static_cast<std::size_t>(point.kind)];
  while (next < decisions_.size() && decisions_[next].kind != point.kind) ++next;
  if (next >= decisions_.size()) return 0;
  const std::uint64_t index = decisions_[next++].index;
  return point.count == 0 ? index : std::min(index, point.count - 1);
}

std::uint64_t Replay::choose(const Point& point) {
  if (mode_ == Mode::lenient) return choose_leniently(point);
  const std::size_t at = next_++;
  if (at < decisions_.size() && decisions_[at].kind == point.kind && decisions_[at].count == point.count) {
    return decisions_[at].index;
  }
  if (!divergence_) {
    divergence_ =
        at >= decisions_.size()
            ? fmt::format("decision {}: the record ends, the program goes on with {} of {} options", at + 1,
                          name_of(point.kind), point.count)
            : fmt::format("decision {}: recorded {} of {} options, the program now offers {} of {}", at + 1,
                          name_of(decisions_[at].kind), decisions_[at].count, name_of(point.kind), point.count);
  }
  return 0;
}

std::optional<std::string> Replay::divergence() const {
  if (divergence_ || mode_ == Mode::lenient) return divergence_;
  if (next_ < decisions_.size()) {
    return fmt::format("the program ends after {} decisions, the record has {}", next_, decisions_.size());
  }
  return std::nullopt;
}

FollowOrder::FollowOrder(const std::vector<std::uint64_t>& order, const Decisions& draws_and_faults)
    : others_{draws_and_faults, Replay::Mode::lenient} {
  position_.reserve(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) position_.emplace_back(order[i], i);
  std::ranges::sort(position_);
}

std::uint64_t FollowOrder::choose(const Point& point) {
  if (point.kind != DecisionKind::schedule || point.enabled == nullptr) {
    return others_.choose(point);
  }
  std::uint64_t best = 0;
  std::size_t best_position = position_.size();
  for (std::uint64_t index = 0; index < point.count; ++index) {
    const std::uint64_t key = key_of(point.enabled->option(index));
    const auto at = std::ranges::lower_bound(position_, key, {}, &std::pair<std::uint64_t, std::size_t>::first);
    if (at == position_.end() || at->first != key || at->second >= best_position) continue;
    best = index;
    best_position = at->second;
  }
  return best;
}

std::uint64_t Exhaustive::choose(const Point& point) {
  ORRERY_CHECK(point.count != 0, "an exhaustive search cannot try all 64-bit draws");
  if (depth_ == path_.size()) path_.push_back({point.kind, point.count, 0});
  ORRERY_CHECK(path_[depth_].count == point.count, "the program is not deterministic: a repeated prefix led elsewhere");
  return path_[depth_++].index;
}

bool Exhaustive::advance() {
  path_.resize(depth_);
  depth_ = 0;
  while (!path_.empty() && path_.back().index + 1 == path_.back().count) path_.pop_back();
  if (path_.empty()) return false;
  ++path_.back().index;
  return true;
}

}  // namespace orrery::sim
