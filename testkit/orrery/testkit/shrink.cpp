#include "orrery/testkit/shrink.hpp"

#include "orrery/core/entropy.hpp"
#include "orrery/testkit/build_id.hpp"
#include "orrery/testkit/detail/candidates.hpp"
#include "orrery/testkit/detail/op_text.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace orrery::testkit {

std::uint64_t uncalm_choices(const sim::Decisions& decisions) noexcept {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(decisions, [](const sim::Decision& decision) { return decision.index != 0; }));
}

namespace {

using detail::Candidates;
using detail::names_of_held;
using detail::SchedulePlan;
using detail::Tried;
using Kind = SchedulePlan::Kind;

/// Whether `a` is the better report, of two runs of the same input: fewer steps, then fewer choices that are not calm, then
/// fewer changes from actor to actor, then fewer choices, then smaller ones.
bool is_smaller(const Tried& a, const Tried& b) {
  const auto cost = [](const Tried& tried) {
    const sim::Outcome& outcome = tried.outcome;
    return std::tuple{outcome.steps, uncalm_choices(outcome.decisions), tried.notes.switches, outcome.decisions.size()};
  };
  if (cost(a) != cost(b)) return cost(a) < cost(b);
  return std::ranges::lexicographical_compare(a.outcome.decisions, b.outcome.decisions, {}, &sim::Decision::index,
                                              &sim::Decision::index);
}

/// Returns: a number for the value of an input. Values whose text is cut off are told apart by where they come from.
std::uint64_t identity_of(const Input& input, const InputOrigin& origin, const std::vector<std::size_t>& path) {
  const std::string text = input.describe();
  if (!text.contains("…")) return hash_text(text);
  TraceHasher hasher;
  hasher.add(origin.seed);
  for (const std::size_t index : path) hasher.add(index);
  return hasher.value().lo;
}

/// Delta debugging: takes away ranges of a list of `size()` entries, from its end, half of it first and single ones last.
/// `without(from, to)` says whether that was taken; the list is shorter then.
template <class Size, class Without>
bool take_away(const Size& size, const Without& without) {
  bool any = false;
  for (std::size_t chunk = size(); chunk > 0; chunk /= 2) {
    for (std::size_t to = size(); to > 0;) {
      const std::size_t from = to > chunk ? to - chunk : 0;
      const bool taken = without(from, to);
      any = any || taken;
      to = std::min(from, size());
    }
  }
  return any;
}

template <class T>
std::vector<T> without_range(std::vector<T> list, std::size_t from, std::size_t to) {
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(from), list.begin() + static_cast<std::ptrdiff_t>(to));
  return list;
}

/// Returns: `wanted` of the numbers below `count`, or all of them, at equal distances.
std::vector<std::size_t> evenly(std::size_t count, std::size_t wanted) {
  std::vector<std::size_t> chosen;
  const std::size_t many = std::min(count, wanted);
  for (std::size_t i = 0; i < many; ++i) chosen.push_back((i + 1) * (count + 1) / (many + 1) - 1);
  return chosen;
}

class Shrinker {
 public:
  Shrinker(const Property& property, const CheckOptions& options, InputOrigin origin, std::unique_ptr<Input> input,
           sim::Outcome outcome, ShrinkBudget budget, const Execute& execute)
      : property_{property},
        commands_max_{options.commands_max},
        candidates_{property, options.run, outcome.finding.value(), budget, execute},
        input_{std::move(input)},
        origin_{origin},
        found_{std::move(outcome)} {}

  ShrinkResult run() && {
    first_ = {.input = input_->describe(), .choices = count_choices(found_.decisions), .outcome = found_};
    begin();
    if (unstable_) return finish();
    constexpr int few = 24;
    constexpr int many = 80;
    (void)pass_fresh_inputs(0, few);
    bool smaller = true;
    while (smaller && !candidates_.is_over()) {
      while (descend()) {
      }
      smaller = pass_every_choice() || pass_fresh_inputs(few, many) || pass_two_steps();
    }
    return finish();
  }

 private:
  // ---- what there is so far ---------------------------------------------------------------------------------------------

