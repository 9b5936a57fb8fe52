#include "orrery/testkit/campaign.hpp"

#include "orrery/core/entropy.hpp"
#include "orrery/testkit/assertions.hpp"
#include "orrery/testkit/build_id.hpp"
#include "orrery/testkit/diverged.hpp"
#include "orrery/testkit/second_process.hpp"
#include "orrery/testkit/shrink.hpp"
#include "orrery/testkit/swarm.hpp"
#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

namespace orrery::testkit {

namespace {

sim::Body bind(const Property& property, const Input& input) {
  return [&](sim::World& world) { property.body(world, input); };
}

std::string told(const sim::Outcome& outcome, std::size_t at) {
  if (at >= outcome.events.size()) return "(nothing more)";
  const sim::Event& event = outcome.events[at];
  std::string text = fmt::format("step {} {} {} -> {}  {}", event.step, sim::to_string(event.kind), event.from,
                                 event.to, event.message);
  if (!event.reply.empty()) text += " = " + event.reply;
  if (event.line != 0) text += fmt::format("   {}:{}", base_name(event.file), event.line);
  return text;
}

/// Of an outcome or a note.
std::string summary(const auto& execution) {
  return fmt::format("{}, {}, trace {}", count_of(execution.steps, "step"),
                     execution.finding ? to_string(*execution.finding) : "nothing found",
                     to_hex(execution.trace_hash).substr(0, 8));
}

/// Tells two executions apart: by their first events that differ, or by what came out.
sim::Finding non_determinism(std::string name, const sim::Outcome& first, const sim::Outcome& second) {
  sim::Finding finding;
  finding.kind = sim::FindingKind::non_determinism;
  finding.name = std::move(name);
  std::size_t at = 0;
  const std::size_t shorter = std::min(first.events.size(), second.events.size());
  while (at < shorter && sim::to_string(first.events[at]) == sim::to_string(second.events[at])) ++at;
  const bool both_recorded = !first.events.empty() && !second.events.empty();
  if (both_recorded && (at < first.events.size() || at < second.events.size())) {
    finding.detail = fmt::format("{} equal, then they differ:\nfirst : {}\nsecond: {}", count_of(at, "event"),
                                 told(first, at), told(second, at));
  } else {
    // A test that judges by something outside of the world: the traces can be equal.
    finding.detail = fmt::format("first : {}\nsecond: {}", summary(first), summary(second));
  }
  const auto equal = std::ranges::mismatch(first.decisions, second.decisions).in1 - first.decisions.begin();
  finding.detail += fmt::format("\nthe first {} of {} and {} decisions are equal", equal, first.decisions.size(),
                                second.decisions.size());
  return finding;
}

/// The failure of a run that does not repeat itself.
void blame(Failure& failure, std::string name, const sim::Outcome& first, sim::Outcome second) {
  failure.finding = non_determinism(std::move(name), first, second);
  failure.input = failure.original_input;
  failure.other = first;
  failure.outcome = std::move(second);
}

/// What came out of one execution, as far as it is noted; `summary` says the same of a whole outcome.
bool is_same(const RunNote& note, const sim::Outcome& outcome) {
  if (note.trace_hash != outcome.trace_hash || note.steps != outcome.steps) return false;
  if (!note.finding || !outcome.finding) return note.finding.has_value() == outcome.finding.has_value();
  return note.finding->same_failure(*outcome.finding);
}

/// The text of an exception without its numbers.
std::string without_numbers(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit) out += c;
    if (is_digit && !out.ends_with('#')) out += '#';
  }
  return out;
}

/// The options of run `run`, which `plan` is the plan of.
sim::RunOptions planned_options(const CheckOptions& options, std::uint64_t campaign_seed, std::uint64_t run,
                                const sim::Plan& plan) {
  sim::RunOptions planned = options.swarm ? swarm_options(options, campaign_seed, run) : options.run;
  planned.grain = plan.grain;
  return planned;
}

}  // namespace

