#include "orrery/testkit/explain.hpp"

#include "orrery/core/hash.hpp"
#include "orrery/core/mix.hpp"
#include "orrery/core/signal_safe.hpp"
#include "orrery/sim/faults.hpp"
#include "orrery/sim/strategies/dpor.hpp"
#include "orrery/testkit/assertions.hpp"
#include "orrery/testkit/campaign.hpp"
#include "orrery/testkit/detail/op_text.hpp"
#include "orrery/testkit/detail/step_notes.hpp"
#include "orrery/testkit/wire.hpp"
#include "orrery/testkit/workers.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace orrery::testkit {

namespace {

using detail::NotingSteps;
using detail::StepNotes;
using sim::OpKind;

// What it may cost. Each run counts at least one operation.
constexpr std::uint64_t flip_runs_max = 400;
constexpr std::uint64_t flip_operations_max = 400'000;
constexpr std::uint64_t count_runs_max = 2'000;
constexpr std::uint64_t count_operations_max = 300'000;
constexpr std::uint64_t counted_operations_max = 200;  ///< of a run: the search is quadratic in it
constexpr std::size_t order_flips_max = 80;
constexpr std::size_t looks_max = 20'000'000;  // at pairs of operations, before it is known which are worth a run
constexpr std::size_t values_tried = 5;
constexpr std::size_t parts_max = 24;

/// What is followed in a run.
struct Script {
  std::vector<std::uint64_t> order;
  std::vector<sim::Deviations::Drawn> draws;
  std::vector<sim::Deviations::Drawn> faults;
};

struct Made {
  sim::Outcome outcome;
  StepNotes notes;
};

/// Two operations that could perhaps come the other way round.
struct Pair {
  std::size_t first = 0;
  std::size_t second = 0;
  std::vector<std::uint64_t> steps;
  std::string words;
  bool is_of_steps = true;  ///< of messages to one actor; else of what can only be told when it matters
};

std::size_t place_of(const StepNotes& notes, std::uint64_t name) {
  const auto at = std::ranges::find(notes.done, name, &StepNotes::Done::name);
  return at == notes.done.end() ? StepNotes::nobody : static_cast<std::size_t>(at - notes.done.begin());
}

/// Returns: the faults that happened, as text: those of one run that are missing in another are what was left out.
std::vector<std::pair<std::uint64_t, std::string>> faults_in(const sim::Outcome& outcome) {
  std::vector<std::pair<std::uint64_t, std::string>> faults;
  for (const sim::Event& event : outcome.events) {
    if (event.kind != sim::EventKind::stall && event.kind != sim::EventKind::fault) continue;
    faults.emplace_back(event.step,
                        event.kind == sim::EventKind::stall ? event.message : event.from + " " + event.message);
  }
  return faults;
}

class Explainer {
 public:
  Explainer(const Failure& failure, const Property& property, const CheckOptions& options)
      : failure_{failure},
        property_{property},
        input_{input_of(property, failure.record.origin, failure.record.path)},
        options_{run_options_of(options, failure.record)} {
    script_.draws = failure.record.deviations.draws;
    script_.faults = failure.record.deviations.faults;
  }

  /// Returns: what matters, without how many schedules there are.
  Explanation flip() && {
    if (input_ == nullptr || !begin()) return {};
    can_follow_ = follow(*input_, script_).outcome.trace_hash == original_.outcome.trace_hash;
    flip_orders();
    flip_faults();
    flip_draws();
    flip_inputs();
    if (is_over()) leave_out(fmt::format("what would have taken more than {} runs", explanation_.runs));
    if (!can_follow_ || step_of_.empty())
      leave_out("orders and values, as this run could not be followed step by step");
    make_nearest();
    return std::move(explanation_);
  }
  /// Returns: only how many schedules there are.
  Explanation count() && {
    if (input_ == nullptr || !begin()) return {};
    count_schedules();
    return std::move(explanation_);
  }

 private:
  // ---- runs ---------------------------------------------------------------------------------------------------------------