  /// Learns the names of what was done, and offers every choice from now on: a coarse run offers some orders only together
  /// with a fault, which could not be taken away then.
  void begin() {
    if (!found_.reduced) candidates_.set_reduce(false);  // it would be found out again each time
    identity_ = identity_of(*input_, origin_, path_);
    best_ = candidates_.repeat(*input_, found_, false);
    if (!is_same(best_.outcome, found_)) {
      unstable_.emplace(found_, std::move(best_.outcome));
      return;
    }
    if (candidates_.grain() == sim::Grain::fine) return;
    SchedulePlan plan = script_of_best();
    plan.at_once.sends = true;
    candidates_.set_grain(sim::Grain::fine);
    if (auto fine = candidates_.run(*input_, identity_, plan)) {
      take(std::move(*fine));
    } else {
      candidates_.set_grain(sim::Grain::coarse);
    }
  }

  ShrinkResult finish() {
    ShrinkResult result;
    if (!unstable_) {
      Tried last = candidates_.repeat(*input_, best_.outcome, true);  // only the last one is worth its text
      if (!is_same(best_.outcome, last.outcome)) unstable_.emplace(std::move(best_.outcome), last.outcome);
      found_ = std::move(last.outcome);
      best_.notes = std::move(last.notes);
    }
    if (!unstable_) result.history = make_history();
    result.held_names = names_of_held(best_.notes, found_.events);
    result.input = std::move(input_);
    result.origin = origin_;
    result.path = std::move(path_);
    result.outcome = std::move(found_);
    result.grain = candidates_.grain();
    result.deviations = std::move(best_.notes.deviations);
    result.runs = candidates_.runs();
    result.steps = taken_;
    result.unstable = std::move(unstable_);
    return result;
  }

  void take(Tried tried) {
    best_ = std::move(tried);
    ++taken_;
    way_.push_back({.origin = origin_,
                    .path = path_,
                    .grain = candidates_.grain(),
                    .reduced = best_.outcome.reduced,
                    .steps = best_.outcome.steps,
                    .decisions = best_.outcome.decisions});
  }

  /// Makes some of the runs that were taken again, for their events. Pre: found_ is the last of them, with its events.
  std::vector<ShrinkStage> make_history() {
    constexpr std::uint64_t steps_max = 1'000;  // of a run in the middle: its events would be many
    std::vector<ShrinkStage> history;
    history.push_back(std::move(first_));
    // The last one that was taken may have been put back, or made again in another way: found_ counts.
    while (!way_.empty() && way_.back().decisions == found_.decisions) way_.pop_back();
    std::erase_if(way_, [](const Place& place) { return place.steps > steps_max; });
    const std::vector<std::size_t> chosen = evenly(way_.size(), history_stages_max - 2);
    for (const std::size_t i : chosen) {
      if (candidates_.is_late()) break;
      const Place& place = way_[i];
      const auto input = input_of(property_, place.origin, place.path);
      if (input == nullptr) continue;
      sim::Outcome outcome;
      outcome.decisions = place.decisions;
      outcome.reduced = place.reduced;
      candidates_.set_grain(place.grain);
      outcome = candidates_.repeat(*input, outcome, true).outcome;
      if (!outcome.finding) continue;  // it did not repeat itself; the last one does, which counts
      history.push_back({.input = input->describe(), .choices = count_choices(outcome.decisions), .outcome = outcome});
    }
    if (taken_ != 0) {
      history.push_back({.input = input_->describe(), .choices = count_choices(found_.decisions), .outcome = found_});
    }
    return history;
  }
  bool take_if_smaller(const SchedulePlan& plan) {
    auto tried = candidates_.run(*input_, identity_, plan);
    if (!tried || !is_smaller(*tried, best_)) return false;
    take(std::move(*tried));
    return true;
  }

  [[nodiscard]] SchedulePlan as_best() const {
    return {.kind = Kind::deviations, .deviations = best_.notes.deviations, .script = {}};
  }
  [[nodiscard]] SchedulePlan script_of_best() const {
    SchedulePlan plan{.kind = Kind::script, .deviations = best_.notes.deviations, .script = {}};
    plan.deviations.held.clear();
    plan.script.reserve(best_.notes.order.size());
    for (const auto& done : best_.notes.order) plan.script.push_back(done.name);
    return plan;
  }
  static SchedulePlan random_plan(std::uint64_t seed) {
    return {.kind = Kind::random, .deviations = {}, .script = {}, .seed = seed};
  }

  /// All that makes the best run smaller. Returns: whether something did.
  bool descend() {
    if (candidates_.is_over()) return false;
    bool smaller = pass_calm();
    smaller = pass_input() || smaller;
    smaller = pass_fewer_messages() || smaller;
    smaller = pass_fewer_actors() || smaller;
    smaller = pass_faults() || smaller;
    smaller = pass_fewer_held() || smaller;
    smaller = pass_draws() || smaller;
    smaller = pass_regroup() || smaller;
    smaller = pass_random() || smaller;
    return smaller;
  }