void shrink_failure(Failure& failure, const Property& property, const CheckOptions& options,
                    std::unique_ptr<Input> input, sim::Outcome first, const Execute& execute,
                    std::optional<std::chrono::steady_clock::time_point> until) {
  CheckOptions of_the_run = options;
  of_the_run.run = run_options_of(options, failure.record);
  of_the_run.run.reduce = options.run.reduce;  // shrinking finds that out
  ShrinkResult shrunk = shrink(property, of_the_run, failure.record.origin, std::move(input), std::move(first),
                               {.until = until}, execute);
  failure.shrink_runs = shrunk.runs;
  failure.shrink_steps = shrunk.steps;
  if (shrunk.unstable) {
    blame(failure, fmt::format("a run like run {} does not repeat itself", failure.run), shrunk.unstable->first,
          std::move(shrunk.unstable->second));
    return;
  }
  failure.finding = *shrunk.outcome.finding;
  failure.input = shrunk.input->describe();
  failure.record.origin = shrunk.origin;
  failure.record.path = std::move(shrunk.path);
  put_shrunk(failure.record, shrunk);
  // P1: from the record alone, input and all.
  std::string input_text;
  sim::Outcome again = replay_record(property, options, failure.record, input_text, sim::Replay::Mode::strict, execute);
  if (again.divergence || !is_same(again, shrunk.outcome) || input_text != failure.input) {
    blame(failure, fmt::format("the shrunk run {} does not repeat itself", failure.run), shrunk.outcome,
          std::move(again));
    return;
  }
  failure.outcome = std::move(shrunk.outcome);
  failure.history = std::move(shrunk.history);
}

MadeRun execute_here(const Property& property, const Input& input, const sim::MakeStrategy& make_strategy,
                     const sim::RunOptions& options, bool wants_labels) {
  MadeRun made;
  made.outcome = run_once(
      bind(property, input), [&] { return std::make_unique<sim::Noting>(make_strategy(), made.notes, wants_labels); },
      options);
  return made;
}

ChoiceCounts count_choices(const sim::Decisions& decisions) noexcept {
  ChoiceCounts counts;
  for (const auto& [kind, count, index] : decisions) {
    if (kind == sim::DecisionKind::schedule) {
      ++counts.schedule;
      counts.schedule_uncalm += index != 0 ? 1 : 0;
    } else if (kind == sim::DecisionKind::draw) {
      counts.draws_uncalm += index != 0 ? 1 : 0;
    }
  }
  return counts;
}

bool is_same(const sim::Outcome& a, const sim::Outcome& b) noexcept {
  if (a.trace_hash != b.trace_hash || a.steps != b.steps || a.decisions != b.decisions) return false;
  if (!a.finding || !b.finding) return a.finding.has_value() == b.finding.has_value();
  return a.finding->same_failure(*b.finding) && a.finding->step == b.finding->step;
}

bool is_same_failure(const sim::Finding& a, const sim::Finding& b) {
  if (a.kind != sim::FindingKind::exception_in_test || b.kind != a.kind) return a.same_failure(b);
  return a.file == b.file && a.line == b.line && without_numbers(a.name) == without_numbers(b.name);
}

std::uint64_t seed_of_run(std::uint64_t campaign_seed, std::uint64_t run) noexcept {
  return draw(campaign_seed, hash_text("run"), run);
}

InputOrigin origin_of_run(std::uint64_t campaign_seed, std::uint64_t run, int commands_max) noexcept {
  // Small inputs first, since they make the best reports; then every size again and again. Numbers grow faster than
  // lists, so that a few commands can already carry large ones.
  commands_max = std::max(commands_max, 0);
  const auto sizes = static_cast<std::uint64_t>(commands_max) + 1;
  // Every size meets every strategy: sizes move on by one whenever both have gone round together.
  const std::uint64_t together = std::lcm(sizes, sim::plans_period);
  const int commands = static_cast<int>((run + run / together) % sizes);
  const std::int64_t values = commands_max == 0 ? 100 : 5 + std::int64_t{200} * commands / commands_max;
  return {.seed = seed_of_run(campaign_seed, run),
          .commands = commands,
          .values = static_cast<int>(std::min<std::int64_t>(values, 100))};
}

