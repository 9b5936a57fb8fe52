#include "orrery/testkit/shrink.hpp"

#include "orrery/core/entropy.hpp"
#include "orrery/sim/strategies/follow.hpp"
#include "orrery/testkit/assertions.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace orrery::testkit {

std::uint64_t uncalm_choices(const sim::Decisions& decisions) noexcept {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(decisions, [](const sim::Decision& decision) { return decision.index != 0; }));
}

namespace {

/// Whether `a` is the better report, of two runs of the same input: fewer steps, then fewer choices that are not calm, then
/// fewer choices, then smaller ones.
bool is_smaller(const sim::Outcome& a, const sim::Outcome& b) {
  const auto cost = [](const sim::Outcome& outcome) {
    return std::tuple{outcome.steps, uncalm_choices(outcome.decisions), outcome.decisions.size()};
  };
  if (cost(a) != cost(b)) return cost(a) < cost(b);
  return std::ranges::lexicographical_compare(a.decisions, b.decisions, {}, &sim::Decision::index,
                                              &sim::Decision::index);
}

class Shrinker {
 public:
  Shrinker(const Property& property, const CheckOptions& options, InputOrigin origin, std::unique_ptr<Input> input,
           sim::Outcome outcome, ShrinkBudget budget)
      : property_{property}, options_{options.run}, commands_max_{options.commands_max}, budget_{budget} {
    best_.origin = origin;
    best_.input = std::move(input);
    best_.outcome = std::move(outcome);
    best_.grain = options_.grain;
  }

  ShrinkResult run() && {
    make_fine();
    bool smaller = true;
    while (smaller && !is_over()) {
      smaller = pass_input();
      smaller = pass_calm() || smaller;
      smaller = pass_without_faults() || smaller;
      smaller = pass_choices() || smaller;
      smaller = pass_smaller_choices() || smaller;
      smaller = pass_other_schedules() || smaller;
      if (!smaller) smaller = pass_fresh_inputs();
      if (!smaller) smaller = pass_two_steps();
    }
    return std::move(best_);
  }

 private:
  /// A coarse run offers some orders only together with a fault; the same run with every choice can be made calmer.
  void make_fine() {
    if (options_.grain == sim::Grain::fine) return;
    sim::Followed notes;
    const sim::Body body = [&](sim::World& world) { property_.body(world, *best_.input); };
    ++best_.runs;
    sim::RunOptions as_it_was = options_;
    as_it_was.reduce = best_.outcome.reduced;
    (void)run_once(
        body,
        [&] {
          notes = {};
          auto replay = std::make_unique<sim::Replay>(best_.outcome.decisions, sim::Replay::Mode::strict);
          return std::make_unique<sim::Noting>(std::move(replay), notes);
        },
        as_it_was);
    options_.grain = sim::Grain::fine;
    auto outcome = try_run(*best_.input, [&] {
      return std::make_unique<sim::FollowScript>(notes.order, notes.deviations.draws, notes.deviations.faults,
                                                 sim::FollowScript::Sends::at_once);
    });
    options_.grain = outcome ? sim::Grain::fine : sim::Grain::coarse;
    best_.grain = options_.grain;
    if (outcome) take(std::move(*outcome));
  }

  [[nodiscard]] bool is_over() const {
    return best_.runs >= budget_.runs || operations_ >= budget_.operations || best_.unstable;
  }

  /// Runs `input` under `strategy`. Returns: the outcome if it shows the same failure.
  template <class MakeStrategy>
  std::optional<sim::Outcome> try_run(const Input& input, const MakeStrategy& strategy) {
    if (is_over()) return std::nullopt;
    ++best_.runs;
    const sim::Body body = [&](sim::World& world) { property_.body(world, input); };
    options_.record_events = false;
    sim::Outcome plain = run_once(body, strategy, options_);
    operations_ += plain.operations;
    if (!plain.finding || !is_same_failure(*plain.finding, *best_.outcome.finding)) return std::nullopt;
    options_.record_events = true;  // only what fails is worth its text
    sim::Outcome recorded = run_once(body, strategy, options_);
    operations_ += recorded.operations;
    if (!is_same(plain, recorded)) {
      best_.unstable.emplace(std::move(plain), std::move(recorded));
      return std::nullopt;
    }
    return recorded;
  }
  std::optional<sim::Outcome> try_calm(const Input& input) {
    return try_run(input, [] { return std::make_unique<sim::Calm>(); });
  }
  std::optional<sim::Outcome> try_order(const Input& input) {
    return try_run(input,
                   [&] { return std::make_unique<sim::FollowOrder>(best_.outcome.order, best_.outcome.decisions); });
  }
  std::optional<sim::Outcome> try_random(const Input& input, std::uint64_t seed) {
    return try_run(input, [&] { return std::make_unique<sim::RandomWalk>(seed); });
  }
  std::optional<sim::Outcome> try_choices(const sim::Decisions& decisions) {
    return try_run(*best_.input, [&] { return std::make_unique<sim::Replay>(decisions, sim::Replay::Mode::lenient); });
  }

  void take(sim::Outcome outcome) {
    best_.outcome = std::move(outcome);
    ++best_.steps;
  }
  bool take_if_smaller(std::optional<sim::Outcome> outcome) {
    if (!outcome || !is_smaller(*outcome, best_.outcome)) return false;
    take(std::move(*outcome));
    return true;
  }