  // ---- passes: each returns whether something got smaller ------------------------------------------------------------------

  /// First come, first served; and all or some of draws and faults calm, too.
  bool pass_calm() {
    SchedulePlan plan;
    if (take_if_smaller(plan)) return true;
    plan.deviations = best_.notes.deviations;
    plan.deviations.held.clear();
    if (take_if_smaller(plan)) return true;
    plan = as_best();
    plan.deviations.draws.clear();
    return take_if_smaller(plan);
  }

  /// Returns: a run of `input` that fails, if one of a few schedules makes it fail.
  std::optional<Tried> try_input(const Input& input, std::uint64_t identity) {
    auto tried = candidates_.run(input, identity, as_best());
    const bool needs_schedule = !best_.notes.deviations.held.empty();
    if (!tried && needs_schedule) tried = candidates_.run(input, identity, script_of_best());
    if (!tried) tried = candidates_.run(input, identity, {});
    if (!needs_schedule) return tried;
    constexpr std::uint64_t random_tries = 1;
    for (std::uint64_t seed = 0; !tried && seed < random_tries; ++seed) {
      tried = candidates_.run(input, identity, random_plan(mix64(seed)));
    }
    return tried;
  }

  /// Goes to simpler inputs as long as one of them still fails.
  bool pass_input() {
    bool any = false;
    const std::uint64_t stop_at = candidates_.runs() + candidates_.left() / 2;  // the others may make it easier
    for (bool again = true; again;) {
      again = false;
      for (std::size_t index = 0; candidates_.runs() < stop_at && !candidates_.is_over();) {
        auto child = input_->simpler(index);
        if (child == nullptr) break;
        path_.push_back(index);
        const std::uint64_t identity = identity_of(*child, origin_, path_);
        auto tried = try_input(*child, identity);
        if (tried && tried->outcome.steps <= best_.outcome.steps) {
          input_ = std::move(child);
          identity_ = identity;
          take(std::move(*tried));
          any = again = true;  // on from here: what is before was in vain a moment ago
        } else {
          path_.pop_back();
          ++index;
        }
      }
    }
    return any;
  }

  /// Goes two steps at once, past an input that does not fail: from 3 to 1, where only 0 and 2 are one step away.
  bool pass_two_steps() {
    for (std::size_t first = 0; !candidates_.is_over(); ++first) {
      const auto child = input_->simpler(first);
      if (child == nullptr) return false;
      for (std::size_t second = 0; !candidates_.is_over(); ++second) {
        auto grandchild = child->simpler(second);
        if (grandchild == nullptr) break;
        path_.push_back(first);
        path_.push_back(second);
        const std::uint64_t identity = identity_of(*grandchild, origin_, path_);
        auto tried = candidates_.run(*grandchild, identity, as_best());
        if (!tried) tried = candidates_.run(*grandchild, identity, {});
        if (tried) {
          input_ = std::move(grandchild);
          identity_ = identity;
          take(std::move(*tried));
          return true;
        }
        path_.resize(path_.size() - 2);
      }
    }
    return false;
  }

  /// What is done at once because its place makes no difference to the outcome still makes a step. When everything is a
  /// choice, it can wait until after the failure.
  bool pass_every_choice() {
    // What comes out of a channel is a choice already.
    if (!candidates_.reduces() || candidates_.mode() == sim::Mode::per_pair || best_.notes.hurried == 0) return false;
    SchedulePlan plan = script_of_best();
    plan.at_once.replies = true;
    candidates_.set_reduce(false);
    auto tried = candidates_.run(*input_, identity_, plan);
    if (tried) {
      const Tried reduced = std::exchange(best_, std::move(*tried));
      (void)pass_fewer_actors();
      (void)pass_fewer_messages();
      if (best_.outcome.steps < reduced.outcome.steps) {
        ++taken_;
        return true;
      }
      best_ = reduced;
    }
    candidates_.set_reduce(true);
    return false;
  }

  /// Lets everything wait that one actor does, as long as something else can be done.
  bool pass_fewer_actors() {
    bool any = false;
    std::uint32_t last = 0;
    for (const auto& done : best_.notes.order) last = std::max(last, done.where);
    for (std::uint32_t actor = last + 1; actor-- > 0;) {
      SchedulePlan plan = script_of_best();
      plan.script.clear();
      for (const auto& done : best_.notes.order) {
        if (done.where != actor) plan.script.push_back(done.name);
      }
      if (plan.script.size() != best_.notes.order.size()) any = take_if_smaller(plan) || any;
    }
    return any;
  }

