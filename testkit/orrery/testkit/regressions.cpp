#include "orrery/testkit/regressions.hpp"

#include "orrery/testkit/diverged.hpp"
#include "orrery/testkit/loose.hpp"
#include "orrery/testkit/text.hpp"
#include "orrery/testkit/workers.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

namespace orrery::testkit {

namespace {

std::vector<std::string> records_in(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator{folder, error}) {
    if (entry.path().extension() == ".orrery") paths.push_back(entry.path().string());
  }
  std::ranges::sort(paths);
  return paths;
}

/// A record of a crash may crash: it is tried in a process of its own. Returns: the failure when it does.
std::optional<Failure> crash_again(const Property& property, const CheckOptions& options, const Record& record) {
  const Made made = make_in_a_process(
      [&] {
        std::string input;
        (void)replay_record(property, options, record, input);
        return std::string{};
      },
      [](std::string_view) { return std::string{}; });
  if (made.result) return std::nullopt;
  Failure failure;
  failure.run = record.token.run;
  failure.record = record;
  failure.finding = {.kind = sim::FindingKind::crash,
                     .name = made.died_of,
                     .detail = fmt::format("the kept record {} crashes still", record.finding),
                     .file = {}};
  failure.outcome.finding = failure.finding;
  return failure;
}

}  // namespace

Failure failure_of_replay(const Record& record, const sim::Outcome& outcome, const std::string& input) {
  Failure failure;
  failure.finding = *outcome.finding;
  failure.run = record.token.run;
  failure.original_choices = count_choices(record.decisions).schedule;
  failure.input = failure.original_input = input;
  failure.record = record;
  failure.record.decisions = outcome.decisions;
  failure.record.reduced = outcome.reduced;
  failure.record.steps = outcome.steps;
  failure.record.trace_hash = outcome.trace_hash;
  failure.record.told = tell_each_step(outcome);
  failure.outcome = outcome;
  return failure;
}

Replayed replay_kept(const Property& property, const CheckOptions& options, const std::string& folder) {
  Replayed replayed;
  for (const std::string& path : records_in(folder)) {
    const auto text = read_file(path);
    const auto record = text ? parse_record(*text) : std::unexpected(text.error());
    if (!record) {
      replayed.bad_file = fmt::format("{}: {}", path, record.error());
      return replayed;
    }
    const std::string token = to_string(record->token);
    if (record->test != property.name) {
      replayed.lines.push_back(fmt::format("kept failure {} belongs to {} and is left out", path, record->test));
      continue;
    }
    if (record->finding.starts_with(sim::headline(sim::FindingKind::crash))) {
      if ((replayed.failure = crash_again(property, options, *record))) return replayed;
    }
    std::string input;
    sim::Outcome outcome = replay_record(property, options, *record, input);
    const bool fits = is_run_of(outcome, *record);
    std::string misfit = fits ? std::string{} : where_it_diverged(*record, outcome);
    if (!fits && !outcome.finding) {
      LooseReplay loose = replay_loosely(property, options, *record);
      misfit += "; " + describe(loose);
      if (loose.failure) {
        replayed.lines.push_back(
            fmt::format("replayed a kept failure: {} fails still (the record no longer fits: {})", token, misfit));
        replayed.fits = false;
        replayed.failure = std::move(loose.failure);
        return replayed;
      }
    }
    if (outcome.finding) {
      replayed.lines.push_back(fmt::format("replayed a kept failure: {} fails still{}", token,
                                           fits ? "" : " (the record no longer fits: " + misfit + ")"));
      replayed.fits = fits;
      replayed.failure = failure_of_replay(*record, outcome, input);
      return replayed;
    }
    replayed.lines.push_back(fits ? fmt::format("replayed a kept failure: {} passes now", token)
                                  : fmt::format("kept failure {} no longer fits: {}", token, misfit));
  }
  return replayed;
}

}  // namespace orrery::testkit