  [[nodiscard]] Made make(const Input& input, const sim::MakeStrategy& make_strategy, bool record_events) {
    ++explanation_.runs;
    sim::RunOptions options = options_;
    options.record_events = record_events;
    Made made;
    made.outcome = run_once([&](sim::World& world) { property_.body(world, input); },
                            [&] { return std::make_unique<NotingSteps>(make_strategy(), made.notes); }, options);
    operations_ += made.outcome.operations + 1;
    return made;
  }
  [[nodiscard]] Made follow(const Input& input, const Script& script, bool record_events = false) {
    return make(
        input,
        [&] {
          return std::make_unique<sim::FollowScript>(script.order, script.draws, script.faults,
                                                     sim::FollowScript::AtOnce{});
        },
        record_events);
  }
  [[nodiscard]] bool is_over() const {
    return explanation_.runs >= flip_runs_max || operations_ >= flip_operations_max;
  }

  /// Makes the failing run once more, and looks whether it can be followed by its script.
  bool begin() {
    const auto replay = [&] {
      return std::make_unique<sim::Replay>(failure_.record.decisions, sim::Replay::Mode::strict);
    };
    original_ = make(*input_, replay, true);
    if (original_.outcome.trace_hash != failure_.record.trace_hash || !original_.outcome.finding) return false;
    for (const auto& done : original_.notes.done) script_.order.push_back(done.name);
    std::vector<std::uint64_t> steps;
    for (const sim::Event& event : original_.outcome.events) {
      if (event.kind == sim::EventKind::take) steps.push_back(event.step);
    }
    if (steps.size() == original_.notes.takes.size()) step_of_ = std::move(steps);
    return true;
  }

  void leave_out(std::string what) { explanation_.left_out.push_back(std::move(what)); }
  [[nodiscard]] Flip::Became judge(const sim::Outcome& outcome, std::string& finding) const {
    if (!outcome.finding) return Flip::Became::passes;
    if (is_same_failure(*outcome.finding, failure_.finding)) return Flip::Became::same;
    finding = to_string(*outcome.finding);
    return Flip::Became::otherwise;
  }
  void add(Flip flip, const sim::Outcome& outcome) {
    flip.became = judge(outcome, flip.finding);
    flip.passed = flip.became == Flip::Became::passes ? 1 : 0;
    explanation_.flips.push_back(std::move(flip));
  }
  /// A run of the same input that passes; `at`: where it begins to differ. The later, the nearer.
  void consider(const Script& script, std::size_t at, const std::string& words) {
    if (nearest_ && nearest_at_ >= at) return;
    nearest_ = script;
    nearest_at_ = at;
    explanation_.nearest_words = words;
  }
  void make_nearest() {
    if (!nearest_) return;
    explanation_.nearest_passing = follow(*input_, *nearest_, true).outcome;
  }

  // ---- who comes first ------------------------------------------------------------------------------------------------------

  /// Each message and the last one before it from each other sender, at each receiver; the latest ones if they are too many.
  [[nodiscard]] std::vector<Pair> pairs_of_messages() {
    std::vector<Pair> pairs;
    const StepNotes& notes = original_.notes;
    for (std::size_t j = notes.takes.size(); j-- > 0 && has_room_in(pairs);) {
      const std::size_t second = notes.takes[j].by;
      if (second == StepNotes::nobody) continue;
      std::set<std::uint32_t> senders{notes.done[second].access.owner};
      looks_ += j;
      for (std::size_t i = j; i-- > 0;) {
        const std::size_t first = notes.takes[i].by;
        if (notes.takes[i].to != notes.takes[j].to || first == StepNotes::nobody || first >= second) continue;
        if (!senders.insert(notes.done[first].access.owner).second) continue;
        pairs.push_back({.first = first,
                         .second = second,
                         .steps = {step_of_[i], step_of_[j]},
                         .words = fmt::format("step {} happens before step {}", step_of_[i], step_of_[j])});
      }
    }
    return pairs;
  }