  /// Lets operations wait until nothing else can be done, or for ever: the run ends where it fails.
  bool pass_fewer_messages() {
    std::vector<std::size_t> choices = places_of_choices();
    return take_away([&] { return choices.size(); },
                     [&](std::size_t from, std::size_t to) {
                       SchedulePlan plan = script_of_best();
                       for (std::size_t i = to; i-- > from;) {
                         plan.script.erase(plan.script.begin() + static_cast<std::ptrdiff_t>(choices[i]));
                       }
                       if (!take_if_smaller(plan)) return false;
                       choices = places_of_choices();
                       return true;
                     });
  }
  /// Returns: where in the order of the best run something else could have been done.
  [[nodiscard]] std::vector<std::size_t> places_of_choices() const {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < best_.notes.order.size(); ++i) {
      if (best_.notes.order[i].was_choice) places.push_back(i);
    }
    return places;
  }

  /// None, fewer, smaller; with the same things held back, or in the same order.
  bool pass_faults() {
    bool any = false;
    for (bool again = true; again && !candidates_.is_over();) {
      again = false;
      for (const auto& faults : calmer_faults(best_.notes.deviations.faults)) {
        SchedulePlan plan = as_best();
        plan.deviations.faults = faults;
        again = take_if_smaller(plan);
        if (!again) {
          plan = script_of_best();
          plan.deviations.faults = faults;
          again = take_if_smaller(plan);
        }
        if (!again) continue;
        any = true;
        break;
      }
    }
    return any;
  }
  using Faults = std::vector<sim::Deviations::Drawn>;
  /// Returns: none, those of one kind less, one less, or one that comes earlier.
  static std::vector<Faults> calmer_faults(const Faults& faults) {
    std::vector<Faults> calmer;
    if (faults.empty()) return calmer;
    calmer.emplace_back();
    for (std::size_t i = 0; i < faults.size(); ++i) {
      const std::uint64_t kind = faults[i].stream;
      if (i != 0 && faults[i - 1].stream == kind) continue;
      Faults others;
      std::ranges::copy_if(faults, std::back_inserter(others), [&](const auto& fault) { return fault.stream != kind; });
      if (!others.empty()) calmer.push_back(std::move(others));
      if (sim::is_planned_fault(kind) && faults[i].counter == 0) {
        for (std::uint64_t gone = 1; gone <= faults[i].value; ++gone)
          calmer.push_back(without_planned(faults, kind, gone));
      }
    }
    for (std::size_t i = 0; i < faults.size(); ++i) {
      if (sim::is_planned_fault(faults[i].stream) && faults[i].counter == 0) continue;  // how many
      calmer.push_back(without_range(faults, i, i + 1));
      for (std::uint64_t less = faults[i].value / 2; less > 0; less /= 2) {
        calmer.push_back(faults);
        calmer.back()[i].value -= less;
      }
    }
    return calmer;
  }
  static Faults without_planned(const Faults& faults, std::uint64_t kind, std::uint64_t gone) {
    Faults fewer;
    for (sim::Deviations::Drawn fault : faults) {
      if (fault.stream == kind) {
        if (fault.counter == gone) continue;
        if (fault.counter == 0 && --fault.value == 0) continue;
        if (fault.counter > gone) --fault.counter;
      }
      fewer.push_back(fault);
    }
    return fewer;
  }

  bool pass_fewer_held() {
    return take_away([&] { return best_.notes.deviations.held.size(); },
                     [&](std::size_t from, std::size_t to) {
                       SchedulePlan plan = as_best();
                       plan.deviations.held = without_range(std::move(plan.deviations.held), from, to);
                       return take_if_smaller(plan);
                     });
  }

  /// Fewer draws that are not 0, then each by half, by a quarter, ... by one, again and again.
  bool pass_draws() {
    bool any = take_away([&] { return best_.notes.deviations.draws.size(); },
                         [&](std::size_t from, std::size_t to) {
                           SchedulePlan plan = as_best();
                           plan.deviations.draws = without_range(std::move(plan.deviations.draws), from, to);
                           return take_if_smaller(plan);
                         });
    for (std::size_t at = 0; at < best_.notes.deviations.draws.size() && !candidates_.is_over();) {
      const std::uint64_t value = best_.notes.deviations.draws[at].value;
      bool lower = false;
      for (std::uint64_t less = value / 2; less > 0 && !lower; less /= 2) {
        SchedulePlan plan = as_best();
        plan.deviations.draws[at].value = value - less;
        lower = take_if_smaller(plan);
      }
      any = any || lower;
      if (!lower) ++at;
    }
    return any;
  }

  /// Moves what happens next at an actor to what has just happened there.
  bool pass_regroup() {
    bool any = false;
    std::vector<std::size_t> choices = places_of_choices();
    for (std::size_t at = 0; at + 2 < choices.size() && !candidates_.is_over(); ++at) {
      const auto where = [&](std::size_t i) { return best_.notes.order[choices[i]].where; };
      if (where(at + 1) == where(at)) continue;
      std::size_t next = at + 2;
      while (next < choices.size() && where(next) != where(at)) ++next;
      if (next == choices.size()) continue;
      SchedulePlan plan = script_of_best();
      const auto begin = plan.script.begin();
      const auto from = begin + static_cast<std::ptrdiff_t>(choices[next]);
      std::rotate(begin + static_cast<std::ptrdiff_t>(choices[at]) + 1, from, from + 1);
      if (!take_if_smaller(plan)) continue;
      any = true;
      choices = places_of_choices();
    }
    return any;
  }

  /// The same input may fail in fewer steps under another schedule.
  bool pass_random() {
    constexpr std::uint64_t tries = 40;
    bool any = false;
    for (std::uint64_t seed = 0; seed < tries; ++seed) any = take_if_smaller(random_plan(mix64(seed + 1'000))) || any;
    return any;
  }

  /// Short inputs with large numbers, made afresh: one of them may fail in fewer steps. Tries those with the numbers
  /// `from` to `to`, of each length, until one does.
  bool pass_fresh_inputs(int from, int to) {
    if (input_->describe().empty()) return false;
    constexpr int longest = 3;
    for (int commands = 1; commands <= std::min(commands_max_, longest); ++commands) {
      for (int i = from; i < to && !candidates_.is_over(); ++i) {
        const std::uint64_t salt = static_cast<std::uint64_t>(commands) * 1'000 + static_cast<std::uint64_t>(i);
        const InputOrigin origin{.seed = mix64(found_at_.seed + salt), .commands = commands, .values = 100};
        auto input = property_.make_input(origin);
        const std::uint64_t identity = identity_of(*input, origin, {});
        auto tried = candidates_.run(*input, identity, random_plan(origin.seed));
        if (!tried || tried->outcome.steps >= best_.outcome.steps) continue;
        input_ = std::move(input);
        identity_ = identity;
        origin_ = origin;
        path_.clear();
        take(std::move(*tried));
        return true;
      }
    }
    return false;
  }

  const Property& property_;
  int commands_max_;
  Candidates candidates_;
  std::unique_ptr<Input> input_;
  std::uint64_t identity_ = 0;
  InputOrigin origin_;
  const InputOrigin found_at_{origin_};
  std::vector<std::size_t> path_;
  sim::Outcome found_;
  Tried best_;
  std::uint64_t taken_ = 0;
  ShrinkStage first_;
  /// What was taken, as far as it takes to make it again.
  struct Place {
    InputOrigin origin;
    std::vector<std::size_t> path;
    sim::Grain grain;
    bool reduced;
    std::uint64_t steps;
    sim::Decisions decisions;
  };
  std::vector<Place> way_;
  std::optional<std::pair<sim::Outcome, sim::Outcome>> unstable_;
};

}  // namespace

void thin_out(std::vector<ShrinkStage>& history) {
  if (history.size() <= history_stages_max) return;
  std::vector<ShrinkStage> kept;
  kept.push_back(std::move(history.front()));
  for (const std::size_t i : evenly(history.size() - 2, history_stages_max - 2))
    kept.push_back(std::move(history[i + 1]));
  kept.push_back(std::move(history.back()));
  history = std::move(kept);
}

void put_shrunk(Record& record, ShrinkResult& shrunk) {
  put_outcome(record, shrunk.outcome);
  record.grain = shrunk.grain;
  record.build = build_id();
  record.deviations = std::move(shrunk.deviations);
  record.held_names = std::move(shrunk.held_names);
}

ShrinkResult shrink(const Property& property, const CheckOptions& options, InputOrigin origin,
                    std::unique_ptr<Input> input, sim::Outcome outcome, ShrinkBudget budget, const Execute& execute) {
  return Shrinker{property, options, origin, std::move(input), std::move(outcome), budget, execute}.run();
}

}  // namespace orrery::testkit
