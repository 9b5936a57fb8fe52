#include "orrery/testkit/loop.hpp"

#include "orrery/testkit/crash.hpp"
#include "orrery/testkit/workers.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <memory>

namespace orrery::testkit {

namespace {

using Clock = std::chrono::steady_clock;  // outside of the simulated world: it decides how many runs are made, no more

/// Where notes come from, in the order of the runs.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::optional<RunNote> next() = 0;
  /// Begins no further run.
  virtual void stop() = 0;
  virtual Runs& runs() = 0;
};

/// Dies with the token of the run that it was in.
class InThisProcess final : public Source {
 public:
  InThisProcess(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed, const Loop& loop)
      : property_{property},
        options_{options},
        seed_{campaign_seed},
        next_{std::min(loop.from.next_run, options.runs)},
        runs_{property, options, campaign_seed},
        watch_{property.name, loop.command} {}
  std::optional<RunNote> next() override {
    if (stopped_ || next_ == options_.runs) return std::nullopt;
    watch_.enter(token_of_run(property_, options_, seed_, next_));
    return note_run(runs_, next_++);
  }
  void stop() override { stopped_ = true; }
  Runs& runs() override { return runs_; }

 private:
  const Property& property_;
  const CheckOptions& options_;
  std::uint64_t seed_;
  std::uint64_t next_;
  bool stopped_ = false;
  Runs runs_;
  TokenWatch watch_;
};

class InWorkers final : public Source, private NoteMaker {
 public:
  InWorkers(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed, const Loop& loop,
            std::function<void()> on_wait)
      : runs_{property, options, campaign_seed},
        on_wait_{std::move(on_wait)},
        workers_{loop.jobs, *this, std::min(loop.from.next_run, options.runs), options.runs} {}
  std::optional<RunNote> next() override { return workers_.next(on_wait_); }
  void stop() override { workers_.stop(); }
  Runs& runs() override { return runs_; }

 private:
  RunNote make(std::uint64_t run, std::atomic<std::uint64_t>& where) override {
    runs_.tell(where);
    return note_run(runs_, run);
  }
  void leave_out(std::uint64_t run) override { runs_.leave_out(run); }

  Runs runs_;  // never made in this process: a worker begins with what its parent knows
  std::function<void()> on_wait_;
  Workers workers_;
};

sim::Finding finding_of(const RunNote& note) {
  if (note.finding) return *note.finding;
  return {
      .kind = sim::FindingKind::non_determinism, .name = "two executions of a run differ", .detail = {}, .file = {}};
}

/// Returns: "teller" of "teller#12".
std::string_view without_number(std::string_view path) {
  const auto at = path.rfind('#');
  return at == std::string_view::npos || path.find('/', at) != std::string_view::npos ? path : path.substr(0, at);
}

bool is_same_kind(const sim::LostMessage& a, const sim::LostMessage& b) {
  return a.type == b.type && a.fault == b.fault && without_number(a.to) == without_number(b.to) &&
         without_number(a.from) == without_number(b.from);
}

void add_lost(std::vector<LostKind>& kinds, const RunNote& note) {
  for (const sim::LostMessage& message : note.lost) {
    auto kind = std::ranges::find_if(kinds, [&](const LostKind& one) { return is_same_kind(one.first, message); });
    if (kind == kinds.end()) {
      if (kinds.size() == lost_kinds_max) continue;
      kind = kinds.insert(kind, {.first = message, .first_run = note.run});
    }
    ++kind->count;
    if (kind->runs == 0 || kind->last_run != note.run) ++kind->runs;
    kind->last_run = note.run;
  }
}

}  // namespace

std::pair<const Group*, bool> Progress::add(const RunNote& note) {
  next_run = note.run + 1;
  steps += note.steps;
  if (virtual_time <= Duration::max() - note.virtual_time) virtual_time += note.virtual_time;
  std::vector<std::string_view> counted;  // one name counts once a run
  for (const auto& [name, held] : note.sometimes) {
    auto known = std::ranges::find(sometimes, name, &std::pair<std::string, std::uint64_t>::first);
    if (known == sometimes.end()) known = sometimes.insert(known, {name, 0});
    if (!held || std::ranges::find(counted, name) != counted.end()) continue;
    counted.push_back(name);
    ++known->second;
  }
  for (const sim::FaultCount& fault : note.faults) {
    auto known = std::ranges::find(faults, fault.name, &sim::FaultCount::name);
    if (known == faults.end()) known = faults.insert(known, {.name = fault.name});
    known->armed += fault.armed;
    known->fired += fault.fired;
    known->effects += fault.effects;
  }
  if (!note.failed()) {
    add_lost(lost, note);
    return {nullptr, false};
  }
  sim::Finding finding = finding_of(note);
  const auto group =
      std::ranges::find_if(groups, [&](const Group& one) { return is_same_failure(one.finding, finding); });
  if (group != groups.end()) {
    ++group->count;
    return {&*group, false};
  }
  groups.push_back({.finding = std::move(finding), .first_run = note.run, .count = 1});
  return {&groups.back(), true};
}

LoopResult run_loop(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed,
                    const Loop& loop) {
  LoopResult result;
  Progress& progress = result.progress;
  progress = loop.from;
  const Clock::time_point began = Clock::now();
  std::unique_ptr<Source> source;
  const auto look_up = [&] {
    if (result.ended == Ended::all_made && loop.is_interrupted()) result.ended = Ended::interrupted;
    if (result.ended == Ended::all_made && loop.time && Clock::now() - began >= *loop.time) {
      result.ended = Ended::out_of_time;
    }
    if (result.ended != Ended::all_made && source != nullptr) source->stop();
    loop.on_progress(progress);
  };
  const bool apart = loop.jobs > 1 || loop.isolate;
  if (apart) {
    source = std::make_unique<InWorkers>(property, options, campaign_seed, loop, look_up);
  } else {
    source = std::make_unique<InThisProcess>(property, options, campaign_seed, loop);
  }
  while (const std::optional<RunNote> note = source->next()) {
    const auto [group, is_new] = progress.add(*note);
    if (group != nullptr && (is_new || !loop.explore)) {
      std::optional<Failure> failure;
      if (note->finding && note->finding->kind == sim::FindingKind::crash) {
        failure = investigate_crash(property, options, campaign_seed, source->runs(), *note);
      } else if (apart) {
        failure = investigate_apart(property, options, campaign_seed, source->runs(), *note);
      } else {
        failure = investigate(property, options, campaign_seed, source->runs(), *note);
      }
      if (failure && !loop.explore) {
        result.failure = std::move(failure);
        result.ended = Ended::failed;
        break;
      }
      if (failure) loop.on_group(*failure);
      if (loop.explore && loop.stop_after != 0 && progress.groups.size() >= loop.stop_after) {
        result.ended = Ended::failed;
        break;
      }
    }
    look_up();
  }
  return result;
}

CampaignResult run_campaign(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed) {
  LoopResult made = run_loop(property, options, campaign_seed, {});
  return {.seed = campaign_seed,
          .runs = made.progress.next_run,
          .steps = made.progress.steps,
          .virtual_time = made.progress.virtual_time,
          .failure = std::move(made.failure),
          .sometimes = std::move(made.progress.sometimes)};
}

}  // namespace orrery::testkit
