#include "orrery/testkit/campaign.hpp"

#include "orrery/core/entropy.hpp"
#include "orrery/testkit/shrink.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace orrery::testkit {

namespace {

sim::Body bind(const Property& property, const Input& input) {
  return [&](sim::World& world) { property.body(world, input); };
}

sim::MakeStrategy random_walk(std::uint64_t run_seed) {
  return [run_seed] { return std::make_unique<sim::RandomWalk>(mix64(run_seed + 1)); };
}

sim::Finding non_determinism(const sim::Outcome& first, const sim::Outcome& second, std::uint64_t run) {
  std::size_t at = 0;
  const std::size_t shorter = std::min(first.events.size(), second.events.size());
  const auto text = [&](const sim::Outcome& outcome) {
    return at < outcome.events.size() ? sim::to_string(outcome.events[at]) : std::string{"(nothing)"};
  };
  while (at < shorter && sim::to_string(first.events[at]) == sim::to_string(second.events[at])) ++at;
  return {.kind = sim::FindingKind::non_determinism,
          .name = fmt::format("two executions of run {} differ", run),
          .detail = fmt::format("after {} equal events: first {}; second {}", at, text(first), text(second)),
          .file = {}};
}

}  // namespace

std::uint64_t seed_of_run(std::uint64_t campaign_seed, std::uint64_t run) noexcept {
  return draw(campaign_seed, hash_text("run"), run);
}

InputOrigin origin_of_run(std::uint64_t campaign_seed, std::uint64_t run, int commands_max) noexcept {
  // Small inputs first, since they make the best reports; then every size again and again. Numbers grow faster than
  // lists, so that a few commands can already carry large ones.
  const auto sizes = static_cast<std::uint64_t>(commands_max) + 1;
  const int commands = static_cast<int>(run % sizes);
  const int values = commands_max <= 0 ? 100 : std::min(100, 5 + 200 * commands / commands_max);
  return {.seed = seed_of_run(campaign_seed, run), .commands = commands, .values = values};
}

sim::Outcome make_run(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed,
                      std::uint64_t run, bool record_events) {
  const std::uint64_t seed = seed_of_run(campaign_seed, run);
  const auto input = property.make_input(origin_of_run(campaign_seed, run, options.commands_max));
  sim::RunOptions run_options = options.run;
  run_options.record_events = record_events;
  return sim::execute(bind(property, *input), random_walk(seed), run_options);
}

std::optional<Failure> investigate(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed,
                                   std::uint64_t run) {
  sim::Outcome first = make_run(property, options, campaign_seed, run, true);
  const sim::Outcome second = make_run(property, options, campaign_seed, run, true);
  if (first.trace_hash == second.trace_hash && !first.finding) return std::nullopt;

  Failure failure;
  failure.run = run;
  failure.original_choices = first.decisions.size();
  failure.original_uncalm = uncalm_choices(first.decisions);
  auto input = property.make_input(origin_of_run(campaign_seed, run, options.commands_max));
  failure.original_input = input->describe();
  failure.record.test = property.name;
  failure.record.origin = origin_of_run(campaign_seed, run, options.commands_max);
  failure.record.token = {.seed = campaign_seed,
                          .run = run,
                          .profile = static_cast<std::uint8_t>(options.run.faults),
                          .test_hash = hash_of_test(property.name)};
  if (first.trace_hash != second.trace_hash) {
    failure.finding = non_determinism(first, second, run);
    failure.input = failure.original_input;
    failure.outcome = std::move(first);
  } else {
    ShrinkResult shrunk = shrink(property, options, failure.record.origin, std::move(input), std::move(first));
    failure.finding = *shrunk.outcome.finding;
    failure.input = shrunk.input->describe();
    failure.outcome = std::move(shrunk.outcome);
    failure.record.path = std::move(shrunk.path);
    failure.record.origin = shrunk.origin;
    failure.shrink_runs = shrunk.runs;
    failure.shrink_steps = shrunk.steps;
  }
  failure.uncalm = uncalm_choices(failure.outcome.decisions);
  failure.record.reduced = failure.outcome.reduced;
  failure.record.decisions = failure.outcome.decisions;
  failure.record.steps = failure.outcome.steps;
  failure.record.trace_hash = failure.outcome.trace_hash;
  failure.record.finding = fmt::format("{} \"{}\"", sim::headline(failure.finding.kind), failure.finding.name);
  return failure;
}

CampaignResult run_campaign(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed) {
  CampaignResult result;
  result.seed = campaign_seed;
  for (std::uint64_t run = 0; run < options.runs; ++run) {
    const sim::Outcome outcome = make_run(property, options, campaign_seed, run, false);
    ++result.runs;
    result.steps += outcome.steps;
    result.virtual_time += outcome.virtual_time;
    for (const auto& [name, hit] : outcome.sometimes) {
      auto at = std::ranges::find(result.sometimes, name, &std::pair<std::string, std::uint64_t>::first);
      if (at == result.sometimes.end()) at = result.sometimes.insert(result.sometimes.end(), {name, 0});
      at->second += hit ? 1 : 0;
    }
    const bool repeat = run == 0 && !outcome.finding;
    const bool repeats_itself =
        !repeat || make_run(property, options, campaign_seed, run, false).trace_hash == outcome.trace_hash;
    if (!outcome.finding && repeats_itself) continue;
    result.failure = investigate(property, options, campaign_seed, run);
    if (!result.failure) {
      // It failed (or differed) once and did not do so again.
      result.failure.emplace();
      result.failure->run = run;
      result.failure->finding = {.kind = sim::FindingKind::non_determinism,
                                 .name = fmt::format("run {} failed once and then passed", run),
                                 .detail = outcome.finding ? outcome.finding->name : std::string{},
                                 .file = {}};
    }
    break;
  }
  return result;
}

sim::Outcome replay_record(const Property& property, const CheckOptions& options, const Record& record,
                           std::string& input_text) {
  auto input = property.make_input(record.origin);
  for (const std::size_t index : record.path) {
    auto child = input->simpler(index);
    if (child == nullptr) {
      sim::Outcome outcome;
      outcome.divergence = "the recorded input does not exist any more: its type or generator has changed";
      return outcome;
    }
    input = std::move(child);
  }
  input_text = input->describe();
  sim::RunOptions run_options = options.run;
  run_options.record_events = true;
  run_options.reduce = record.reduced;
  run_options.faults = static_cast<sim::FaultProfile>(record.token.profile);
  return sim::execute(bind(property, *input), [&] {
    return std::make_unique<sim::Replay>(record.decisions, sim::Replay::Mode::strict);
  }, run_options);
}

}  // namespace orrery::testkit
