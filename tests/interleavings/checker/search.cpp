#include "tests/interleavings/checker/search.hpp"

#include <algorithm>
#include <bit>

namespace orrery::interleave {

namespace {
constexpr char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr unsigned bit(unsigned thread) noexcept { return 1U << thread; }
unsigned lowest(unsigned set) noexcept { return static_cast<unsigned>(std::countr_zero(set)); }
}  // namespace

bool conflict(const Operation& a, const Operation& b) noexcept {
  if (a.effect == Effect::everywhere || b.effect == Effect::everywhere) return true;
  if ((a.fence && b.sc) || (b.fence && a.sc)) return true;
  if (a.location != b.location || a.effect == Effect::none || b.effect == Effect::none) return false;
  // The later of two sequentially consistent loads may not read what is older than the earlier one's.
  if (a.effect == Effect::read && b.effect == Effect::read) return a.sc && b.sc;
  return true;
}

void Search::begin_execution() {
  at_ = 0;
  steps_.clear();
  for (Clock& clock : known_) clock = {};
  last_node_ = no_node;
  asleep_ = preemptions_ = stale_ = 0;
  if (mode_.kind != Mode::random) return;
  nodes_.clear();
  for (unsigned i = 0; i < threads_max; ++i) priorities_[i] = threads_max + i;
  for (unsigned i = threads_max; i > 1; --i) std::swap(priorities_[i - 1], priorities_[random_.below(i)]);
  change_at_.clear();
  const auto changes = random_.below(4);
  for (std::uint64_t i = 0; i < changes; ++i) change_at_.push_back(random_.below(longest_));
}

unsigned Search::allowed(const Node& node) const noexcept {
  if (mode_.kind == Mode::all) return node.wanted & node.enabled & ~node.asleep;
  unsigned set = 0;
  for (unsigned i = 0; i < threads_max; ++i) {
    if ((node.enabled & bit(i)) == 0) continue;
    if (node.preemptions_before + costs_preemption(node, i) <= mode_.preemptions) set |= bit(i);
  }
  return set;
}

unsigned Search::first_choice(const Node& node) {
  if (mode_.kind == Mode::random) {
    if (std::ranges::find(change_at_, steps_.size()) != change_at_.end() && node.current != nobody) {
      priorities_[node.current] = static_cast<unsigned>(change_at_.size() % threads_max);
    }
    unsigned best = nobody;
    for (unsigned i = 0; i < threads_max; ++i) {
      if ((node.enabled & bit(i)) != 0 && (best == nobody || priorities_[i] > priorities_[best])) best = i;
    }
    return best;
  }
  const unsigned awake = node.enabled & ~node.asleep;
  return node.current != nobody && (awake & bit(node.current)) != 0 ? node.current : lowest(awake);
}

unsigned Search::pick_thread(unsigned enabled, unsigned current, const Operation* next) {
  if ((enabled & ~asleep_) == 0) return nobody;  // whatever happens from here on happened elsewhere
  if (std::has_single_bit(enabled)) {
    const unsigned only = lowest(enabled);
    last_node_ = no_node;
    fall_asleep(asleep_, only, next);
    return only;
  }
  if (at_ == nodes_.size()) {
    Node node;
    node.is_thread = true;
    node.enabled = enabled;
    node.asleep = asleep_;
    node.current = current;
    node.preemptions_before = preemptions_;
    if (mode_.kind == Mode::replay) {
      const char digit = at_ < mode_.choices.size() ? mode_.choices[at_] : '!';
      node.chosen = static_cast<unsigned>(std::find(digits, digits + 36, digit) - digits);
      if (node.chosen >= threads_max || (enabled & bit(node.chosen)) == 0) {
        diverged_ = true;
        return nobody;
      }
    } else {
      node.chosen = first_choice(node);
    }
    node.wanted = bit(node.chosen);
    nodes_.push_back(node);
  }
  Node& node = nodes_[at_];
  if (!node.is_thread || node.enabled != enabled) {
    diverged_ = true;
    return nobody;
  }
  last_node_ = at_++;
  if (costs_preemption(node, node.chosen)) ++preemptions_;
  const unsigned chosen = node.chosen;
  if (mode_.kind == Mode::all) fall_asleep(node.asleep | node.done, chosen, next);
  return chosen;
}

void Search::fall_asleep(unsigned candidates, unsigned chosen, const Operation* next) {
  asleep_ = 0;
  for (unsigned rest = candidates & ~bit(chosen); rest != 0; rest &= rest - 1) {
    const unsigned thread = lowest(rest);
    if (!conflict(next[thread], next[chosen])) asleep_ |= bit(thread);
  }
}

unsigned Search::pick_value(unsigned count) {
  if (count <= 1) return 0;
  if (at_ == nodes_.size()) {
    Node node;
    node.count = count;
    node.limit = std::min(count, 36U);
    if (mode_.kind == Mode::bounded && stale_ >= mode_.stale_reads) node.limit = 1;
    if (mode_.kind == Mode::random && random_.below(4) == 0) node.chosen = static_cast<unsigned>(random_.below(count));
    if (mode_.kind == Mode::replay) {
      const char digit = at_ < mode_.choices.size() ? mode_.choices[at_] : '!';
      node.chosen = static_cast<unsigned>(std::find(digits, digits + 36, digit) - digits);
      if (node.chosen >= count) {
        diverged_ = true;
        node.chosen = 0;
      }
    }
    nodes_.push_back(node);
  }
  const Node& node = nodes_[at_];
  if (node.is_thread || node.count != count) {
    diverged_ = true;
    return 0;
  }
  ++at_;
  if (node.chosen != 0) ++stale_;
  return node.chosen;
}

/// Step `earlier` and the coming `operation` of `thread` conflict and nothing orders them: makes sure that somebody is tried
/// before `earlier` who brings the operation there. `known` is what will have happened before it.
void Search::reverse(std::size_t earlier, unsigned thread, const Clock& known) {
  const Step& first = steps_[earlier];
  if (first.node == no_node) return;  // there was no choice
  // What came since and does not follow from `earlier` leads up to the operation; who can begin with that?
  unsigned met = 0;
  unsigned initials = 0;
  between_.clear();
  const auto follows = [&](const Clock& clock, std::size_t step) {
    return clock.covers(steps_[step].thread, static_cast<Time>(step + 1));
  };
  const auto may_begin = [&](const Clock& clock) {
    return std::ranges::none_of(between_, [&](std::size_t step) { return follows(clock, step); });
  };
  for (std::size_t i = earlier + 1; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    if (follows(step.known, earlier)) continue;
    if ((met & bit(step.thread)) == 0 && may_begin(step.known)) initials |= bit(step.thread);
    met |= bit(step.thread);
    between_.push_back(i);
  }
  if ((met & bit(thread)) == 0 && may_begin(known)) initials |= bit(thread);
  Node& node = nodes_[first.node];
  if ((node.wanted & initials) != 0) return;
  initials &= node.enabled;
  node.wanted |= initials != 0 ? bit(lowest(initials)) : node.enabled;
}

Clock Search::find_races(unsigned thread, const Operation& operation, const std::vector<std::uint32_t>& newer) {
  if (mode_.kind != Mode::all) return known_[thread];
  Clock ordered = known_[thread];  // by what comes between, as far as that can be turned round
  Clock known = known_[thread];
  races_.clear();
  for (std::size_t i = steps_.size(); i-- > 0;) {
    const Step& earlier = steps_[i];
    if (earlier.thread == thread || !conflict(earlier.operation, operation)) continue;
    // Nobody else can do anything to a lock that is held.
    const bool is_forced = operation.effect == Effect::unlock || earlier.operation.effect == Effect::unlock;
    const bool reads_older = operation.may_read_older && earlier.operation.effect == Effect::write;
    if (!is_forced && !reads_older && !ordered.covers(earlier.thread, static_cast<Time>(i + 1))) races_.push_back(i);
    if (std::ranges::find(newer, static_cast<std::uint32_t>(i + 1)) != newer.end()) continue;
    known.join(earlier.known);
    if (!is_forced) ordered.join(earlier.known);
  }
  for (const std::size_t earlier : races_) reverse(earlier, thread, known);
  return known;
}

void Search::step(unsigned thread, const Operation& operation, const std::vector<std::uint32_t>& newer) {
  Clock known = find_races(thread, operation, newer);
  known.times[thread] = static_cast<Time>(steps_.size() + 1);
  known_[thread] = known;
  steps_.push_back({thread, operation, last_node_, known});
}

bool Search::next() {
  if (diverged_ || mode_.kind == Mode::replay) return false;
  longest_ = std::max(longest_, steps_.size());
  ++executions_;
  if (mode_.executions != 0 && executions_ > mode_.executions) return false;
  if (mode_.kind == Mode::random) return true;
  while (!nodes_.empty()) {
    Node& node = nodes_.back();
    if (!node.is_thread) {
      if (node.chosen + 1 < node.limit) {
        ++node.chosen;
        return true;
      }
    } else {
      node.done |= bit(node.chosen);
      if (const unsigned left = allowed(node) & ~node.done; left != 0) {
        node.chosen = lowest(left);
        return true;
      }
    }
    nodes_.pop_back();
  }
  return false;
}

std::string Search::choices() const {
  std::string text;
  for (std::size_t i = 0; i < at_; ++i) text += digits[std::min(nodes_[i].chosen, 35U)];
  return text;
}

}  // namespace orrery::interleave