  /// Of what else the order may matter: a reply and a deadline, an end and a message, two steps that a predicate sees.
  [[nodiscard]] std::vector<Pair> other_pairs() {
    std::vector<Pair> pairs;
    const StepNotes& notes = original_.notes;
    const auto is_wanted = [](const StepNotes::Done& a, const StepNotes::Done& b) {
      if (a.access.agent == b.access.agent || a.access.owner == b.access.owner) return false;
      if (a.is_own != b.is_own) return false;
      if (a.is_own) return a.access.is_watched && b.access.is_watched;
      const bool both_bring_mail = a.take != StepNotes::nobody && b.take != StepNotes::nobody;
      if (both_bring_mail || a.access.object != b.access.object) return false;
      return conflict(a.access, b.access);
    };
    for (std::size_t j = notes.done.size(); j-- > 0 && has_room_in(pairs);) {
      std::set<std::uint32_t> owners;
      looks_ += j;
      for (std::size_t i = j; i-- > 0;) {
        const auto& a = notes.done[i];
        const auto& b = notes.done[j];
        if (!is_wanted(a, b) || !owners.insert(a.access.owner).second) continue;
        std::vector<std::uint64_t> steps;
        for (const std::size_t at : {i, j}) {
          if (const std::size_t take = take_of(at); take != StepNotes::nobody) steps.push_back(step_of_[take]);
        }
        const std::string verb = a.is_own ? "happens before" : "comes before";
        pairs.push_back({.first = i,
                         .second = j,
                         .steps = std::move(steps),
                         .words = fmt::format("{} {} {}", text_of(i), verb, text_of(j)),
                         .is_of_steps = false});
      }
    }
    return pairs;
  }
  [[nodiscard]] bool has_room_in(const std::vector<Pair>& pairs) {
    if (pairs.size() <= order_flips_max && looks_ < looks_max) return true;
    has_more_pairs_ = true;
    return false;
  }
  [[nodiscard]] std::size_t take_of(std::size_t at) const {
    const auto& done = original_.notes.done[at];
    if (done.kind == OpKind::take) {
      const auto take = std::ranges::find(original_.notes.takes, at, &StepNotes::Take::done);
      return take == original_.notes.takes.end() ? StepNotes::nobody
                                                 : static_cast<std::size_t>(take - original_.notes.takes.begin());
    }
    return done.take != StepNotes::nobody ? done.take : done.kind == OpKind::reply ? done.during : StepNotes::nobody;
  }
  [[nodiscard]] std::string text_of(std::size_t at) const {
    const auto& done = original_.notes.done[at];
    const std::size_t take = take_of(at);
    if (take == StepNotes::nobody) {
      const std::string text = detail::text_of_op(done.label, original_.outcome.events);
      const std::string who = text.substr(0, text.find(' '));
      if (done.kind == OpKind::fire) return "a timer of " + who;
      if (done.kind == OpKind::exit) return "the end of " + who;
      if (done.kind == OpKind::restart) return "the restart of " + who;
      if (done.kind == OpKind::finish) return "the work of " + who;
      return text;
    }
    return fmt::format("{}step {}", done.kind == OpKind::reply ? "the reply to " : "", step_of_[take]);
  }

  /// Does the first operation only when the second has been done; all else in the order in which it was.
  [[nodiscard]] Script turned(const Pair& pair) const {
    Script script = script_;
    const auto first = script.order.begin() + static_cast<std::ptrdiff_t>(pair.first);
    const auto second = script.order.begin() + static_cast<std::ptrdiff_t>(pair.second);
    std::rotate(first, first + 1, second + 1);
    return script;
  }

  void flip_orders() {
    if (!can_follow_ || step_of_.empty()) return;
    if (failure_.finding.kind == sim::FindingKind::no_progress) return leave_out("other orders of an endless run");
    std::vector<Pair> pairs;
    for (std::vector<Pair> some : {pairs_of_messages(), other_pairs()}) {
      if (pairs.size() + some.size() > order_flips_max) {
        some.resize(order_flips_max - pairs.size());
        has_more_pairs_ = true;
      }
      std::ranges::sort(some, [](const Pair& a, const Pair& b) {
        return a.second != b.second ? a.second < b.second : a.first > b.first;
      });
      std::ranges::move(some, std::back_inserter(pairs));
    }
    if (has_more_pairs_) leave_out("the order of earlier steps");
    for (Pair& pair : pairs) {
      if (is_over()) return;
      const Script script = turned(pair);
      const Made made = follow(*input_, script);
      const std::size_t first = place_of(made.notes, script_.order[pair.first]);
      const std::size_t second = place_of(made.notes, script_.order[pair.second]);
      // W1: the second one follows from the first, or does not happen without it.
      if (second == StepNotes::nobody || first < second) continue;
      Flip flip{.what = Flip::What::order, .steps = pair.steps, .words = pair.words, .finding = {}};
      std::string ignored;
      const Flip::Became became = judge(made.outcome, ignored);
      if (became == Flip::Became::same && !pair.is_of_steps) continue;
      if (became == Flip::Became::passes) consider(script, pair.first, pair.words);
      add(std::move(flip), made.outcome);
    }
    explanation_.are_orders_tried = !has_more_pairs_;
  }