  /// Goes to simpler inputs as long as one of them still fails, under any of a few schedules.
  bool pass_input() {
    bool any = false;
    for (std::size_t index = 0; !is_over();) {
      auto child = best_.input->simpler(index);
      if (child == nullptr) break;
      auto outcome = try_order(*child);
      if (!outcome) outcome = try_calm(*child);
      constexpr std::uint64_t random_tries = 3;
      for (std::uint64_t seed = 0; !outcome && seed < random_tries; ++seed) outcome = try_random(*child, mix64(seed));
      if (!outcome) {
        ++index;
        continue;
      }
      best_.input = std::move(child);
      best_.path.push_back(index);
      take(std::move(*outcome));
      index = 0;
      any = true;
    }
    return any;
  }

  /// Goes two steps at once, past an input that does not fail: from 3 to 1, where only 0 and 2 are one step away.
  bool pass_two_steps() {
    for (std::size_t first = 0; !is_over(); ++first) {
      const auto child = best_.input->simpler(first);
      if (child == nullptr) return false;
      for (std::size_t second = 0; !is_over(); ++second) {
        auto grandchild = child->simpler(second);
        if (grandchild == nullptr) break;
        auto outcome = try_order(*grandchild);
        if (!outcome) outcome = try_calm(*grandchild);
        if (!outcome) continue;
        best_.input = std::move(grandchild);
        best_.path.push_back(first);
        best_.path.push_back(second);
        take(std::move(*outcome));
        return true;
      }
    }
    return false;
  }

  bool pass_calm() { return take_if_smaller(try_calm(*best_.input)); }

  /// The same order without any fault: choices stand elsewhere then, so that they cannot be carried over by their places.
  bool pass_without_faults() {
    sim::Decisions decisions = best_.outcome.decisions;
    bool any = false;
    for (sim::Decision& decision : decisions) {
      if (decision.kind != sim::DecisionKind::fault || decision.index == 0) continue;
      decision.index = 0;
      any = true;
    }
    return any && take_if_smaller(try_run(*best_.input, [&] {
             return std::make_unique<sim::FollowOrder>(best_.outcome.order, decisions);
           }));
  }

  /// Delta debugging over the choices that are not calm: whole ranges of them back to 0, ever smaller ones.
  bool pass_choices() {
    bool any = false;
    for (std::size_t parts = 1; !is_over();) {
      const std::vector<std::size_t> places = uncalm_places();
      if (places.empty()) return any;
      parts = std::min(parts, places.size());
      bool taken = false;
      for (std::size_t part = 0; part < parts && !taken; ++part) {
        sim::Decisions calmer = best_.outcome.decisions;
        const std::size_t from = places.size() * part / parts;
        const std::size_t to = places.size() * (part + 1) / parts;
        for (std::size_t i = from; i < to; ++i) calmer[places[i]].index = 0;
        taken = take_if_smaller(try_choices(calmer));
      }
      any = any || taken;
      if (!taken && parts == places.size()) return any;
      if (!taken) parts *= 2;
    }
    return any;
  }

  /// Makes each choice that is not calm smaller: by half, by a quarter, ... by one, again and again.
  bool pass_smaller_choices() {
    bool any = false;
    for (std::size_t at = 0; at < best_.outcome.decisions.size() && !is_over();) {
      if (!lower_choice(at)) {
        ++at;
        continue;
      }
      any = true;
    }
    return any;
  }
  bool lower_choice(std::size_t at) {
    const std::uint64_t index = best_.outcome.decisions[at].index;
    for (std::uint64_t less = index / 2; less > 0; less /= 2) {
      sim::Decisions decisions = best_.outcome.decisions;
      decisions[at].index = index - less;
      if (take_if_smaller(try_choices(decisions))) return true;
    }
    return false;
  }

  /// The same input may fail in fewer steps under another schedule.
  bool pass_other_schedules() {
    constexpr std::uint64_t tries = 60;
    bool any = false;
    for (std::uint64_t seed = 0; seed < tries; ++seed) {
      any = take_if_smaller(try_random(*best_.input, mix64(seed + 1'000))) || any;
    }
    return any;
  }

  /// Short inputs with large numbers, made afresh: one of them may fail in fewer steps. Made once.
  bool pass_fresh_inputs() {
    if (std::exchange(made_fresh_, true) || best_.input->describe().empty()) return false;
    constexpr int tries = 60;
    for (int commands = 1; commands <= commands_max_ && !is_over(); ++commands) {
      for (int i = 0; i < tries; ++i) {
        const std::uint64_t salt = static_cast<std::uint64_t>(commands) * tries + static_cast<std::uint64_t>(i);
        const InputOrigin origin{.seed = mix64(best_.origin.seed + salt), .commands = commands, .values = 100};
        auto input = property_.make_input(origin);
        auto outcome = try_random(*input, origin.seed);
        if (!outcome || outcome->steps >= best_.outcome.steps) continue;
        best_.input = std::move(input);
        best_.origin = origin;
        best_.path.clear();
        take(std::move(*outcome));
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] std::vector<std::size_t> uncalm_places() const {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < best_.outcome.decisions.size(); ++i) {
      if (best_.outcome.decisions[i].index != 0) places.push_back(i);
    }
    return places;
  }

  const Property& property_;
  sim::RunOptions options_;
  int commands_max_;
  ShrinkBudget budget_;
  std::uint64_t operations_ = 0;
  bool made_fresh_ = false;
  ShrinkResult best_;
};

}  // namespace

ShrinkResult shrink(const Property& property, const CheckOptions& options, InputOrigin origin,
                    std::unique_ptr<Input> input, sim::Outcome outcome, ShrinkBudget budget) {
  return Shrinker{property, options, origin, std::move(input), std::move(outcome), budget}.run();
}

}  // namespace orrery::testkit
