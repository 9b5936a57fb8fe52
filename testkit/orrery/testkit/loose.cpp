#include "orrery/testkit/loose.hpp"

#include "orrery/core/hash.hpp"
#include "orrery/sim/strategies/follow.hpp"
#include "orrery/testkit/assertions.hpp"
#include "orrery/testkit/build_id.hpp"
#include "orrery/testkit/detail/op_text.hpp"
#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace orrery::testkit {

namespace {

/// How far stalls are moved, in operations, to find the failure again.
constexpr std::int64_t shift_max = 24;

/// Returns: a finding as a record has it, without what changes from run to run.
std::string essence(std::string_view finding) {
  std::string out;
  for (const char c : finding) {
    if (c >= '0' && c <= '9') continue;
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

bool is_recorded(const sim::Outcome& outcome, const Record& record) {
  if (!outcome.finding) return false;
  return essence(to_string(*outcome.finding)) == essence(record.finding);
}

const std::uint64_t stall = hash_text("stall");

/// Returns: how many stalls there are.
std::uint64_t stalls_in(const std::vector<sim::Deviations::Drawn>& faults) {
  const auto is_count = [](const auto& fault) { return fault.stream == stall && fault.counter == 0; };
  const auto at = std::ranges::find_if(faults, is_count);
  return at == faults.end() ? 0 : at->value;
}

/// Returns: the faults with every stall moved, or nothing when one would come before the first operation.
std::optional<std::vector<sim::Deviations::Drawn>> moved(std::vector<sim::Deviations::Drawn> faults, std::int64_t by) {
  const std::uint64_t count = stalls_in(faults);
  for (std::uint64_t counter = 1; counter <= count; ++counter) {
    const auto is_it = [&](const auto& fault) { return fault.stream == stall && fault.counter == counter; };
    auto one = std::ranges::find_if(faults, is_it);
    if (one == faults.end()) one = faults.insert(faults.end(), {stall, counter, 0});
    const std::int64_t at = static_cast<std::int64_t>(one->value) + by;
    if (at < 0) return std::nullopt;
    one->value = static_cast<std::uint64_t>(at);
  }
  return faults;
}

struct Run {
  sim::Outcome outcome;
  sim::Followed notes;
  sim::FollowDeviations::Lost lost;
};

/// Returns: whether the record was written by something that knew no names, as a process does that dies.
bool is_nameless(const Record& record) {
  const auto is_uncalm = [](const sim::Decision& decision) { return decision.index != 0; };
  return record.deviations == sim::Deviations{} && std::ranges::any_of(record.decisions, is_uncalm);
}

Run follow(const Property& property, const Input& input, const sim::Deviations& deviations,
           const sim::RunOptions& options) {
  Run run;
  run.outcome = run_once([&](sim::World& world) { property.body(world, input); },
                         [&] {
                           auto strategy = std::make_unique<sim::FollowDeviations>(deviations, &run.lost);
                           return std::make_unique<sim::Noting>(std::move(strategy), run.notes, true);
                         },
                         options);
  return run;
}

Failure failure_of(const LooseReplay& replay, Run run, const Record& record, const Input& input) {
  Failure failure;
  failure.finding = *replay.outcome.finding;
  failure.outcome = replay.outcome;
  failure.input = failure.original_input = input.describe();
  failure.run = record.token.run;
  failure.original_choices = count_choices(replay.outcome.decisions).schedule;
  failure.record = record;
  put_outcome(failure.record, replay.outcome);
  failure.record.build = build_id();
  failure.record.held_names = detail::names_of_held(run.notes, replay.outcome.events);
  failure.record.deviations = std::move(run.notes.deviations);
  return failure;
}

}  // namespace

LooseReplay replay_loosely(const Property& property, const CheckOptions& options, const Record& record) {
  LooseReplay replay;
  const auto input = input_of(property, record.origin, record.path);
  if (input == nullptr) {
    replay.problem = input_is_gone;
    return replay;
  }
  sim::RunOptions run_options = run_options_of(options, record);
  run_options.record_events = true;

  sim::Deviations deviations = record.deviations;
  if (is_nameless(record)) {
    std::string input_text;
    replay.outcome = replay_record(property, options, record, input_text, sim::Replay::Mode::lenient);
    replay.is_same = is_recorded(replay.outcome, record);
    replay.by_name = false;
    if (replay.outcome.finding) replay.failure = failure_of(replay, {}, record, *input);
    return replay;
  }
  Run run = follow(property, *input, deviations, run_options);
  const bool has_stalls = stalls_in(deviations.faults) != 0;
  for (std::int64_t by = 1; by <= shift_max && has_stalls && !is_recorded(run.outcome, record); ++by) {
    for (const std::int64_t shift : {by, -by}) {
      auto faults = moved(record.deviations.faults, shift);
      if (!faults) continue;
      deviations.faults = std::move(*faults);
      Run other = follow(property, *input, deviations, run_options);
      if (!is_recorded(other.outcome, record)) continue;
      replay.stalls_moved = shift;
      run = std::move(other);
      break;
    }
  }

  replay.is_same = is_recorded(run.outcome, record);
  const auto& [held, draws, faults] = record.deviations;
  replay.deviations = held.size() + draws.size() + faults.size();
  replay.lost = run.lost.held.size() + run.lost.draws.size() + run.lost.faults.size();
  if (!run.lost.held.empty()) {
    const std::size_t first = run.lost.held.front();
    replay.first_lost = first < record.held_names.size() ? record.held_names[first] : "something that was held back";
  } else if (!run.lost.draws.empty()) {
    const auto& [stream, counter, value] = draws[run.lost.draws.front()];
    replay.first_lost = fmt::format("draw number {} of stream {:016x}", counter + 1, stream);
  } else if (!run.lost.faults.empty()) {
    const auto& [stream, counter, value] = faults[run.lost.faults.front()];
    replay.first_lost = fmt::format("answer number {} about fault {:016x}", counter + 1, stream);
  }
  replay.outcome = std::move(run.outcome);
  if (replay.outcome.finding) replay.failure = failure_of(replay, std::move(run), record, *input);
  return replay;
}

std::string describe(const LooseReplay& replay) {
  if (replay.problem) return *replay.problem;
  std::string out = "by place, since the record has no names";
  if (replay.by_name) {
    out = fmt::format("by name, {} of {} followed", replay.deviations - replay.lost,
                      count_of(replay.deviations, "deviation"));
  }
  if (replay.first_lost) out += fmt::format("; the first without a place: {}", *replay.first_lost);
  if (replay.stalls_moved != 0) out += fmt::format("; stalls moved by {} operations", replay.stalls_moved);
  if (!replay.outcome.finding) return out + "; nothing is found any more";
  if (replay.is_same) return out + fmt::format("; the same finding ({})", count_of(replay.outcome.steps, "step"));
  return out + "; another finding: " + to_string(*replay.outcome.finding);
}

}  // namespace orrery::testkit