  // ---- what goes wrong, what is drawn ----------------------------------------------------------------------------------------

  using Faults = std::vector<sim::Deviations::Drawn>;
  /// Returns: the faults without number `gone` of its kind: of those that are planned, the others move up.
  [[nodiscard]] static Faults without(const Faults& faults, std::size_t gone) {
    const sim::Deviations::Drawn& fault = faults[gone];
    Faults fewer;
    for (sim::Deviations::Drawn one : faults) {
      if (one.stream == fault.stream && sim::is_planned_fault(one.stream)) {
        if (one.counter == fault.counter) continue;
        if (one.counter == 0) --one.value;
        if (one.counter == 0 && one.value == 0) continue;
        if (one.counter > fault.counter) --one.counter;
      } else if (one == fault) {
        continue;
      }
      fewer.push_back(one);
    }
    return fewer;
  }
  /// Returns: all faults, also those that come at the place 0, about which nothing is written down.
  [[nodiscard]] Faults all_faults() const {
    Faults all = script_.faults;
    for (const auto& [stream, counter, value] : script_.faults) {
      if (counter != 0 || !sim::is_planned_fault(stream)) continue;
      for (std::uint64_t i = 1; i <= value; ++i) {
        const auto is_it = [&](const auto& one) { return one.stream == stream && one.counter == i; };
        if (std::ranges::none_of(all, is_it)) all.push_back({.stream = stream, .counter = i, .value = 0});
      }
    }
    return all;
  }

  void flip_faults() {
    const Faults all = all_faults();
    for (std::size_t i = 0; i < all.size() && !is_over(); ++i) {
      if (sim::is_planned_fault(all[i].stream) && all[i].counter == 0) continue;  // how many there are
      Script script = script_;
      script.faults = without(all, i);
      Made made = can_follow_ ? follow(*input_, script, true) : Made{};
      if (!can_follow_) return;
      auto happened = faults_in(original_.outcome);
      for (const auto& [step, text] : faults_in(made.outcome)) {
        const auto same = std::ranges::find(happened, text, &std::pair<std::uint64_t, std::string>::second);
        if (same != happened.end()) happened.erase(same);
      }
      if (happened.empty()) continue;  // it was planned, and never came
      const auto& [step, text] = happened.front();
      Flip flip{.what = Flip::What::fault,
                .steps = {step},
                .words = fmt::format("after step {}: {}", step, text),
                .finding = {}};
      // A fault point has two answers that are not the calm one: whether it is active, and here.
      if (!explanation_.flips.empty() && explanation_.flips.back().words == flip.words) continue;
      if (!made.outcome.finding) consider(script, 0, flip.words);
      add(std::move(flip), made.outcome);
    }
  }

  void flip_draws() {
    if (!can_follow_) return;
    const std::vector<StepNotes::Draw> draws = original_.notes.draws;
    for (const StepNotes::Draw& draw : draws) {
      if (is_over()) return;
      const std::uint64_t last = draw.count == 0 ? UINT64_MAX : draw.count - 1;
      std::set<std::uint64_t> values{0, last, draw.value == 0 ? 0 : draw.value - 1,
                                     draw.value == last ? last : draw.value + 1, last / 2};
      values.erase(draw.value);
      const std::size_t take = draw.done == StepNotes::nobody ? draw.done : original_.notes.done[draw.done].during;
      const std::size_t now = draw.done == StepNotes::nobody ? draw.done : take_of(draw.done);
      const std::size_t where = now != StepNotes::nobody ? now : take;
      Flip flip{.what = Flip::What::draw, .steps = {}, .words = {}, .tried = 0, .finding = {}};
      if (where != StepNotes::nobody && where < step_of_.size()) flip.steps.push_back(step_of_[where]);
      flip.words = fmt::format("{}{} was drawn{}", flip.steps.empty() ? "" : fmt::format("in step {}, ", flip.steps[0]),
                               draw.value, draw.count == 0 ? "" : fmt::format(" of 0 to {}", last));
      try_values(flip, values.size(), [&](std::size_t i) {
        Script script = script_;
        std::erase_if(script.draws,
                      [&](const auto& one) { return one.stream == draw.stream && one.counter == draw.counter; });
        const std::uint64_t value = *std::next(values.begin(), static_cast<std::ptrdiff_t>(i));
        if (value != 0) script.draws.push_back({draw.stream, draw.counter, value});
        Made made = follow(*input_, script);
        if (!made.outcome.finding) consider(script, draw.done == StepNotes::nobody ? 0 : draw.done, flip.words);
        return made.outcome;
      });
    }
  }