sim::RunOptions Runs::options_of(std::uint64_t run) const {
  return planned_options(options_, seed_, run, plan_of(options_, seed_, run));
}

sim::Outcome Runs::execute(std::uint64_t run, bool record_events, sim::Learned* watch) const {
  if (where_ != nullptr) where_->store(run + 1, std::memory_order_relaxed);
  const std::uint64_t seed = mix64(seed_of_run(seed_, run) + 1);
  const sim::Plan plan = plan_of(options_, seed_, run);
  const auto input = property_.make_input(origin_of_run(seed_, run, options_.commands_max));
  sim::RunOptions options = planned_options(options_, seed_, run, plan);
  options.record_events = record_events;
  return run_once(
      bind(property_, *input),
      [&] {
        return watch == nullptr ? sim::make_strategy(plan.strategy, seed, learned_)
                                : sim::make_watched_strategy(plan.strategy, seed, learned_, *watch);
      },
      options);
}

sim::Outcome Runs::make(std::uint64_t run, bool record_events) {
  const std::uint64_t first = std::min(run, sim::calibration_runs);
  while (watched_ < first) {
    if (std::ranges::find(left_out_, watched_) != left_out_.end()) {
      ++watched_;
      continue;
    }
    (void)watch(false);
  }
  if (run != watched_ || run >= sim::calibration_runs) return execute(run, record_events, nullptr);
  return watch(record_events);
}

sim::Outcome Runs::watch(bool record_events) {
  sim::Learned seen;
  sim::Outcome outcome = execute(watched_, record_events, &seen);
  learned_ = std::move(seen);
  ++watched_;
  return outcome;
}

std::optional<sim::Finding> Runs::compare_elsewhere(std::uint64_t run, const sim::Outcome& here) const {
  // A process of its own would learn from the runs that are left out here, and die of them.
  if (options_.other_process == CheckOptions::OtherProcess::none || !left_out_.empty()) return std::nullopt;
  return compare_with_second_process(property_, options_, seed_, run, here);
}

Token token_of_run(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed,
                   std::uint64_t run) noexcept {
  return {.seed = campaign_seed,
          .run = run,
          .profile = static_cast<std::uint8_t>(options.run.faults),
          .strategy = options.swarm ? swarm_strategy : static_cast<std::uint8_t>(options.strategy),
          .grain = static_cast<std::uint8_t>(options.grain),
          .test_hash = hash_of_test(property.name)};
}

bool put_plan(CheckOptions& options, const Token& token) noexcept {
  options.swarm = token.strategy == swarm_strategy;
  if ((!options.swarm && token.strategy >= sim::strategy_kinds) ||
      token.profile > static_cast<std::uint8_t>(sim::FaultProfile::heavy) ||
      token.grain > static_cast<std::uint8_t>(sim::GrainSetting::coarse)) {
    return false;
  }
  options.run.faults = static_cast<sim::FaultProfile>(token.profile);
  options.strategy = options.swarm ? sim::StrategyKind::portfolio : static_cast<sim::StrategyKind>(token.strategy);
  options.grain = static_cast<sim::GrainSetting>(token.grain);
  return true;
}

sim::RunOptions run_options_of(const CheckOptions& options, const Record& record) {
  CheckOptions campaign = options;
  (void)put_plan(campaign, record.token);
  sim::RunOptions run = campaign.swarm ? swarm_options(campaign, record.token.seed, record.token.run) : campaign.run;
  run.reduce = record.reduced;
  run.grain = record.grain;
  run.operations_max = record.operations_max;
  return run;
}

sim::Plan plan_of(const CheckOptions& options, std::uint64_t campaign_seed, std::uint64_t run) noexcept {
  return options.swarm ? swarm_plan(options, campaign_seed, run)
                       : sim::plan_of_run(options.strategy, options.grain, run);
}

std::string_view strategy_name(const CheckOptions& options) noexcept {
  return options.swarm ? "swarm" : sim::name_of(options.strategy);
}