  /// Tries `count` values for one thing.
  template <class Try>
  void try_values(Flip& flip, std::size_t count, const Try& try_value) {
    std::uint64_t same = 0;
    for (std::size_t i = 0; i < count && !is_over(); ++i) {
      const sim::Outcome outcome = try_value(i);
      ++flip.tried;
      std::string finding;
      const Flip::Became became = judge(outcome, finding);
      flip.passed += became == Flip::Became::passes ? 1 : 0;
      same += became == Flip::Became::same ? 1 : 0;
      if (flip.finding.empty()) flip.finding = std::move(finding);
    }
    if (flip.tried == 0) return;
    flip.became = flip.passed == flip.tried ? Flip::Became::passes
                  : same == flip.tried      ? Flip::Became::same
                                            : Flip::Became::otherwise;
    explanation_.flips.push_back(std::move(flip));
  }

  // ---- what it was given --------------------------------------------------------------------------------------------------------

  void flip_inputs() {
    std::vector<InputPart> parts = input_->parts();
    if (!can_follow_) return;
    if (parts.size() > parts_max) {
      leave_out(fmt::format("other values of {} of its {} parts of input", parts.size() - parts_max, parts.size()));
      parts.resize(parts_max);
    }
    // Other inputs of the size that a campaign ends with: what they hold is what could have been generated.
    constexpr std::uint64_t others_max = 8;
    std::vector<std::unique_ptr<Input>> others;
    for (std::uint64_t i = 0; i < others_max && !parts.empty(); ++i) {
      others.push_back(property_.make_input(
          {.seed = mix64(failure_.record.origin.seed + 77 * (i + 1)), .commands = 4, .values = 100}));
    }
    for (std::size_t part = 0; part < parts.size() && !is_over(); ++part) {
      std::set<std::string> seen{parts[part].value};
      std::vector<std::unique_ptr<Input>> changed;
      for (const auto& other : others) {
        for (std::size_t nth = 0; changed.size() < values_tried; ++nth) {
          auto one = input_->with_part_of(part, *other, nth);
          if (one == nullptr) break;
          if (seen.insert(one->parts()[part].value).second) changed.push_back(std::move(one));
        }
      }
      Flip flip{.what = Flip::What::input,
                .steps = {},
                .words = fmt::format("{} = {}", parts[part].name, parts[part].value),
                .tried = 0,
                .finding = {}};
      try_values(flip, changed.size(), [&](std::size_t i) { return follow(*changed[i], script_).outcome; });
    }
  }

  // ---- how many schedules -----------------------------------------------------------------------------------------------------

  /// Returns: what every actor did, in its own order. Runs in which that is the same are one schedule: a search also tells
  /// apart when a message has arrived behind another one, and orders of what an `always` could have seen.
  [[nodiscard]] static std::uint64_t histories_of(const sim::Outcome& outcome) {
    using enum sim::EventKind;
    std::map<std::string_view, std::uint64_t> histories;
    for (const sim::Event& event : outcome.events) {
      switch (event.kind) {
        case enqueue:
        case signal:
        case spawn:
        case reply:
        case late_reply:
        case dead_letter:  // in its sender's name, but when its receiver ends
        case time:
        case end:
          continue;
        default:
          break;
      }
      const bool is_received = event.kind == take || event.kind == fire;
      std::uint64_t& history = histories[is_received ? event.to : event.from];
      const std::string_view other = is_received ? event.from : event.to;
      history =
          mix64(history ^ hash_text(other)) ^ mix64(hash_text(event.message) + static_cast<std::uint64_t>(event.kind));
    }
    std::uint64_t all = 0;
    for (const auto& [actor, history] : histories) all = mix64(all ^ hash_text(actor)) ^ mix64(history);
    return all;
  }