Failure failure_of_run(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed,
                       std::uint64_t run) {
  Failure failure;
  failure.run = run;
  failure.record.test = property.name;
  failure.record.origin = origin_of_run(campaign_seed, run, options.commands_max);
  failure.record.operations_max = options.run.operations_max;
  failure.record.grain = plan_of(options, campaign_seed, run).grain;
  failure.record.token = token_of_run(property, options, campaign_seed, run);
  return failure;
}

RunNote note_run(Runs& runs, std::uint64_t run) {
  const sim::Outcome outcome = runs.make(run);
  RunNote note{.run = run,
               .steps = outcome.steps,
               .virtual_time = outcome.virtual_time,
               .trace_hash = outcome.trace_hash,
               .finding = outcome.finding,
               .differs = {},
               .sometimes = outcome.sometimes,
               .faults = outcome.faults,
               .lost = outcome.finding ? std::vector<sim::LostMessage>{} : outcome.lost};
  if (run == 0 && !outcome.finding) {
    const sim::Outcome again = runs.make(run);
    if (!is_same(outcome, again)) {
      note.differs = summary(again);
    } else if (runs.options().other_process == CheckOptions::OtherProcess::first_and_failing_run) {
      if (const auto difference = runs.compare_elsewhere(run, again)) note.differs = difference->detail;
    }
  }
  return note;
}

std::optional<Failure> investigate(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed,
                                   Runs& runs, const RunNote& note) {
  sim::Outcome first = runs.make(note.run, true);
  sim::Outcome second = runs.make(note.run, true);
  const bool is_repeated = is_same(first, second);
  const bool is_stable = is_repeated && is_same(note, first) && note.differs.empty();
  if (is_stable && !first.finding) return std::nullopt;

  Failure failure = failure_of_run(property, options, campaign_seed, note.run);
  failure.original_choices = count_choices(first.decisions).schedule;
  auto input = property.make_input(failure.record.origin);
  failure.original_input = input->describe();
  if (is_repeated) {
    if (auto difference = runs.compare_elsewhere(note.run, first)) {
      failure.finding = std::move(*difference);
      failure.input = failure.original_input;
      failure.outcome = std::move(first);
      return failure;
    }
  }
  if (is_stable) {
    shrink_failure(failure, property, options, std::move(input), std::move(first));
    if (options.explain && !failure.history.empty()) explain_failure(failure, property, options);
    return failure;
  }
  blame(failure, fmt::format("two executions of run {} differ", note.run), first, std::move(second));
  if (is_repeated) {  // but the one that was noted was another, perhaps in another process
    failure.finding.detail =
        fmt::format("first : {}\nsecond: {}", summary(note), note.differs.empty() ? summary(first) : note.differs);
  }
  return failure;
}

std::optional<Failure> investigate(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed,
                                   std::uint64_t run) {
  Runs runs{property, options, campaign_seed};
  const RunNote note = note_run(runs, run);
  return investigate(property, options, campaign_seed, runs, note);
}

std::unique_ptr<Input> input_of(const Property& property, const InputOrigin& origin,
                                const std::vector<std::size_t>& path) {
  auto input = property.make_input(origin);
  for (const std::size_t index : path) {
    if (input == nullptr) return nullptr;
    input = input->simpler(index);
  }
  return input;
}

void put_outcome(Record& record, const sim::Outcome& outcome) {
  record.reduced = outcome.reduced;
  record.decisions = outcome.decisions;
  record.steps = outcome.steps;
  record.trace_hash = outcome.trace_hash;
  record.told = tell_each_step(outcome);
  if (outcome.finding) record.finding = to_string(*outcome.finding);
}

sim::Outcome replay_record(const Property& property, const CheckOptions& options, const Record& record,
                           std::string& input_text, sim::Replay::Mode mode, const Execute& execute) {
  const auto input = input_of(property, record.origin, record.path);
  if (input == nullptr) {
    sim::Outcome outcome;
    outcome.divergence = input_is_gone;
    return outcome;
  }
  input_text = input->describe();
  sim::RunOptions run_options = run_options_of(options, record);
  run_options.record_events = true;
  const auto replay = [&] { return std::make_unique<sim::Replay>(record.decisions, mode); };
  return execute(property, *input, replay, run_options, false).outcome;
}

}  // namespace orrery::testkit