  /// As sim::search_traces(), but for assertions, which count here, and a budget of operations.
  void count_schedules() {
    const bool is_endless = failure_.finding.kind == sim::FindingKind::no_progress;
    if (is_endless || !faults_in(original_.outcome).empty() || !original_.notes.draws.empty()) return;
    if (original_.outcome.operations > counted_operations_max) return;
    sim::RunOptions options = options_;
    options.faults = sim::FaultProfile::none;
    options.grain = sim::Grain::fine;
    options.past_invariants = true;  // or each beginning of a schedule that fails would be one
    options.record_events = true;
    // Whether reductions apply must be one answer for the whole search.
    for (const bool reduce : {true, false}) {
      options.reduce = reduce;
      if (count_schedules(options)) return;
    }
  }
  /// Returns: false when it is to be done again without reductions.
  bool count_schedules(const sim::RunOptions& options) {
    sim::Dpor dpor;
    std::set<std::uint64_t> failing;
    std::set<std::uint64_t> passing;
    std::set<std::uint64_t> all;
    std::uint64_t operations = 0;
    std::uint64_t runs = 0;
    bool is_complete = true;
    do {
      if (runs == count_runs_max || operations >= count_operations_max) {
        is_complete = false;
        break;
      }
      const sim::Outcome outcome = run_once([&](sim::World& world) { property_.body(world, *input_); },
                                            [&] { return std::make_unique<sim::Around>(dpor); }, options);
      ++runs;
      ++explanation_.runs;
      operations += outcome.operations + 1;
      if (options.reduce && !outcome.reduced) return false;
      const auto is_other = [](const sim::Decision& one) { return one.kind != sim::DecisionKind::schedule; };
      if (std::ranges::any_of(outcome.decisions, is_other)) return true;  // these are not schedules only
      if (outcome.cut_short && !outcome.pruned) dpor.cut_short();
      if (outcome.pruned) continue;  // it would have repeated an earlier one
      const std::uint64_t schedule = histories_of(outcome);
      all.insert(schedule);
      if (!outcome.finding) {
        passing.insert(schedule);
      } else if (is_same_failure(*outcome.finding, failure_.finding)) {
        failing.insert(schedule);
      }
    } while (dpor.advance());
    // The failing run is one of them: a whole search that does not meet it has not understood the program.
    if (failing.empty()) return true;
    // What an actor looks up is no event of its own: two schedules that look the same may not be.
    if (std::ranges::any_of(failing, [&](std::uint64_t one) { return passing.contains(one); })) return true;
    explanation_.failing = failing.size();
    explanation_.passing = passing.size();
    explanation_.all = all.size();
    explanation_.all_counted = is_complete;
    return true;
  }

  const Failure& failure_;
  const Property& property_;
  std::unique_ptr<Input> input_;
  sim::RunOptions options_;
  Script script_;
  Made original_;
  std::vector<std::uint64_t> step_of_;  ///< by take; empty when that is not known
  bool can_follow_ = false;
  bool has_more_pairs_ = false;
  std::size_t looks_ = 0;
  std::uint64_t operations_ = 0;
  std::optional<Script> nearest_;
  std::size_t nearest_at_ = 0;
  Explanation explanation_;
};

}  // namespace

void explain_failure(Failure& failure, const Property& property, const CheckOptions& options) {
  constexpr unsigned seconds_max = 20;
  std::vector<std::string> left_out;
  // Each half in a process of its own: what one has found out stays when the other one dies.
  const auto make_half = [&](std::string_view what, Explanation (Explainer::*half)()&&) {
    const auto made = make_in_a_process(
        [&] {
          WireWriter out;
          write(out, (Explainer{failure, property, options}.*half)());
          return out.bytes();
        },
        [](std::string_view) { return std::string{}; }, {.is_quiet = true, .seconds_max = seconds_max});
    if (!made.result) {
      left_out.push_back(made.died_of == signal_name(SIGALRM)
                             ? fmt::format("{}: it took more than {} s", what, seconds_max)
                             : fmt::format("{}: one of the runs died of {}", what, made.died_of));
      return Explanation{};
    }
    WireReader in{*made.result};
    Explanation explanation = read_explanation(in);
    return in.failed() ? Explanation{} : explanation;
  };
  Explanation explanation = make_half("what matters", &Explainer::flip);
  const Explanation counted = make_half("how many schedules fail", &Explainer::count);
  explanation.failing = counted.failing;
  explanation.passing = counted.passing;
  explanation.all = counted.all;
  explanation.all_counted = counted.all_counted;
  explanation.runs += counted.runs;
  std::ranges::move(left_out, std::back_inserter(explanation.left_out));
  failure.explanation = std::move(explanation);
}

}  // namespace orrery::testkit
